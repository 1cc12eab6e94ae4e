"""Sequences, also those of serial columns; an identity column's sequence belongs to its column
(manual: CREATE SEQUENCE)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Series
from typing import Any, ClassVar, Final, Literal, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, in_schema, literal, qualified, quote, written_path
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement, application_break, on
from reconciler.core.transition import RenameTransition

_MADE: Final = re.compile(r"_seq[0-9]*\Z")
_SURELY_NOT_CUT: Final = 55


@dataclass(frozen=True, slots=True)
class SequenceState:
    """How a sequence counts; where it stands is data. None is what follows from the other fields."""

    type: str = "bigint"
    increment: int = 1
    min: int | None = None
    max: int | None = None
    start: int | None = None
    cache: int = 1
    cycle: bool = False
    unlogged: bool = False


class SequenceDocument(Document):
    """`sequences: {order_number: {start: 1000, increment: 10}}`"""

    type: Literal["smallint", "integer", "bigint"] = "bigint"
    increment: int = 1
    min: int | None = None
    max: int | None = None
    start: int | None = None
    cache: int = Field(default=1, ge=1)
    cycle: bool = False
    unlogged: bool = False
    transition: RenameTransition | None = None


_HIGHEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def _lowest(state: SequenceState) -> int:
    if state.min is not None:
        return state.min
    return 1 if state.increment > 0 else -_HIGHEST[state.type] - 1


def _highest(state: SequenceState) -> int:
    if state.max is not None:
        return state.max
    return _HIGHEST[state.type] if state.increment > 0 else -1


def _first(state: SequenceState) -> int:
    if state.start is not None:
        return state.start
    return _lowest(state) if state.increment > 0 else _highest(state)


def _normal(state: SequenceState) -> SequenceState:
    """What PostgreSQL would choose by itself is not said."""
    for name, meaning in (("min", _lowest), ("max", _highest), ("start", _first)):
        unsaid: dict[str, Any] = {name: None}
        bare = dataclasses.replace(state, **unsaid)
        if getattr(state, name) == meaning(bare):
            state = bare
    return state


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = old.state, new.state
    parts = []
    if before.type != after.type:
        parts.append(f"AS {after.type}")
    if before.increment != after.increment:
        parts.append(f"INCREMENT BY {after.increment}")
    if _lowest(before) != _lowest(after):
        parts.append(f"MINVALUE {_lowest(after)}")
    if _highest(before) != _highest(after):
        parts.append(f"MAXVALUE {_highest(after)}")
    if _first(before) != _first(after):
        parts.append(f"START WITH {_first(after)}")
    if before.cache != after.cache:
        parts.append(f"CACHE {after.cache}")
    if before.cycle != after.cycle:
        parts.append("CYCLE" if after.cycle else "NO CYCLE")
    hazards: tuple[Hazard, ...] = ()
    name = qualified(*new.id.path)
    if _lowest(before) < _lowest(after) <= _highest(before) and after.increment > 0:
        # A sequence that stands below its new minimum would refuse it; one that stands above stays there.
        lowest = _lowest(after)
        setval = f"pg_catalog.setval({literal(name)}, {lowest}, false)"
        yield Statement(f"SELECT {setval} FROM {name} WHERE last_value < {lowest}")
    if _highest(before) > _highest(after):
        message = "it fails where the sequence stands outside the new bounds"
        hazards = (Hazard(HazardCode.MAY_FAIL, new.id, message),)
    if parts:
        yield Statement(f"ALTER SEQUENCE {name} {' '.join(parts)}", on(name), hazards)


def _logged(old: Entry, new: Entry) -> Iterable[Statement]:
    name = qualified(*new.id.path)
    yield Statement(f"ALTER SEQUENCE {name} SET {'UNLOGGED' if new.state.unlogged else 'LOGGED'}", on(name))


class Sequence(Kind[SequenceState]):
    """A sequence. Which column owns it is an entry of its own (`sequence_ownership`)."""

    name = "sequence"
    said_as = 1
    is_ambient = True
    is_local = True
    section = "sequences"
    state = SequenceState
    document = SequenceDocument
    rank = 15
    ignores = frozenset({"column", "table"})
    rules: ClassVar[Mapping[str, Rule]] = {
        **dict.fromkeys(("type", "increment", "min", "max", "start", "cache", "cycle"), InPlace(_options)),
        "unlogged": InPlace(_logged),
    }

    def spoken(self, id: ObjectId) -> str | None:
        # A column that needs a sequence calls it `table_column_seq`, cut to 63 bytes, and gives it a number
        # where another has that name.
        name = id.path[-1]
        return None if len(name.encode()) > _SURELY_NOT_CUT else _MADE.sub("", name)

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_class/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.relname]::text[] AS path,
                pg_catalog.format_type(q.seqtypid, NULL) AS type,
                q.seqincrement AS increment,
                nullif(q.seqmin, CASE WHEN q.seqincrement > 0 THEN 1 WHEN q.seqtypid = 21 THEN -32768
                    WHEN q.seqtypid = 23 THEN -2147483648 ELSE '-9223372036854775808'::bigint END) AS min,
                nullif(q.seqmax, CASE WHEN q.seqincrement < 0 THEN -1 WHEN q.seqtypid = 21 THEN 32767
                    WHEN q.seqtypid = 23 THEN 2147483647 ELSE '9223372036854775807'::bigint END) AS max,
                nullif(q.seqstart, CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END) AS start,
                q.seqcache AS cache,
                q.seqcycle AS cycle,
                c.relpersistence = 'u' AS unlogged
            FROM pg_catalog.pg_sequence q
            JOIN pg_catalog.pg_class c ON c.oid = q.seqrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i')
            ORDER BY n.nspname, c.relname"""

    def declare(self, name: str, document: SequenceDocument, nest: Nest) -> Iterable[Declared]:
        if document.increment == 0:
            raise ValueError("a sequence cannot be incremented by 0")
        transition = document.transition or RenameTransition()
        fields = document.model_dump(exclude={"transition"})
        yield Declared(
            ObjectId("sequence", in_schema(name, nest.schema)),
            _normal(SequenceState(**fields)),
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        usual = SequenceState()
        names = ("type", "increment", "min", "max", "start", "cache", "cycle", "unlogged")
        data = {
            name: value for name in names if (value := getattr(entry.state, name)) != getattr(usual, name)
        }
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Series[str] = ()) -> Iterable[Statement]:
        state: SequenceState = entry.state
        parts = [f"CREATE {'UNLOGGED ' if state.unlogged else ''}SEQUENCE {qualified(*entry.id.path)}"]
        if state.type != "bigint":
            parts.append(f"AS {state.type}")
        for words, value, usual in (
            ("INCREMENT BY", state.increment, 1),
            ("MINVALUE", state.min, None),
            ("MAXVALUE", state.max, None),
            ("START WITH", state.start, None),
            ("CACHE", state.cache, 1),
        ):
            if value != usual:
                parts.append(f"{words} {value}")
        yield Statement(" ".join([*parts, *(["CYCLE"] if state.cycle else [])]))

    def drop(self, entry: Entry) -> Iterable[Statement]:
        name = qualified(*entry.id.path)
        message = "where the sequence stands is lost, and statements that ask it for a number fail"
        hazards = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),)
        yield Statement(f"DROP SEQUENCE {name}", on(name), hazards)

    def occupies(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("relation", *entry.id.path)

    def resemblance(self, entry: Entry) -> object | None:
        return entry.id.path[0], entry.state

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        relation = qualified(*old.id.path)
        hazards = application_break(old.id, f"say {old.id.path[1]}")
        yield Statement(f"ALTER SEQUENCE {relation} RENAME TO {quote(name)}", on(relation), hazards)
