"""reconcile status: where the target stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format
from reconciler.core.counting import counted

if TYPE_CHECKING:
    from reconciler.app import Status
    from reconciler.cli.run_line import WayOn
    from reconciler.engine.plan.model import Plan


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("status")(failing_in_format(status))


def status(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Where the target stands: chain, last run, drift, pending changes."""
    from reconciler import app
    from reconciler.cli.console import show_json, show_wrapped
    from reconciler.cli.run_line import WayOn

    chosen = options.choose(target, url, schema)
    chained = app.read_plans(chosen.plans)
    wanted = None
    if chosen.schema.exists():
        wanted = app.make_plan(options.request_of(chosen, ownership, scratch_url))
    found = app.status(chosen.url, chained, chosen.project.scope(ownership), wanted)
    if format is formats.Shape.JSON:
        show_json(_data(chosen, found, wanted))
        return 0
    for heading, text in _lines(chosen, found, wanted, WayOn(chained, target, url)):
        show_wrapped(text, f"{heading:10} ")
    return 0


def _data(chosen: options.Chosen, found: Status, wanted: Plan | None) -> dict[str, Any]:
    from reconciler import app

    place = found.place
    return {
        "target": chosen.target,
        "server": found.server,
        "major": found.major,
        "chain": {
            "is_known": place is not None,
            "done": [one.link.file_name for one in place.done] if place else [],
            "pending": [one.link.file_name for one in place.pending] if place else [],
            "approvals": dict(_approvals(found, chosen)),
        },
        "last": app.run_data(found.last),
        "latest": app.run_data(found.latest),
        "moved": _moved(found),
        "unknown": list(found.unknown),
        "differences": None if wanted is None else len(wanted.steps),
        "in_sync": None if wanted is None else wanted.is_empty and (place is not None and not place.pending),
    }


def _moved(found: Status) -> list[dict[str, str]] | None:
    from reconciler import app

    if found.moved is None:
        return None
    return [{"object": str(one.object), "how": one.how} for one in app.heads(found.moved)]


def _lines(
    chosen: options.Chosen, found: Status, wanted: Plan | None, way_on: WayOn
) -> list[tuple[str, str]]:
    from reconciler import app
    from reconciler.cli.run_line import run_text

    lines = [("target", f"{chosen.target} ({found.server}, PostgreSQL {found.major})")]
    lines += _chain_lines(found, dict(_approvals(found, chosen)))
    if found.latest is not None and found.latest is not found.last:
        lines.append(("last run", run_text(found.latest, way_on)))
    lines.append(("applied", run_text(found.last, way_on) if found.last else "nothing yet"))
    if found.moved is not None:
        heads = app.heads(found.moved)
        moved = [f"{one.object} {one.how}" for one in heads[:5]]
        more = [f"and {len(heads) - len(moved)} more"] if len(heads) > len(moved) else []
        lines.append(("drift", "; ".join([*moved, *more]) or "none"))
    if wanted is None:
        lines.append(("schema", f"there is no {chosen.schema}"))
    else:
        count = len(wanted.steps)
        lines.append(
            ("schema", f"differs: {counted(count, 'step')}; see reconcile plan" if count else "as declared")
        )
    if found.unknown:
        lines.append(
            ("unmodelled", f"{counted(len(found.unknown), 'object')}: {', '.join(found.unknown[:3])}")
        )
    return lines


def _approvals(found: Status, chosen: options.Chosen) -> Iterator[tuple[str, str]]:
    """What is known of the signatures of the plans that wait."""
    from reconciler import app

    for one in found.place.pending if found.place else ():
        is_signed = app.signature_path(one.path).exists()
        if is_signed or chosen.requirement.signers is not None:
            yield one.link.file_name, str(app.approval_of(one.saved, chosen.requirement))


def _chain_lines(found: Status, approvals: Mapping[str, str]) -> list[tuple[str, str]]:
    place = found.place
    if place is None:
        return [("chain", "the database is at none of its states")]
    if not place.done and not place.pending:
        return [("chain", "no saved plans")]
    text = f"{len(place.done)} of {counted(len(place.done) + len(place.pending), 'plan')} applied"
    waiting = (one.link.file_name for one in place.pending)
    lines = [f"{name}, {approvals[name]}" if name in approvals else name for name in waiting]
    return [("chain", text), *(("pending", line) for line in lines)]
