"""Functions, window functions and set-returning functions (manual: CREATE FUNCTION)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from reconciler.core import routine
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Fragment
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Disturbance, InPlace, Nest, Recreate, Rule
from reconciler.core.routine_kind import Routine, defined, replacement, shared_rules, written


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
    own = [
        *(["WINDOW"] if state.window else []),
        *([state.volatility.upper()] if state.volatility != "volatile" else []),
        *(["STRICT"] if state.strict else []),
        *(["LEAKPROOF"] if state.leakproof else []),
        *([f"PARALLEL {state.parallel.upper()}"] if state.parallel != "unsafe" else []),
        *([f"COST {state.cost}"] if state.cost else []),
        *([f"ROWS {state.rows}"] if state.rows else []),
        *([f"SUPPORT {state.support}"] if state.support else []),
    ]
    return defined(entry, f"{verb} FUNCTION", own, state.returns)


_replace = replacement(_definition)


class Function(Routine[FunctionState]):
    """A function or window function."""

    name = "function"
    section = "functions"
    state = FunctionState
    document = FunctionDocument
    letters = "'f', 'w'"
    own_columns = """,
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
    rules: ClassVar[Mapping[str, Rule]] = {
        **shared_rules(_replace),
        "returns": Recreate("what a function returns cannot be altered"),
        "window": Recreate("a function cannot become a window function or stop being one"),
        "volatility": InPlace(_replace),
        "strict": InPlace(_replace, Disturbance.REDEFINED),
        "leakproof": InPlace(_replace),
        "parallel": InPlace(_replace),
        "cost": InPlace(_replace),
        "rows": InPlace(_replace),
        "support": InPlace(_replace),
    }

    def definition(self, entry: Entry, verb: str) -> str:
        return _definition(entry, verb)

    def application_use(self, entry: Entry) -> str | None:
        # Only triggers call these, and go before them.
        is_called = entry.state.returns not in ("trigger", "event_trigger")
        return super().application_use(entry) if is_called else None

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
        own = {
            "returns": state.returns,
            "window": state.window,
            "volatility": state.volatility if state.volatility != "volatile" else None,
            "strict": state.strict,
            "leakproof": state.leakproof,
            "parallel": state.parallel if state.parallel != "unsafe" else None,
            "cost": _number(state.cost),
            "rows": _number(state.rows),
            "support": state.support,
        }
        return written(entry, home, own)


def _number(text: str | None) -> Any:
    return int(text) if text is not None and text.isdecimal() else text
