"""What is known of an index, and what in rows can stand in its way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field

from reconciler.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class IndexState:
    """An index of a table or materialized view."""

    columns: tuple[str, ...]
    """Each key as CREATE INDEX writes it: `created_at DESC`, `lower(email) text_pattern_ops`."""
    unique: bool = False
    using: str = "btree"
    include: tuple[str, ...] = ()
    where: str | None = None
    nulls_not_distinct: bool = False
    """Of a unique index (15)."""
    options: tuple[str, ...] = ()
    options_order: tuple[str, ...] = field(default=(), compare=False)
    """The options as they were given."""
    tablespace: str | None = None
    statistics: tuple[tuple[int, int], ...] = ()
    """(number of an expression's column, target)."""
    clustered: bool = False
    replica_identity: bool = False
    only: bool = False
    """On a partitioned table: some partition has no such index yet."""
    attached: bool = False
    """On a partition: part of the partitioned table's index."""
    attached_to: str | None = field(default=None, compare=False)
    """The partitioned table's index that it is part of, where several there are defined alike."""
    invalid: bool = False
    """Never declared: what is found invalid is built again."""
    partitioned: bool = field(default=False, compare=False)
    own_columns: tuple[str, ...] = field(default=(), compare=False)
    bound_to_types: bool = field(default=True, compare=False)
    """It has an expression, a predicate or a class of its own, which may not fit another type of a column."""


_CAN_RAISE = re.compile(r"\)::(?!text\b|character varying\b(?!\())|\w\.[\w\"]+\(")
"""In PostgreSQL's own words: a value cast to another type than text, or a function that is not built in."""


def doubts(state: IndexState) -> Iterable[str]:
    """What in existing rows can make the build fail."""
    if state.only:
        return
    if state.unique:
        yield "rows with equal values make it fail"
    if any(_CAN_RAISE.search(text) for text in (*state.columns, state.where or "")):
        yield "a value that an expression of the index does not accept makes it fail"
