"""What views and materialized views have in common: the query as text, and the columns that it yields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.fragment import option_actions
from reconciler.core.ident import qualified, quote
from reconciler.core.statement import Hazard, LockMode, Statement, on

QUERY: LiteralString = """pg_catalog.btrim(pg_catalog.rtrim(
                    pg_catalog.btrim(pg_catalog.pg_get_viewdef(c.oid), E' \\n'), ';'), E' \\n')"""
"""The query of the relation `c` as `trimmed` leaves it."""


def trimmed(query: str) -> str:
    """The query without the space around it and the semicolon after it."""
    return query.strip().rstrip(";").rstrip()


def closed(query: str) -> str:
    """The query as SQL that more text can follow: a comment at its end must not swallow that."""
    return f"{query}\n" if "--" in query.rpartition("\n")[2] else query


def written(query: str) -> str:
    """The query as YAML shows it: several lines end with a line break, so that they become a block."""
    return f"{query}\n" if "\n" in query else query


def column_list(names: Iterable[str]) -> str:
    """The optional list of column names after the relation's name."""
    inside = ", ".join(quote(name) for name in names)
    return f" ({inside})" if inside else ""


def set_options(
    word: str, old: Entry, new: Entry, mode: LockMode, hazards: tuple[Hazard, ...] = ()
) -> Iterable[Statement]:
    """ALTER `word` ... RESET and SET from the options of one state to those of another."""
    relation = qualified(*new.id.path)
    for action, _ in option_actions(old.state.options, new.state.options):
        yield Statement(f"ALTER {word} {relation} {action}", on(relation, mode), hazards)
