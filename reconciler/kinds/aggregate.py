"""Aggregates: ordinary, ordered-set and hypothetical-set (manual: CREATE AGGREGATE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core import routine, routine_sql
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, without_defaults
from reconciler.core.ident import ObjectId, literal
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class AggregateState:
    """An aggregate: how values are gathered (s), and gathered while a window moves (ms, minv)."""

    arguments: str
    """As pg_get_function_arguments writes them; `*` for none."""
    sfunc: str
    stype: str
    sspace: int = 0
    finalfunc: str | None = None
    finalfunc_extra: bool = False
    finalfunc_modify: str | None = None
    """None is PostgreSQL's choice: read_write for ordered-set aggregates, read_only for others."""
    combinefunc: str | None = None
    serialfunc: str | None = None
    deserialfunc: str | None = None
    initcond: str | None = None
    msfunc: str | None = None
    minvfunc: str | None = None
    mstype: str | None = None
    msspace: int = 0
    mfinalfunc: str | None = None
    mfinalfunc_extra: bool = False
    mfinalfunc_modify: str | None = None
    minitcond: str | None = None
    sortop: str | None = None
    parallel: str = "unsafe"
    hypothetical: bool = False


_Modify = Literal["read_only", "shareable", "read_write"]


class AggregateDocument(Document):
    """`total(numeric): {sfunc: numeric_add, stype: numeric}`"""

    arguments: str | None = None
    sfunc: str
    stype: Fragment
    sspace: int = 0
    finalfunc: str | None = None
    finalfunc_extra: bool = False
    finalfunc_modify: _Modify | None = None
    combinefunc: str | None = None
    serialfunc: str | None = None
    deserialfunc: str | None = None
    initcond: Fragment | None = None
    msfunc: str | None = None
    minvfunc: str | None = None
    mstype: Fragment | None = None
    msspace: int = 0
    mfinalfunc: str | None = None
    mfinalfunc_extra: bool = False
    mfinalfunc_modify: _Modify | None = None
    minitcond: Fragment | None = None
    sortop: str | None = None
    parallel: Literal["unsafe", "restricted", "safe"] = "unsafe"
    hypothetical: bool = False


_PLAIN = (
    "sfunc", "stype", "sspace", "finalfunc", "finalfunc_extra", "finalfunc_modify", "combinefunc",
    "serialfunc", "deserialfunc", "initcond", "msfunc", "minvfunc", "mstype", "msspace", "mfinalfunc",
    "mfinalfunc_extra", "mfinalfunc_modify", "minitcond", "sortop", "parallel", "hypothetical",
)  # fmt: skip
"""Parameters of CREATE AGGREGATE in the manual's order; fields, YAML keys and SQL have the same names."""


def _definition(entry: Entry, verb: str) -> str:
    parameters = []
    for name in _PLAIN:
        value = getattr(entry.state, name)
        if value is None or value is False or value == 0 or (name, value) == ("parallel", "unsafe"):
            continue
        if value is True:
            parameters.append(name.upper())
        else:
            text = literal(value) if name in ("initcond", "minitcond") else value
            parameters.append(f"{name.upper()} = {text}")
    inside = ",\n    ".join(parameters)
    return f"{verb} AGGREGATE {routine.definition_name(entry)} (\n    {inside}\n)"


def _replace(old: Entry, new: Entry) -> Iterable[Statement]:
    yield Statement(_definition(new, "CREATE OR REPLACE"))


_REPLACE: Rule = InPlace(_replace)
_RESULT = Recreate("what an aggregate returns can depend on it, and that cannot be altered")

_TYPES: LiteralString = """CASE
                    WHEN p.pronargs = 0 THEN '*'
                    WHEN a.aggkind = 'n' THEN t.aggregated
                    WHEN a.aggnumdirectargs = p.pronargs THEN t.head || 'VARIADIC ' || t.last
                        || ' ORDER BY VARIADIC ' || t.last
                    ELSE pg_catalog.ltrim(coalesce(t.direct, '') || ' ORDER BY ' || t.aggregated) END"""

_SOURCE: LiteralString = (
    """
            FROM pg_catalog.pg_proc p
            JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
            JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            CROSS JOIN LATERAL (SELECT CASE WHEN a.aggkind = 'n' THEN 'r' ELSE 'w' END AS usual) AS m
            CROSS JOIN LATERAL (
                SELECT pg_catalog.string_agg(u.type, ', ' ORDER BY u.number)
                        FILTER (WHERE a.aggkind <> 'n' AND u.number <= a.aggnumdirectargs) AS direct,
                    pg_catalog.string_agg(u.type, ', ' ORDER BY u.number)
                        FILTER (WHERE a.aggkind = 'n' OR u.number > a.aggnumdirectargs) AS aggregated,
                    coalesce(pg_catalog.string_agg(u.type || ', ', '' ORDER BY u.number)
                        FILTER (WHERE u.number < p.pronargs), '') AS head,
                    pg_catalog.max(u.type) FILTER (WHERE u.number = p.pronargs) AS last
                FROM (SELECT """
    + routine_sql.TYPE
    + """ AS type, a.number
                    FROM pg_catalog.unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, number)
                ) AS u) AS t
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
)


class Aggregate(Kind[AggregateState]):
    """An aggregate. Its path ends in the signature that DROP AGGREGATE takes: `mode(ORDER BY anyelement)`."""

    name = "aggregate"
    text_name_parts = 1
    is_ambient = True
    section = "aggregates"
    state = AggregateState
    document = AggregateDocument
    rank = 20
    resolve = routine_sql.resolution(_TYPES, _SOURCE)
    recreated_on = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "arguments": Recreate("an aggregate's arguments cannot be altered"),
        "sfunc": _REPLACE,
        "stype": _RESULT,
        "sspace": _REPLACE,
        "finalfunc": _RESULT,
        "finalfunc_extra": _RESULT,
        "finalfunc_modify": _REPLACE,
        "combinefunc": _REPLACE,
        "serialfunc": _REPLACE,
        "deserialfunc": _REPLACE,
        "initcond": _REPLACE,
        "msfunc": _REPLACE,
        "minvfunc": _REPLACE,
        "mstype": _REPLACE,
        "msspace": _REPLACE,
        "mfinalfunc": _REPLACE,
        "mfinalfunc_extra": _REPLACE,
        "mfinalfunc_modify": _REPLACE,
        "minitcond": _REPLACE,
        "sortop": _REPLACE,
        "parallel": _REPLACE,
        "hypothetical": Recreate("an aggregate's kind cannot be altered"),
    }

    def query(self, major: int) -> LiteralString:
        return (
            "SELECT 'pg_proc/' || p.oid || '/0' AS address,"
            " ARRAY[n.nspname, pg_catalog.quote_ident(p.proname) || '(' || "
            + _TYPES
            + """ || ')']::text[] AS path,
                coalesce(nullif(pg_catalog.pg_get_function_arguments(p.oid), ''), '*') AS arguments,
                a.aggtransfn::pg_catalog.regproc::text AS sfunc,
                pg_catalog.format_type(a.aggtranstype, NULL) AS stype,
                a.aggtransspace AS sspace,
                nullif(a.aggfinalfn::pg_catalog.regproc::text, '-') AS finalfunc,
                a.aggfinalextra AS finalfunc_extra,
                CASE nullif(a.aggfinalmodify, m.usual) WHEN 'r' THEN 'read_only' WHEN 's' THEN 'shareable'
                    WHEN 'w' THEN 'read_write' END AS finalfunc_modify,
                nullif(a.aggcombinefn::pg_catalog.regproc::text, '-') AS combinefunc,
                nullif(a.aggserialfn::pg_catalog.regproc::text, '-') AS serialfunc,
                nullif(a.aggdeserialfn::pg_catalog.regproc::text, '-') AS deserialfunc,
                a.agginitval AS initcond,
                nullif(a.aggmtransfn::pg_catalog.regproc::text, '-') AS msfunc,
                nullif(a.aggminvtransfn::pg_catalog.regproc::text, '-') AS minvfunc,
                pg_catalog.format_type(nullif(a.aggmtranstype, 0), NULL) AS mstype,
                a.aggmtransspace AS msspace,
                nullif(a.aggmfinalfn::pg_catalog.regproc::text, '-') AS mfinalfunc,
                a.aggmfinalextra AS mfinalfunc_extra,
                CASE nullif(a.aggmfinalmodify, m.usual) WHEN 'r' THEN 'read_only' WHEN 's' THEN 'shareable'
                    WHEN 'w' THEN 'read_write' END AS mfinalfunc_modify,
                a.aggminitval AS minitcond,
                (SELECT 'OPERATOR(' || pg_catalog.quote_ident(opn.nspname) || '.' || o.oprname || ')'
                    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace
                    WHERE o.oid = a.aggsortop) AS sortop,
                CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted'
                    ELSE 'unsafe' END AS parallel,
                a.aggkind = 'h' AS hypothetical
            """
            + _SOURCE
            + """
            ORDER BY 2"""
        )

    def declare(self, name: str, document: AggregateDocument, nest: Nest) -> Iterable[Declared]:
        schema, last, inside = routine.signature(name, nest.schema, document.arguments)
        arguments = document.arguments.strip() if document.arguments is not None else inside
        fields = {field: getattr(document, field) for field in _PLAIN}
        yield Declared(ObjectId("aggregate", (schema, last)), AggregateState(arguments=arguments, **fields))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: AggregateState = entry.state
        inside = routine.split_path(entry.id.path)[1]
        data: dict[str, Any] = {"arguments": state.arguments} if state.arguments != inside else {}
        for name in _PLAIN:
            value = getattr(state, name)
            if (
                value is not None
                and value is not False
                and value != 0
                and (name, value) != ("parallel", "unsafe")
            ):
                data[name] = value
        return routine.written_key(entry.id.path, home), without_defaults(data) | {
            name: data[name] for name in ("initcond", "minitcond") if name in data
        }

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(_definition(entry, "CREATE"))

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP AGGREGATE {routine.target(entry)}")

    def application_use(self, entry: Entry) -> str | None:
        return f"call {self.label(entry)}"

    def name_in_text(self, id: ObjectId) -> str | None:
        return routine.split_path(id.path)[0]

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield routine.occupied(entry.id.path)
