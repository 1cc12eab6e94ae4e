"""What each code of a finding means and how to go on, for the reports that explain themselves."""

from __future__ import annotations

from reconciler.core.dataclass import dataclass
from reconciler.core.statement import HazardCode
from reconciler.report.finding import Severity

UNMODELLED = "unmodelled"
NOTED = "noted"
TAKEN_BACK = "taken_back"
ONCE_MORE = "once_more"
DRIFT = "drift"

_ALLOW = (
    "Allow it under `acks` in the plan file, with a reason, or with `--allow CODE:object`; or change what is"
    " declared and plan again."
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A sort of finding."""

    code: str
    title: str
    """A few words."""
    meaning: str
    help: str
    """How to go on; Markdown, though it reads as plain text too."""
    severity: Severity = Severity.ERROR
    """What it is unless a finding says otherwise."""
    is_security: bool = False


def _hazard(code: HazardCode, title: str, meaning: str, help: str) -> Rule:
    is_blocking = code in (HazardCode.DATA_LOSS, HazardCode.POSSIBLE_RENAME)
    severity = Severity.ERROR if is_blocking else Severity.WARNING
    return Rule(code.value, title, meaning, help, severity, code is HazardCode.ACCESS_CHANGE)


_HAZARDS = (
    _hazard(
        HazardCode.DATA_LOSS,
        "Deletes data",
        "Rows or values are gone for good.",
        f"Make sure that nobody needs what goes, and that a backup holds it. {_ALLOW}",
    ),
    _hazard(
        HazardCode.POSSIBLE_RENAME,
        "May be a rename",
        "Something goes and something alike comes. As it stands, what the old one holds is lost.",
        "Say which it is: `transition: {rename_from: OLD}` on the new one keeps what it holds, "
        f"`transition: {{not_renamed: true}}` says that it is new. {_ALLOW}",
    ),
    _hazard(
        HazardCode.TABLE_REWRITE,
        "Rewrites the table",
        "The table is written anew, and nobody else gets at it meanwhile.",
        'Apply it when few use the table, or hold it back for large tables with `approve: {lock: "table < '
        '100 MB"}` in reconcile.yaml. `reconcile explain PLAN STEP` tells which locks are held, and for '
        "how long.",
    ),
    _hazard(
        HazardCode.TABLE_SCAN,
        "Reads the whole table",
        "The table is read in full while writers wait.",
        "Apply it when few write to the table. `reconcile explain PLAN STEP` tells which locks are held.",
    ),
    _hazard(
        HazardCode.MAY_FAIL,
        "Can fail",
        "Existing rows can make the statement fail. Nothing is lost then.",
        "Look for rows that break the rule and mend them first. `reconcile plan --prove` tries the plan on "
        "a clone with made-up rows.",
    ),
    _hazard(
        HazardCode.ACCESS_CHANGE,
        "Changes who has access",
        "Who may read or write what is different afterwards.",
        "Have it looked at by whoever answers for access to the data.",
    ),
    _hazard(
        HazardCode.APPLICATION_BREAK,
        "Can break applications",
        "Statements of a running application can start to fail.",
        "Deploy an application that works with both states first.",
    ),
    _hazard(
        HazardCode.VALIDATION_LOST,
        "Stops checking rows",
        "Rows that the database guaranteed so far are no longer checked.",
        "Make sure that whatever writes the rows checks them by itself.",
    ),
    _hazard(
        HazardCode.OUTDATED,
        "Leaves stored values as they were",
        "What a function gave before is stored, in an index or a generated column, and does not follow.",
        "Where the function gives something else for the same arguments, have that worked out anew: the "
        "hazard says how.",
    ),
    _hazard(
        HazardCode.SETTINGS_DEPENDENT,
        "Depends on the time zone or date style",
        "Values are converted by the TimeZone and DateStyle of the database and the role that applies it.",
        "Name the zone or the format in `transition: {using: ...}`, or check what the database has: "
        "SHOW timezone, SHOW datestyle.",
    ),
)

_OTHERS = (
    Rule(
        "invalid_input",
        "Invalid input",
        "A file of YAML or a plan file is wrong.",
        "Mend it where it is marked. `reconcile check` tells all problems at once; docs/format.md tells "
        "what a file may hold.",
    ),
    Rule(
        "blocked",
        "Blocked",
        "A hazard without consent, a policy or a gate holds it back.",
        "Read what is asked for: consent is given with `acks` or `--allow`, rules are under `approve` in "
        "reconcile.yaml.",
    ),
    Rule(
        "stale",
        "Stale",
        "The database is at neither end of the plan: it has moved on since.",
        "Plan again.",
    ),
    Rule(
        "not_approved",
        "Not approved",
        "An approval or signature is missing or wrong.",
        "Have the plan approved or signed, as the target's `require` asks.",
    ),
    Rule(
        UNMODELLED,
        "Not looked at",
        "The database holds an object of a kind that is not modelled: it is told, and never dropped.",
        "Put it under `manage.ignore` in reconcile.yaml, or manage it by other means.",
        Severity.NOTE,
    ),
    Rule(
        NOTED,
        "Seen, and left alone",
        "Something differs from what is declared, and is left as it is.",
        "Nothing needs to be done.",
        Severity.NOTE,
    ),
    Rule(
        TAKEN_BACK,
        "Taken back",
        "An undo: to which state of the chain the plan leads back, and what does not come back as it was.",
        "Make sure that nobody needs what does not come back: what was deleted stays deleted.",
        Severity.NOTE,
    ),
    Rule(
        ONCE_MORE,
        "Once more",
        "An earlier plan of the chain does just the same.",
        "Nothing needs to be done. Where a target requires signatures, this plan needs one of its own.",
        Severity.NOTE,
    ),
    Rule(
        DRIFT,
        "Drift",
        "An object is not as it was last applied: somebody changed it by other means.",
        "Declare it, so that it stays, or apply again, so that it goes. `reconcile plan` shows what apply "
        "would do.",
        Severity.WARNING,
    ),
)

RULES: dict[str, Rule] = {rule.code: rule for rule in (*_HAZARDS, *_OTHERS)}


def rule_of(code: str) -> Rule:
    """The rule of a code; for errors that are rare, what their name says."""
    words = code.replace("_", " ").capitalize()
    help = "The message says where, what was expected, and how to go on."
    return RULES.get(code) or Rule(code, words, f"{words}.", help)
