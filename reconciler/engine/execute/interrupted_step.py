"""What a step outside a transaction leaves behind when it is interrupted, and how that is cleared away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.core.ident import qualified
from reconciler.engine.plan.model import Action, Step

if TYPE_CHECKING:
    from psycopg import Connection


def clear_leftovers(connection: Connection[Any], step: Step) -> bool:
    """Drop what an interrupted concurrent build left under the name that the step was to create.

    A build that ends early leaves an invalid relation (manual, CREATE INDEX, "Building Indexes
    Concurrently"); nothing uses it, and it stands in the way of the next try. Returns whether one was
    dropped. Only to be called when nothing of that name existed before the step. Raises psycopg.Error.
    """
    if step.action is not Action.CREATE or len(step.object.path) < 2:
        return False
    schema, name = step.object.path[0], step.object.path[-1]
    row = connection.execute(
        "SELECT 1 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = %s AND NOT i.indisvalid AND c.relkind = 'i'"
        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = c.oid)",
        (schema, name),
    ).fetchone()
    if row is None:
        return False
    connection.execute(f"DROP INDEX CONCURRENTLY {qualified(schema, name)}".encode())
    return True
