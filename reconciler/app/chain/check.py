"""Checking a chain without its database: it is whole, it leads to what is declared, and its new plans are
what the tool makes of the states around them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.chain.undo import undo, written_of
from reconciler.app.plans.target_chain import ChainedPlan, read_plans, uncovered
from reconciler.app.states.offline_state import ground
from reconciler.app.states.state_comparison import compare_from
from reconciler.app.states.state_name import InChain, State, Stored
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, InvalidInput, Problem, ReconcileError, UsageError
from reconciler.engine.plan.notes import goes_back_to

if TYPE_CHECKING:
    from reconciler.app.planning.comparison import Request
    from reconciler.engine.plan.model import Plan

_HINT = (
    "make the plan again (remove its file and its line, then reconcile plan --from chain --save); where it "
    "was changed on purpose, say so in the file: `edited: the reason`"
)


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """What was found in order."""

    plans: int
    remade: tuple[str, ...]
    """The files of the plans that were made again, and came out the same."""
    edited: tuple[tuple[str, str], ...]
    """The files that were changed by hand, with the reasons: what they do is not proved."""


@dataclass(frozen=True, slots=True)
class _Before:
    """The chain as another branch has it."""

    ids: Mapping[int, str]
    """The plans by number."""
    snapshot: Path | None


def check_chain(folder: Path, request: Request, base: str | None = None) -> CheckedChain:
    """Check the chain against the schema folder, connecting to no database.

    Made again are the plans that the commit `base` does not have yet; without it the last one. Raises
    InvalidInput where the chain is broken or rewrites what `base` has, Blocked where it leads elsewhere than
    the YAML asks, or a plan is not what the tool makes.
    """
    plans = read_plans(folder)
    _leads_to_schema(folder, request)
    remade, edited, problems = [], [], []
    with _as_of(base, folder) as before:
        for one in _new(plans, before, folder):
            if one.plan.edited is not None:
                edited.append((one.link.file_name, one.plan.edited))
            elif differing := _differing(one, _start(one, plans, before, folder), folder, request):
                problems += [f"  {one.path}:", *(f"    {line}" for line in differing)]
            else:
                remade.append(one.link.file_name)
    if problems:
        lines = ["the chain holds what the tool does not make of the states around it:", *problems]
        raise Blocked("\n".join(lines), hint=_HINT)
    return CheckedChain(len(plans), tuple(remade), tuple(edited))


def _leads_to_schema(folder: Path, request: Request) -> None:
    differing = uncovered((), compare_from(InChain(folder), request).plan)
    if differing:
        raise Blocked(
            "\n".join([f"the chain in {folder} is not what {request.schema} asks for:", *differing]),
            hint="save a plan for what is missing: reconcile plan --from chain --save",
        )


@contextmanager
def _as_of(base: str | None, folder: Path) -> Iterator[_Before | None]:
    from reconciler.app.states.git_revisions import commit_of, exported, repository
    from reconciler.engine.chain import chain, snapshot

    if base is None:
        yield None
        return
    commit = commit_of(base, repository(folder))
    with ExitStack() as stack:
        try:
            found = stack.enter_context(exported(commit, folder))
        except UsageError:
            yield _Before({}, None)  # there were no plans yet
            return
        state = found.path / snapshot.NAME
        ids = {link.number: link.id for link in chain.read_chain(found.path)}
        yield _Before(ids, state if state.exists() else None)


def _new(plans: Sequence[ChainedPlan], before: _Before | None, folder: Path) -> Sequence[ChainedPlan]:
    if before is None:
        return plans[-1:]
    known = {one.link.id for one in plans} | {link.id for one in plans for link in one.replaces}
    # A plan that is edited since has another id, and says why.
    edited = {one.link.number for one in plans if one.plan.edited is not None}
    gone = [id for number, id in before.ids.items() if id not in known and number not in edited]
    if gone:
        message = f"a plan that was there is gone or was changed: {gone[0]}"
        hint = "others may have applied it: restore it from git, and plan again on top of it"
        raise InvalidInput.of([Problem(str(folder / "CHAIN"), 1, 1, None, message, hint)])
    return [one for one in plans if one.link.id not in before.ids.values()]


def _start(one: ChainedPlan, plans: Sequence[ChainedPlan], before: _Before | None, folder: Path) -> State:
    """The state that a plan starts from: the other branch's snapshot where that is it."""
    from reconciler.engine.chain import snapshot

    earlier = [other for other in plans if other.link.number < one.link.number]
    if not earlier:
        return InChain(folder, 0)
    if before is not None and before.snapshot is not None:
        text = before.snapshot.read_text(encoding="utf-8", errors="replace")
        if snapshot.after_of(text) == earlier[-1].link.id:
            return Stored(before.snapshot)
    return InChain(folder, earlier[-1].link.number)


def _differing(one: ChainedPlan, start: State, folder: Path, request: Request) -> tuple[str, ...]:
    """How the saved plan differs from what the tool makes; from the nearest of what it may have been made
    from."""
    nearest: tuple[str, ...] | None = None
    for made in _made_again(one, start, folder, request):
        differing = tuple(_differences(one.plan, made))
        if not differing:
            return ()
        nearest = nearest or differing
    return nearest or ("it cannot be made again",)


def _made_again(one: ChainedPlan, start: State, folder: Path, request: Request) -> Iterator[Plan]:
    """The plans that the tool makes from the state before: to what is declared now, to what was declared when
    the plan was saved, and to the state that it leads to."""
    from reconciler.app.states.git_revisions import added_by, exported

    if (number := goes_back_to(one.plan.notes)) is not None:
        previous = max((other for other in _numbers(folder) if other < one.link.number), default=0)
        yield undo(folder, number, request, until=previous).compared.plan
        return
    # What is declared now need not go together with a state of long ago.
    with suppress(ReconcileError):
        yield compare_from(start, request).plan
    if (commit := added_by(one.path)) is not None:
        with suppress(ReconcileError), exported(commit, request.schema) as then:
            base = then.near(request.base) if request.base else None
            asked = dataclasses.replace(request, schema=then.path, base=base)
            yield compare_from(start, asked).plan
    with ground(InChain(folder, one.link.number), request) as found:
        major = found.connection.info.server_version // 10000
        written = written_of(found.catalog, request.scope, major, found.owner)
    yield compare_from(start, request, written).plan


def _numbers(folder: Path) -> tuple[int, ...]:
    from reconciler.engine.chain import chain

    return tuple(link.number for link in chain.read_chain(folder))


def _differences(saved: Plan, made: Plan) -> Iterator[str]:
    """What the saved plan does otherwise. Where the YAML says so and why does not count: lines move."""
    if saved.server_major != made.server_major:
        yield f"it is for PostgreSQL {saved.server_major}, and was made again for {made.server_major}"
    for there, here in zip(saved.steps, made.steps, strict=False):
        fields = [name for name in _COMPARED if getattr(there, name) != getattr(here, name)]
        if fields:
            yield f"step {there.number} ({there.label}) has other {', '.join(fields)} as made again"
    for step in saved.steps[len(made.steps) :]:
        yield f"step {step.number} ({step.label}) is not in the plan as made again"
    for step in made.steps[len(saved.steps) :]:
        yield f"step {step.number} ({step.label}) is missing"
    if saved.touches != made.touches or saved.ownership != made.ownership:
        yield "what it says of the objects before and after"


_COMPARED: tuple[str, ...] = (
    "action", "object", "sql", "mode", "group", "requires", "hazards", "locks", "cost", "folded",
    "search_path",
)  # fmt: skip
