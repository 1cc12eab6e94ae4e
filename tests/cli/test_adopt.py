"""Adopting a database that another tool has looked after: from `init --url` to a change that is applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Inside, Shop

DRIZZLE = """
CREATE SCHEMA drizzle;
CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('11aa22bb33cc44dd55ee', 1734221536864);
"""
FLYWAY = """
CREATE TABLE flyway_schema_history (installed_rank integer PRIMARY KEY, version varchar(50),
    description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL,
    checksum integer, installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(),
    execution_time integer NOT NULL, success boolean NOT NULL);
INSERT INTO flyway_schema_history VALUES (1, '7', 'x', 'SQL', 'V7__x.sql', 1, 'app', now(), 1, true);
"""
GOLANG = """
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (12, true);
"""
SHOP = "CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);"
OWN = {
    "Drizzle Kit": ["schema:drizzle", "*:drizzle.*"],
    "Flyway": ["table:public.flyway_schema_history"],
}
SETTINGS = """\
targets:
  prod: {url_env: SHOP_URL}
manage:
  # ours alone
  ignore: ["table:public.spatial_*"]   # PostGIS
"""


@pytest.fixture
def make(tmp_path: Path, database: Callable[[], str]) -> Callable[[str], Shop]:
    """An empty folder, and a database with these tables and a users table."""

    def made(history: str) -> Shop:
        shop = Shop(Inside(tmp_path), database())
        shop.execute(history + SHOP)
        return shop

    return made


@pytest.mark.parametrize(("tool", "history"), [("Drizzle Kit", DRIZZLE), ("Flyway", FLYWAY)])
def test_from_another_tool_to_a_change(make: Callable[[str], Shop], tool: str, history: str) -> None:
    shop = make(history)
    before = rows(shop)
    run = shop.reconcile
    done = run("init", ".", "--url", shop.url)
    assert done.code == 0, done.err
    assert f"belongs to {tool}; last applied: " in done.err
    assert "manage.ignore" in done.err
    # Only what is the application's was pulled.
    assert [path.name for path in (run.folder / "schema").rglob("*.yaml")] == ["users.yaml"]
    assert "# manage.ignore" not in (run.folder / "reconcile.yaml").read_text()

    adopted = run("adopt", "--url", shop.url, "--format", "json")
    assert adopted.code == 0, adopted.err
    assert [one["tool"] for one in adopted.data["other_tools"]] == [tool]
    assert adopted.data["ignored"] == []
    assert run("plan", "--url", shop.url, "--detailed-exitcode").code == 0
    assert run("pull", "--url", shop.url).code == 0
    assert run("drift", "--url", shop.url).code == 0

    users = next((run.folder / "schema").rglob("users.yaml"))
    users.write_text(users.read_text().replace("columns:\n", "columns:\n      name: text\n"))
    assert run("plan", "--url", shop.url, "--save").code == 0
    applied = run("apply", "--all", "--url", shop.url)
    assert applied.code == 0, applied.err
    assert shop.execute("SELECT count(name) FROM users") == [(0,)]
    assert rows(shop) == before
    assert run("run", "--url", shop.url).code == 0


def rows(shop: Shop) -> list[tuple[object, ...]]:
    """What the history holds, whichever it is."""
    (name,) = shop.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
        "WHERE tablename IN ('flyway_schema_history', '__drizzle_migrations')"
    )[0]
    return shop.execute(f"SELECT * FROM {name}")


MORE = """
CREATE TABLE mikro_orm_migrations (id serial PRIMARY KEY, name varchar(255),
    executed_at timestamptz DEFAULT current_timestamp);
INSERT INTO mikro_orm_migrations (name) VALUES ('Migration1'), ('Migration2');
CREATE TABLE doctrine_migration_versions (version varchar(191) PRIMARY KEY, executed_at timestamp(0),
    execution_time integer);
INSERT INTO doctrine_migration_versions VALUES ('Version20240102'), ('Version20240101');
CREATE TABLE phinxlog (version bigint PRIMARY KEY, migration_name varchar(100), start_time timestamp,
    end_time timestamp, breakpoint boolean NOT NULL DEFAULT false);
INSERT INTO phinxlog VALUES (20240101, 'Users');
CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255),
    checksum varchar(255));
INSERT INTO refinery_schema_history VALUES (1, 'initial'), (2, 'more');
CREATE TABLE _yoyo_migration (migration_hash varchar(64) PRIMARY KEY, migration_id varchar(255),
    applied_at_utc timestamp);
CREATE TABLE _yoyo_version (version integer PRIMARY KEY, installed_at_utc timestamp);
INSERT INTO _yoyo_migration VALUES ('x', '0001.users', now());
CREATE SCHEMA graphile_migrate;
CREATE TABLE graphile_migrate.migrations (hash text PRIMARY KEY, previous_hash text, filename text NOT NULL,
    date timestamptz NOT NULL DEFAULT now());
CREATE TABLE graphile_migrate.current (filename text PRIMARY KEY, content text NOT NULL);
INSERT INTO graphile_migrate.migrations VALUES ('x', NULL, '000001.sql');
CREATE SCHEMA hdb_catalog;
CREATE TABLE hdb_catalog.hdb_version (hasura_uuid uuid PRIMARY KEY, version text NOT NULL,
    upgraded_on timestamptz NOT NULL, cli_state jsonb NOT NULL, console_state jsonb NOT NULL);
CREATE TABLE hdb_catalog.hdb_action_log (id uuid PRIMARY KEY);
"""


def test_more_tools_are_known_by_their_tables(make: Callable[[str], Shop]) -> None:
    shop = make(MORE)
    done = shop.reconcile("init", ".", "--url", shop.url)
    assert done.code == 0, done.err
    adopted = shop.reconcile("adopt", "--url", shop.url, "--format", "json")
    assert {one["tool"]: one["last"] for one in adopted.data["other_tools"]} == {
        "MikroORM": "Migration2",
        "Doctrine": "Version20240102",
        "Phinx": "20240101 Users",
        "refinery": "2 more",
        "yoyo": "0001.users",
        "graphile-migrate": "000001.sql",
        "Hasura": None,
    }
    assert [path.name for path in (shop.reconcile.folder / "schema").rglob("*.yaml")] == ["users.yaml"]


def test_what_was_pulled_before_is_taken_out(make: Callable[[str], Shop]) -> None:
    shop = make(DRIZZLE)
    run = shop.reconcile
    run.write("reconcile.yaml", SETTINGS)
    assert run("pull", "--target", "prod", SHOP_URL=shop.url).code == 0
    assert any(path.name == "__drizzle_migrations.yaml" for path in (run.folder / "schema").rglob("*"))
    done = run("adopt", "--target", "prod", SHOP_URL=shop.url)
    assert done.code == 0, done.err
    assert "took what is another tool's out of schema/" in done.out
    text = (run.folder / "reconcile.yaml").read_text()
    assert text == SETTINGS.replace('spatial_*"]', 'spatial_*", "schema:drizzle", "*:drizzle.*"]')
    assert not any("drizzle" in path.read_text() for path in (run.folder / "schema").rglob("*.yaml"))
    assert run("plan", "--target", "prod", "--detailed-exitcode", SHOP_URL=shop.url).code == 0
    assert run("drift", "--target", "prod", SHOP_URL=shop.url).code == 0


def test_half_done_is_refused_and_nothing_is_written(make: Callable[[str], Shop]) -> None:
    shop = make(GOLANG)
    run = shop.reconcile
    run.write("reconcile.yaml", SETTINGS)
    run.write("schema/users.yaml", "tables: {}\n")
    done = run("adopt", "--target", "prod", SHOP_URL=shop.url)
    assert done.code == 3
    assert "golang-migrate: 12 is dirty" in done.err
    assert (run.folder / "reconcile.yaml").read_text() == SETTINGS
    assert shop.execute("SELECT to_regnamespace('_reconcile')") == [(None,)]


def test_half_done_can_be_taken_as_it_is(make: Callable[[str], Shop]) -> None:
    shop = make(GOLANG)
    run = shop.reconcile
    done = run("init", ".", "--url", shop.url)
    assert "not finished: 12 is dirty" in done.err
    done = run("adopt", "--url", shop.url, "--take-unfinished")
    assert done.code == 0, done.err
    assert shop.execute("SELECT dirty FROM schema_migrations") == [(True,)]


def test_without_settings_it_says_what_to_add(make: Callable[[str], Shop]) -> None:
    shop = make(FLYWAY)
    run = shop.reconcile
    assert run("pull", "--url", shop.url, "--out", "schema").code == 0
    done = run("adopt", "--url", shop.url, "--schema", "schema")
    assert done.code == 0, done.err
    assert "add to manage.ignore" in done.err
    assert '  - "table:public.flyway_schema_history"' in done.err
    assert run("plan", "--url", shop.url, "--schema", "schema", "--detailed-exitcode").code == 0


def test_settings_that_cannot_be_added_to_are_left(make: Callable[[str], Shop]) -> None:
    shop = make(FLYWAY)
    run = shop.reconcile
    odd = SETTINGS.partition("manage:")[0] + "manage:\n  schemas: &none []\n  ignore: *none\n"
    run.write("reconcile.yaml", odd)
    assert run("pull", "--target", "prod", SHOP_URL=shop.url).code == 0
    done = run("adopt", "--target", "prod", SHOP_URL=shop.url)
    assert done.code == 0, done.err
    assert "add to manage.ignore in reconcile.yaml" in done.err
    assert (run.folder / "reconcile.yaml").read_text() == odd


def test_a_database_that_is_otherwise_is_refused(make: Callable[[str], Shop]) -> None:
    shop = make(DRIZZLE)
    run = shop.reconcile
    assert run("init", ".", "--url", shop.url).code == 0
    with psycopg.connect(shop.url, autocommit=True) as connection:
        connection.execute("ALTER TABLE users ADD COLUMN surprise int")
    done = run("adopt", "--url", shop.url)
    assert done.code == 3
    assert "column public.users.surprise" in done.err
