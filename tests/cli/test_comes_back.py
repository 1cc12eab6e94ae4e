"""What is dropped and made again on the way has the owner and the privileges that it had."""

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
CREATE VIEW above AS SELECT a FROM v;
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql AS 'SELECT x * 2';
CREATE FUNCTION of_row(r v) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION any_row(r v) RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER VIEW v OWNER TO {app};
REVOKE INSERT ON v FROM {app};
GRANT SELECT ON v TO {reader} WITH GRANT OPTION;
GRANT UPDATE (b) ON v TO {reader};
GRANT SELECT ON above TO public;
ALTER MATERIALIZED VIEW m OWNER TO {app};
REVOKE EXECUTE ON FUNCTION twice(int) FROM public;
GRANT EXECUTE ON FUNCTION twice(int) TO {reader};
REVOKE EXECUTE ON FUNCTION of_row(v) FROM public;
ALTER TYPE mood OWNER TO {app};
REVOKE USAGE ON TYPE mood FROM public;
GRANT USAGE ON TYPE mood TO {reader};
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO {later};
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {later};
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO {later};
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM public;
"""
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


@pytest.fixture
def url(database: Callable[[], str]) -> Iterator[str]:
    url = database()
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    roles = {role: sql.Identifier(f"{role}_{name}") for role in ("app", "reader", "later")}
    with psycopg.connect(url, autocommit=True) as connection:
        for role in roles.values():
            connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL(_SQL).format(**roles))
    yield url
    with psycopg.connect(url, autocommit=True) as connection:
        for role in roles.values():
            connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role))


def _access(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return [(name, owner, sorted(acl)) for name, owner, acl in connection.execute(_ACCESS)]


@pytest.mark.parametrize("ownership", [False, True])
def test_what_gives_way_comes_back_to_who_had_it(tmp_path: Path, url: str, ownership: bool) -> None:
    inside, how = Inside(tmp_path), ("--ownership",) if ownership else ()
    assert inside("pull", "--url", url, *how).code == 0
    before = _access(url)
    removed = "{removed: {gone: {map_to: ok}}}"
    edits = {
        "a: integer": "a: bigint",
        "[sad, ok, gone]": "[sad, ok]",
        "mood:\n    values: [sad, ok]": f"mood:\n    values: [sad, ok]\n    transition: {removed}",
        "mood: [sad, ok]": f"mood: {{values: [sad, ok], transition: {removed}}}",
    }
    for file in (tmp_path / "schema").rglob("*.yaml"):
        text = file.read_text()
        for old, new in edits.items():
            text = text.replace(old, new)
        file.write_text(text)
    planned = inside("plan", "--url", url, *how)
    for change in ("DROP VIEW public.above", "type: integer → bigint", "moves to the new enum public.mood"):
        assert change in planned.out
    done = inside("run", "--url", url, "--allow", "all", *how)
    assert done.code == 0, done.err
    assert _access(url) == before
    assert inside("plan", "--url", url, *how, "--detailed-exitcode").code == 0
