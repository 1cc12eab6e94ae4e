"""A database with a file that declares its schema: planned, reached, pulled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from reconciler import app
from reconciler.engine.catalog.scope import Scope
from reconciler.engine.plan.model import Plan


class Place:
    """A database, and a file that declares its schema."""

    def __init__(self, url: str, folder: Path, ownership: bool = False) -> None:
        self.url, self.file = url, folder / "schema.yaml"
        self.scope = Scope(ownership=ownership)

    def alter(self, *actions: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            for action in actions:
                name = sql.Identifier(connection.info.dbname).as_string(connection)
                connection.execute(action.replace("THIS", f"DATABASE {name}").encode())

    def plan(self, declared: str) -> Plan:
        self.file.write_text(declared)
        return app.make_plan(app.Request(self.url, self.file, self.scope))

    def reach(self, declared: str) -> list[str]:
        """Plan and apply; then nothing is left to do. The statements."""
        plan = self.plan(declared)
        statements = [text for step in plan.steps for text in step.sql]
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        assert not [step.sql for step in self.plan(declared).steps]
        return statements

    def pulled(self) -> dict[str, object] | None:
        files, _ = app.pull(self.url, self.scope)
        found = files.get("database.yaml", {}).get("database")
        assert found is None or isinstance(found, dict)
        return found

    def answer(self, query: str) -> tuple[Any, ...]:
        """One row."""
        with psycopg.connect(self.url) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return tuple(row)
