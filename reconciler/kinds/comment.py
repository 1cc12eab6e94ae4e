"""Comments (manual: COMMENT)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.address import facet_of, saying
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import literal
from reconciler.core.kind import Declared, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class CommentState:
    """What somebody said about an object."""

    text: str
    on_domain: bool = dataclasses.field(default=False, compare=False)
    """Whether the object is a check of a domain, which SQL calls otherwise than a table's."""
    standard: bool = dataclasses.field(default=False, compare=False)
    """Whether PostgreSQL or the extension itself says it."""


def _say(entry: Entry, text: str | None) -> Iterable[Statement]:
    after = f"IS {'NULL' if text is None else literal(text)}"
    yield Statement(saying(facet_of(entry.id), "COMMENT ON", after, entry.state.on_domain))


# Left out: comments on parts that PostgreSQL makes by itself (row types, a view's rewrite rule), on the
# index of a constraint (`index_comment`) and columns of what has no column entries (`column_comment`). The
# first condition spares the joins for the 5,000 comments on what is built in.
_COMMENTS: LiteralString = """
            SELECT 'pg_description/' || d.classoid || '.' || d.objoid || '/' || d.objsubid AS address,
                d.classoid::pg_catalog.regclass::text || '/' || d.objoid || '/' || d.objsubid AS parent,
                d.description AS text,
                coalesce(k.contypid <> 0, false) AS on_domain,
                CASE d.classoid
                    WHEN 'pg_catalog.pg_namespace'::pg_catalog.regclass THEN
                        n.nspname = 'public' AND d.description = 'standard public schema'
                    WHEN 'pg_catalog.pg_extension'::pg_catalog.regclass THEN d.description = a.comment
                    ELSE false END IS TRUE AS standard
            FROM pg_catalog.pg_description d
            LEFT JOIN pg_catalog.pg_namespace n
                ON d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND n.oid = d.objoid
            LEFT JOIN pg_catalog.pg_constraint k
                ON d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objoid
            LEFT JOIN pg_catalog.pg_class c
                ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objoid
            LEFT JOIN pg_catalog.pg_type t
                ON d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.objoid
            LEFT JOIN pg_catalog.pg_extension e
                ON d.classoid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.oid = d.objoid
            LEFT JOIN pg_catalog.pg_available_extensions() a ON a.name = e.extname
            WHERE (d.objoid >= 16384 OR d.classoid IN (
                    'pg_catalog.pg_namespace'::pg_catalog.regclass,
                    'pg_catalog.pg_extension'::pg_catalog.regclass))
                AND (d.objoid >= 16384 OR n.nspname = 'public' OR e.extname IS NOT NULL)
                AND NOT coalesce(
                    d.objsubid > 0 AND (c.relkind IN ('v', 'm', 'c') OR c.reloftype <> 0), false)
                AND NOT coalesce(k.contype IN ('n', 't'), false)
                AND NOT coalesce(t.typtype = 'm' OR t.typelem <> 0 OR EXISTS (
                    SELECT FROM pg_catalog.pg_class r WHERE r.oid = t.typrelid AND r.relkind <> 'c'), false)
                AND NOT (coalesce(c.relkind IN ('i', 'I'), false) AND EXISTS (
                    SELECT FROM pg_catalog.pg_constraint i
                    WHERE i.conindid = c.oid AND i.contype IN ('p', 'u', 'x')))
                AND NOT (coalesce(c.relkind = 'S', false) AND EXISTS (
                    SELECT FROM pg_catalog.pg_depend i
                    WHERE i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.objid = c.oid
                        AND i.deptype = 'i'))
                AND NOT (d.classoid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND EXISTS (
                    SELECT FROM pg_catalog.pg_rewrite w WHERE w.oid = d.objoid AND w.rulename = '_RETURN'))
            UNION ALL
            SELECT 'pg_shdescription/' || d.classoid || '.' || d.objoid || '/0',
                d.classoid::pg_catalog.regclass::text || '/' || d.objoid || '/0', d.description, false,
                d.description IN (
                    'default administrative connection database',
                    'default template for new databases',
                    'unmodifiable empty database')
            FROM pg_catalog.pg_shdescription d
            WHERE d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                OR d.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass AND d.objoid = (
                    SELECT b.oid FROM pg_catalog.pg_database b
                    WHERE b.datname = pg_catalog.current_database())
            ORDER BY 1"""
"""The comments of all kinds of objects."""


class Comment(Kind[CommentState]):
    """The comment on any object that has an entry."""

    name = "comment"
    section = "comment"
    parents = ("*",)
    singleton = True
    state = CommentState
    document = str
    rank = 80
    is_facet = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {
        "text": InPlace(lambda old, new: _say(new, new.state.text)),
        "on_domain": Ignored("a fact about the object"),
        "standard": Ignored("a fact about the text"),
    }

    def query(self, major: int) -> LiteralString:
        return _COMMENTS

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document:
            raise ValueError("an empty comment is none: leave it out")
        on_domain = len(nest.lineage) > 1 and nest.lineage[-2].kind == "domain"
        yield Declared(nest.parent.facet("comment"), CommentState(document, on_domain), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "comment", entry.state.text

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _say(entry, entry.state.text)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _say(entry, None)

    def label(self, entry: Entry) -> str:
        target = facet_of(entry.id)
        return f"comment on {target.kind.replace('_', ' ')} {'.'.join(target.path)}"

    def built_in(self, entry: Entry) -> bool:
        return bool(entry.state.standard)
