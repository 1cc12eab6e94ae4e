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
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, written_path
from reconciler.core.kind import Declared, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.sequence_counting import Counting, Recount, position_kept, position_taken
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
    stands_past: bool = dataclasses.field(default=False, compare=False)
    """It stands past its new last number; found by `server_query`."""
    position_in: str | None = dataclasses.field(default=None, compare=False)
    """The sequence that keeps the position between this one and a column's identity."""


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


_OPTIONS: Final = tuple(field.name for field in dataclasses.fields(Counting))


def _counting(state: SequenceState) -> Counting:
    return Counting(**{name: getattr(state, name) for name in _OPTIONS})


def _recount(old: Entry, new: Entry) -> Recount:
    before, after = _counting(old.state), _counting(new.state)
    return Recount(new.id.path, new.id, before, after, new.state.stands_past)


def _logged(old: Entry, new: Entry) -> Iterable[Statement]:
    name = qualified(*new.id.path)
    yield Statement(f"ALTER SEQUENCE {name} SET {'UNLOGGED' if new.state.unlogged else 'LOGGED'}", on(name))


class Sequence(Kind[SequenceState]):
    """A sequence. Which column owns it is an entry of its own (`sequence_ownership`)."""

    name = "sequence"
    text_name_parts = 1
    is_ambient = True
    is_local = True
    section = "sequences"
    state = SequenceState
    document = SequenceDocument
    rank = 15
    ignores = frozenset({"column", "table"})
    rules: ClassVar[Mapping[str, Rule]] = {
        **dict.fromkeys(_OPTIONS, InPlace(lambda old, new: _recount(old, new).statements())),
        "unlogged": InPlace(_logged),
        "stands_past": Ignored("where it stands is data"),
        "position_in": Ignored("how to get there, not where to be"),
    }

    def name_in_text(self, id: ObjectId) -> str | None:
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
        counting = Counting(**document.model_dump(include=set(_OPTIONS))).without_usual()
        fields = {name: getattr(counting, name) for name in _OPTIONS}
        yield Declared(
            ObjectId("sequence", in_schema(name, nest.schema)),
            SequenceState(**fields, unlogged=document.unlogged),
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        usual = SequenceState()
        names = (*_OPTIONS, "unlogged")
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
        if state.position_in is not None:
            yield from position_taken(qualified(*entry.id.path), state.position_in)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        name = qualified(*entry.id.path)
        message = "where the sequence stands is lost, and statements that ask it for a number fail"
        hazards: tuple[Hazard, ...] = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),)
        if (store := entry.state.position_in) is not None:
            yield from position_kept(name, store)
            hazards = application_break(entry.id, f"ask {name} for a number")
        yield Statement(f"DROP SEQUENCE {name}", on(name), hazards)

    def server_query(self, old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        return _recount(old, new).question() if old is not None else None

    def with_server_answer(self, new: Entry, answer: str | None) -> Entry:
        state = dataclasses.replace(new.state, stands_past=answer == "past")
        return dataclasses.replace(new, state=state)

    def counter(self, entry: Entry) -> tuple[str, ...] | None:
        return entry.id.path

    def keeping_position(self, entry: Entry, store: str) -> Entry:
        return dataclasses.replace(entry, state=dataclasses.replace(entry.state, position_in=store))

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("relation", *entry.id.path)

    def rename_signature(self, entry: Entry) -> object | None:
        return entry.id.path[0], entry.state

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        relation = qualified(*old.id.path)
        hazards = application_break(old.id, f"say {old.id.path[1]}")
        yield Statement(f"ALTER SEQUENCE {relation} RENAME TO {quote(name)}", on(relation), hazards)
