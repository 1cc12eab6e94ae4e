"""Security labels. Servers come without a label provider, so one is compiled where the server's headers are;
elsewhere what SECURITY LABEL would do is done to the catalogs."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml

from reconciler import app
from reconciler.app import registry
from reconciler.core.statement import HazardCode
from reconciler.embedded import choose
from tests.conftest import AnyServer
from tests.kinds.constraints_schema import Database
from tests.kinds.place import Place

pytestmark = pytest.mark.matrix

PROVIDER = 'law "provider"'
KEY = '"law ""provider"""'
OBJECTS = """
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('ok');
CREATE DOMAIN app.amount AS integer;
CREATE TYPE app.point AS (x integer);
CREATE TYPE app.span AS RANGE (subtype = integer);
CREATE SEQUENCE app.numbers;
CREATE TABLE app.users (id integer, email text);
CREATE VIEW app.shown AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW app.kept AS SELECT 1 AS one;
CREATE FUNCTION app.twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * $1';
CREATE PROCEDURE app.tidy() LANGUAGE sql AS '';
CREATE AGGREGATE app.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE FUNCTION app.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION app.watch();
CREATE PUBLICATION changes;
CREATE TRUSTED LANGUAGE speech HANDLER plpgsql_call_handler;
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER away FOREIGN DATA WRAPPER far;
CREATE FOREIGN TABLE app.sales (id integer) SERVER away;
"""
LABELLED = (
    "schemas app", "enums app.mood", "domains app.amount", "composites app.point", "ranges app.span",
    "sequences app.numbers", "tables app.users", "views app.shown", "materialized_views app.kept",
    "functions app.twice(integer)", "procedures app.tidy()", "aggregates app.total(integer)",
    "event_triggers watch", "publications changes", "languages speech", "foreign_tables app.sales",
)  # fmt: skip


class Labels:
    """How SECURITY LABEL is carried out on this server."""

    def __init__(self, library: Path | None) -> None:
        self.library = library

    def load(self, place: Place) -> None:
        """New sessions in the database have the provider."""
        if self.library is not None:
            place.alter(f"ALTER THIS SET session_preload_libraries = '{self.library}'")

    def reach(self, place: Place, declared: str) -> list[str]:
        if self.library is not None:
            return place.reach(declared)
        statements = [text for step in place.plan(declared).steps for text in step.sql]
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute("SET allow_system_table_mods = on")
            for text in statements:
                _imitate(connection, text)
        assert place.plan(declared).is_empty
        return statements


_STATEMENT = re.compile(r'SECURITY LABEL FOR "law ""provider""" ON ([A-Z ]+) (\S+) IS (.+)\Z')
_CLASSES = {"SCHEMA": "pg_namespace", "ROLE": "pg_authid", "COLUMN": "pg_class"}


def _imitate(connection: psycopg.Connection[object], text: str) -> None:
    """Write what the statement would; PostgreSQL itself finds the object."""
    match = _STATEMENT.match(text)
    assert match is not None, text
    words, name, label = match.groups()
    row = connection.execute(
        "SELECT a.* FROM pg_catalog.pg_get_object_address(%s, %s, %s) AS a", _address(words.lower(), name)
    ).fetchone()
    assert isinstance(row, tuple)
    connection.execute(
        "DELETE FROM pg_catalog.pg_seclabel"
        " WHERE (classoid, objoid, objsubid) = (%s::oid, %s::oid, %s::integer) AND provider = %s",
        (*row, PROVIDER),
    )
    if label != "NULL":
        said = connection.execute(f"SELECT {label}".encode()).fetchone()
        assert isinstance(said, tuple)
        connection.execute(
            "INSERT INTO pg_catalog.pg_seclabel (classoid, objoid, objsubid, provider, label)"
            " VALUES (%s::oid, %s::oid, %s, %s, %s)",
            (*row, PROVIDER, said[0]),
        )


def _address(words: str, name: str) -> tuple[str, list[str], list[str]]:
    """What pg_get_object_address() takes."""
    bare, _, arguments = name.removesuffix(")").partition("(")
    if words == "column":
        return "table column", bare.split("."), []
    if words in ("type", "domain"):
        return "type", [bare], []
    return words, bare.split("."), [arguments] if arguments else []


@pytest.fixture(scope="module")
def labels(server: AnyServer) -> Iterator[Labels]:
    headers = choose(server.major).installation.bin_dir.parent / "include" / "server"
    compiler = shutil.which("cc")
    if compiler is None or not (headers / "postgres.h").exists():
        yield Labels(None)
        return
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)  # the server runs as somebody else
    source = Path(__file__).parent / "files" / "label_provider.c"
    library = folder / "label_provider.so"
    subprocess.run([compiler, "-shared", "-fPIC", f"-I{headers}", "-o", library, source], check=True)
    yield Labels(library)
    shutil.rmtree(folder)


@pytest.fixture
def place(server: AnyServer, database: Database, tmp_path: Path, labels: Labels) -> Place:
    made = Place(server.url(database().info.dbname), tmp_path)
    made.alter("DROP SCHEMA IF EXISTS app CASCADE", *OBJECTS.strip().split("\n"))
    labels.load(made)
    return made


def _everything(place: Place) -> str:
    """What is pulled, in one file."""
    files, _ = app.pull(place.url, place.scope)
    whole: dict[str, dict[str, object]] = {}
    for content in files.values():
        for section, objects in content.items():
            if section not in ("schema", "database"):
                named = content.get("schema")
                whole.setdefault(section, {}).update(
                    {f"{named}.{name}" if named else name: data for name, data in objects.items()}
                )
    return yaml.safe_dump(whole, sort_keys=False)


def test_every_object_that_can_have_a_label(place: Place, labels: Labels) -> None:
    plain = _everything(place)
    content = yaml.safe_load(plain)
    for said in LABELLED:
        section, name = said.split(" ", 1)
        content[section][name] = {
            **registry().top[section].expand_short_form(content[section][name]),
            "security_labels": {KEY: f"it's {name}"},
        }
    column = content["tables"]["app.users"]["columns"]
    column["email"] = {"type": "text", "security_labels": {KEY: "masked"}}
    labelled = yaml.safe_dump(content, sort_keys=False)
    statements = labels.reach(place, labelled)
    assert len(statements) == len(LABELLED) + 1
    assert yaml.safe_load(_everything(place)) == content
    changed = labels.reach(place, labelled.replace("masked", "hidden"))
    assert changed == ['SECURITY LABEL FOR "law ""provider""" ON COLUMN app.users.email IS \'hidden\'']
    gone = labels.reach(place, plain)
    assert all(text.endswith(" IS NULL") for text in gone)
    assert len(gone) == len(LABELLED) + 1


def test_a_change_is_one_of_access(place: Place) -> None:
    declared = yaml.safe_load(_everything(place))
    declared["schemas"]["app"] = {"security_labels": {KEY: "x"}}
    (step,) = place.plan(yaml.safe_dump(declared, sort_keys=False)).steps
    assert [hazard.code for hazard in step.hazards] == [HazardCode.ACCESS_CHANGE]
    assert step.label.endswith('security label law "provider" of schema app')


def test_a_label_follows_its_table_to_a_new_name(place: Place, labels: Labels) -> None:
    declared = yaml.safe_load(_everything(place))
    table = declared["tables"].pop("app.users")
    table["security_labels"] = {KEY: "mine"}
    table["columns"]["email"] = {"type": "text", "security_labels": {KEY: "masked"}}
    declared["tables"]["app.users"] = table
    labels.reach(place, yaml.safe_dump(declared, sort_keys=False))
    declared["tables"]["app.people"] = {
        **declared["tables"].pop("app.users"),
        "transition": {"rename_from": "users"},
    }
    plan = place.plan(yaml.safe_dump(declared, sort_keys=False))
    assert [text for step in plan.steps for text in step.sql] == ["ALTER TABLE app.users RENAME TO people"]


def test_labels_without_an_entry_are_said(place: Place) -> None:
    insert = "INSERT INTO pg_catalog.pg_seclabel (objoid, classoid, objsubid, provider, label) VALUES "
    place.alter(
        "SET allow_system_table_mods = on",
        insert + "('app.shown'::regclass, 'pg_class'::regclass, 1, 'law', 'x')",
        insert + "('app.users'::regclass, 'pg_class'::regclass, 0, 'selinux', 'x')",
    )
    files, unknown = app.pull(place.url, place.scope)
    assert unknown == ("security label of law on view column app.shown.one",)
    assert "selinux" not in str(files)
