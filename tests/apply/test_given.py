"""What is not managed is taken as it is: what is managed may refer to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from reconciler.app import (
    Adoption,
    Application,
    InChain,
    Live,
    Request,
    adopt,
    apply_plan,
    compare_from,
    make_plan,
    pull_into,
    save_plan,
)
from reconciler.core.errors import InvalidInput
from reconciler.engine.catalog.scope import Scope
from reconciler.engine.plan.consent import Consent
from tests.conftest import AnyServer

PLATFORM = """
    CREATE SCHEMA auth;
    CREATE SCHEMA extensions;
    CREATE TYPE auth.level AS ENUM ('low', 'high');
    CREATE DOMAIN auth.mail AS text CHECK (VALUE LIKE '%@%');
    CREATE TABLE auth.tenants (id int PRIMARY KEY);
    CREATE TABLE auth.users (id uuid PRIMARY KEY, email auth.mail, level auth.level DEFAULT 'low',
        tenant int REFERENCES auth.tenants, lower_mail text GENERATED ALWAYS AS (lower(email)) STORED);
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE
        AS $$SELECT nullif(current_setting('jwt.sub', true), '')::uuid$$;
    CREATE FUNCTION auth.touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$SELECT 'x'$$;
    CREATE VIEW auth.people AS SELECT id, email FROM auth.users;
    CREATE SEQUENCE auth.numbers;
"""
OURS = """
    CREATE TABLE profiles (
        id uuid PRIMARY KEY DEFAULT auth.uid() REFERENCES auth.users ON DELETE CASCADE,
        number bigint DEFAULT nextval('auth.numbers'),
        level auth.level, mail auth.mail, name text, num int);
    ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON profiles USING (
        id = auth.uid() AND EXISTS (SELECT FROM auth.people p WHERE p.id = profiles.id));
    CREATE VIEW members AS SELECT u.email, p.name FROM profiles p JOIN auth.users u USING (id);
    CREATE TRIGGER touched BEFORE UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION auth.touched();
    CREATE FUNCTION me() RETURNS auth.users LANGUAGE sql AS 'SELECT * FROM auth.users WHERE id = auth.uid()';
"""
HSTORE = """
    CREATE EXTENSION hstore SCHEMA extensions;
    ALTER TABLE profiles ADD tags extensions.hstore DEFAULT extensions.hstore('a', 'b');
"""
"""An extension's schema: not every server has its files."""
SCOPES = {
    "schemas": Scope(schemas=("public",)),
    "ignore": Scope(ignore=("schema:auth", "*:auth.*", "schema:extensions")),
    "an extension too": Scope(ignore=("schema:auth", "*:auth.*", "schema:extensions", "extension:hstore")),
}
FILE = "public/tables/profiles.yaml"


@pytest.fixture(params=SCOPES)
def request_(
    request: pytest.FixtureRequest, server: AnyServer, database: Callable[[], str], tmp_path: Path
) -> Request:
    """A project that was pulled from a database of which a platform brings a part."""
    url = database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute((PLATFORM + OURS).encode())
        if connection.execute("SELECT FROM pg_available_extensions WHERE name = 'hstore'").rowcount:
            connection.execute(HSTORE.encode())
    found = Request(url, tmp_path / "schema", SCOPES[request.param], scratch_url=server.url())
    pull_into(found.schema, found)
    return found


def _edit(request: Request, old: str, new: str) -> None:
    path = request.schema / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _settles(request: Request) -> list[str]:
    plan = make_plan(request)
    apply_plan(plan, Application(request.url, Consent(everything=True)))
    assert make_plan(request).is_empty
    return [str(step.object) for step in plan.steps]


@pytest.mark.matrix
def test_pulled_and_planned_again_there_is_nothing_to_do(request_: Request) -> None:
    assert make_plan(request_).is_empty
    adopt(request_, Adoption(None))
    before = {file: file.read_bytes() for file in request_.schema.rglob("*.yaml")}
    pull_into(request_.schema, request_)
    assert before == {file: file.read_bytes() for file in request_.schema.rglob("*.yaml")}


@pytest.mark.matrix
def test_what_is_managed_changes_beside_it(request_: Request) -> None:
    _edit(request_, "num: integer", "num: bigint")
    assert _settles(request_) == ["column:public.profiles.num"]
    (view,) = (file for file in request_.schema.rglob("*.yaml") if "u.email" in file.read_text())
    view.write_text(view.read_text().replace("u.email", "u.tenant AS email"))
    assert "view:public.members" in _settles(request_)


@pytest.mark.matrix
def test_what_is_new_refers_to_what_nothing_referred_to(request_: Request) -> None:
    (request_.schema / "new.yaml").write_text(
        """
tables:
  visits:
    columns: {tenant: integer, role: {type: text, default: auth.role()}}
    foreign_keys: {visits_tenant: {columns: [tenant], references: auth.tenants(id)}}
"""
    )
    assert "table:public.visits" in _settles(request_)


@pytest.mark.matrix
def test_a_chain_knows_it_without_the_database(request_: Request, tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    _edit(request_, "num: integer", "num: bigint")
    live = make_plan(request_)
    save_plan(folder, compare_from(Live(request_.url), request_), request_.scope, None)
    _edit(request_, "num: bigint", "num: numeric")
    offline = compare_from(InChain(folder, None), request_).plan
    assert [str(step.object) for step in offline.steps] == [str(step.object) for step in live.steps]


def test_what_is_nowhere_is_refused(request_: Request) -> None:
    _edit(request_, "auth.uid()", "auth.nobody()")
    with pytest.raises(InvalidInput, match=r"nobody"):
        make_plan(request_)
