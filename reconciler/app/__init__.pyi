from .acking import Acked, acknowledge
from .adopting import Adopted, Adoption, Left, adopt, leave_alone
from .applying import Application, apply_plan, read_plan
from .approving import (
    Approval,
    Requirement,
    Saved,
    approval_of,
    require_approval,
    signature_path,
    uncovered_plans,
)
from .auditing import AUDITORS, Opinion, fresh_build, opinion
from .chaincheck import CheckedChain, check_chain
from .chains import ChainedPlan, Place, place_in, place_of, read_plans, saved_as, uncovered
from .checking import Checked, check
from .codeowners import CodeOwners, Owners, owners_of
from .comparison import Compared, Request, live_catalog, observer, pull
from .demo import Edit, Stage, add_column, set_stage
from .discovery import registry
from .files import Written, schema_files, write_schema, write_text
from .jsonschema import json_schema
from .local import embedded_url, local_folder
from .once import require_unused
from .planning import make_plan
from .policy import Policy
from .proving import prove
from .pulling import Pulled, pull_into
from .renewing import renew
from .revisions import is_at
from .saving import save_baseline, save_live, save_plan
from .scaffolding import scaffold
from .squashing import squash
from .standing import Moved, Status, drift, heads, history, run_data, status
from .statename import Folder, InChain, Live, Nothing, Revision, State, Stored
from .states import compare_from, difference, prove_from
from .undoing import Undone, undo
from .waiting import Goal, missing

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
    "Nothing",
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
    "heads",
    "history",
    "is_at",
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
    "require_unused",
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
