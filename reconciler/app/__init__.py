"""The composition root: the one package that knows kinds, engine and embedded server."""

from __future__ import annotations

from reconciler.app.acking import Acked, acknowledge
from reconciler.app.adopting import Adopted, Adoption, Left, adopt, leave_alone
from reconciler.app.applying import Application, apply_plan, read_plan
from reconciler.app.approving import (
    Approval,
    Requirement,
    Saved,
    approval_of,
    require_approval,
    signature_path,
    uncovered_plans,
)
from reconciler.app.auditing import AUDITORS, Opinion, fresh_build, opinion
from reconciler.app.chaincheck import CheckedChain, check_chain
from reconciler.app.chains import ChainedPlan, Place, place_in, place_of, read_plans, saved_as, uncovered
from reconciler.app.checking import Checked, check
from reconciler.app.codeowners import CodeOwners, Owners, owners_of
from reconciler.app.comparison import Compared, Request, live_catalog, make_plan, observer, pull
from reconciler.app.demo import Edit, Stage, add_column, set_stage
from reconciler.app.discovery import registry
from reconciler.app.files import Written, schema_files, write_schema, write_text
from reconciler.app.jsonschema import json_schema
from reconciler.app.local import embedded_url, local_folder
from reconciler.app.policy import Policy
from reconciler.app.proving import prove
from reconciler.app.pulling import Pulled, pull_into
from reconciler.app.renewing import renew
from reconciler.app.saving import save_baseline, save_live, save_plan
from reconciler.app.scaffold import scaffold
from reconciler.app.squashing import squash
from reconciler.app.statename import Folder, InChain, Live, Revision, State, Stored
from reconciler.app.states import compare_from, difference, prove_from
from reconciler.app.status import Moved, Status, drift, history, run_data, status
from reconciler.app.undoing import Undone, undo
from reconciler.app.waiting import Goal, missing

__all__ = [
    "AUDITORS",
    "Acked",
    "Adopted",
    "Adoption",
    "Application",
    "Approval",
    "ChainedPlan",
    "Checked",
    "CheckedChain",
    "CodeOwners",
    "Compared",
    "Edit",
    "Folder",
    "Goal",
    "InChain",
    "Left",
    "Live",
    "Moved",
    "Opinion",
    "Owners",
    "Place",
    "Policy",
    "Pulled",
    "Request",
    "Requirement",
    "Revision",
    "Saved",
    "Stage",
    "State",
    "Status",
    "Stored",
    "Undone",
    "Written",
    "acknowledge",
    "add_column",
    "adopt",
    "apply_plan",
    "approval_of",
    "check",
    "check_chain",
    "compare_from",
    "difference",
    "drift",
    "embedded_url",
    "fresh_build",
    "history",
    "json_schema",
    "leave_alone",
    "live_catalog",
    "local_folder",
    "make_plan",
    "missing",
    "observer",
    "opinion",
    "owners_of",
    "place_in",
    "place_of",
    "prove",
    "prove_from",
    "pull",
    "pull_into",
    "read_plan",
    "read_plans",
    "registry",
    "renew",
    "require_approval",
    "run_data",
    "save_baseline",
    "save_live",
    "save_plan",
    "saved_as",
    "scaffold",
    "schema_files",
    "set_stage",
    "signature_path",
    "squash",
    "status",
    "uncovered",
    "uncovered_plans",
    "undo",
    "write_schema",
    "write_text",
]
