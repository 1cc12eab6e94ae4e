"""Reports about plans, failures, schema files and drift, made of findings and checks."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.errors import InvalidInput, ReconcileError
from reconciler.core.statement import BLOCKING, Hazard, HazardCode
from reconciler.engine.plan import notes
from reconciler.engine.plan.model import Plan, Step
from reconciler.report.finding import (
    Check,
    Finding,
    Outcome,
    Report,
    Severity,
    of_error,
    outcome_of,
    split_place,
)
from reconciler.report.plan_context import Context, State
from reconciler.report.rules import DRIFT, NOTED, ONCE_MORE, TAKEN_BACK, UNMODELLED
from reconciler.report.words import HARM, counted

FILES = "the schema files are valid"
BUILT = "PostgreSQL builds it"
MODELLED = "every object is modelled"
POLICY = "the target's policy lets it pass"
CHAIN = "the chain leads to the schema"
IN_SYNC = "the database is as it was left"
_MADE = {"plan": "the plan is made", "show": "the plan file is valid", "diff": "the states are compared"}
_FIRST = {
    "plan": (FILES, _MADE["plan"]),
    "plan-check": (FILES, CHAIN),
    "show": (_MADE["show"],),
    "diff": (_MADE["diff"],),
    "check": (FILES, BUILT),
    "drift": (IN_SYNC,),
}
"""What a command looks at before there is a plan. A problem of the files fails the first."""


def of_plan(plan: Plan, context: Context, command: str = "plan") -> Report:
    """What a plan can do to the database, as findings at the lines of YAML that ask for it."""
    first = tuple(Check(name) for name in _FIRST[command])
    rest = (_modelled(plan), _policy(context), *_hazards(plan), _noted(plan))
    return Report(command, context.target, (*first, *rest), context.file or context.place)


def of_failure(error: ReconcileError, context: Context, command: str = "plan") -> Report:
    """Why a command failed. The check that failed has the findings; those after it were not reached."""
    names = _FIRST.get(command, (f"{command} succeeds",))
    failed = 0 if isinstance(error, InvalidInput) or len(names) == 1 else 1
    checks = [Check(name) for name in names[:failed]]
    message = error.message.partition("\n")[0]
    checks.append(Check(names[failed], outcome_of(error), of_error(error), message))
    checks += [Check(name, Outcome.SKIPPED, message="not reached") for name in names[failed + 1 :]]
    return Report(command, context.target, tuple(checks), context.file or context.place, error.exit_code)


def of_files(context: Context, is_built: bool) -> Report:
    """Schema files without problems."""
    built = Check(BUILT) if is_built else Check(BUILT, Outcome.SKIPPED, message="--build asks PostgreSQL too")
    return Report("check", context.target, (Check(FILES), built), context.place)


def of_chain(context: Context) -> Report:
    """A chain that leads to what is declared."""
    return Report("plan-check", context.target, (Check(FILES), Check(CHAIN)), context.place)


def of_drift(moved: Iterable[tuple[str, str]] | None, plan: Plan | None, context: Context) -> Report:
    """Objects with how they moved (`changed`, `missing`), at their place in the YAML where the plan knows it;
    None: there is nothing to compare with."""
    if moved is None:
        message = "no run has left a state to compare with"
        return Report("drift", context.target, (Check(IN_SYNC, Outcome.SKIPPED, (), message),), context.place)
    sources = {str(step.object): step.source for step in plan.steps} if plan is not None else {}
    found = tuple(
        Finding(
            Severity.WARNING,
            DRIFT,
            f"{name} is not as it was last applied: {how}",
            *split_place(sources.get(name)),
            name,
        )
        for name, how in moved
    )
    message = f"not as they were left: {len(found)}"
    check = Check(IN_SYNC, Outcome.FAILED, found, message) if found else Check(IN_SYNC)
    return Report("drift", context.target, (check,), context.place)


def _modelled(plan: Plan) -> Check:
    found = tuple(
        Finding(Severity.NOTE, UNMODELLED, f"{name}: of a kind that is not modelled; not looked at")
        for name in plan.unknown
    )
    if not found:
        return Check(MODELLED)
    return Check(MODELLED, Outcome.SKIPPED, found, f"not looked at: {counted(len(found), 'object')}")


def _policy(context: Context) -> Check:
    standing = context.standing
    if standing is None or standing.state is not State.BLOCKED:
        return Check(POLICY)
    found = Finding(Severity.ERROR, "blocked", standing.detail)
    return Check(POLICY, Outcome.FAILED, (found,), standing.detail.partition("\n")[0])


def _hazards(plan: Plan) -> Iterable[Check]:
    """A check for each sort of hazard, whether it is there or not: a list that is alike from run to run."""
    unconsented = {(step.number, hazard) for step, hazard in plan.blocking}
    for code in HazardCode:
        here = [(step, hazard) for step, hazard in plan.hazards if hazard.code is code]
        is_open = [(step.number, hazard) in unconsented for step, hazard in here]
        found = tuple(_of_hazard(*one, open) for one, open in zip(here, is_open, strict=True))
        if code not in BLOCKING:
            yield Check(f"hazard {code}", Outcome.PASSED, found)
        elif any(is_open):
            message = f"{counted(sum(is_open), 'hazard')} without consent"
            yield Check(f"hazard {code} has consent", Outcome.FAILED, found, message)
        else:
            yield Check(f"hazard {code} has consent", Outcome.PASSED, found)


def _of_hazard(step: Step, hazard: Hazard, is_open: bool) -> Finding:
    file, line, column = split_place(step.source)
    message = f"step {step.number} {HARM[hazard.code]}: {step.label}: {hazard.message}"
    hint = f"allow it with --allow {hazard.code}:{hazard.object} or under acks" if is_open else None
    severity = Severity.ERROR if is_open else Severity.WARNING
    return Finding(severity, hazard.code.value, message, file, line, column, str(hazard.object), hint)


def _noted(plan: Plan) -> Check:
    codes = {notes.LEFT_ALONE: NOTED, notes.TAKEN_BACK: TAKEN_BACK, notes.ONCE_MORE: ONCE_MORE}
    found = tuple(
        Finding(Severity.NOTE, codes[heading], note)
        for heading, told in notes.by_heading(plan.notes).items()
        for note in told
    )
    return Check("what there is to know", Outcome.PASSED, found)
