"""Casts (manual: CREATE CAST). Those that come with a range type are parts of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core import routine_sql
from reconciler.core.address import address
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Disturbance, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class CastState:
    """How one type becomes another. With neither function nor `inout` the bytes are the same."""

    function: str | None = None
    """With its argument types: `app.mood_of(integer)`."""
    inout: bool = False
    """Through the types' text form."""
    context: str = "explicit"
    """When it is used without being said: explicit (never), assignment, implicit (anywhere)."""


class CastDocument(Document):
    """`casts: {integer as app.mood: {function: app.mood_of(integer), context: assignment}}`"""

    function: str | None = None
    inout: bool = False
    context: Literal["explicit", "assignment", "implicit"] = "explicit"


_RECREATE = Recreate("a cast cannot be altered")


class Cast(Kind[CastState]):
    """A cast. Its path is `integer AS app.mood`, both types as format_type writes them."""

    name = "cast"
    is_ambient = True
    section = "casts"
    state = CastState
    document = CastDocument
    rank = 25
    recreated_on = frozenset({Disturbance.RETYPED})
    resolve = (
        """
        SELECT pg_catalog.string_agg("""
        + routine_sql.TYPE
        + """, ' AS ' ORDER BY a.number)
        FROM pg_catalog.regexp_match(%(name)s::text, '^(.*?) AS (.*)$') AS m,
            pg_catalog.unnest(ARRAY[pg_catalog.to_regtype(m[1]), pg_catalog.to_regtype(m[2])]::oid[])
                WITH ORDINALITY AS a (type, number)
        -- An argument of schema would be of no use: casts belong to none.
        WHERE %(schema)s::text IS NOT NULL"""
    )
    rules: ClassVar[Mapping[str, Rule]] = {
        "function": _RECREATE,
        "inout": _RECREATE,
        "context": _RECREATE,
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_cast/' || c.oid || '/0' AS address,
                ARRAY[pg_catalog.format_type(c.castsource, NULL) || ' AS '
                    || pg_catalog.format_type(c.casttarget, NULL)] AS path,
                CASE WHEN c.castfunc <> 0 THEN c.castfunc::pg_catalog.regprocedure::text END AS function,
                c.castmethod = 'i' AS inout,
                CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit'
                    ELSE 'explicit' END AS context
            FROM pg_catalog.pg_cast c
            WHERE c.oid >= 16384 AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_depend d
                WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.deptype = 'i')
            ORDER BY 2"""

    def declare(self, name: str, document: CastDocument, nest: Nest) -> Iterable[Declared]:
        source, found, target = _parts(name)
        if not found:
            raise ValueError("a cast is called `source type as target type`")
        if document.inout and document.function is not None:
            raise ValueError("function and inout exclude one another")
        state = CastState(document.function, document.inout, document.context)
        yield Declared(ObjectId("cast", (f"{source} AS {target}",)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: CastState = entry.state
        data: dict[str, Any] = {"function": state.function} if state.function else {}
        if state.inout:
            data["inout"] = True
        if state.context != "explicit":
            data["context"] = state.context
        return entry.id.path[0], data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: CastState = entry.state
        way = "WITHOUT FUNCTION"
        if state.inout:
            way = "WITH INOUT"
        elif state.function is not None:
            way = f"WITH FUNCTION {state.function}"
        context = "" if state.context == "explicit" else f" AS {state.context.upper()}"
        yield Statement(f"CREATE {address(entry.id)} {way}{context}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        message = f"statements that convert {entry.id.path[0].replace(' AS ', ' to ')} can fail from now on"
        hazards = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),)
        yield Statement(f"DROP {address(entry.id)}", hazards=hazards)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("cast", *entry.id.path)


def _parts(name: str) -> tuple[str, str, str]:
    """Source, the word between, target; the word is empty where it is missing."""
    place = name.lower().find(" as ")
    if place < 0:
        return name, "", ""
    return name[:place].strip(), name[place : place + 4], name[place + 4 :].strip()
