"""The controller: a loop that keeps looking whether databases are as a mounted directory declares them.

It reads a directory and speaks to PostgreSQL; it knows nothing of Kubernetes. What it does to a database it
does by the functions that `reconcile apply` calls.
"""

from __future__ import annotations

from reconciler.controller.environment import Heal, Mode
from reconciler.controller.logs import LogFormat
from reconciler.controller.serving import Options, serve
from reconciler.controller.snapshot import Wanted

__all__ = ["Heal", "LogFormat", "Mode", "Options", "Wanted", "serve"]
