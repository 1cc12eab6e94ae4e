"""Every tool's history, as the tool makes it: recognised, read, and left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from reconciler.app.adoption.migration_histories import History, find_histories, not_ignored

SQL = Path(__file__).with_name("tools.sql").read_text(encoding="utf-8")
_PART = re.compile(r"^--- ([^:\n]+): (\w+)$(.*?)(?=^--- |\Z)", re.MULTILINE | re.DOTALL)
PARTS = {name: (schema, text) for name, schema, text in _PART.findall(SQL)}
LAST = {
    "Drizzle Kit": "20250803114536 (99ff88ee77dd)",
    "Alembic": "1975ea83b712, ae1027a6acf",
    "Flyway": "2.1",
    "Liquibase": "add-orders by bob",
    "Django": "shop.0007_order_paid_at",
    "Prisma": "20250102_orders",
    "golang-migrate": "20250101120000",
    "Ecto": "20250101000000",
    "Supabase": "20250614195713 remote_schema",
    "Rails": "20250101000000",
    "goose": "2",
    "Sqitch": "shop:orders",
    "Knex": "20250101_orders.js",
    "TypeORM": "Orders1710000000000",
    "Sequelize": "20250101-orders.js",
    "Atlas": "20250101000000",
    "pgroll": "public:01_init",
    "node-pg-migrate": "2_orders",
    "Laravel": "2025_create_orders",
    "Entity Framework": "20250101_Orders",
    "SQLx": "20250101",
    "Diesel": "20250101000000",
    "Kysely": "2025_orders",
}
HALF_DONE = {
    "Flyway": (
        "UPDATE flyway.flyway_schema_history SET success = false WHERE installed_rank = 2",
        "2.1 failed",
    ),
    "Liquibase": (
        "UPDATE liquibase.databasechangeloglock SET locked = true, lockgranted = '2025-01-01 10:00'",
        "its lock is held since 2025-01-01 10:00",
    ),
    "Prisma": (
        "UPDATE prisma._prisma_migrations SET rolled_back_at = NULL WHERE id = 'c'",
        "20250103_bad is not finished",
    ),
    "golang-migrate": ("UPDATE golang.schema_migrations SET dirty = true", "20250101120000 is dirty"),
    "Sqitch": (
        "INSERT INTO sqitch.events VALUES ('fail', 'c2', 'pay', 'shop', '', '{}', '{}', '{}', '2025-01-03', "
        "'a', 'a', now(), 'a', 'a')",
        "pay failed",
    ),
    "Knex": ("UPDATE knex.knex_migrations_lock SET is_locked = 1", "its lock is held"),
    "Atlas": (
        "UPDATE atlas_schema_revisions.atlas_schema_revisions SET applied = 1, error = 'secret' "
        "WHERE total = 3",
        "20250101000000: 1 of 3 statements",
    ),
    "pgroll": ("UPDATE pgroll.migrations SET done = false", "public:01_init is not complete"),
    "SQLx": ("UPDATE sqlx._sqlx_migrations SET success = false", "20250101 failed"),
    "Kysely": ("UPDATE kysely.kysely_migration_lock SET is_locked = 1", "its lock is held"),
}


@pytest.fixture
def connection(database: Callable[[], str]) -> Iterator[psycopg.Connection]:
    """A database with every tool's tables, and a few that only look like one's."""
    with psycopg.connect(database(), autocommit=True) as connection:
        for schema, text in PARTS.values():
            connection.execute(f"CREATE SCHEMA {schema}".encode())
            connection.execute(text.encode())
        # An application's own: a name without the columns, columns without the name.
        connection.execute("CREATE TABLE public.migrations (bird text, route text)")
        connection.execute("CREATE TABLE public.jobs (id int, name text, run_on timestamp)")
        connection.execute("CREATE TABLE public.schema_version (version int, note text)")
        yield connection


def found(connection: psycopg.Connection) -> dict[str, list[History]]:
    tools: dict[str, list[History]] = {}
    for history in find_histories(connection):
        schema = history.table.path[0]
        name = next(name for name, (home, _) in PARTS.items() if home == schema)
        tools.setdefault(name, []).append(history)
    return tools


def test_each_tool_is_told_with_its_last_version(connection: psycopg.Connection) -> None:
    tools = found(connection)
    assert {name: next(one.last for one in all if one.last) for name, all in tools.items()} == LAST
    assert {name for name, all in tools.items() if not all[0].tool.startswith(name)} == set()
    assert [one.unfinished for all in tools.values() for one in all if one.unfinished] == []


def test_half_done_is_told_and_nothing_of_the_log(connection: psycopg.Connection) -> None:
    for statement, _ in HALF_DONE.values():
        connection.execute(statement.encode())
    told = {
        name: [line for one in all for line in one.unfinished]
        for name, all in found(connection).items()
        if any(one.unfinished for one in all)
    }
    assert told == {name: [line] for name, (_, line) in HALF_DONE.items()}
    assert "secret" not in repr(told)


def test_a_schema_with_nothing_else_is_left_alone_as_a_whole(connection: psycopg.Connection) -> None:
    tools = found(connection)
    assert tools["Drizzle Kit"][0].patterns == ("schema:drizzle", "*:drizzle.*")
    assert tools["pgroll"][0].patterns == ("schema:pgroll", "*:pgroll.*", "event_trigger:pg_roll_handle_*")
    connection.execute("CREATE TABLE drizzle.users (id int)")
    connection.execute("CREATE TYPE knex.mood AS ENUM ('sad')")
    tools = found(connection)
    assert tools["Drizzle Kit"][0].patterns == (
        "table:drizzle.__drizzle_migrations",
        "sequence:drizzle.__drizzle_migrations_id_seq",
    )
    assert [one.patterns[0] for one in tools["Knex"]] == [
        "table:knex.knex_migrations",
        "table:knex.knex_migrations_lock",
    ]


def test_a_history_under_another_name_is_known_by_its_columns(connection: psycopg.Connection) -> None:
    connection.execute("ALTER TABLE flyway.flyway_schema_history SET SCHEMA public")
    connection.execute("ALTER TABLE public.flyway_schema_history RENAME TO our_history")
    histories = [one for one in find_histories(connection) if one.table.path[0] == "public"]
    assert [(one.tool, str(one.table), one.last) for one in histories] == [
        ("Flyway", "table:public.our_history", "2.1")
    ]


def test_a_history_that_may_not_be_read_is_still_told(
    connection: psycopg.Connection, database: Callable[[], str]
) -> None:
    role = "r" + connection.info.dbname
    connection.execute(f"CREATE ROLE {role}".encode())
    try:
        connection.execute(f"GRANT USAGE ON SCHEMA flyway TO {role}".encode())
        connection.execute(f"SET ROLE {role}".encode())
        histories = [one for one in find_histories(connection) if one.tool == "Flyway"]
        assert [(one.last, one.patterns) for one in histories] == [(None, ("schema:flyway", "*:flyway.*"))]
    finally:
        connection.execute("RESET ROLE")
        connection.execute(f"DROP OWNED BY {role}".encode())
        connection.execute(f"DROP ROLE {role}".encode())


def test_only_what_is_not_ignored_yet_is_asked_for(connection: psycopg.Connection) -> None:
    histories = [one for one in find_histories(connection) if one.tool in ("Drizzle Kit", "Ecto")]
    assert not_ignored(histories, ()) == ("schema:drizzle", "*:drizzle.*", "schema:ecto", "*:ecto.*")
    assert not_ignored(histories, ("*:ecto.*", "schema:*")) == ("*:drizzle.*",)
