"""Publications (manual: CREATE PUBLICATION); each published table is an entry of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names, without_defaults
from reconciler.core.ident import ObjectId, bare_name, literal, quote, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement

OPERATIONS = ("insert", "update", "delete", "truncate")
"""What is published where nothing is said."""


@dataclass(frozen=True, slots=True)
class PublicationState:
    """A publication without its tables."""

    all_tables: bool = False
    schemas: tuple[str, ...] = ()
    """Bare names, sorted, of schemas whose tables are published, now and later (15)."""
    publish: tuple[str, ...] = OPERATIONS
    via_partition_root: bool = False
    generated_columns: str = "none"
    """`none` or `stored` (18)."""


class PublicationDocument(Document):
    """`publications: {changes: {tables: {users: {columns: [id, name]}}, publish: [insert]}}`"""

    all_tables: bool = False
    schemas: Names = ()
    publish: Names | None = None
    via_partition_root: bool = False
    generated_columns: Literal["none", "stored"] = "none"


def _alter(entry: Entry, action: str) -> Iterable[Statement]:
    message = f"subscribers of {entry.id.path[0]} receive something else from now on"
    hazards = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),)
    yield Statement(f"ALTER PUBLICATION {quote(entry.id.path[0])} {action}", hazards=hazards)


def _schemas(old: Entry, new: Entry) -> Iterable[Statement]:
    for verb, some, others in (("DROP", old, new), ("ADD", new, old)):
        names = [quote(name) for name in some.state.schemas if name not in others.state.schemas]
        if names:
            yield from _alter(new, f"{verb} TABLES IN SCHEMA {', '.join(names)}")


def _published(state: PublicationState) -> str:
    return f"publish = {literal(', '.join(state.publish))}"


def _via_root(state: PublicationState) -> str:
    return f"publish_via_partition_root = {'true' if state.via_partition_root else 'false'}"


def _generated(state: PublicationState) -> str:
    return f"publish_generated_columns = {state.generated_columns}"


class Publication(Kind[PublicationState]):
    """What logical replication offers to subscribers."""

    name = "publication"
    section = "publications"
    state = PublicationState
    document = PublicationDocument
    rank = 70
    rules: ClassVar[Mapping[str, Rule]] = {
        "all_tables": Recreate("whether a publication is for all tables cannot be altered"),
        "schemas": InPlace(_schemas),
        "publish": InPlace(lambda old, new: _alter(new, f"SET ({_published(new.state)})")),
        "via_partition_root": InPlace(lambda old, new: _alter(new, f"SET ({_via_root(new.state)})")),
        "generated_columns": InPlace(lambda old, new: _alter(new, f"SET ({_generated(new.state)})")),
    }

    def query(self, major: int) -> LiteralString:
        generated: LiteralString = "CASE p.pubgencols WHEN 's' THEN 'stored' ELSE 'none' END"
        no_schemas: LiteralString = "'{}'::text[] AS also, '{}'::text[] AS schemas,"
        return (
            """
            SELECT 'pg_publication/' || p.oid || '/0' AS address, ARRAY[p.pubname::text] AS path,
                p.puballtables AS all_tables,
                """ + (_SCHEMAS if major >= 15 else no_schemas) + """
                array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END,
                    CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
                    CASE WHEN p.pubtruncate THEN 'truncate' END], NULL) AS publish,
                p.pubviaroot AS via_partition_root,
                """ + (generated if major >= 18 else "'none'") + """ AS generated_columns
            FROM pg_catalog.pg_publication p
            ORDER BY p.pubname"""
        )  # fmt: skip

    def declare(self, name: str, document: PublicationDocument, nest: Nest) -> Iterable[Declared]:
        said = OPERATIONS if document.publish is None else document.publish
        for operation in said:
            if operation not in OPERATIONS:
                raise ValueError(f"{operation!r} cannot be published; {', '.join(OPERATIONS)} can")
        schemas = tuple(sorted({bare_name(schema) for schema in document.schemas}))
        if document.all_tables and schemas:
            raise ValueError("a publication for all tables has no `schemas`")
        state = PublicationState(
            all_tables=document.all_tables,
            schemas=schemas,
            publish=tuple(operation for operation in OPERATIONS if operation in said),
            via_partition_root=document.via_partition_root,
            generated_columns=document.generated_columns,
        )
        needs = frozenset(ObjectId("schema", (schema,)) for schema in schemas)
        yield Declared(ObjectId(self.name, (bare_name(name),)), state, needs=needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: PublicationState = entry.state
        data = without_defaults(
            {
                "all_tables": state.all_tables,
                "schemas": [written_bare(schema) for schema in state.schemas],
                "via_partition_root": state.via_partition_root,
                "generated_columns": state.generated_columns if state.generated_columns != "none" else None,
            }
        )
        if state.publish != OPERATIONS:
            data["publish"] = list(state.publish)
        return written_bare(entry.id.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: PublicationState = entry.state
        objects = [f"TABLE {', '.join(clauses)}"] if clauses else []
        if state.schemas:
            objects.append(f"TABLES IN SCHEMA {', '.join(map(quote, state.schemas))}")
        options = [_published(state)] if state.publish != OPERATIONS else []
        options += [_via_root(state)] if state.via_partition_root else []
        options += [_generated(state)] if state.generated_columns != "none" else []
        said = " FOR ALL TABLES" if state.all_tables else f" FOR {', '.join(objects)}" if objects else ""
        said += f" WITH ({', '.join(options)})" if options else ""
        yield Statement(f"CREATE PUBLICATION {quote(entry.id.path[0])}{said}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        message = f"subscribers of {entry.id.path[0]} stop with an error"
        hazards = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),)
        yield Statement(f"DROP PUBLICATION {quote(entry.id.path[0])}", hazards=hazards)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("publication", *entry.id.path)


_SCHEMAS: LiteralString = """
    ARRAY(SELECT 'pg_publication_namespace/' || s.oid || '/0'
        FROM pg_catalog.pg_publication_namespace s WHERE s.pnpubid = p.oid) AS also,
    ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_publication_namespace s
        JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid
        WHERE s.pnpubid = p.oid ORDER BY n.nspname::text COLLATE "C") AS schemas,"""
