"""The composition root: the one package that knows kinds, engine and embedded server."""

from __future__ import annotations

from reconciler.app.comparison import Request, live_catalog, make_plan, observer, pull
from reconciler.app.discovery import registry

__all__ = ["Request", "live_catalog", "make_plan", "observer", "pull", "registry"]
