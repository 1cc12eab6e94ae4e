"""Roles and memberships, on a real server. Roles belong to the whole server: each test has its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from pydantic import TypeAdapter, ValidationError

from reconciler import app
from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId, quote
from reconciler.core.kind import Disturbance, Nest
from reconciler.core.statement import HazardCode
from reconciler.engine.catalog.scope import Scope
from reconciler.engine.yaml.writer import dump
from reconciler.kinds.membership import Membership
from reconciler.kinds.role import Role, RoleState
from tests.conftest import AnyServer
from tests.kinds.constraints_schema import Database, major_of
from tests.kinds.roles import Roles, roles_on
from tests.kinds.roundtrip import assert_altered, declare, read, refusal, run

ROLE, MEMBERSHIP = Role(), Membership()
KINDS = (ROLE, MEMBERSHIP)
FULL = RoleState(
    login=True,
    superuser=True,
    createdb=True,
    createrole=True,
    inherit=False,
    replication=True,
    bypassrls=True,
    connection_limit=3,
    valid_until="2030-01-31 12:00:00+00",
    settings=('search_path=app, "Odd, schema"', "work_mem=64MB"),
    database_settings=("app.tenant=50% of 'it'", 'search_path=""'),
)


@pytest.fixture
def roles(server: AnyServer) -> Iterator[Roles]:
    with roles_on(server.url()) as made:
        yield made


def role(name: str) -> ObjectId:
    return ObjectId("role", (name,))


def member(one: str, of: str) -> ObjectId:
    return ObjectId("membership", (one, of))


def test_every_attribute(roles: Roles, database: Database) -> None:
    source = database()
    run(source, f"DROP ROLE {quote(roles.odd)}")
    wanted = Entry(role(roles.odd), FULL)
    run(source, *ROLE.create(wanted))
    found = read(source, KINDS)[wanted.id]
    assert found.state == FULL
    declared = declare(ROLE, found, "public")
    assert (declared.id, declared.state, declared.parent) == (found.id, FULL, None)
    assert read(database(), KINDS)[wanted.id].state == dataclasses.replace(FULL, database_settings=())
    run(source, *ROLE.drop(found))
    assert wanted.id not in read(source, KINDS)
    run(source, f"CREATE ROLE {quote(roles.odd)}")


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(RoleState) if field.compare])
def test_every_attribute_is_altered(roles: Roles, database: Database, field: str) -> None:
    assert_altered(database(), ROLE, role(roles.odd), KINDS, **{field: getattr(FULL, field)})


def test_an_eternal_password_is_no_attribute(roles: Roles, database: Database) -> None:
    source = database()
    run(source, f"ALTER ROLE {roles.owner} VALID UNTIL 'infinity' PASSWORD 'secret'")
    assert read(source, KINDS)[role(roles.owner)].state == RoleState()
    read_password = TypeAdapter(ROLE.document).validate_python
    with pytest.raises(ValidationError):
        read_password({"password": "secret"})


@pytest.mark.parametrize(
    ("said", "meant"),
    [("2030-01-31 13:00:00+01", "2030-01-31 12:00:00+00"), ("infinity", None), (None, None)],
)
def test_times_have_a_zone(said: str | None, meant: str | None) -> None:
    assert TypeAdapter(ROLE.document).validate_python({"valid_until": said}).valid_until == meant
    with pytest.raises(ValidationError, match="time zone is missing"):
        TypeAdapter(ROLE.document).validate_python({"valid_until": "2030-01-31"})


def test_settings_are_written_loosely() -> None:
    said = {"Search_Path": "app,public", "work_mem": "1MB", "temp_tablespaces": ""}
    document = TypeAdapter(ROLE.document).validate_python({"settings": said})
    (declared,) = ROLE.declare("a", document, Nest("public"))
    assert declared.state.settings == ("search_path=app, public", 'temp_tablespaces=""', "work_mem=1MB")


def test_memberships(roles: Roles, database: Database) -> None:
    source = database()
    run(source, f"GRANT {roles.owner} TO {quote(roles.odd)}", f"GRANT pg_monitor TO {roles.owner}")
    catalog = read(source, KINDS)
    entry = catalog[member(roles.odd, roles.owner)]
    assert entry.parent == role(roles.odd)
    assert entry.needs == {role(roles.odd), role(roles.owner)}
    for each in (entry, catalog[member(roles.owner, "pg_monitor")]):
        declared = declare(MEMBERSHIP, each, "public")
        assert (declared.id, declared.state, declared.parent) == (each.id, each.state, each.parent)
        run(source, *MEMBERSHIP.drop(each))
        assert each.id not in read(source, KINDS)
        run(source, *MEMBERSHIP.create(each))
        assert read(source, KINDS)[each.id].state == each.state
    assert_altered(source, MEMBERSHIP, entry.id, KINDS, admin=True)
    run(source, *MEMBERSHIP.drop(read(source, KINDS)[member(roles.owner, "pg_monitor")]))


def test_options_of_memberships_since_16(roles: Roles, database: Database) -> None:
    source = database()
    if major_of(source) < 16:
        pytest.skip("memberships have no options")
    run(source, f"GRANT {roles.owner} TO {roles.other} WITH INHERIT FALSE, SET FALSE, ADMIN TRUE")
    id = member(roles.other, roles.owner)
    entry = read(source, KINDS)[id]
    assert (entry.state.admin, entry.state.inherit, entry.state.set) == (True, False, False)
    assert declare(MEMBERSHIP, entry, "public").state == entry.state
    assert_altered(source, MEMBERSHIP, id, KINDS, set=True)
    run(source, *MEMBERSHIP.drop(entry))
    run(source, *MEMBERSHIP.create(entry))
    assert read(source, KINDS)[id].state == entry.state
    usual = dataclasses.replace(entry, state=dataclasses.replace(entry.state, inherit=None))
    assert refusal(MEMBERSHIP, "inherit", entry, usual) is not None
    assert MEMBERSHIP.is_recreated_on(usual, Disturbance.DEFAULTED)
    assert not MEMBERSHIP.is_recreated_on(entry, Disturbance.DEFAULTED)


def test_grants_by_others_are_revoked(roles: Roles, database: Database) -> None:
    source = database()
    run(source, f"GRANT {roles.owner} TO {roles.other} WITH ADMIN OPTION")
    run(source, f"SET ROLE {roles.other}", f"GRANT {roles.owner} TO {quote(roles.odd)}", "RESET ROLE")
    entry = read(source, KINDS)[member(roles.odd, roles.owner)]
    run(source, *MEMBERSHIP.drop(entry))
    assert entry.id not in read(source, KINDS)


def steps(connection: Connection[Any], folder: Path, text: str, *, ownership: bool = True) -> list[str]:
    (folder / "schema.yaml").write_text(text)
    request = app.Request(connection.info.dsn, folder, Scope(ownership=ownership))
    return [statement for step in app.make_plan(request).steps for statement in step.sql]


TABLE = "tables: {t: {columns: {id: integer}}}\n"


@pytest.fixture
def crowded(database: Database) -> Database:
    """Makes databases on a server that has others: roles that no database refers to may be theirs."""
    database()
    return database


def test_who_is_dropped(roles: Roles, database: Database, tmp_path: Path) -> None:
    source, other = database(), database()
    run(source, "CREATE TABLE public.t (id integer)", f"GRANT SELECT ON public.t TO {roles.owner}")
    revoked = f"REVOKE SELECT ON TABLE public.t FROM {roles.owner}"
    assert steps(source, tmp_path, TABLE) == [revoked, f"DROP ROLE {roles.owner}"]
    assert steps(source, tmp_path, TABLE, ownership=False) == []
    named = f"tables: {{t: {{columns: {{id: integer}}, grants: {{{roles.owner}: [select]}}}}}}\n"
    assert steps(source, tmp_path, named) == []
    run(other, f"CREATE TABLE public.t (id integer); ALTER TABLE public.t OWNER TO {roles.owner}")
    assert steps(source, tmp_path, TABLE) == [revoked]


def test_a_dropped_login_needs_consent(roles: Roles) -> None:
    for login in (True, False):
        (statement,) = ROLE.drop(Entry(role(roles.owner), RoleState(login=login)))
        codes = {hazard.code for hazard in statement.hazards}
        assert (HazardCode.DATA_LOSS in codes) is login


def test_declared_roles_come_before_what_names_them(roles: Roles, crowded: Database, tmp_path: Path) -> None:
    source = crowded()
    run(source, f"DROP ROLE {roles.owner}")
    said = f"roles: {{{roles.owner}: {{comment: Owns all, member_of: {{{roles.other}: {{}}}}}}}}\n"
    table = f"tables: {{t: {{owner: {roles.owner}, columns: {{id: integer}}}}}}\n"
    found = steps(source, tmp_path, said + table)
    run(source, *found)
    assert found.index(f"CREATE ROLE {roles.owner}") < found.index(
        f"ALTER TABLE public.t OWNER TO {roles.owner}"
    )
    assert steps(source, tmp_path, said + table) == []
    run(source, "DROP TABLE public.t")


def test_a_policy_names_a_role_that_is_made_with_it(
    roles: Roles, crowded: Database, server: AnyServer, tmp_path: Path
) -> None:
    source = crowded()
    run(source, f"DROP ROLE {roles.owner}")
    (file := tmp_path / "schema.yaml").write_text(f"""
roles: {{{roles.owner}: {{}}}}
tables:
  t:
    columns: {{id: integer}}
    policies: {{p: {{to: [{roles.owner}], using: id > 0}}}}
""")
    # The scratch database is the target's neighbour: what it had to make there would be there to stay.
    request = app.Request(source.info.dsn, file, scratch_url=server.url())
    for step in app.make_plan(request).steps:
        run(source, *step.sql)
    assert app.make_plan(request).is_empty
    assert source.execute("SELECT roles FROM pg_policies").fetchall() == [([roles.owner],)]
    run(source, "DROP TABLE public.t")


def test_pull_writes_what_the_database_refers_to(roles: Roles, crowded: Database) -> None:
    source = crowded()
    run(source, f"CREATE TABLE public.t (id integer); GRANT SELECT ON public.t TO {roles.owner}")
    run(source, f"GRANT {roles.other} TO {roles.owner}")
    pulled = app.pull(source.info.dsn, Scope(ownership=True))[0]["roles.yaml"]["roles"]
    assert pulled[roles.owner] == {"member_of": {roles.other: {}}}
    assert set(pulled) == {roles.owner, roles.other}
    assert "roles.yaml" not in app.pull(source.info.dsn, Scope())[0]
    assert dump({"roles": pulled})


def test_pull_writes_the_groups_of_roles_that_are_not_this_databases_alone(
    roles: Roles, database: Database
) -> None:
    source, other = database(), database()
    for connection in (source, other):
        run(connection, f"CREATE TABLE public.t (id integer); GRANT SELECT ON public.t TO {roles.owner}")
    run(source, f"GRANT {roles.other} TO {roles.owner}", f"GRANT {quote(roles.odd)} TO {roles.other}")
    pulled = app.pull(source.info.dsn, Scope(ownership=True))[0]["roles.yaml"]["roles"]
    assert pulled[roles.owner] == {"member_of": {roles.other: {}}}
    assert pulled[roles.other] == {"member_of": {quote(roles.odd): {}}}
    run(source, f"REVOKE {roles.other} FROM {roles.owner}", f"REVOKE {quote(roles.odd)} FROM {roles.other}")
    assert set(app.pull(source.info.dsn, Scope(ownership=True))[0]["roles.yaml"]["roles"]) == {roles.owner}


def test_pull_writes_roles_with_settings_for_the_database(
    roles: Roles, crowded: Database, tmp_path: Path
) -> None:
    source = crowded()
    name = source.info.dbname
    run(source, f"ALTER ROLE {roles.owner} IN DATABASE {quote(name)} SET work_mem = '64MB'")
    run(source, f"ALTER ROLE {roles.other} SET work_mem = '64MB'")
    content = app.pull(source.info.dsn, Scope(ownership=True))[0]
    assert content["roles.yaml"]["roles"] == {roles.owner: {"database_settings": {"work_mem": "64MB"}}}
    assert steps(source, tmp_path, dump(content["roles.yaml"])) == []


def test_every_role_of_the_server_is_pulled_on_request(
    roles: Roles, crowded: Database, tmp_path: Path
) -> None:
    source = crowded()
    run(source, f"ALTER ROLE {roles.owner} LOGIN", f"GRANT {roles.other} TO {roles.owner}")
    needed = app.pull(source.info.dsn, Scope(ownership=True))[0]
    assert roles.owner not in needed.get("roles.yaml", {}).get("roles", {})
    content = app.pull(source.info.dsn, Scope(ownership=True, all_roles=True))[0]["roles.yaml"]
    assert content["roles"][roles.owner] == {"login": True, "member_of": {roles.other: {}}}
    assert {roles.other, quote(roles.odd)} <= set(content["roles"])
    assert steps(source, tmp_path, dump(content)) == []
    run(source, f"DROP ROLE {roles.owner}")
    run(source, *steps(source, tmp_path, dump(content)))
    again = app.pull(source.info.dsn, Scope(ownership=True, all_roles=True))[0]["roles.yaml"]
    assert again == content


def test_inheriting_takes_memberships_along(roles: Roles, crowded: Database, tmp_path: Path) -> None:
    source = crowded()
    run(source, f"GRANT {roles.other} TO {roles.owner}")
    said = f"roles: {{{roles.owner}: {{inherit: false, member_of: {{{roles.other}: {{}}}}}}}}\n"
    run(source, *steps(source, tmp_path, said))
    assert steps(source, tmp_path, said) == []
    assert read(source, KINDS)[member(roles.owner, roles.other)].state.inherit is None
