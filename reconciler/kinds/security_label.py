"""Security labels (manual: SECURITY LABEL): what a label provider, which a server must have loaded, goes by.

Those on columns of views, materialized views, composite types and typed tables, and on large objects are
named as not modelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.address import facet_of, saying
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId, bare_name, literal, quote, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class SecurityLabelState:
    """What a provider knows an object by."""

    label: str


def _holder(entry: Entry) -> ObjectId:
    return facet_of(ObjectId(entry.id.kind, entry.id.path[:-1]))


def _say(entry: Entry, label: str | None) -> Iterable[Statement]:
    provider, holder = entry.id.path[-1], _holder(entry)
    words = f"{holder.kind.replace('_', ' ')} {'.'.join(holder.path)}"
    hazard = Hazard(HazardCode.ACCESS_CHANGE, entry.id, f"what {provider} knows {words} by changes")
    before = f"SECURITY LABEL FOR {quote(provider)} ON"
    after = f"IS {'NULL' if label is None else literal(label)}"
    yield Statement(saying(holder, before, after), hazards=(hazard,))


class SecurityLabel(Kind[SecurityLabelState]):
    """The labels of an object, by provider: `security_labels: {anon: MASKED WITH VALUE NULL}`.

    SELinux labels by itself what is made: its labels are looked at only where they are declared.
    """

    name = "security_label"
    section = "security_labels"
    parents = (
        "database",
        "role",
        "schema",
        "table",
        "column",
        "view",
        "materialized_view",
        "sequence",
        "foreign_table",
        "function",
        "procedure",
        "aggregate",
        "enum",
        "domain",
        "composite",
        "range",
        "base_type",
        "language",
        "event_trigger",
        "publication",
        "subscription",
    )
    state = SecurityLabelState
    document = str
    rank = 81
    is_facet = True
    elaborated = False
    needs_module = True
    rules: ClassVar[Mapping[str, Rule]] = {"label": InPlace(lambda old, new: _say(new, new.state.label))}

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_seclabel/' || l.classoid || '.' || l.objoid || '.' || l.provider || '/' || l.objsubid
                    AS address,
                l.classoid::pg_catalog.regclass::text || '/' || l.objoid || '/' || l.objsubid AS parent,
                ARRAY[l.provider] AS suffix, l.label
            FROM pg_catalog.pg_seclabel l
            LEFT JOIN pg_catalog.pg_class c
                ON l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = l.objoid
            WHERE l.objsubid = 0 OR c.relkind IN ('r', 'p', 'f') AND c.reloftype = 0
            UNION ALL
            SELECT 'pg_shseclabel/' || l.classoid || '.' || l.objoid || '.' || l.provider || '/0',
                l.classoid::pg_catalog.regclass::text || '/' || l.objoid || '/0', ARRAY[l.provider], l.label
            FROM pg_catalog.pg_shseclabel l
            WHERE l.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                OR l.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass AND l.objoid = (
                    SELECT d.oid FROM pg_catalog.pg_database d
                    WHERE d.datname = pg_catalog.current_database())
            ORDER BY 1"""

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document:
            raise ValueError("an empty label is none: leave it out")
        id = nest.parent.facet("security_label", bare_name(name))
        yield Declared(id, SecurityLabelState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_bare(entry.id.path[-1]), entry.state.label

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _say(entry, entry.state.label)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _say(entry, None)

    def label(self, entry: Entry) -> str:
        holder = _holder(entry)
        return (
            f"security label {entry.id.path[-1]} of {holder.kind.replace('_', ' ')} {'.'.join(holder.path)}"
        )

    def built_in(self, entry: Entry) -> bool:
        return entry.id.path[-1] == "selinux"
