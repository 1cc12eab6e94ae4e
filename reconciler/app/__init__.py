"""The composition root: the one package that knows kinds, engine and embedded server."""

from __future__ import annotations

from reconciler.app.adopting import Adopted, adopt
from reconciler.app.applying import Application, apply_plan, read_plan
from reconciler.app.auditing import AUDITORS, Opinion, fresh_build, opinion
from reconciler.app.chains import ChainedPlan, Place, place_in, place_of, read_plans, uncovered
from reconciler.app.checking import Checked, check
from reconciler.app.comparison import Request, live_catalog, make_plan, observer, pull
from reconciler.app.demo import Edit, Stage, add_column, set_stage
from reconciler.app.discovery import registry
from reconciler.app.files import Written, schema_files, write_schema, write_text
from reconciler.app.jsonschema import json_schema
from reconciler.app.local import embedded_url, local_folder
from reconciler.app.policy import Policy
from reconciler.app.proving import prove
from reconciler.app.pulling import Pulled, pull_into
from reconciler.app.scaffold import scaffold
from reconciler.app.states import difference
from reconciler.app.status import Moved, Status, drift, history, run_data, status

__all__ = [
    "AUDITORS",
    "Adopted",
    "Application",
    "ChainedPlan",
    "Checked",
    "Edit",
    "Moved",
    "Opinion",
    "Place",
    "Policy",
    "Pulled",
    "Request",
    "Stage",
    "Status",
    "Written",
    "add_column",
    "adopt",
    "apply_plan",
    "check",
    "difference",
    "drift",
    "embedded_url",
    "fresh_build",
    "history",
    "json_schema",
    "live_catalog",
    "local_folder",
    "make_plan",
    "observer",
    "opinion",
    "place_in",
    "place_of",
    "prove",
    "pull",
    "pull_into",
    "read_plan",
    "read_plans",
    "registry",
    "run_data",
    "scaffold",
    "schema_files",
    "set_stage",
    "status",
    "uncovered",
    "write_schema",
    "write_text",
]
