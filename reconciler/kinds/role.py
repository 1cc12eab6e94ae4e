"""Roles (manual: CREATE ROLE). Passwords are neither read nor written.

Roles belong to the server. A plan alters those that are declared. With `--ownership` it drops an undeclared
one only where it is this database's alone (core.role) and nothing that is declared names it; `pull` writes
those, those that something in the database refers to or that have settings for it, and what these are members
of; with `roles: all` every role of the server.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator

from reconciler.core.catalog import Entry
from reconciler.core.current_database import with_name
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Option, without_defaults
from reconciler.core.ident import ObjectId, bare_name, literal, quote, written_bare
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.role import OWN
from reconciler.core.setting import NOT_SECRET, canonical, changes, refuse_secrets, written
from reconciler.core.statement import Hazard, HazardCode, Statement, data_loss


@dataclass(frozen=True, slots=True)
class RoleState:
    """A role's attributes, without its password."""

    login: bool = False
    superuser: bool = False
    createdb: bool = False
    createrole: bool = False
    inherit: bool = True
    replication: bool = False
    bypassrls: bool = False
    connection_limit: int = -1
    """-1: as many as the server allows."""
    valid_until: str | None = None
    """When the password stops being valid, in UTC: `2030-01-31 12:00:00+00`; None: never."""
    settings: tuple[str, ...] = ()
    """`name=value` for the role's sessions in any database, sorted; names are in lower case."""
    database_settings: tuple[str, ...] = ()
    """The same for its sessions in this database alone."""
    is_others: bool = dataclasses.field(default=False, compare=False)
    """Whether it may be somebody else's than this database's."""


def _moment(value: object) -> object:
    """A time with its zone as UTC has it."""
    if value is None or value == "infinity":
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("not a time; write it as 2030-01-31 12:00:00+00") from None
    if moment.tzinfo is None:
        raise ValueError("the time zone is missing; write it as 2030-01-31 12:00:00+00")
    text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return text.removesuffix(".000000") + "+00"


class RoleDocument(Document):
    """`app_rw: {}`; `app_user: {login: true, settings: {statement_timeout: 30s}, member_of: {app_rw: {}}}`"""

    login: bool = False
    superuser: bool = False
    createdb: bool = False
    createrole: bool = False
    inherit: bool = True
    replication: bool = False
    bypassrls: bool = False
    connection_limit: int = -1
    valid_until: Annotated[str | None, BeforeValidator(_moment)] = None
    settings: dict[str, Option] = {}
    database_settings: dict[str, Option] = {}


_ATTRIBUTES = ("login", "superuser", "createdb", "createrole", "inherit", "replication", "bypassrls")


def _sql(entry: Entry) -> str:
    return quote(entry.id.path[0])


def _alter(entry: Entry, action: str, *hazards: Hazard) -> Statement:
    return Statement(f"ALTER ROLE {_sql(entry)} {action}", hazards=hazards)


def _access(entry: Entry, message: str) -> Hazard:
    return Hazard(HazardCode.ACCESS_CHANGE, entry.id, message)


def _attribute(name: str) -> InPlace[RoleState]:
    """ALTER ROLE ... LOGIN or NOLOGIN, and the like."""

    def render(old: Entry, new: Entry) -> Iterable[Statement]:
        has = getattr(new.state, name)
        hazards = [_access(new, f"role {new.id.path[0]} {'gets' if has else 'loses'} {name.upper()}")]
        if name == "login" and not has:
            message = f"{new.id.path[0]} cannot connect from now on"
            hazards.append(Hazard(HazardCode.APPLICATION_BREAK, new.id, message))
        yield _alter(new, f"{'' if has else 'NO'}{name.upper()}", *hazards)

    return InPlace(render, disturbs=Disturbance.DEFAULTED if name == "inherit" else None)


def _limit(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"CONNECTION LIMIT {new.state.connection_limit}")


def _valid_until(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"VALID UNTIL {literal(new.state.valid_until or 'infinity')}")


def _settings(old: Entry, new: Entry) -> Iterable[Statement]:
    for change in changes(old.state.settings, new.state.settings):
        yield _alter(new, change)


def _database_settings(old: Entry, new: Entry) -> Iterable[Statement]:
    return _in_database(new, changes(old.state.database_settings, new.state.database_settings))


def _in_database(entry: Entry, actions: Iterable[str]) -> Iterable[Statement]:
    for action in actions:
        yield Statement(with_name(f"ALTER ROLE {_sql(entry)} IN DATABASE", action))


class Role(Kind[RoleState]):
    """A role: a user or a group."""

    name = "role"
    section = "roles"
    state = RoleState
    document = RoleDocument
    rank = 1
    elaborated = False
    is_shared = True
    server_names = "SELECT rolname FROM pg_catalog.pg_roles"
    managed_with_ownership = True
    rules: ClassVar[Mapping[str, Rule]] = {
        **{name: _attribute(name) for name in _ATTRIBUTES},
        "connection_limit": InPlace(_limit),
        "valid_until": InPlace(_valid_until),
        "settings": InPlace(_settings),
        "database_settings": InPlace(_database_settings),
        "is_others": Ignored("a fact about the server"),
    }

    def query(self, major: int) -> LiteralString:
        return (
            "WITH"
            + OWN
            + """,
            setting AS (
                SELECT s.setrole, s.setdatabase = 0 AS is_general,
                    array_agg(pg_catalog.lower(pg_catalog.split_part(c, '=', 1))
                        || pg_catalog.substr(c, pg_catalog.strpos(c, '=')) ORDER BY
                        (pg_catalog.lower(pg_catalog.split_part(c, '=', 1))
                            || pg_catalog.substr(c, pg_catalog.strpos(c, '='))) COLLATE "C") AS said
                FROM pg_catalog.pg_db_role_setting s
                CROSS JOIN database d, pg_catalog.unnest(s.setconfig) AS c
                WHERE s.setdatabase IN (0, d.oid) AND """
            + NOT_SECRET
            + """
                GROUP BY 1, 2)
            SELECT 'pg_authid/' || r.oid || '/0' AS address, ARRAY[r.rolname::text] AS path,
                r.rolcanlogin AS login, r.rolsuper AS superuser, r.rolcreatedb AS createdb,
                r.rolcreaterole AS createrole, r.rolinherit AS inherit, r.rolreplication AS replication,
                r.rolbypassrls AS bypassrls, r.rolconnlimit AS connection_limit,
                CASE WHEN pg_catalog.isfinite(r.rolvaliduntil) THEN
                    pg_catalog.replace(pg_catalog.to_char(r.rolvaliduntil AT TIME ZONE 'UTC',
                        'YYYY-MM-DD HH24:MI:SS.US'), '.000000', '') || '+00' END AS valid_until,
                coalesce(g.said, '{}') AS settings, coalesce(h.said, '{}') AS database_settings,
                r.oid NOT IN (SELECT oid FROM own) AS is_others
            FROM pg_catalog.pg_roles r
            LEFT JOIN setting g ON g.setrole = r.oid AND g.is_general
            LEFT JOIN setting h ON h.setrole = r.oid AND NOT h.is_general
            WHERE r.rolname !~ '^pg_' AND r.oid <> 10
            ORDER BY r.rolname"""
        )

    def declare(self, name: str, document: RoleDocument, nest: Nest) -> Iterable[Declared]:
        bare = bare_name(name)
        if bare.startswith("pg_"):
            raise ValueError("roles whose names begin with pg_ are PostgreSQL's own")
        refuse_secrets([*document.settings, *document.database_settings])
        said = {name: getattr(document, name) for name in (*_ATTRIBUTES, "connection_limit", "valid_until")}
        state = RoleState(
            **said,
            settings=canonical(document.settings),
            database_settings=canonical(document.database_settings),
        )
        yield Declared(ObjectId("role", (bare,)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: RoleState = entry.state
        data = without_defaults({name: getattr(state, name) for name in _ATTRIBUTES if name != "inherit"})
        if not state.inherit:
            data["inherit"] = False
        if state.connection_limit != -1:
            data["connection_limit"] = state.connection_limit
        if state.valid_until is not None:
            data["valid_until"] = state.valid_until
        if state.settings:
            data["settings"] = written(state.settings)
        if state.database_settings:
            data["database_settings"] = written(state.database_settings)
        return written_bare(entry.id.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: RoleState = entry.state
        parts = [f"CREATE ROLE {_sql(entry)}"]
        for name in _ATTRIBUTES:
            if getattr(state, name) != getattr(RoleState(), name):
                parts.append(name.upper() if getattr(state, name) else f"NO{name.upper()}")
        if state.connection_limit != -1:
            parts.append(f"CONNECTION LIMIT {state.connection_limit}")
        if state.valid_until is not None:
            parts.append(f"VALID UNTIL {literal(state.valid_until)}")
        yield Statement(" ".join(parts))
        yield from (_alter(entry, change) for change in changes((), state.settings))
        yield from _in_database(entry, changes((), state.database_settings))

    def drop(self, entry: Entry) -> Iterable[Statement]:
        name = entry.id.path[0]
        hazards = [_access(entry, f"role {name} and its memberships go")]
        if entry.state.login:
            hazards += data_loss(entry.id, f"the password of {name}, if it has one, is gone for good")
            message = f"{name} cannot connect from now on"
            hazards.append(Hazard(HazardCode.APPLICATION_BREAK, entry.id, message))
        yield Statement(f"DROP ROLE {_sql(entry)}", hazards=tuple(hazards))

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("role", *entry.id.path)

    def concerns_database(self, entry: Entry) -> bool:
        return bool(entry.state.database_settings)

    def built_in(self, entry: Entry) -> bool:
        return bool(entry.state.is_others)
