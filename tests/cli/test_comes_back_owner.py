"""What is dropped and made again has the owner that it had, whoever applies and though nobody declares it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.cli.conftest import Inside

_SQL = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'gone');
CREATE TABLE t (a int, b int, felt mood);
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW "V ""x'" AS SELECT a FROM v;
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
GRANT SELECT ON m TO {reader};
GRANT SELECT (b) ON v TO {reader} WITH GRANT OPTION;
CREATE FUNCTION of_row(r v) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION gives(x int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT x';
CREATE PROCEDURE goes(x int, y v DEFAULT NULL) LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION add_row(s int, r v) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE number_of(v) (sfunc = add_row, stype = int);
REVOKE EXECUTE ON FUNCTION gives(int) FROM public;
GRANT EXECUTE ON FUNCTION gives(int) TO {reader};
"""
_EDITS = {
    "a: integer": "a: bigint",
    "arguments: x integer\n    returns: integer": "arguments: x integer\n    returns: bigint",
    "[sad, ok, gone]": "[sad, ok]",
    "mood:\n    values: [sad, ok]": (
        "mood:\n    values: [sad, ok]\n    transition: {removed: {gone: {map_to: ok}}}"
    ),
    "mood: [sad, ok]": "mood: {values: [sad, ok], transition: {removed: {gone: {map_to: ok}}}}",
}
_ACCESS = """
SELECT relname, relowner::regrole::text, coalesce(relacl, acldefault('r', relowner))::text[] FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm')
UNION ALL SELECT proname, proowner::regrole::text, coalesce(proacl, acldefault('f', proowner))::text[]
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT typname, typowner::regrole::text, coalesce(typacl, acldefault('T', typowner))::text[]
FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace
UNION ALL SELECT attrelid::regclass || '.' || attname, '', attacl::text[] FROM pg_attribute
WHERE attacl IS NOT NULL AND attrelid >= 16384
ORDER BY 1"""


@pytest.fixture(params=["the database's", "another"])
def url(database: Callable[[], str], request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of a role that is not the one that applies, with all in it owned by it or by another one."""
    url = database()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    roles = {role: sql.Identifier(f"{role} {name}") for role in ("app", "reader", "other")}
    with psycopg.connect(url, autocommit=True) as connection:
        for role in roles.values():
            connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        owner = roles["app" if request.param == "the database's" else "other"]
        words = "ALTER DATABASE {} OWNER TO {}; GRANT CREATE ON SCHEMA public TO {}; SET ROLE {}"
        connection.execute(sql.SQL(words).format(sql.Identifier(str(name)), roles["app"], owner, owner))
        connection.execute(sql.SQL(_SQL).format(**roles))
    yield url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(sql.Identifier(str(name)))
        )
        for role in roles.values():
            connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def _access(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return [(name, owner, sorted(acl)) for name, owner, acl in connection.execute(_ACCESS)]


def _edit(folder: Path) -> None:
    for file in (folder / "schema").rglob("*.yaml"):
        text = file.read_text()
        for old, new in _EDITS.items():
            text = text.replace(old, new)
        file.write_text(text)


def _owners(url: str) -> dict[str, str]:
    return {name: owner for name, owner, _ in _access(url) if owner}


def test_it_has_what_it_had(tmp_path: Path, url: str) -> None:
    inside = Inside(tmp_path)
    assert inside("pull", "--url", url).code == 0
    before = _access(url)
    _edit(tmp_path)
    planned = inside("plan", "--url", url, "--out", "one.plan.yaml")
    for change in (
        "DROP VIEW",
        "DROP FUNCTION public.gives",
        "type: integer → bigint",
        "moves to the new enum",
    ):
        assert change in planned.out
    done = inside("apply", "one.plan.yaml", "--url", url, "--allow", "all")
    assert done.code == 0, done.err
    assert _access(url) == before
    assert inside("plan", "--url", url, "--detailed-exitcode").code == 0


def test_a_chain_that_knows_no_owners(tmp_path: Path, url: str) -> None:
    inside = Inside(tmp_path)
    inside.write("reconcile.yaml", f'targets:\n  prod: {{url: "{url}"}}\n')
    assert inside("pull", "--url", url).code == 0
    before = _owners(url)
    assert inside("plan", "--from", "chain", "--save", "--name", "start").code == 0
    assert inside("apply", "--all").code == 0
    _edit(tmp_path)
    planned = inside("plan", "--from", "chain", "--save")
    assert planned.code == 0, planned.err
    assert inside("plan", "--check", "--from", "chain").code == 0
    harm = ("--allow", "data_loss", "--allow", "possible_rename")
    refused = inside("apply", "--all", *harm)
    assert refused.code == 3
    assert "would lose privileges that the plan does not know" in refused.err
    assert "--allow 'access_change:function:public.gives(integer)'" in refused.err
    assert _owners(url) == before
    done = inside("apply", "--all", *harm, "--allow", "access_change")
    assert done.code == 0, done.err
    assert _owners(url) == before
    assert inside("plan", "--detailed-exitcode").code == 0


def test_a_new_sequence_has_its_tables_owner(tmp_path: Path, url: str) -> None:
    inside = Inside(tmp_path)
    assert inside("pull", "--url", url).code == 0
    owner = _owners(url)["t"]
    (file,) = (tmp_path / "schema").rglob("t.yaml")
    file.write_text(file.read_text().replace("a: integer", "a: integer\n      s: {type: serial}"))
    done = inside("run", "--url", url, "--allow", "all")
    assert done.code == 0, done.err
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT relowner::regrole::text FROM pg_class WHERE relname = 't_s_seq'")
        assert found.fetchall() == [(owner,)]
    assert inside("plan", "--url", url, "--detailed-exitcode").code == 0


def test_a_plan_from_live_is_the_one_that_is_made_again(tmp_path: Path, url: str) -> None:
    inside = Inside(tmp_path)
    inside.write("reconcile.yaml", f'targets:\n  prod: {{url: "{url}"}}\n')
    assert inside("pull", "--url", url).code == 0
    _edit(tmp_path)
    planned = inside("plan", "--save")
    assert planned.code == 0, planned.err
    checked = inside("plan", "--check", "--from", "chain")
    assert checked.code == 0, checked.err
