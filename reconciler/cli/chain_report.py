"""reconcile plan --check: whether the saved plans lead to what is declared, with the database or without."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from reconciler.cli import formats, options, state_argument
from reconciler.core.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.app import Request

_WITHOUT_MEANING = frozenset({formats.Format.SQL, formats.Format.GITLAB_TERRAFORM})
"""A check has no steps to write out or to count."""


@dataclass(frozen=True, slots=True)
class Checking:
    """How the chain is checked."""

    start: str
    """The state that --from names."""
    base: str | None
    """The commit whose plans are not made again, as `git:REF`."""
    format: formats.Format


@dataclass(frozen=True, slots=True)
class _Passed:
    """What was found in order; JSON has these fields."""

    saved: int
    pending: tuple[str, ...] | None = None
    """The files of the plans that wait; None where no database was asked."""
    remade: tuple[str, ...] = ()
    """The files of the plans that were made again, and came out the same."""
    edited: tuple[dict[str, str], ...] = ()
    """The files that were changed by hand, with the reasons."""
    state: str = "no changes"
    """Where the plans that wait stand: the worst of them."""


def check_plans(where: options.Where, how: Checking) -> None:
    """Check, and say what was found.

    Raises InvalidInput where the chain is broken, NotApproved where nobody owns it and somebody must, Blocked
    where it leads elsewhere than the YAML or does not do what the tool makes, and UsageError.
    """
    from reconciler.core.errors import UsageError

    if how.format in _WITHOUT_MEANING:
        known = ", ".join(format for format in formats.Format if format not in _WITHOUT_MEANING)
        raise UsageError(f"--check has no --format {how.format}", hint=f"one of: {known}")
    is_live = how.start == state_argument.LIVE and not _is_offline(where, how.base)
    if how.start not in (state_argument.LIVE, state_argument.CHAIN):
        raise UsageError(f"--check knows no --from {how.start}", hint="--from chain, or --base git:REF")
    chosen = where.chosen(connects=is_live)
    request = where.request(chosen)
    passed = _with_database(chosen, request) if is_live else _without(chosen, request, how.base)
    _show(passed, chosen, how.format)


def _is_offline(where: options.Where, base: str | None) -> bool:
    """Whether a check has to do without the database: it is wanted, or nobody has said where that is."""
    from reconciler.cli.console import say
    from reconciler.core.errors import UsageError

    if base is not None:
        return True
    try:
        where.chosen()
    except UsageError as error:
        where.chosen(connects=False)
        say(f"{error.message}: checked without a database")
        return True
    return False


def _without(chosen: options.Chosen, request: Request, base: str | None) -> _Passed:
    from reconciler import app
    from reconciler.cli.console import say
    from reconciler.core.errors import UsageError

    word, _, ref = (base or "git:").partition(":")
    if word != "git" or (base is not None and not ref):
        raise UsageError(f"--base {base} is no commit", hint="--base git:origin/main")
    found = app.check_chain(chosen.plans, request, ref or None)
    for file, reason in found.edited:
        say(f"edited by hand: {file}: {reason}")
    edited = tuple({"file": file, "reason": reason} for file, reason in found.edited)
    return _Passed(found.plans, None, found.remade, edited)


def _with_database(chosen: options.Chosen, request: Request) -> _Passed:
    from reconciler import app
    from reconciler.core.errors import Blocked, NotApproved
    from reconciler.report.plan_context import worst_of

    chained = app.read_plans(chosen.plans)
    if unowned := app.uncovered_plans(chosen.plans, chosen.requirement):
        raise NotApproved(unowned)
    pending = app.place_in(chained, chosen.url).pending
    differing = app.uncovered(pending, app.make_plan(request))
    if differing:
        raise Blocked(
            "\n".join([f"the chain in {chosen.plans} is not what {chosen.schema} asks for:", *differing]),
            hint="save a plan for what is missing: reconcile apply --all, then reconcile plan --save",
        )
    files = tuple(one.link.file_name for one in pending)
    return _Passed(len(chained), files, state=worst_of([one.plan for one in pending]).value)


def _show(passed: _Passed, chosen: options.Chosen, format: formats.Format) -> None:
    from reconciler.cli.console import show, show_json
    from reconciler.cli.report_context import told_around
    from reconciler.cli.report_output import show_findings, show_markdown
    from reconciler.report import findings
    from reconciler.report.plan_context import Standing, State

    context = told_around(chosen.target, str(chosen.schema))
    told = [f"{passed.saved} saved"]
    if passed.pending is not None:
        told.append(f"{len(passed.pending)} pending")
    if passed.remade:
        told.append(f"made again: {', '.join(passed.remade)}")
    sentence = f"the chain leads to {chosen.schema}: {', '.join(told)}"
    if format is formats.Format.JSON:
        facts = {"target": chosen.target, "schema": str(chosen.schema), "leads_to_schema": True}
        show_json(facts | dataclasses.asdict(passed))
    elif format is formats.Format.MARKDOWN:
        standing = Standing(State(passed.state), sentence)
        show_markdown(dataclasses.replace(context, standing=standing))
    elif format in formats.OF_FINDINGS:
        show_findings(findings.of_chain(context), format)
    else:
        show(sentence)
