"""Procedures (manual: CREATE PROCEDURE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from reconciler.core import routine
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Nest, Rule
from reconciler.core.routine_kind import Routine, defined, replacement, shared_rules, written


@dataclass(frozen=True, slots=True)
class ProcedureState(routine.RoutineState):
    """A procedure: what it shares with functions is all that it has."""


class ProcedureDocument(routine.RoutineDocument):
    """`archive(date): {arguments: IN before date, language: plpgsql, body: ...}`"""


def _definition(entry: Entry, verb: str) -> str:
    return defined(entry, f"{verb} PROCEDURE")


class Procedure(Routine[ProcedureState]):
    """A procedure, called by CALL."""

    name = "procedure"
    section = "procedures"
    state = ProcedureState
    document = ProcedureDocument
    letters = "'p'"
    rules: ClassVar[Mapping[str, Rule]] = shared_rules(replacement(_definition))

    def definition(self, entry: Entry, verb: str) -> str:
        return _definition(entry, verb)

    def declare(self, name: str, document: ProcedureDocument, nest: Nest) -> Iterable[Declared]:
        schema, last, inside = routine.signature(name, nest.schema, document.arguments)
        state = ProcedureState(**routine.common_fields(document, inside, nest))
        yield Declared(ObjectId("procedure", (schema, last)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written(entry, home, {})
