"""Mistakes of grammar inside bodies, which PostgreSQL lets pass until somebody calls the routine.

What a body names is not asked for: it may be made at run time, or be found by another search_path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from reconciler.core.catalog import Entry
from reconciler.core.errors import Problem
from reconciler.engine.declaration.written import Located
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from psycopg import Connection


def broken_bodies(
    built: Iterable[tuple[Entry, Located]],
    connection: Connection[Any],
    registry: Registry,
    search_path: Callable[[str | None], str],
) -> Iterator[Problem]:
    """Run the proof of each object that was built, beside which stands the place that declares it; nothing
    stays of the proof. `search_path` is the statement that lets names be found as in a schema's files."""
    import psycopg

    for entry, item in built:
        if (proof := registry.of(entry).body_check(entry)) is None:
            continue
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(f"{search_path(item.schema)}SET check_function_bodies = on".encode())
                connection.execute(proof.encode(), binary=True)
        except psycopg.errors.SyntaxError as error:
            label = f"{entry.id.kind} {'.'.join(entry.id.path)}"
            place, message = item.position, f"PostgreSQL refuses it: {_told(error.diag, proof)}"
            yield Problem(place.file, place.line, place.column, label, message)
        except psycopg.Error:
            continue


def _told(diag: Any, proof: str) -> str:
    """The message, and the line of the body that it is about."""
    text, position = diag.internal_query or proof, diag.internal_position or diag.statement_position
    if not position:
        return str(diag.message_primary)
    before, after = text[: int(position) - 1], text[int(position) - 1 :]
    line = before.rpartition("\n")[2] + after.partition("\n")[0]
    return f"{diag.message_primary}, in `{line.strip()}`"
