"""Procedures (manual: CREATE PROCEDURE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, LiteralString

from reconciler.core import routine, routine_sql
from reconciler.core.catalog import Entry
from reconciler.core.fragment import without_defaults
from reconciler.core.ident import ObjectId, quote
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class ProcedureState(routine.RoutineState):
    """A procedure: what it shares with functions is all that it has."""


class ProcedureDocument(routine.RoutineDocument):
    """`archive(date): {arguments: IN before date, language: plpgsql, body: ...}`"""


def _definition(entry: Entry, verb: str) -> str:
    state: ProcedureState = entry.state
    attributes = " ".join([f"LANGUAGE {quote(state.language)}", *routine.attributes_sql(state)])
    return f"{verb} PROCEDURE {routine.definition_name(entry)}\n{attributes}\n{routine.body_sql(state)}"


def _replace(old: Entry, new: Entry) -> Iterable[Statement]:
    hazards = []
    if old.state.security_definer != new.state.security_definer:
        whose = "its owner" if new.state.security_definer else "whoever calls it"
        hazards.append(Hazard(HazardCode.ACCESS_CHANGE, new.id, f"runs with the privileges of {whose}"))
    yield Statement(_definition(new, "CREATE OR REPLACE"), hazards=tuple(hazards))


_REPLACE: Rule = InPlace(_replace)


class Procedure(Kind[ProcedureState]):
    """A procedure, called by CALL."""

    name = "procedure"
    is_ambient = True
    section = "procedures"
    state = ProcedureState
    document = ProcedureDocument
    rank = 20
    reparsed = True
    resolve = routine_sql.RESOLVE
    gives_way_to = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "arguments": InPlace(_replace, unless=routine.not_replaceable),
        "language": _REPLACE,
        "body": _REPLACE,
        "sql_body": _REPLACE,
        "object_file": _REPLACE,
        "link_symbol": _REPLACE,
        "security_definer": _REPLACE,
        "settings": _REPLACE,
        "transforms": _REPLACE,
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
            + routine_sql.SOURCE
            + " AND p.prokind = 'p' ORDER BY 2"
        )

    def declare(self, name: str, document: ProcedureDocument, nest: Nest) -> Iterable[Declared]:
        schema, last, inside = routine.signature(name, nest.schema, document.arguments)
        state = ProcedureState(**routine.common_fields(document, inside, nest))
        yield Declared(ObjectId("procedure", (schema, last)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ProcedureState = entry.state
        inside = routine.split_path(entry.id.path)[1]
        data = without_defaults(
            {
                "arguments": state.arguments if state.arguments and state.arguments != inside else None,
                "language": state.language,
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
        yield Statement(f"DROP PROCEDURE {routine.target(entry)}")

    def occupies(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield routine.occupied(entry.id.path)
