"""Subscriptions (manual: CREATE SUBSCRIPTION).

Nothing here connects to a publisher. A subscription is made disabled and without a slot; who runs the
replication makes the slot, sets the connection where it holds a secret, and enables it. Whether it is enabled
and how it connects is therefore never compared, and the connection is never read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names, Option, options_from, options_to, without_defaults
from reconciler.core.ident import ObjectId, bare_name, literal, quote, written_bare
from reconciler.core.kind import Declared, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement, data_loss

USUAL = {
    "binary": "false",
    "disable_on_error": "false",
    "origin": "any",
    "password_required": "true",
    "run_as_owner": "false",
    "streaming": "off",
    "synchronous_commit": "off",
}
"""What is the case where nothing is said: PostgreSQL's defaults, but for `streaming`: its default changed in
18 and which is always set for that reason."""

NO_SLOT = "none"
"""PostgreSQL's word, which no slot can have for a name."""


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription."""

    publications: tuple[str, ...]
    """Bare names, sorted."""
    slot_name: str = NO_SLOT
    two_phase: bool = False
    """(15)"""
    failover: bool = False
    """(17)"""
    options: tuple[str, ...] = ()
    """What differs from USUAL, `name=value`."""
    connection: str | None = dataclasses.field(default=None, compare=False)
    """As declared, without secrets; never read."""


class SubscriptionDocument(Document):
    """`subscriptions: {orders: {publications: [orders], connection: host=db1 dbname=shop}}`

    `connection` is used only when the subscription is made, and holds no password.
    """

    publications: Names
    connection: str | None = None
    slot_name: str | None = None
    two_phase: bool = False
    failover: bool = False
    options: dict[str, Option] = Field(default_factory=dict)


def _alter(entry: Entry, action: str) -> Iterable[Statement]:
    message = f"subscription {entry.id.path[0]} receives something else from now on"
    hazards = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),)
    yield Statement(f"ALTER SUBSCRIPTION {quote(entry.id.path[0])} {action}", hazards=hazards)


def _publications(old: Entry, new: Entry) -> Iterable[Statement]:
    # To refresh would ask the publisher.
    names = ", ".join(map(quote, new.state.publications))
    return _alter(new, f"SET PUBLICATION {names} WITH (refresh = false)")


def _slot(state: SubscriptionState) -> str:
    return f"slot_name = {'NONE' if state.slot_name == NO_SLOT else literal(state.slot_name)}"


def _values(state: SubscriptionState) -> dict[str, str]:
    pairs = (option.partition("=") for option in state.options)
    return {**USUAL, **{name: value for name, _, value in pairs}}


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = _values(old.state), _values(new.state)
    changed = [f"{name} = {literal(value)}" for name, value in after.items() if before.get(name) != value]
    return _alter(new, f"SET ({', '.join(changed)})")


def _checked(connection: str | None) -> str | None:
    """The connection string. Raises ValueError for one that is malformed or holds a secret."""
    if connection is None:
        return None
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(connection)
    except psycopg.ProgrammingError:
        raise ValueError("`connection` is no connection string, such as host=db1 dbname=shop") from None
    if any("password" in name for name in parts):
        raise ValueError(
            "`connection` holds a password: leave it out and set it with ALTER SUBSCRIPTION by hand"
        )
    return connection


class Subscription(Kind[SubscriptionState]):
    """What this database receives by logical replication."""

    name = "subscription"
    section = "subscriptions"
    state = SubscriptionState
    document = SubscriptionDocument
    rank = 72
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {
        "publications": InPlace(_publications),
        "slot_name": InPlace(lambda old, new: _alter(new, f"SET ({_slot(new.state)})")),
        "two_phase": Recreate("to alter two_phase would ask the publisher"),
        "failover": Recreate("to alter failover would ask the publisher"),
        "options": InPlace(_options),
        "connection": Ignored("it can hold a secret: it is never read"),
    }

    def query(self, major: int) -> LiteralString:
        streaming: LiteralString = (
            "CASE s.substream WHEN 't' THEN 'on' WHEN 'p' THEN 'parallel' ELSE 'off' END"
            if major >= 16 else "CASE WHEN s.substream THEN 'on' ELSE 'off' END"
        )  # fmt: skip
        two_phase: LiteralString = "s.subtwophasestate <> 'd'" if major >= 15 else "false"
        stops: LiteralString = "s.subdisableonerr" if major >= 15 else "false"
        required: LiteralString = "s.subpasswordrequired" if major >= 16 else "true"
        as_owner: LiteralString = "s.subrunasowner" if major >= 16 else "false"
        origin: LiteralString = "s.suborigin" if major >= 16 else "'any'"
        failover: LiteralString = "s.subfailover" if major >= 17 else "false"
        return (
            """
            SELECT 'pg_subscription/' || s.oid || '/0' AS address, ARRAY[s.subname::text] AS path,
                ARRAY(SELECT p FROM pg_catalog.unnest(s.subpublications) AS p ORDER BY p COLLATE "C")
                    AS publications,
                coalesce(s.subslotname::text, 'none') AS slot_name,
                """ + two_phase + """ AS two_phase,
                """ + failover + """ AS failover,
                array_remove(ARRAY[
                    CASE WHEN s.subbinary THEN 'binary=true' END,
                    CASE WHEN """ + stops + """ THEN 'disable_on_error=true' END,
                    'origin=' || nullif(""" + origin + """, 'any'),
                    CASE WHEN NOT """ + required + """ THEN 'password_required=false' END,
                    CASE WHEN """ + as_owner + """ THEN 'run_as_owner=true' END,
                    'streaming=' || nullif(""" + streaming + """, 'off'),
                    'synchronous_commit=' || nullif(s.subsynccommit, 'off')], NULL) AS options
            FROM pg_catalog.pg_subscription s
            JOIN pg_catalog.pg_database b ON b.oid = s.subdbid AND b.datname = pg_catalog.current_database()
            ORDER BY s.subname"""
        )  # fmt: skip

    def declare(self, name: str, document: SubscriptionDocument, nest: Nest) -> Iterable[Declared]:
        for option in document.options:
            if option not in USUAL:
                raise ValueError(f"{option!r} is no option of a subscription; they are {', '.join(USUAL)}")
        own = bare_name(name)
        said = {option: value for option, value in document.options.items() if USUAL[option] != value}
        state = SubscriptionState(
            publications=tuple(sorted({bare_name(publication) for publication in document.publications})),
            slot_name=document.slot_name or own,
            two_phase=document.two_phase,
            failover=document.failover,
            options=options_from(said),
            connection=_checked(document.connection),
        )
        yield Declared(ObjectId("subscription", (own,)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: SubscriptionState = entry.state
        data = without_defaults(
            {
                "publications": [written_bare(publication) for publication in state.publications],
                "slot_name": state.slot_name if state.slot_name != entry.id.path[0] else None,
                "two_phase": state.two_phase,
                "failover": state.failover,
                "options": options_to(state.options),
            }
        )
        return written_bare(entry.id.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: SubscriptionState = entry.state
        values = _values(state)
        said = {name: value for name, value in values.items() if name == "streaming" or value != USUAL[name]}
        settings = ["connect = false", _slot(state)]
        settings += [f"{word} = true" for word in ("two_phase", "failover") if getattr(state, word)]
        settings += [f"{name} = {literal(value)}" for name, value in said.items()]
        message = (
            f"subscription {entry.id.path[0]} receives nothing until it has a slot and is enabled by hand"
        )
        yield Statement(
            f"CREATE SUBSCRIPTION {quote(entry.id.path[0])} CONNECTION {literal(state.connection or '')} "
            f"PUBLICATION {', '.join(map(quote, state.publications))} WITH ({', '.join(settings)})",
            hazards=(Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),),
        )

    def drop(self, entry: Entry) -> Iterable[Statement]:
        name, slot = quote(entry.id.path[0]), entry.state.slot_name
        message = f"what subscription {entry.id.path[0]} connects to is known to the database alone"
        if slot != NO_SLOT:
            # With a slot, DROP would ask the publisher and be refused in a transaction.
            message += f"; the slot {slot} stays on the publisher and keeps its log until it is dropped there"
            yield Statement(f"ALTER SUBSCRIPTION {name} DISABLE")
            yield Statement(f"ALTER SUBSCRIPTION {name} SET (slot_name = NONE)")
        yield Statement(f"DROP SUBSCRIPTION {name}", hazards=data_loss(entry.id, message))

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("subscription", *entry.id.path)
