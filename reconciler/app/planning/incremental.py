"""The short way to a plan: while the catalogs are as they were, only files that changed are compared."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from reconciler.app.kind_discovery import registry
from reconciler.core.errors import InvalidInput, ReconcileError

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.app.planning.comparison import Compared, Request
    from reconciler.app.planning.comparison_cache import Shelf
    from reconciler.core.catalog import Catalog, Entry
    from reconciler.core.ident import ObjectId
    from reconciler.engine.declaration.written import Located, Written
    from reconciler.engine.elaborate.draft import Blank
    from reconciler.engine.elaborate.previous_comparison import Reading, Settled, Surroundings
    from reconciler.engine.plan.model import Plan

_WORTH_IT: Final = 4_000
"""With fewer entries to pack another process costs more than it saves."""


def plan_again(
    request: Request, name: str, contents: Mapping[str, str], connection: Connection[Any], blank: Blank
) -> Plan | None:
    """The plan, from what `keep` kept under that name; None where only a full comparison is sure of it.

    `contents` are digests of the files below the schema folder; drafts are made where `blank` leads.
    """
    from reconciler.app.planning import comparison_cache
    from reconciler.engine.elaborate.previous_comparison import Settled, to_read

    shelf = comparison_cache.read_shelf(name)
    if shelf is None or not isinstance(shelf.head, Settled):
        return None
    reading = to_read(shelf.head, contents, registry())
    if reading is None:
        return None
    compared = _compared(request, reading, shelf, connection, blank)
    if compared is None:
        return None
    # What a plan does elsewhere, and why, needs the other files.
    stays_inside = _stays_in_place(compared) and _changed(compared) <= reading.edited
    return compared.plan if stays_inside and not _is_said(compared, shelf) else None


def _compared(
    request: Request, reading: Reading, shelf: Shelf, connection: Connection[Any], blank: Blank
) -> Compared | None:
    """A comparison of what must be read; None where that is too little, or something is wrong."""
    from reconciler.app.planning.comparison import compare
    from reconciler.engine.elaborate.desired import TooLittleRead
    from reconciler.engine.elaborate.previous_comparison import surroundings

    written = _read(reading)
    if written is None:
        return None
    around = surroundings(reading, written, shelf.head, shelf, registry())
    written = _with_the_rest(written, reading, shelf.head, around)
    try:
        return compare(request, written, around.live, connection, blank)
    except (ReconcileError, TooLittleRead):
        return None  # a full comparison tells every problem


def _is_said(compared: Compared, shelf: Shelf) -> bool:
    """Whether the plan takes away what a text may say that was not read."""
    from reconciler.engine.plan.text_references import has_text, may_be_said

    kinds = registry()
    elsewhere = (id for id in shelf.keys if has_text(id, kinds) and id not in compared.before)
    return may_be_said(compared.plan, (entry for id in elsewhere for entry in shelf.part(id)), kinds)


def _read(reading: Reading) -> Written | None:
    """What the files declare; None where they declare other roots than before."""
    from reconciler.engine.declaration.load import load_files

    try:
        written = load_files(reading.files, registry())
    except InvalidInput:
        return None
    declared = {id for id, item in written.objects.items() if item.declared.parent is None}
    return written if declared == reading.declared else None


def _with_the_rest(written: Written, reading: Reading, settled: Settled, around: Surroundings) -> Written:
    """With what is known of the files that have not changed: they declare what is there."""
    import dataclasses

    live = around.live
    others = [entry for entry in live if live.roots[entry.id] not in reading.edited]
    declared = [entry for entry in others if entry.id not in settled.undeclared]
    whole = {entry.id: entry for entry in declared if live.roots[entry.id] in around.whole}
    objects = {id: _as_written(entry) for id, entry in whole.items()}
    return dataclasses.replace(
        written,
        objects={**written.objects, **objects},
        files={file: written.files.get(file, digest) for file, digest in settled.digests.items()},
        known={id: id for id in objects},
        unread=frozenset(entry.id for entry in declared) - objects.keys(),
    )


def _as_written(entry: Entry) -> Located:
    """A declaration of what is there, as its text stands in the catalog: every name with its schema."""
    from reconciler.core.declared import Declared
    from reconciler.core.document import Position
    from reconciler.engine.declaration.written import Located

    declared = Declared(entry.id, entry.state, entry.parent, entry.needs)
    return Located(declared, None, Position("", 1, 1))


def _stays_in_place(compared: Compared) -> bool:
    """Whether all that stays is called as before, and hangs where it did: a table may become a partition."""
    before, wanted = compared.before.roots, compared.wanted.roots
    return compared.before is compared.renamed and all(
        before[id] == wanted[id] for id in compared.plan.touches if id in before and id in wanted
    )


def _changed(compared: Compared) -> frozenset[ObjectId]:
    """The roots of all that the plan has steps for or leaves otherwise than it was."""
    home = {**compared.before.roots, **compared.wanted.roots}
    touches = compared.plan.touches.items()
    ids = {id for id, touch in touches if touch.before != touch.after}
    ids.update(step.object for step in compared.plan.steps)
    return frozenset(home.get(id, id) for id in ids)


@contextmanager
def packed(live: Catalog) -> Iterator[Callable[[], Mapping[ObjectId, bytes]]]:
    """A function that gives the catalog as `keep` keeps it, by root; another process begins with it where it
    can."""
    from reconciler.engine.declaration.worker_process import companion, may_have_one

    if len(live) < _WORTH_IT or not may_have_one():
        yield lambda: _packed(live)
        return
    with companion(lambda: [_pickled(_packed(live))]) as answers:

        def taken() -> Mapping[ObjectId, bytes]:
            answer = next(answers, None)
            return _packed(live) if answer is None else pickle.loads(answer)

        yield taken


def _packed(live: Catalog) -> Mapping[ObjectId, bytes]:
    parts: dict[ObjectId, list[Entry]] = {}
    for entry in live:
        parts.setdefault(live.roots[entry.id], []).append(entry)
    return {root: _pickled(part) for root, part in parts.items()}


def _pickled(value: Any) -> bytes:
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def keep(
    name: str,
    contents: Mapping[str, str],
    written: Written,
    compared: Compared,
    pack: Callable[[], Mapping[ObjectId, bytes]],
) -> None:
    """Keep what a full comparison found, for `plan_again`; `pack` is from `packed`."""
    from reconciler.app.planning import comparison_cache
    from reconciler.engine.elaborate.previous_comparison import settle

    if not _stays_in_place(compared) or compared.plan.notes:
        return
    settled = settle(written, contents, compared.before, _changed(compared), compared.ids)
    before = comparison_cache.read_shelf(name)
    if settled is None or (before is not None and _is_as_good(before.head, settled)):
        return
    comparison_cache.write_shelf(name, settled, pack())


def _is_as_good(before: Any, settled: Settled) -> bool:
    """Whether what is kept already leaves no more to read: after a large edit the state without it is."""
    return (
        isinstance(before, type(settled))
        and before.contents.keys() == settled.contents.keys()
        and len(before.open) <= len(settled.open)
    )
