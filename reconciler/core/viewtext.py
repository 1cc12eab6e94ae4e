"""What views and materialized views have in common: the query as text, and the columns that it yields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.fragment import option_actions
from reconciler.core.ident import qualified, quote
from reconciler.core.kind import Disturbance, Kind, S
from reconciler.core.statement import Hazard, LockMode, Statement, on

QUERY: LiteralString = """pg_catalog.btrim(pg_catalog.rtrim(
                    pg_catalog.btrim(pg_catalog.pg_get_viewdef(c.oid), E' \\n'), ';'), E' \\n')"""
"""The query of the relation `c` as `trimmed` leaves it."""

HEAD: LiteralString = """
            SELECT 'pg_class/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.relname]::text[] AS path,
                ARRAY['pg_type/' || c.reltype || '/0', 'pg_type/' || t.typarray || '/0']
                    || ARRAY(SELECT 'pg_rewrite/' || r.oid || '/0' FROM pg_catalog.pg_rewrite r
                        WHERE r.ev_class = c.oid AND r.rulename = '_RETURN')"""
"""The start of both queries; what follows can add to `also`."""


class QueriedRelation(Kind[S]):
    """Base of the two kinds."""

    word: ClassVar[str]
    """What SQL calls it."""
    reparsed = True
    recreated_on = frozenset({Disturbance.RETYPED, Disturbance.RESHAPED})

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"query": short}

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = qualified(*entry.id.path)
        yield Statement(f"DROP {self.word} {relation}", on(relation))

    def application_use(self, entry: Entry) -> str | None:
        return f"read {self.word.lower()} {'.'.join(entry.id.path)}"

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("relation", *entry.id.path)
        yield ("type", *entry.id.path)


def in_short(value: object) -> object:
    """A bare string is the query."""
    return {"query": value} if isinstance(value, str) else value


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
