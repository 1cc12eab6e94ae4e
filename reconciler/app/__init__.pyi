from .adoption.adopt import Adopted, Adoption, Left, adopt, leave_alone
from .adoption.pull import Pulled, pull_into
from .adoption.scaffold import scaffold
from .approval.acknowledge import Acked, acknowledge
from .approval.code_owners import CodeOwners, Owners, owners_of
from .approval.policy import Policy
from .approval.requirement import (
    Approval,
    Requirement,
    approval_of,
    require_approval,
    signature_path,
    uncovered_plans,
)
from .approval.single_use import require_unused
from .chain.check import CheckedChain, check_chain
from .chain.renew import renew
from .chain.save import save_baseline, save_live, save_plan
from .chain.squash import squash
from .chain.undo import Undone, undo
from .checks.second_opinion import AUDITORS, Opinion, fresh_build, opinion
from .checks.validate import Checked, check
from .demo import Edit, Stage, add_column, set_stage
from .files import Written, schema_files, write_schema, write_text
from .kind_discovery import registry
from .planning.comparison import Compared, Request, live_catalog, observer, pull
from .planning.make_plan import make_plan
from .planning.proof import prove
from .plans.plan_files import Saved, read_plan
from .plans.target_chain import ChainedPlan, Place, place_in, place_of, read_plans, saved_as, uncovered
from .reference.json_schema import json_schema
from .run.apply import Application, apply_plan
from .run.target_status import Moved, Status, drift, heads, history, run_data, status
from .run.wait import Goal, missing
from .servers.local_server import embedded_url, local_folder
from .states.git_revisions import is_at
from .states.state_comparison import compare_from, difference, prove_from
from .states.state_name import Folder, InChain, Live, Nothing, Revision, State, Stored

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
