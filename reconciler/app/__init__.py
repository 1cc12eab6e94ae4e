"""The composition root: the one package that knows kinds, engine and embedded server."""

from __future__ import annotations

from reconciler.app.applying import Application, apply_plan, read_plan
from reconciler.app.chains import ChainedPlan, Place, place_in, place_of, read_plans, uncovered
from reconciler.app.comparison import Request, live_catalog, make_plan, observer, pull
from reconciler.app.discovery import registry
from reconciler.app.files import Written, schema_files, write_schema, write_text
from reconciler.app.local import embedded_url, local_folder
from reconciler.app.policy import Policy

__all__ = [
    "Application",
    "ChainedPlan",
    "Place",
    "Policy",
    "Request",
    "Written",
    "apply_plan",
    "embedded_url",
    "live_catalog",
    "local_folder",
    "make_plan",
    "observer",
    "place_in",
    "place_of",
    "pull",
    "read_plan",
    "read_plans",
    "registry",
    "schema_files",
    "uncovered",
    "write_schema",
    "write_text",
]
