"""What the script of an extension leaves behind in the session, or refuses to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.extensions.conftest import Place

pytestmark = pytest.mark.matrix

CODES = """
schema: public
extensions:
  wandering: {}
domains:
  strict: {type: code, default: "'a'"}
tables:
  t:
    columns:
      id: integer
      code: {type: code, default: "'b'"}
      codes: code[]
      pause: {type: interval, default: "'1 day 02:00:00'"}
    checks:
      t_code_check: code <> 'a'
    indexes:
      t_code_idx: {columns: [code], where: code = 'a'}
functions:
  f(code):
    returns: code
    language: sql
    body: SELECT $1
views:
  v: SELECT code FROM t WHERE code = 'a'
"""
"""With the search_path that the script leaves, each of these types is written without its schema."""


def test_a_script_that_sets_the_search_path(place: Callable[[], Place]) -> None:
    one = place()
    one.reconcile.write("schema/all.yaml", CODES)
    one.run()
    assert one.steps() == []
    assert one.steps("--ownership") == []


CRON = "CREATE VIEW public.jobs AS SELECT id, command FROM bound.job; CREATE TABLE public.t (id integer)"


def _bound(place: Callable[[], Place]) -> Place:
    """A database that the extension `bound` can be made in."""
    one = place()
    ((name,),) = one.execute("SELECT current_database()")
    one.execute(f"ALTER DATABASE {name} SET bound.database_name = '{name}'")
    return one


@pytest.fixture
def bound(place: Callable[[], Place]) -> Place:
    """A database with the extension, pulled."""
    one = _bound(place)
    one.execute("CREATE EXTENSION bound")
    one.execute(CRON)
    one.pull()
    return one


def test_an_extension_that_only_the_target_can_have(bound: Place) -> None:
    assert bound.steps() == []
    bound.edit("id: integer", "id: bigint")
    assert bound.steps() == ["ALTER TABLE public.t ALTER COLUMN id TYPE bigint"]
    bound.reconcile.write("schema/more.yaml", "views:\n  ids: SELECT id FROM t\nenums:\n  mood: [ok]\n")
    bound.run()
    assert bound.steps() == []
    assert bound.steps("--ownership") == []


def test_what_uses_it_cannot_be_changed_and_the_message_says_the_way_on(bound: Place) -> None:
    bound.reconcile.write("schema/public/views.yaml", "views:\n  jobs: SELECT id FROM bound.job\n")
    done = bound("plan")
    assert done.code == 65
    assert (
        'schema/public/views.yaml:2:3: view public.jobs: PostgreSQL refuses it: relation "bound.job"'
        in done.err
    )
    assert "extension bound can be made in no scratch database" in done.err
    assert "manage.ignore" in done.err


def test_it_is_made_where_it_can_be(place: Callable[[], Place]) -> None:
    one = _bound(place)
    one.reconcile.write("schema/all.yaml", "extensions:\n  bound: {schema: pg_catalog}\n")
    assert one.steps() == ["CREATE EXTENSION bound SCHEMA pg_catalog"]
    one.run()
    assert one.steps() == []
