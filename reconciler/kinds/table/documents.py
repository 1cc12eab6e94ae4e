"""Tables as YAML says them: read and written."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reconciler.core.fragment import (
    Document,
    Names,
    Option,
    as_given,
    options_from,
    options_in_order,
    options_to,
    without_defaults,
)
from reconciler.core.ident import in_schema, qualified, split_name, written_path
from reconciler.core.inheritance import read_bound, written_bound
from reconciler.core.transition import RenameTransition, no_transition
from reconciler.kinds.table.state import TableState


class TableDocument(Document):
    """`tables: {users: {...}}`; what hangs on the table nests under it."""

    unlogged: bool = False
    partition_by: str | None = None
    partition_of: str | None = None
    for_values: str | None = None
    inherits: Names = ()
    of_type: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)
    access_method: str | None = None
    tablespace: str | None = None
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: Literal["default", "full", "nothing", "index"] = "default"
    transition: RenameTransition = Field(default_factory=no_transition)


def declared_state(
    document: TableDocument, partitioned: tuple[str, ...] | None, inherited: tuple[tuple[str, str], ...]
) -> TableState:
    """The state that a document declares; (schema, name) of its partitioned table and of its parents."""
    return TableState(
        unlogged=document.unlogged,
        partition_key=document.partition_by,
        partition_of=qualified(*partitioned) if partitioned else None,
        bound=read_bound(document.for_values),
        inherits=tuple(qualified(*other) for other in inherited),
        of_type=document.of_type,
        options=options_from(document.options),
        options_order=options_in_order(document.options),
        access_method=document.access_method,
        tablespace=document.tablespace,
        row_security=document.row_security,
        force_row_security=document.force_row_security,
        replica_identity=document.replica_identity,
    )


def inherited_by(document: TableDocument, schema: str) -> tuple[tuple[str, str], ...]:
    """(schema, name) of the tables that it inherits from; `schema` is that of unqualified names."""
    return tuple(in_schema(other, schema) for other in document.inherits)


def written(state: TableState, home: str) -> dict[str, Any]:
    """The document that declares the state in a file whose schema is `home`; a partition nests."""
    return without_defaults(
        {
            "unlogged": state.unlogged,
            "partition_by": state.partition_key,
            "for_values": written_bound(state.bound),
            "inherits": [written_path(split_name(parent), home) for parent in state.inherits],
            "of_type": state.of_type,
            "options": options_to(as_given(state)),
            "access_method": state.access_method,
            "tablespace": state.tablespace,
            "row_security": state.row_security,
            "force_row_security": state.force_row_security,
            "replica_identity": state.replica_identity if state.replica_identity != "default" else None,
        }
    )
