"""Extended statistics (manual: CREATE STATISTICS)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragments, Names, without_defaults
from reconciler.core.ident import ObjectId, bare_name, in_schema, qualified, quote, written_bare, written_path
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import LockMode, Statement, on

ALL_KINDS = ("dependencies", "mcv", "ndistinct")
"""What is gathered where CREATE STATISTICS names nothing."""


@dataclass(frozen=True, slots=True)
class StatisticsState:
    """An extended statistics object."""

    relation: str
    """As SQL writes it. Statistics are never inherited, so those of a partition are always its own."""
    kinds: tuple[str, ...] = ()
    """Sorted; none for a single expression, which has no choice."""
    columns: tuple[str, ...] = ()
    """Bare names, sorted: their order says nothing."""
    expressions: tuple[str, ...] = ()
    """As pg_get_statisticsobjdef_expressions writes them (14)."""
    target: int | None = None
    """None is the largest target of the columns."""


class StatisticsDocument(Document):
    """`statistics: {users_place: {columns: [city, zip], kinds: [dependencies]}}`; without `kinds` all."""

    columns: Names = ()
    expressions: Fragments = ()
    kinds: Names = ()
    target: int | None = None


def _target(entry: Entry) -> Iterable[Statement]:
    target = -1 if entry.state.target is None else entry.state.target
    yield Statement(f"ALTER STATISTICS {qualified(*entry.id.path)} SET STATISTICS {target}")


class Statistics(Kind[StatisticsState]):
    """Statistics over several columns or expressions; ANALYZE fills them."""

    name = "statistics"
    section = "statistics"
    parents = ("table", "materialized_view", "foreign_table")
    state = StatisticsState
    document = StatisticsDocument
    rank = 46
    reparsed = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "relation": Recreate("the relation of statistics cannot be altered"),
        "kinds": Recreate("what is gathered cannot be altered"),
        "columns": Recreate("the columns of statistics cannot be altered"),
        "expressions": Recreate("the expressions of statistics cannot be altered"),
        "target": InPlace(lambda old, new: _target(new)),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_statistic_ext/' || s.oid || '/0' AS address,
                ARRAY[n.nspname, s.stxname]::text[] AS path,
                'pg_class/' || s.stxrelid || '/0' AS parent,
                s.stxrelid::pg_catalog.regclass::text AS relation,
                CASE WHEN s.stxkeys::text = '' AND s.stxkind = '{e}'::"char"[] THEN '{}' ELSE ARRAY(
                    SELECT k.word
                    FROM (VALUES ('f'::"char", 'dependencies'), ('m', 'mcv'), ('d', 'ndistinct'))
                        AS k (code, word)
                    WHERE k.code = ANY (s.stxkind) ORDER BY k.word) END AS kinds,
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[])
                    ORDER BY a.attname::text COLLATE "C") AS columns,
                coalesce(pg_catalog.pg_get_statisticsobjdef_expressions(s.oid), '{}') AS expressions,
                CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::integer END AS target
            FROM pg_catalog.pg_statistic_ext s
            JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, s.stxname"""

    def declare(self, name: str, document: StatisticsDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        kinds = tuple(sorted(set(document.kinds)))
        for kind in kinds:
            if kind not in ALL_KINDS:
                raise ValueError(f"{kind!r} is no kind of statistics; they are {', '.join(ALL_KINDS)}")
        columns = tuple(sorted(bare_name(column) for column in document.columns))
        if len(columns) + len(document.expressions) < (1 if document.expressions else 2):
            raise ValueError("statistics need two `columns` or one of `expressions`")
        is_single = not columns and len(document.expressions) == 1
        if is_single and kinds:
            raise ValueError("the statistics of a single expression have no `kinds`")
        state = StatisticsState(
            relation=qualified(*nest.parent.path),
            kinds=() if is_single else kinds or ALL_KINDS,
            columns=columns,
            expressions=document.expressions,
            target=document.target,
        )
        has_columns = nest.parent.kind in ("table", "foreign_table")
        needs = {nest.parent.child("column", column) for column in columns if has_columns}
        id = ObjectId(self.name, in_schema(name, nest.parent.path[0]))
        yield Declared(id, state, nest.parent, frozenset(needs))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: StatisticsState = entry.state
        assert entry.parent is not None
        data = without_defaults(
            {
                "columns": [written_bare(column) for column in state.columns],
                "expressions": list(state.expressions),
                "kinds": list(state.kinds) if state.kinds != ALL_KINDS else None,
                "target": state.target,
            }
        )
        return written_path(entry.id.path, entry.parent.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: StatisticsState = entry.state
        kinds = f" ({', '.join(state.kinds)})" if state.kinds else ""
        parts = [*map(quote, state.columns), *(f"({expression})" for expression in state.expressions)]
        name = qualified(*entry.id.path)
        yield Statement(
            f"CREATE STATISTICS {name}{kinds} ON {', '.join(parts)} FROM {state.relation}",
            on(state.relation, LockMode.SHARE_UPDATE_EXCLUSIVE),
        )
        if state.target is not None:
            yield from _target(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        locks = on(entry.state.relation, LockMode.SHARE_UPDATE_EXCLUSIVE)
        yield Statement(f"DROP STATISTICS {qualified(*entry.id.path)}", locks)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("statistics", *entry.id.path)
