"""Settings for all sessions in the database (manual: ALTER DATABASE ... SET)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.current_database import with_name
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Option
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.setting import NOT_SECRET, canonical, changes, refuse_secrets, written
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class DatabaseSettingsState:
    """Parameters that each new session in the database begins with."""

    settings: tuple[str, ...] = ()
    """`name=value`, sorted; names are in lower case."""


def _change(old: tuple[str, ...], new: tuple[str, ...]) -> Iterable[Statement]:
    for action in changes(old, new):
        yield Statement(with_name("ALTER DATABASE", action))


class DatabaseSettings(Kind[DatabaseSettingsState]):
    """What sessions in the database begin with: `settings: {timezone: UTC}`.

    Where they are declared they are all there are. A setting whose name looks like a secret's is neither read
    nor changed.
    """

    name = "database_settings"
    section = "settings"
    parents = ("database",)
    singleton = True
    state = DatabaseSettingsState
    document = dict[str, Option]
    rank = 83
    elaborated = False
    is_shared = True
    is_opt_in = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "settings": InPlace(lambda old, new: _change(old.state.settings, new.state.settings))
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'database_settings.pg_database/' || d.oid || '/0' AS address,
                'pg_database/' || d.oid || '/0' AS parent, ARRAY['current'] AS path,
                ARRAY(
                    SELECT s.said FROM (
                        SELECT pg_catalog.lower(pg_catalog.split_part(c, '=', 1))
                            || pg_catalog.substr(c, pg_catalog.strpos(c, '=')) AS said
                        FROM pg_catalog.pg_db_role_setting r, pg_catalog.unnest(r.setconfig) AS c
                        WHERE r.setdatabase = d.oid AND r.setrole = 0 AND """
            + NOT_SECRET
            + """) AS s
                    ORDER BY s.said COLLATE "C") AS settings
            FROM pg_catalog.pg_database d
            WHERE d.datname = pg_catalog.current_database()
            ORDER BY 1"""
        )

    def declare(self, name: str, document: Mapping[str, str], nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        refuse_secrets(document)
        state = DatabaseSettingsState(canonical(document))
        yield Declared(nest.parent.child("database_settings"), state, nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "settings", written(entry.state.settings)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _change((), entry.state.settings)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _change(entry.state.settings, ())

    def label(self, entry: Entry) -> str:
        return "settings of the database"

    def built_in(self, entry: Entry) -> bool:
        return not entry.state.settings
