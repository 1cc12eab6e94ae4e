"""Operators (manual: CREATE OPERATOR)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core import routine_sql
from reconciler.core.address import address, named
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, without_defaults
from reconciler.core.ident import ObjectId, bare_name, quote
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class OperatorState:
    """An operator; functions and operators are as SQL writes them, qualified unless PostgreSQL's own."""

    function: str
    commutator: str | None = None
    """`OPERATOR(app.===)`"""
    negator: str | None = None
    restrict: str | None = None
    """The function that estimates how many rows it selects."""
    join: str | None = None
    hashes: bool = False
    merges: bool = False
    is_settable: bool = dataclasses.field(default=False, compare=False)
    """Whether ALTER OPERATOR can add what is missing (PostgreSQL 17)."""


class OperatorDocument(Document):
    """`operators: {"===(app.money, app.money)": {function: app.same, commutator: OPERATOR(app.===)}}`"""

    function: str
    commutator: str | None = None
    negator: str | None = None
    restrict: str | None = None
    join: str | None = None
    hashes: bool = False
    merges: bool = False


_PARAMETERS = ("function", "commutator", "negator", "restrict", "join", "hashes", "merges")


def _set(name: str) -> Callable[[Entry, Entry], Iterable[Statement]]:
    def render(old: Entry, new: Entry) -> Iterable[Statement]:
        value = getattr(new.state, name)
        said = name.upper() if value is True else f"{name.upper()} = {value or 'NONE'}"
        yield Statement(f"ALTER {address(new.id)} SET ({said})")

    return render


def _added(name: str) -> InPlace[OperatorState]:
    """A property that can only be added, and only since PostgreSQL 17."""

    def unless(old: OperatorState, new: OperatorState) -> str | None:
        if getattr(old, name) or not old.is_settable:
            return f"ALTER OPERATOR cannot change the {name}"
        return None

    return InPlace(_set(name), unless=unless)


_OTHER: LiteralString = """(
                    SELECT 'OPERATOR(' || pg_catalog.quote_ident(s.nspname) || '.' || p.oprname || ')'
                    FROM pg_catalog.pg_operator p JOIN pg_catalog.pg_namespace s ON s.oid = p.oprnamespace
                    WHERE p.oid = """


def _parts(name: str, home: str) -> tuple[str, str]:
    """Schema and signature of a key."""
    operator, found, types = name.partition("(")
    left, comma, right = types.strip().removesuffix(")").partition(",")
    if not (found and comma and left.strip() and right.strip()):
        raise ValueError("an operator is called by its types too: `===(integer, text)`, `!!(NONE, bigint)`")
    schema, dot, symbol = operator.strip().rpartition(".")
    left = "NONE" if left.strip().upper() == "NONE" else left.strip()
    return bare_name(schema) if dot else home, f"{symbol}({left}, {right.strip()})"


class Operator(Kind[OperatorState]):
    """An operator. Its path ends in what DROP OPERATOR takes: `===(app.money, app.money)`, `!!(NONE, text)`.

    Shells (operators that are only named as another's commutator or negator) are no entries.
    """

    name = "operator"
    is_ambient = True
    section = "operators"
    state = OperatorState
    document = OperatorDocument
    rank = 22
    recreated_on = frozenset({Disturbance.RETYPED})
    resolve = (
        """
        SELECT m[1] || '(' || pg_catalog.string_agg(coalesce("""
        + routine_sql.TYPE
        + """, 'NONE'), ', ' ORDER BY a.number) || ')'
        FROM pg_catalog.regexp_match(%(name)s::text, '^([^(]+)[(](.*?), (.*)[)]$') AS m,
            pg_catalog.unnest(ARRAY[
                CASE pg_catalog.upper(m[2]) WHEN 'NONE' THEN NULL ELSE pg_catalog.to_regtype(m[2]) END,
                pg_catalog.to_regtype(m[3])]::oid[]) WITH ORDINALITY AS a (type, number)
        WHERE %(schema)s::text IS NOT NULL
        GROUP BY m[1]"""
    )
    rules: ClassVar[Mapping[str, Rule]] = {
        "function": Recreate("the function of an operator cannot be altered"),
        "commutator": _added("commutator"),
        "negator": _added("negator"),
        "restrict": InPlace(_set("restrict")),
        "join": InPlace(_set("join")),
        "hashes": _added("hashes"),
        "merges": _added("merges"),
        "is_settable": Ignored("a fact about the server"),
    }

    def query(self, major: int) -> LiteralString:
        settable: LiteralString = "true" if major >= 17 else "false"
        return (
            """
            SELECT 'pg_operator/' || o.oid || '/0' AS address,
                ARRAY[n.nspname, o.oprname || '('
                    || coalesce(pg_catalog.format_type(nullif(o.oprleft, 0), NULL), 'NONE') || ', '
                    || pg_catalog.format_type(o.oprright, NULL) || ')']::text[] AS path,
                o.oprcode::pg_catalog.regproc::text AS function,
                """
            + _OTHER
            + "o.oprcom) AS commutator, "
            + _OTHER
            + """o.oprnegate) AS negator,
                nullif(o.oprrest::pg_catalog.regproc::text, '-') AS restrict,
                nullif(o.oprjoin::pg_catalog.regproc::text, '-') AS "join",
                o.oprcanhash AS hashes, o.oprcanmerge AS merges, """
            + settable
            + """ AS is_settable
            FROM pg_catalog.pg_operator o
            JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND o.oprcode <> 0
            ORDER BY 2"""
        )

    def declare(self, name: str, document: OperatorDocument, nest: Nest) -> Iterable[Declared]:
        schema, signature = _parts(name, nest.schema)
        said = {parameter: getattr(document, parameter) for parameter in _PARAMETERS}
        yield Declared(ObjectId("operator", (schema, signature)), OperatorState(**said))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        schema, signature = entry.id.path
        data = without_defaults({name: getattr(entry.state, name) for name in _PARAMETERS})
        return signature if schema == home else f"{quote(schema)}.{signature}", data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: OperatorState = entry.state
        name, _, types = named(entry.id).partition("(")
        left, _, right = types.removesuffix(")").partition(", ")
        parameters = [f"FUNCTION = {state.function}"]
        if left != "NONE":
            parameters.append(f"LEFTARG = {left}")
        parameters.append(f"RIGHTARG = {right}")
        for parameter in _PARAMETERS[1:]:
            value = getattr(state, parameter)
            if value:
                parameters.append(parameter.upper() if value is True else f"{parameter.upper()} = {value}")
        yield Statement(f"CREATE OPERATOR {name} ({', '.join(parameters)})")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP {address(entry.id)}")

    def application_use(self, entry: Entry) -> str | None:
        return f"use the operator {entry.id.path[1]}"

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("operator", *entry.id.path)
