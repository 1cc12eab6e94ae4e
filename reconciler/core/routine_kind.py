"""What the kinds of functions and procedures do alike: how they are read, defined, replaced and dropped."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core import routine, routine_sql
from reconciler.core.catalog import Entry
from reconciler.core.fragment import without_defaults
from reconciler.core.ident import ObjectId, quote
from reconciler.core.kind import Disturbance, Ignored, InPlace, Kind, Rule, S
from reconciler.core.statement import Hazard, HazardCode, Statement

Definition = Callable[[Entry, str], str]
"""CREATE of an entry; the second is the verb, CREATE or CREATE OR REPLACE."""

_COMPILED = frozenset({"c", "internal"})
"""Languages whose routines have the name of a compiled function for a body."""


class Routine(Kind[S]):
    """Base of the two kinds."""

    is_ambient = True
    text_name_parts = 1
    rank = 20
    reparsed = True
    resolve = routine_sql.RESOLVE
    recreated_on = frozenset({Disturbance.RETYPED})
    letters: ClassVar[LiteralString]
    """pg_proc.prokind, as SQL lists them."""
    own_columns: ClassVar[LiteralString] = ""
    """Further columns of the query, each after a comma."""

    @abstractmethod
    def definition(self, entry: Entry, verb: str) -> str:
        """The SQL that makes it; the verb is CREATE or CREATE OR REPLACE."""

    def query(self, major: int) -> LiteralString:
        return (
            "SELECT 'pg_proc/' || p.oid || '/0' AS address, "
            + routine_sql.PATH + " AS path," + routine_sql.COLUMNS + self.own_columns + routine_sql.SOURCE
            + " AND p.prokind IN (" + self.letters + ") ORDER BY 2"
        )  # fmt: skip

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(self.definition(entry, "CREATE"))

    def name_in_text(self, id: ObjectId) -> str | None:
        return routine.split_path(id.path)[0]

    def body_text(self, entry: Entry) -> str | None:
        return None if entry.state.language in _COMPILED else entry.state.body

    def body_check(self, entry: Entry) -> str | None:
        # Made with check_function_bodies off, so that the order does not matter (as pg_dump does it).
        return self.definition(entry, "CREATE OR REPLACE")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP {self.name.upper()} {routine.target(entry)}")

    def application_use(self, entry: Entry) -> str | None:
        return f"call {self.label(entry)}"

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield routine.occupied(entry.id.path)


def defined(entry: Entry, head: str, own: Iterable[str] = (), returns: str | None = None) -> str:
    """The definition after `head` (`CREATE FUNCTION`); `own` are clauses that only this kind has."""
    state: routine.RoutineState = entry.state
    attributes = [f"LANGUAGE {quote(state.language)}", *own, *routine.attributes_sql(state)]
    result = f"\nRETURNS {returns}" if returns else ""
    return (
        f"{head} {routine.definition_name(entry)}{result}\n{' '.join(attributes)}\n{routine.body_sql(state)}"
    )


def replacement(definition: Definition) -> Callable[[Entry, Entry], Iterable[Statement]]:
    """CREATE OR REPLACE as a rule's rendering: it resets what it does not say, so it says everything."""

    def replace(old: Entry, new: Entry) -> Iterable[Statement]:
        hazards: tuple[Hazard, ...] = ()
        if old.state.security_definer != new.state.security_definer:
            whose = "its owner" if new.state.security_definer else "whoever calls it"
            message = f"runs with the privileges of {whose}"
            hazards = (Hazard(HazardCode.ACCESS_CHANGE, new.id, message),)
        yield Statement(definition(new, "CREATE OR REPLACE"), hazards=hazards)

    return replace


def shared_rules(replace: Callable[[Entry, Entry], Iterable[Statement]]) -> Mapping[str, Rule]:
    """The rules of RoutineState's fields."""
    source = ("language", "body", "sql_body", "object_file", "link_symbol")
    attributes = ("security_definer", "settings", "transforms")
    return {
        "arguments": InPlace(replace, unless=routine.not_replaceable),
        **{field: InPlace(replace, Disturbance.REDEFINED) for field in source},
        **{field: InPlace(replace) for field in attributes},
        **{field: Ignored("part of the arguments") for field in ("inputs", "outputs", "defaults")},
    }


def written(entry: Entry, home: str, own: Mapping[str, Any]) -> tuple[str, Any]:
    """The YAML key and document; `own` is what only this kind says."""
    state: routine.RoutineState = entry.state
    inside = routine.split_path(entry.id.path)[1]
    data = without_defaults(
        {
            "arguments": state.arguments if state.arguments and state.arguments != inside else None,
            "returns": own.get("returns"),
            "language": state.language,
            **own,
            "transforms": list(state.transforms),
            "security_definer": state.security_definer,
            "set": routine.settings_data(state),
            "link_symbol": state.link_symbol,
        }
    )
    return routine.written_key(entry.id.path, home), data | routine.body_data(state)
