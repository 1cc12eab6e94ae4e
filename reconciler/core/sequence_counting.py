"""How a sequence counts, and the statements that change it or carry on where another one stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, Final, LiteralString

from reconciler.core.constraint import chosen_name
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId, literal, qualified
from reconciler.core.statement import Hazard, HazardCode, LockMode, Statement, on

_HIGHEST: Final = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}

POSITION: Final[LiteralString] = """
    SELECT CASE WHEN (coalesce(pg_catalog.pg_sequence_last_value(q.seqrelid), q.seqstart)
                - %(last)s::text::numeric) * %(increment)s::text::numeric > 0
        THEN 'past' ELSE 'within' END
    FROM pg_catalog.pg_sequence q
    JOIN pg_catalog.pg_class c ON c.oid = q.seqrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(name)s"""
"""Whether a sequence stands past the last number that it is to give."""


@dataclass(frozen=True, slots=True)
class Counting:
    """The options of a sequence. None is what PostgreSQL chooses from the others."""

    type: str = "bigint"
    increment: int = 1
    min: int | None = None
    max: int | None = None
    start: int | None = None
    cache: int = 1
    cycle: bool = False

    @property
    def lowest(self) -> int:
        """MINVALUE, also where it is the usual one."""
        if self.min is not None:
            return self.min
        return 1 if self.increment > 0 else -_HIGHEST[self.type] - 1

    @property
    def highest(self) -> int:
        """MAXVALUE, also where it is the usual one."""
        if self.max is not None:
            return self.max
        return _HIGHEST[self.type] if self.increment > 0 else -1

    @property
    def nearest(self) -> int:
        """The bound that it counts away from."""
        return self.lowest if self.increment > 0 else self.highest

    @property
    def last(self) -> int:
        """The bound that it counts towards."""
        return self.highest if self.increment > 0 else self.lowest

    @property
    def first(self) -> int:
        """START, also where it is the usual one."""
        return self.nearest if self.start is None else self.start

    def has_room_for(self, value: int) -> bool:
        """Whether the value is within the bounds."""
        return self.lowest <= value <= self.highest

    def without_usual(self) -> Counting:
        """The same without what PostgreSQL would choose by itself."""
        counting = self
        for name, meaning in (("min", "lowest"), ("max", "highest"), ("start", "first")):
            unsaid: dict[str, Any] = {name: None}
            bare = dataclasses.replace(counting, **unsaid)
            if getattr(self, name) == getattr(bare, meaning):
                counting = bare
        return counting


@dataclass(frozen=True, slots=True)
class Recount:
    """A sequence that is to count otherwise."""

    path: tuple[str, ...]
    """Its schema and name."""
    of: ObjectId
    """The object that hazards are about."""
    old: Counting
    new: Counting
    stands_past: bool = False
    """The server said that it stands past its new last number."""

    def question(self) -> tuple[LiteralString, dict[str, str]] | None:
        """What to ask the server before it is planned; None where it has no earlier end."""
        if not self._ends_earlier:
            return None
        schema, name = self.path
        numbers = {"last": str(self.new.last), "increment": str(self.new.increment)}
        return POSITION, {"schema": schema, "name": name, **numbers}

    def statements(self) -> Iterable[Statement]:
        """Move it into the new bounds where it stands before them, then change all options at once:
        PostgreSQL checks them, and the position, against one another."""
        options = _options(self.old, self.new)
        if not options:
            return
        name = qualified(*self.path)
        yield from self._moves(name)
        yield Statement(f"ALTER SEQUENCE {name} {' '.join(options)}", on(name), self._hazards())

    @property
    def _starts_later(self) -> bool:
        old, new = self.old, self.new
        return new.lowest > old.lowest if new.increment > 0 else new.highest < old.highest

    @property
    def _ends_earlier(self) -> bool:
        old, new = self.old, self.new
        return new.highest < old.highest if new.increment > 0 else new.lowest > old.lowest

    def _moves(self, name: str) -> Iterable[Statement]:
        new = self.new
        is_restarted = self._ends_earlier and self.stands_past
        targets = [*([new.nearest] if self._starts_later else ()), *([new.first] if is_restarted else ())]
        if not all(map(self.old.has_room_for, targets)):
            yield Statement(f"ALTER SEQUENCE {name} {' '.join(self._widened())}", on(name))
        before, past = ("<", ">") if new.increment > 0 else (">", "<")
        sequence = literal(name)
        if is_restarted:
            sql = f"SELECT pg_catalog.setval({sequence}, {new.first}, false) FROM {name}"
            message = (
                f"it stands past its new bounds and starts again at {new.first}: numbers are given twice"
            )
            hazards = (Hazard(HazardCode.APPLICATION_BREAK, self.of, message),)
            yield Statement(f"{sql} WHERE last_value {past} {new.last}", hazards=hazards)
        if self._starts_later:
            # No number is given twice: it has not been in the new bounds.
            sql = f"SELECT pg_catalog.setval({sequence}, {new.nearest}, false) FROM {name}"
            yield Statement(f"{sql} WHERE last_value {before} {new.nearest}")

    def _widened(self) -> Iterable[str]:
        old, new = self.old, self.new
        if _HIGHEST[new.type] > _HIGHEST[old.type]:
            yield f"AS {new.type}"
        yield f"MINVALUE {min(old.lowest, new.lowest)}"
        yield f"MAXVALUE {max(old.highest, new.highest)}"

    def _hazards(self) -> tuple[Hazard, ...]:
        if not self._ends_earlier or self.stands_past:
            return ()
        message = "it fails where the sequence stands outside the new bounds"
        return (Hazard(HazardCode.MAY_FAIL, self.of, message),)


def _options(old: Counting, new: Counting) -> list[str]:
    pairs = (
        (f"AS {new.type}", old.type != new.type),
        (f"INCREMENT BY {new.increment}", old.increment != new.increment),
        (f"MINVALUE {new.lowest}", old.lowest != new.lowest),
        (f"MAXVALUE {new.highest}", old.highest != new.highest),
        (f"START WITH {new.first}", old.first != new.first),
        (f"CACHE {new.cache}", old.cache != new.cache),
        ("CYCLE" if new.cycle else "NO CYCLE", old.cycle != new.cycle),
    )
    return [option for option, is_new in pairs if is_new]


def position_store(path: tuple[str, ...]) -> str:
    """The sequence, as SQL writes it, that keeps a position between the drop of the sequence of that path and
    the creation of the one that goes on."""
    schema, name = path
    return qualified(schema, chosen_name(name, (), "position"))


def position_kept(sequence: str, store: str) -> Iterable[Statement]:
    """Statements that keep where a sequence stands in another one, which has room for any number."""
    yield Statement(f"CREATE SEQUENCE {store} MINVALUE {-(2**63)}")
    yield Statement(f"SELECT pg_catalog.setval({literal(store)}, last_value, is_called) FROM {sequence}")


def position_taken(sequence: str, store: str, hazards: tuple[Hazard, ...] = ()) -> Iterable[Statement]:
    """Statements that let a sequence go on where `position_kept` left off."""
    sql = f"SELECT pg_catalog.setval({literal(sequence)}, last_value, is_called) FROM {store}"
    yield Statement(sql, hazards=hazards)
    yield Statement(f"DROP SEQUENCE {store}")


def before_reading(relation: str) -> Statement:
    """Lock a table, so that nobody takes a number between reading a position and moving it."""
    return Statement(
        f"LOCK TABLE {relation} IN ACCESS EXCLUSIVE MODE", on(relation, LockMode.ACCESS_EXCLUSIVE)
    )
