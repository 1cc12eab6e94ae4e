"""What the constraints and indexes of a table have in common: names as PostgreSQL chooses and YAML writes
them, and the statements that add, rename and drop a constraint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

from reconciler.core.catalog import Entry
from reconciler.core.ident import bare_name, in_schema, qualified, quote
from reconciler.core.statement import Cost, Hazard, HazardCode, Lock, LockMode, Statement, on

NAME_BYTES = 63
"""NAMEDATALEN - 1: the longest name of a server that was built without a change of that limit."""

_LIST_PART = re.compile(r'\s*("(?:[^"]|"")+"|[^",]+)\s*(,|\Z)')

_ODD = re.compile(r'[,".()]|^\s|\s$')
"""What makes a name need quotes inside a reference."""


class Deferral(Protocol):
    """A state that says when a constraint is checked."""

    @property
    def deferrable(self) -> bool: ...
    @property
    def initially_deferred(self) -> bool: ...


def bare_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Names of columns as YAML lists them."""
    return tuple(bare_name(text) for text in texts)


def split_list(text: str) -> tuple[str, ...]:
    """Names between commas (`id, "odd, name"`). Raises ValueError for an open quote or an empty name."""
    names: list[str] = []
    position, more = 0, True
    while more:
        match = _LIST_PART.match(text, position)
        if match is None or not match.group(1).strip():
            raise ValueError(f"not a list of names: {text!r}")
        names.append(bare_name(match.group(1).strip()))
        position, more = match.end(), match.group(2) == ","
    return tuple(names)


def written_list(names: Iterable[str]) -> str:
    """The inverse of `split_list`."""
    return ", ".join(_written_part(name) for name in names)


def column_list(names: Iterable[str]) -> str:
    """Columns as SQL lists them, without parentheses."""
    return ", ".join(quote(name) for name in names)


def chosen_name(table: str, columns: Iterable[str], label: str) -> str:
    """The name that PostgreSQL gives to a constraint or index if nothing else has it: `users_email_key`.

    The rule of makeObjectName() and ChooseIndexName() in the server's source: parts joined by underscores,
    the longer of table and columns cut byte by byte until it all fits.
    """
    addition = _joined(columns).encode()
    first = table.encode()
    room = NAME_BYTES - len(label.encode()) - 1 - (1 if addition else 0)
    keep_first, keep_second = len(first), len(addition)
    while keep_first + keep_second > room:
        if keep_first > keep_second:
            keep_first -= 1
        else:
            keep_second -= 1
    parts = [_clipped(first, keep_first), _clipped(addition, keep_second), label]
    return "_".join(part for part in parts if part)


def _joined(columns: Iterable[str]) -> str:
    """Column names until the limit of one name is passed, as ChooseIndexNameAddition() joins them."""
    joined = ""
    for column in columns:
        joined += ("_" if joined else "") + column
        if len(joined.encode()) > NAME_BYTES:
            break
    return joined


def _clipped(name: bytes, size: int) -> str:
    return name[:size].decode(errors="ignore")


def relation_of(entry: Entry) -> str:
    """The table (or domain, or materialized view) that it hangs on, as SQL writes it."""
    if entry.parent is None:
        raise ValueError(f"{entry.id} hangs on nothing")
    return qualified(*entry.parent.path)


def name_of(entry: Entry) -> str:
    """Its own name, quoted: the last part of the path."""
    return quote(entry.id.path[-1])


def deferral(state: Deferral) -> str:
    """`` or ` DEFERRABLE` or ` DEFERRABLE INITIALLY DEFERRED`."""
    if state.initially_deferred:
        return " DEFERRABLE INITIALLY DEFERRED"
    return " DEFERRABLE" if state.deferrable else ""


def add_constraint(
    entry: Entry, clause: str, why_it_may_fail: str | None, cost: Cost, locks: tuple[Lock, ...] | None = None
) -> Statement:
    """ALTER TABLE ... ADD; `why_it_may_fail` is said of existing rows, None where they are not looked at."""
    relation = relation_of(entry)
    hazards = (Hazard(HazardCode.MAY_FAIL, entry.id, why_it_may_fail),) if why_it_may_fail else ()
    return Statement(f"ALTER TABLE {relation} ADD {clause}", locks or on(relation), hazards, cost=cost)


def add_index_constraint(entry: Entry, clause: str, why_it_may_fail: str) -> Statement:
    """ALTER TABLE ... ADD of a constraint that builds an index; with `only` no partition is touched."""
    if entry.state.only:
        return Statement(f"ALTER TABLE ONLY {relation_of(entry)} ADD {clause}", on(relation_of(entry)))
    return add_constraint(entry, clause, why_it_may_fail, Cost.BUILD)


def drop_constraint(entry: Entry, what_is_lost: str, locks: tuple[Lock, ...] | None = None) -> Statement:
    """ALTER TABLE ... DROP CONSTRAINT: access exclusive (measured, like every level in this file)."""
    relation = relation_of(entry)
    hazards = (Hazard(HazardCode.VALIDATION_LOST, entry.id, what_is_lost),)
    return Statement(
        f"ALTER TABLE {relation} DROP CONSTRAINT {name_of(entry)}", locks or on(relation), hazards
    )


def rename_constraint(entry: Entry, name: str, noun: str = "TABLE") -> Statement:
    """ALTER TABLE ... RENAME CONSTRAINT; an index behind it gets the same name."""
    relation = relation_of(entry)
    locks = on(relation) if noun == "TABLE" else ()
    return Statement(f"ALTER {noun} {relation} RENAME CONSTRAINT {name_of(entry)} TO {quote(name)}", locks)


def validate_constraint(entry: Entry, more_locks: tuple[Lock, ...] = (), noun: str = "TABLE") -> Statement:
    """VALIDATE CONSTRAINT reads the table while others write (share update exclusive)."""
    relation = relation_of(entry)
    hazards = (Hazard(HazardCode.MAY_FAIL, entry.id, "a row that violates it makes it fail"),)
    locks = on(relation, LockMode.SHARE_UPDATE_EXCLUSIVE) if noun == "TABLE" else ()
    sql = f"ALTER {noun} {relation} VALIDATE CONSTRAINT {name_of(entry)}"
    return Statement(sql, locks + more_locks, hazards, cost=Cost.SCAN)


def read_reference(text: str, schema: str) -> tuple[str, str, tuple[str, ...]]:
    """(schema, relation, columns) of `orgs`, `orgs(id)` or `app.orgs(id, x)`. Raises ValueError otherwise."""
    match = re.fullmatch(r'\s*((?:"(?:[^"]|"")+"|[^"(])+?)\s*(?:\((.*)\))?\s*', text, re.DOTALL)
    if match is None:
        raise ValueError(f"{text!r} is not a reference; expected table or table(column, ...)")
    columns = split_list(match.group(2)) if match.group(2) is not None else ()
    return (*in_schema(match.group(1), schema), columns)


def write_reference(schema: str, relation: str, columns: Iterable[str], home: str) -> str:
    """The inverse of `read_reference`, for a file whose namespace is `home`."""
    parts = (relation,) if schema == home else (schema, relation)
    name = ".".join(_written_part(part) for part in parts)
    listed = written_list(columns)
    return f"{name}({listed})" if listed else name


def _written_part(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if _ODD.search(name) else name


def short_columns(value: object) -> object:
    """A bare list is the list of columns."""
    return {"columns": value} if isinstance(value, list | tuple) else value


def shortened(data: dict[str, Any]) -> Any:
    """The list of columns alone where nothing else is said."""
    return data["columns"] if list(data) == ["columns"] else data
