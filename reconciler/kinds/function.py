"""Functions, window functions and set-returning functions (manual: CREATE FUNCTION)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core import routine, routine_sql
from reconciler.core.catalog import Entry
from reconciler.core.fragment import Fragment, without_defaults
from reconciler.core.ident import ObjectId, quote
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class FunctionState(routine.RoutineState):
    """A function. CREATE OR REPLACE resets what it does not say, so every attribute is always said."""

    returns: str | None = None
    """As pg_get_function_result writes it; None only in YAML, where output parameters say it."""
    volatility: str = "volatile"
    strict: bool = False
    leakproof: bool = False
    parallel: str = "unsafe"
    cost: str | None = None
    """None is 1 for C and internal functions and 100 for others."""
    rows: str | None = None
    """None is 1000 for a function that returns a set."""
    support: str | None = None
    """The planner support function."""
    window: bool = False


class FunctionDocument(routine.RoutineDocument):
    """`touch(): {returns: trigger, language: plpgsql, body: ...}`"""

    returns: str | None = None
    volatility: Literal["volatile", "stable", "immutable"] = "volatile"
    strict: bool = False
    leakproof: bool = False
    parallel: Literal["unsafe", "restricted", "safe"] = "unsafe"
    cost: Fragment | None = None
    rows: Fragment | None = None
    support: str | None = None
    window: bool = False


def _definition(entry: Entry, verb: str) -> str:
    state: FunctionState = entry.state
    attributes = [
        f"LANGUAGE {quote(state.language)}",
        *(["WINDOW"] if state.window else []),
        *([state.volatility.upper()] if state.volatility != "volatile" else []),
        *(["STRICT"] if state.strict else []),
        *(["LEAKPROOF"] if state.leakproof else []),
        *([f"PARALLEL {state.parallel.upper()}"] if state.parallel != "unsafe" else []),
        *([f"COST {state.cost}"] if state.cost else []),
        *([f"ROWS {state.rows}"] if state.rows else []),
        *([f"SUPPORT {state.support}"] if state.support else []),
        *routine.attributes_sql(state),
    ]
    returns = f"\nRETURNS {state.returns}" if state.returns else ""
    head = f"{verb} FUNCTION {routine.definition_name(entry)}{returns}"
    return f"{head}\n{' '.join(attributes)}\n{routine.body_sql(state)}"


def _replace(old: Entry, new: Entry) -> Iterable[Statement]:
    hazards = []
    if old.state.security_definer != new.state.security_definer:
        whose = "its owner" if new.state.security_definer else "whoever calls it"
        hazards.append(Hazard(HazardCode.ACCESS_CHANGE, new.id, f"runs with the privileges of {whose}"))
    yield Statement(_definition(new, "CREATE OR REPLACE"), hazards=tuple(hazards))


_REPLACE: Rule = InPlace(_replace)


class Function(Kind[FunctionState]):
    """A function or window function."""

    name = "function"
    is_ambient = True
    section = "functions"
    state = FunctionState
    document = FunctionDocument
    rank = 20
    reparsed = True
    resolve = routine_sql.RESOLVE
    gives_way_to = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "arguments": InPlace(_replace, unless=routine.not_replaceable),
        "returns": Recreate("what a function returns cannot be altered"),
        "language": _REPLACE,
        "body": _REPLACE,
        "sql_body": _REPLACE,
        "object_file": _REPLACE,
        "link_symbol": _REPLACE,
        "volatility": _REPLACE,
        "strict": _REPLACE,
        "security_definer": _REPLACE,
        "leakproof": _REPLACE,
        "parallel": _REPLACE,
        "cost": _REPLACE,
        "rows": _REPLACE,
        "settings": _REPLACE,
        "support": _REPLACE,
        "transforms": _REPLACE,
        "window": Recreate("a function cannot become a window function or stop being one"),
        "inputs": Ignored("part of the arguments"),
        "outputs": Ignored("part of the arguments"),
        "defaults": Ignored("part of the arguments"),
    }

    def query(self, major: int) -> LiteralString:
        return (
            "SELECT 'pg_proc/' || p.oid || '/0' AS address, "
            + routine_sql.PATH
            + " AS path,"
            + routine_sql.COLUMNS
            + """,
                pg_catalog.pg_get_function_result(p.oid) AS returns,
                CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable'
                    ELSE 'volatile' END AS volatility,
                p.proisstrict AS strict,
                p.proleakproof AS leakproof,
                CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted'
                    ELSE 'unsafe' END AS parallel,
                CASE WHEN p.procost <> CASE WHEN l.lanname IN ('c', 'internal') THEN 1 ELSE 100 END
                    THEN p.procost::text END AS cost,
                CASE WHEN p.proretset AND p.prorows <> 1000 THEN p.prorows::text END AS rows,
                CASE WHEN p.prosupport <> 0 THEN p.prosupport::pg_catalog.regproc::text END AS support,
                p.prokind = 'w' AS "window" """
            + routine_sql.SOURCE
            + " AND p.prokind IN ('f', 'w') ORDER BY 2"
        )

    def declare(self, name: str, document: FunctionDocument, nest: Nest) -> Iterable[Declared]:
        schema, last, inside = routine.signature(name, nest.schema, document.arguments)
        state = FunctionState(
            **routine.common_fields(document, inside, nest),
            returns=document.returns,
            volatility=document.volatility,
            strict=document.strict,
            leakproof=document.leakproof,
            parallel=document.parallel,
            cost=document.cost,
            rows=document.rows,
            support=document.support,
            window=document.window,
        )
        yield Declared(ObjectId("function", (schema, last)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: FunctionState = entry.state
        inside = routine.split_path(entry.id.path)[1]
        data = without_defaults(
            {
                "arguments": state.arguments if state.arguments and state.arguments != inside else None,
                "returns": state.returns,
                "language": state.language,
                "window": state.window,
                "volatility": state.volatility if state.volatility != "volatile" else None,
                "strict": state.strict,
                "leakproof": state.leakproof,
                "parallel": state.parallel if state.parallel != "unsafe" else None,
                "cost": _number(state.cost),
                "rows": _number(state.rows),
                "support": state.support,
                "transforms": list(state.transforms),
                "security_definer": state.security_definer,
                "set": routine.settings_data(state),
                "link_symbol": state.link_symbol,
            }
        )
        return routine.written_key(entry.id.path, home), data | routine.body_data(state)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(_definition(entry, "CREATE"))

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP FUNCTION {routine.target(entry)}")

    def occupies(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield routine.occupied(entry.id.path)


def _number(text: str | None) -> Any:
    return int(text) if text is not None and text.isdecimal() else text
