"""Databases for cases: made quickly, from templates where a text comes again, and removed."""

from __future__ import annotations

import hashlib
import itertools
from collections import OrderedDict
from collections.abc import Iterable

import psycopg

from reconciler.core.ident import literal, quote
from tests.corpus.oracle import Observed, Snapshot, load_sql, observe, snapshot
from tests.corpus.servers import Server

_KEPT_TEMPLATES = 4
_WORTH_KEEPING = 15_000
"""Characters: below, loading a text is quicker than copying a database twice."""


class Databases:
    """The databases on one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._numbers = itertools.count(1)
        self._templates: OrderedDict[str, str] = OrderedDict()
        self._own: list[str] = []
        self._roles: list[str] = []
        self._missing: dict[str, bool] = {}
        self._observed: dict[str, Observed] = {}

    def admin(self, sql: str) -> None:
        """Run one statement as superuser, outside any transaction."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(sql.encode())

    def without(self, extensions: Iterable[str]) -> list[str]:
        """Those extensions that this server does not have."""
        for name in extensions:
            if name not in self._missing:
                with psycopg.connect(self.server.url()) as connection:
                    row = connection.execute(
                        "SELECT FROM pg_available_extensions WHERE name = %s", (name,)
                    ).fetchone()
                self._missing[name] = row is None
        return [name for name in extensions if self._missing[name]]

    def roles(self, names: Iterable[str]) -> None:
        """Make the roles that a case wants to find."""
        for name in names:
            self.admin(
                f"DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(name)}) "
                f"THEN CREATE ROLE {quote(name)}; END IF; END $do$"
            )
            self._roles.append(name)

    def loaded(self, sql: str, exec: str) -> str:
        """The URL of a database of its own that holds `sql`. Raises LoadError."""
        if len(sql) < _WORTH_KEEPING:
            return self.fresh(sql, exec)
        return self._create(self._template(sql, exec))

    def shared(self, sql: str, exec: str) -> str:
        """The URL of a database that holds `sql`, for reading only. Raises LoadError."""
        if len(sql) < _WORTH_KEEPING:
            return self.loaded(sql, exec)
        return self.server.url(self._template(sql, exec))

    def fresh(self, sql: str, exec: str) -> str:
        """The URL of a database that `sql` was just loaded into, no copy of any. Raises LoadError."""
        url = self._create("template0")
        load_sql(url, sql, exec)
        return url

    def observed(self, url: str, *, roles: bool) -> Observed:
        """What is seen of a database that nobody changed since it was loaded."""
        key = next((key for key, name in self._templates.items() if self.server.url(name) == url), None)
        if key is None or roles:
            return observe(url, self.server.binaries, roles=roles)
        if key not in self._observed:
            self._observed[key] = observe(url, self.server.binaries)
        return self._observed[key]

    def loaded_snapshot(self, url: str, sql: str, exec: str) -> Snapshot:
        """The snapshot of what `loaded` returned for the same text, taken before it is changed."""
        seen = self._observed.get(_key(sql, exec))
        return seen.catalogs if seen else snapshot(url)

    def release(self) -> None:
        """Drop what a case used; templates stay for the next."""
        for name in self._own:
            self.admin(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)")
        self._own.clear()
        for name in dict.fromkeys(self._roles):
            try:
                self.admin(f"DROP ROLE IF EXISTS {quote(name)}")
            except psycopg.errors.DependentObjectsStillExist:
                continue  # a template holds it
        self._roles.clear()

    def _create(self, template: str) -> str:
        name = f"c{next(self._numbers)}"
        self._own.append(name)
        strategy = " STRATEGY file_copy" if self.server.major >= 15 else ""
        self.admin(f"CREATE DATABASE {name} TEMPLATE {template}{strategy}")
        return self.server.url(name)

    def _template(self, sql: str, exec: str) -> str:
        key = _key(sql, exec)
        if key not in self._templates:
            name = f"t{next(self._numbers)}"
            strategy = " STRATEGY file_copy" if self.server.major >= 15 else ""
            self.admin(f"CREATE DATABASE {name} TEMPLATE template0{strategy}")
            self._templates[key] = name
            load_sql(self.server.url(name), sql, exec)
        self._templates.move_to_end(key)
        while len(self._templates) > _KEPT_TEMPLATES:
            forgotten, oldest = self._templates.popitem(last=False)
            self._observed.pop(forgotten, None)
            self.admin(f"DROP DATABASE IF EXISTS {oldest} WITH (FORCE)")
        return self._templates[key]


def _key(sql: str, exec: str) -> str:
    return hashlib.sha256(f"{exec}\n{sql}".encode()).hexdigest()
