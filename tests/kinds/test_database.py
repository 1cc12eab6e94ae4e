"""The database itself: settings, limit, comment, owner, privileges; managed where they are declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from reconciler import app
from reconciler.core.errors import InvalidInput
from reconciler.core.ident import ObjectId
from reconciler.core.statement import HazardCode
from tests.conftest import AnyServer
from tests.kinds.constraints_schema import Database
from tests.kinds.place import Place
from tests.kinds.roles import Roles, roles_on

pytestmark = pytest.mark.matrix

_DECLARED = """
database:
  connection_limit: 7
  settings:
    app.tenant: 50% of 'it'
    search_path: app, "Odd, one"
    work_mem: 64MB
  comment: It's the "orders" 100%.
"""
STATE = """
    SELECT datconnlimit, pg_catalog.shobj_description(oid, 'pg_database'),
        (SELECT setconfig FROM pg_catalog.pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0),
        pg_catalog.pg_get_userbyid(datdba), datacl::text
    FROM pg_catalog.pg_database d WHERE datname = current_database()"""


@pytest.fixture
def roles(server: AnyServer) -> Iterator[Roles]:
    with roles_on(server.url()) as made:
        yield made


@pytest.fixture
def fresh(server: AnyServer, database: Database) -> Callable[[], str]:
    """Makes an empty database at each call and returns its URL."""
    return lambda: server.url(database().info.dbname)


def test_what_is_declared_is_reached_and_pulled(fresh: Callable[[], str], tmp_path: Path) -> None:
    place = Place(fresh(), tmp_path)
    assert place.pulled() is None
    statements = place.reach(_DECLARED)
    limit, comment, settings, *_ = place.answer(STATE)
    assert (limit, comment) == (7, 'It\'s the "orders" 100%.')
    assert sorted(settings or ()) == [
        "app.tenant=50% of 'it'", 'search_path=app, "Odd, one"', "work_mem=64MB"
    ]  # fmt: skip
    with psycopg.connect(place.url) as connection:
        assert not any(connection.info.dbname in sql for sql in statements), "a plan is for any database"
    assert place.pulled() == yaml.safe_load(_DECLARED)["database"]
    changed = _DECLARED.replace("64MB", "8MB").replace("    app.tenant: 50% of 'it'\n", "")
    place.reach(changed.replace("connection_limit: 7", "connection_limit: -1").replace("orders", "bills"))
    limit, comment, settings, *_ = place.answer(STATE)
    assert (limit, comment) == (-1, 'It\'s the "bills" 100%.')
    assert sorted(settings or ()) == ['search_path=app, "Odd, one"', "work_mem=8MB"]


@pytest.mark.parametrize("declared", ["", "database: {}\n", "database: {comment: Mine.}\n"])
@pytest.mark.parametrize("ownership", [False, True])
def test_what_is_not_declared_stays(
    roles: Roles, declared: str, ownership: bool, fresh: Callable[[], str], tmp_path: Path
) -> None:
    place = Place(fresh(), tmp_path, ownership)
    place.alter(
        "ALTER THIS CONNECTION LIMIT 5",
        "ALTER THIS SET work_mem = '2MB'",
        f"ALTER THIS OWNER TO {roles.owner}",
        "REVOKE ALL ON THIS FROM PUBLIC",
        f"GRANT CONNECT ON THIS TO {roles.other}",
        "COMMENT ON THIS IS 'Mine.'",
    )
    before = place.answer(STATE)
    assert place.plan("schemas: {public: {}}\n" + declared).is_empty
    assert place.answer(STATE) == before


def test_less_connections_are_a_hazard(fresh: Callable[[], str], tmp_path: Path) -> None:
    place = Place(fresh(), tmp_path)
    (step,) = place.plan("database: {connection_limit: 9}\n").steps
    assert [hazard.code for hazard in step.hazards] == [HazardCode.APPLICATION_BREAK]
    place.reach("database: {connection_limit: 9}\n")
    (step,) = place.plan("database: {connection_limit: 10}\n").steps
    assert not step.hazards


def test_owner_and_privileges_are_declared_like_others(
    roles: Roles, fresh: Callable[[], str], tmp_path: Path
) -> None:
    place = Place(fresh(), tmp_path, ownership=True)
    grants = f"{{public: [temporary], {roles.other}: [connect, create with grant option]}}"
    place.reach(f"database: {{owner: {roles.owner}, grants: {grants}}}\n")
    *_, owner, privileges = place.answer(STATE)
    assert owner == roles.owner
    assert f"{roles.other}=C*c/{roles.owner}" in str(privileges)
    assert place.pulled() == {
        "owner": roles.owner,
        "grants": {"public": ["temporary"], roles.other: ["connect", "create with grant option"]},
    }
    place.reach(f"database: {{owner: {roles.owner}, grants: {{{roles.other}: [connect]}}}}\n")
    assert f"{roles.other}=c/" in str(place.answer(STATE)[-1])
    assert f"=Tc/{roles.owner}" in str(place.answer(STATE)[-1]), "PUBLIC has what it has of any database"
    assert Place(place.url, tmp_path).pulled() is None, "owners and privileges are pulled with --ownership"


def test_a_setting_that_may_hold_a_secret_is_left_alone(fresh: Callable[[], str], tmp_path: Path) -> None:
    place = Place(fresh(), tmp_path)
    place.alter("ALTER THIS SET app.jwt_secret = 'hunter2'", "ALTER THIS SET app.shown = 'yes'")
    assert place.pulled() == {"settings": {"app.shown": "yes"}}
    plan = place.plan("database: {settings: {app.shown: no more}}\n")
    assert "setting app.jwt_secret of the database, whose value may be a secret" in plan.unknown
    assert "hunter2" not in repr(plan)
    place.reach("database: {settings: {}}\n")
    assert place.answer(STATE)[2] == ["app.jwt_secret=hunter2"]
    with pytest.raises(InvalidInput, match="may be a secret"):
        place.plan("database: {settings: {App.JWT_Secret: x}}\n")


def test_pulling_again_keeps_the_file_and_its_words(fresh: Callable[[], str], tmp_path: Path) -> None:
    place = Place(fresh(), tmp_path)
    folder = tmp_path / "schema"
    folder.mkdir()
    file = folder / "everything.yaml"
    file.write_text("# ours\ndatabase:  # this one\n  connection_limit: 3\n  settings: {work_mem: 2MB}\n")
    place.alter("ALTER THIS CONNECTION LIMIT 3", "ALTER THIS SET work_mem = '2MB'")
    request = app.Request(place.url, folder, place.scope)
    assert app.pull_into(folder, request).written.changed == ()
    place.alter("ALTER THIS CONNECTION LIMIT 4")
    assert app.pull_into(folder, request).written.changed == ("everything.yaml",)
    assert file.read_text().startswith("# ours\ndatabase:  # this one\n  connection_limit: 4\n")


def test_drift_says_which_property_differs(fresh: Callable[[], str], tmp_path: Path) -> None:
    place = Place(fresh(), tmp_path)
    place.reach(_DECLARED)
    place.alter("ALTER THIS SET work_mem = '1GB'")
    (step,) = place.plan(_DECLARED).steps
    assert step.object == ObjectId("database_settings", ("current",))
    assert "settings of the database" in step.label


def test_a_rename_beside_it_changes_nothing_of_it(fresh: Callable[[], str], tmp_path: Path) -> None:
    place = Place(fresh(), tmp_path)
    place.reach("tables: {old: {columns: {id: integer}}}\n" + _DECLARED)
    renamed = "tables: {new: {transition: {rename_from: old}, columns: {id: integer}}}\n" + _DECLARED
    assert place.reach(renamed) == ["ALTER TABLE public.old RENAME TO new"]


def test_what_no_kind_models_is_said(fresh: Callable[[], str], tmp_path: Path, server: AnyServer) -> None:
    place = Place(fresh(), tmp_path)
    place.alter(
        "SELECT lo_create(0)", "SELECT lo_create(77)", "GRANT SELECT ON LARGE OBJECT 77 TO pg_monitor"
    )
    place.alter("ALTER ROLE CURRENT_USER IN THIS SET work_mem = '1MB'", "ALTER THIS IS_TEMPLATE true")
    said = place.plan("database: {}\n").unknown
    place.alter("ALTER THIS IS_TEMPLATE false", "ALTER ROLE CURRENT_USER IN THIS RESET ALL")
    assert {
        "2 large objects, of which 1 with privileges; their owners, comments and contents",
        "that this database is a template, which anyone who may create databases can copy",
    } <= set(said)
    assert [text for text in said if text.endswith(" in this database: work_mem")], "of the superuser"
    if server.major >= 15:
        place.alter("GRANT SET ON PARAMETER deadlock_timeout TO pg_monitor")
        said = place.plan("database: {}\n").unknown
        place.alter("REVOKE SET ON PARAMETER deadlock_timeout FROM pg_monitor")
        assert [text for text in said if "of the server: deadlock_timeout" in text]
