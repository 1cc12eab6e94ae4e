"""The search_path of a step that runs what people wrote, and of no other statement of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.core.ident import literal

if TYPE_CHECKING:
    from psycopg import Connection

ASK = "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'"
"""What a session has that sets none: of the server, the database, and the role."""


def setting_path(path: str) -> str:
    """The statement that sets it for the session; what a transaction sets, its rollback takes back."""
    return f"SELECT pg_catalog.set_config('search_path', {literal(path)}, false)"


@contextmanager
def with_path(path: str | None, connection: Connection[Any]) -> Iterator[None]:
    """Run what is inside with a step's search_path, where it has one, and leave the empty one behind."""
    from psycopg.pq import TransactionStatus

    if path is None:
        yield
        return
    connection.execute(setting_path(path).encode())
    try:
        yield
    finally:
        if connection.info.transaction_status in (TransactionStatus.IDLE, TransactionStatus.INTRANS):
            connection.execute(setting_path("").encode())
