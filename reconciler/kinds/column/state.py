"""What is known of a column."""

from __future__ import annotations

import dataclasses

from reconciler.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class ColumnState:
    """A column; its default is an entry of its own."""

    type: str
    """As format_type writes it, with its modifier."""
    not_null: bool = False
    not_null_name: str | None = None
    """PostgreSQL 18 names the constraint; None is the name that it chooses by itself."""
    not_null_flags: tuple[str, ...] = ()
    """`no inherit`, `not valid` (18)."""
    collation: str | None = None
    """None is the type's own."""
    identity: str | None = None
    """`always` or `by default`."""
    identity_options: tuple[str, ...] = ()
    """Sequence options that differ from PostgreSQL's choice: `INCREMENT BY 2`."""
    generated: str | None = None
    """`stored` or `virtual`."""
    expression: str | None = None
    storage: str | None = None
    """None is the type's own."""
    compression: str | None = None
    statistics: int | None = None
    options: tuple[str, ...] = ()
    inherited: bool = dataclasses.field(default=False, compare=False)
    """An ancestor brings it along, and the table does not declare it too. Partitions never do."""
    not_null_called: str | None = dataclasses.field(default=None, compare=False)
    """What its NOT NULL is called (18), also where that is no one's choice: it is inherited, or `fixed`."""
    not_null_fixed: bool = dataclasses.field(default=False, compare=False)
    """Tables that inherit have it under another name, and so PostgreSQL renames neither."""
    not_null_as_usual: bool = dataclasses.field(default=False, compare=False)
    """A constraint keeps it (18), under the name that PostgreSQL chooses."""
    position: int = dataclasses.field(default=0, compare=False)
    type_storage: str = dataclasses.field(default="extended", compare=False)
    """What the type has by itself; SET STORAGE DEFAULT came only with 16."""
    using: str | None = dataclasses.field(default=None, compare=False)
    """How old values become new ones when the type changes: declared, or found by `server_query`."""
    is_guess: bool = dataclasses.field(default=False, compare=False)
    """Whether `using` goes through text because PostgreSQL knows no cast between the types."""
    stands_past: bool = dataclasses.field(default=False, compare=False)
    """The identity's sequence stands past its new last number; found by `server_query`."""
    position_in: str | None = dataclasses.field(default=None, compare=False)
    """The sequence that keeps the position between the identity's sequence and another one."""
    takes_expression: bool = dataclasses.field(default=False, compare=False)
    """Whether SET EXPRESSION works: from 17 on, not where that would change other tables' columns too, and
    not for a virtual column beside checks or publications."""
    written_anew: bool = dataclasses.field(default=False, compare=False)
    """Whether ADD COLUMN writes every row: each gets a value of its own, or a domain looks at the value."""
    keyed_in: str | None = dataclasses.field(default=None, compare=False)
    """`schema.table`, itself or a partition below, whose partition key the column is part of."""
