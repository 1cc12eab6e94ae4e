"""Planning and comparing without the database: from a commit, a snapshot, a chain. It is the same plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Finished, Inside, Shop
from tests.cli.team import SETTINGS, git
from tests.conftest import AnyServer

NOWHERE = "host=192.0.2.1 connect_timeout=1"
"""An address that is for documentation alone (RFC 5737)."""
CHANGED = (
    ("      email: {type: text, not_null: true}", "      email: {type: varchar(80)}\n      name: text"),
    ("enums:\n  status: [open, paid]", "enums:\n  status: [open, paid, sent]"),
    ("    comment: What was bought.\n", ""),
    ("      orders_customer_id_idx: [customer_id]", "      orders_status_idx: [status]"),
)


@pytest.fixture
def team(inside: Shop) -> Shop:
    """A project in git with a deployed schema; the YAML of the working tree asks for more."""
    folder = inside.reconcile.folder
    inside.reconcile.write("reconcile.yaml", SETTINGS)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "the shop")
    assert call(inside, "plan", "--save", "--name", "start", url=inside.url).code == 0
    assert call(inside, "apply", url=inside.url).code == 0
    assert call(inside, "pull", "--snapshot", "now.yaml", url=inside.url).code == 0
    inside.declare(*CHANGED)
    return inside


def call(shop: Shop, *arguments: str, url: str = NOWHERE) -> Finished:
    """Without a URL: connecting anywhere would fail."""
    return shop.reconcile(*arguments, SHOP_URL=url)


def plan_of(shop: Shop, *arguments: str, url: str = NOWHERE) -> str:
    """The text of the plan file."""
    done = call(shop, "plan", "--out", "made.plan.yaml", *arguments, url=url)
    assert done.code == 0, done.err
    return (shop.reconcile.folder / "made.plan.yaml").read_text()


def test_it_is_the_same_plan_byte_by_byte(team: Shop) -> None:
    live = plan_of(team, url=team.url)
    assert "column:public.customers.name" in live
    for state in ("git:HEAD", "git:main", "snapshot:now.yaml", "chain", "chain:1"):
        assert plan_of(team, "--from", state) == live, state
    (team.reconcile.folder / "plans/prod/snapshot.yaml").unlink()
    assert plan_of(team, "--from", "chain") == live
    assert plan_of(team, "--from", f"url:{team.url}") == live


def test_before_the_first_plan_there_is_nothing(team: Shop) -> None:
    assert "action: alter" not in plan_of(team, "--from", "chain:0")


def test_a_plan_made_without_the_database_is_carried_out_by_it(team: Shop) -> None:
    saved = call(
        team, "plan", "--from", "chain", "--save", "--name", "more", "--detailed-exitcode", "--prove"
    )
    assert saved.code == 2, saved.err
    assert "proved on a clone" in saved.err
    assert call(team, "apply", "--allow", "all", url=team.url).code == 0
    assert call(team, "plan", "--detailed-exitcode", url=team.url).code == 0
    assert call(team, "plan", "--from", "chain", "--detailed-exitcode").code == 0


def test_an_adopted_database_has_its_state_in_the_chain(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", SETTINGS)
    inside.execute("CREATE TABLE orders_old (id int); COMMENT ON TABLE orders_old IS 'to go'")
    inside.declare(("tables:\n", "tables:\n  orders_old: {columns: {id: integer}, comment: to stay}\n"))
    assert call(inside, "plan", "--save", url=inside.url).code == 0
    plans = inside.reconcile.folder / "plans/prod"
    assert "public.orders_old" in (plans / "baseline.yaml").read_text()
    assert call(inside, "plan", "--check", "--from", "chain").code == 0
    (plans / "snapshot.yaml").unlink()
    assert call(inside, "plan", "--from", "chain", "--detailed-exitcode").code == 0
    before = call(inside, "diff", "chain:0", "chain", "--format", "json", "--detailed-exitcode")
    assert before.code == 2
    assert "orders_old" not in str(
        [step["object"] for step in before.data["steps"] if step["action"] == "create"]
    )


def test_adopt_writes_down_where_the_chain_begins(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", SETTINGS)
    inside.deploy()
    assert call(inside, "adopt", url=inside.url).code == 0
    plans = inside.reconcile.folder / "plans/prod"
    assert [path.name for path in plans.iterdir()] == ["baseline.yaml"]
    assert call(inside, "plan", "--from", "chain", "--detailed-exitcode").code == 0
    inside.declare(*CHANGED)
    assert plan_of(inside, "--from", "chain") == plan_of(inside, url=inside.url)
    before = (plans / "baseline.yaml").read_text()
    assert call(inside, "plan", "--from", "chain", "--save").code == 0
    assert (plans / "baseline.yaml").read_text() == before
    assert call(inside, "plan", "--check", "--from", "chain").code == 0


def test_what_no_kind_models_stays_told(team: Shop) -> None:
    text = (team.reconcile.folder / "now.yaml").read_text()
    told = text.replace("  built_in:", "  unknown: [something odd]\n  built_in:")
    team.reconcile.write("odd.yaml", told)
    assert "something odd" in plan_of(team, "--from", "snapshot:odd.yaml")
    assert call(team, "plan", "--from", "snapshot:odd.yaml", "--strict").code == 3


def test_two_snapshots_of_one_state_are_one_file(team: Shop, database: Callable[[], str]) -> None:
    other = database()
    assert call(team, "apply", "plans/prod/0001_start.plan.yaml", "--url", other).code == 0
    assert call(team, "pull", "--snapshot", "other.yaml", "--url", other).code == 0
    folder = team.reconcile.folder
    assert (folder / "other.yaml").read_bytes() == (folder / "now.yaml").read_bytes()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("git:HEAD", "schema"),
        ("snapshot:now.yaml", "schema"),
        ("chain", "schema"),
        ("live", "schema"),
        ("git:HEAD", "git:HEAD"),
        ("chain", "live"),
        ("snapshot:now.yaml", "chain:1"),
        ("live", "snapshot:now.yaml"),
        ("git:main", "live"),
    ],
)
def test_any_two_states(team: Shop, first: str, second: str) -> None:
    differs = "schema" in (first, second)
    url = team.url if "live" in (first, second) else NOWHERE
    done = call(team, "diff", first, second, "--detailed-exitcode", "--format", "json", url=url)
    assert done.code == (2 if differs else 0), done.err
    labels = {step["label"] for step in done.data["steps"]}
    assert ("column public.customers.name" in labels) == differs


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        ("git:nowhere", 64, "there is no commit `nowhere`"),
        ("git:--output=x", 64, "names no commit"),
        ("git:", 64, "names no commit"),
        ("snapshot:none.yaml", 64, "there is no snapshot none.yaml"),
        ("snapshot:reconcile.yaml", 65, "this is no snapshot"),
        ("snapshot:schema/shop.yaml", 65, "this is no snapshot"),
        ("chain:7", 64, "has no plan 0007"),
        ("schema", 64, "is no state"),
        ("postgress://ada:secret@h/d", 64, "is no state"),
    ],
)
def test_what_is_no_state(team: Shop, state: str, code: int, said: str) -> None:
    done = call(team, "plan", "--from", state)
    assert done.code == code
    assert said in done.err
    assert "secret" not in done.err


def test_a_commit_without_the_schema_folder(team: Shop) -> None:
    team.reconcile.write("later/a.yaml", "tables: {later: {columns: {id: integer}}}\n")
    planned = ("plan", "--schema", "later", "--from", "git:HEAD")
    done = call(team, *planned, "--format", "json")
    assert done.code == 0, done.err
    assert [step["label"] for step in done.data["steps"]] == ["table public.later"]
    assert "there is no later at git:HEAD: planned from nothing" in done.err
    assert call(team, *planned, "--prove").code == 0
    assert call(team, "plan", "--schema", "later", "--from", "git:nowhere").code == 64
    assert call(team, "diff", "git:HEAD", "later", "--schema", "later").code == 64


def test_nothing_to_do_says_what_was_looked_at(team: Shop) -> None:
    team.declare()
    for state in ("git:HEAD", "snapshot:now.yaml", "chain"):
        done = call(team, "plan", "--from", state)
        assert done.out == f"✓ nothing to do. {state} is as declared; no database was asked.\n"
    assert "The two states are alike." in call(team, "diff", "chain", "schema").out
    assert "The database is as declared." in call(team, "plan", url=team.url).out
    assert "The database is as declared." in call(team, "plan", "--from", f"url:{team.url}").out


def test_a_project_that_is_in_no_repository(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", SETTINGS)
    done = call(inside, "plan", "--from", "git:HEAD")
    assert done.code == 64
    assert "in no git repository" in done.err


def test_a_snapshot_of_another_major_needs_a_server_of_it(team: Shop, server: AnyServer) -> None:
    text = (team.reconcile.folder / "now.yaml").read_text()
    assert f"  server: {server.major}\n" in text
    team.reconcile.write("old.yaml", text.replace(f"  server: {server.major}\n", "  server: 9\n"))
    done = call(team, "plan", "--from", "snapshot:old.yaml")
    assert done.code == 3
    assert "point --scratch-url at a server of PostgreSQL 9" in done.err


ROLES = """
roles: {from_test_reader: {}}
tables:
  notes:
    columns: {id: bigint}
    row_security: true
    policies:
      mine: {to: [from_test_reader], using: 'true'}
    grants: {from_test_reader: [select]}
"""


@pytest.fixture
def scratch(server: AnyServer) -> Iterator[str]:
    """A scratch server on which no role stays behind."""
    yield server.url()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS from_test_reader")


def test_roles_that_only_the_files_know(tmp_path: Path, scratch: str) -> None:
    bare = Inside(tmp_path)
    bare.write("schema/notes.yaml", ROLES)
    options = ("--from", "chain", "--scratch-url", scratch)
    assert bare("plan", *options, "--save", "--name", "start").code == 0
    again = bare("plan", *options, "--detailed-exitcode")
    assert again.code == 0, again.out + again.err
    assert "from_test_reader" in (tmp_path / "plans/dev/snapshot.yaml").read_text()
