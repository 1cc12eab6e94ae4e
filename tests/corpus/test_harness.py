"""The harness itself: its oracles must see differences, and must not see any where there are none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.corpus import oracle
from tests.corpus.oracle import Case
from tests.corpus.play import Bench, Outcome
from tests.corpus.product import CommandLine, Finished, Plan, ProductFailed, Replace, hazards
from tests.corpus.servers import NoServer, ServerSource

pytestmark = pytest.mark.skipif(
    oracle.corpus_dir() is None, reason="the corpus is not here: set RECONCILE_CORPUS to its folder"
)
NewDatabase = Callable[[], str]
ON_COLUMNS = "CREATE PUBLICATION p FOR TABLE t (a, b); CREATE STATISTICS s ON a, b FROM t"


def case(**given: object) -> Case:
    """A case of our own, of the corpus's shape."""
    plain = {"id": "own/case", "suite": "own", "old": "", "new": "", "roles": [], "exts": [], "noop": False}
    return {**plain, "cluster": False, "exec": "script", "tags": [], **given}


@pytest.fixture(scope="module")
def source() -> Iterator[ServerSource]:
    """Servers of any major."""
    for major in (18, 17, 16, 15):
        try:
            found = ServerSource(major)
        except NoServer:
            continue
        yield found
        found.close()
        return
    raise NoServer("no PostgreSQL found")


@pytest.fixture
def play(source: ServerSource) -> Iterator[Callable[[Case, Replace], Outcome]]:
    """Plays a case with a product."""
    benches: list[Bench] = []

    def played(own: Case, product: Replace) -> Outcome:
        benches.append(Bench(source, product))
        return benches[-1].play(own)

    yield played
    for bench in benches:
        bench.databases.server.stop()


def test_the_corpus_is_read_and_turned_round() -> None:
    found = next(one for one in oracle.load_cases(15) if one["suite"] == "migra")
    turned = oracle.reverse(found)
    assert (turned["old"], turned["new"]) == (found["new"], found["old"])
    assert turned["id"] != found["id"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE u ()",
        "ALTER TABLE t ADD c int",
        "COMMENT ON COLUMN t.a IS 'x'",
        "ALTER TABLE t ALTER a SET DEFAULT 3",
        "CREATE INDEX ON t (a)",
        "GRANT SELECT ON t TO PUBLIC",
        "ALTER TABLE t REPLICA IDENTITY FULL",
    ],
)
def test_a_difference_is_seen_by_both_observers(database: NewDatabase, sql: str) -> None:
    a, b = database(), database()
    oracle.load_sql(a, "CREATE TABLE t (a int, b int)")
    oracle.load_sql(b, f"CREATE TABLE t (a int, b int); {sql}")
    assert {found.observer for found in oracle.equal_catalogs(a, b)} == {"catalogs", "pg_dump"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CREATE TABLE t (a int, b int)", "CREATE TABLE t (b int, a int)"),
        (f"CREATE TABLE t (a int, b int); {ON_COLUMNS}", f"CREATE TABLE t (b int, a int); {ON_COLUMNS}"),
        (
            "CREATE TABLE t ()",
            "CREATE TABLE t (); GRANT SELECT ON t TO PUBLIC; REVOKE SELECT ON t FROM PUBLIC",
        ),
    ],
)
def test_what_means_the_same_is_equal(database: NewDatabase, one: str, other: str) -> None:
    a, b = database(), database()
    oracle.load_sql(a, one)
    oracle.load_sql(b, other)
    assert oracle.equal_catalogs(a, b) == []


def test_column_order_of_new_tables_counts(database: NewDatabase) -> None:
    empty, a, b = database(), database(), database()
    oracle.load_sql(a, "CREATE TABLE t (a int, b int)")
    oracle.load_sql(b, "CREATE TABLE t (b int, a int)")
    seen = oracle.snapshot(a), oracle.snapshot(b)
    assert [found.kind for found in oracle.catalog_differences(*seen, oracle.snapshot(empty))] == [
        "column_order"
    ]
    assert oracle.catalog_differences(*seen, oracle.snapshot(a)) == []


def test_sql_that_does_not_load_is_said(database: NewDatabase) -> None:
    with pytest.raises(oracle.LoadError, match="does not exist"):
        oracle.load_sql(database(), "CREATE VIEW v AS SELECT * FROM nothing")


class Silent(Replace):
    """Loses rows without a word."""

    def plan(self, url: str, folder: Path, out: Path, scratch_url: str | None) -> Plan:
        plan = super().plan(url, folder, out, scratch_url)
        for step in plan["steps"]:
            step["hazards"] = []
        return plan


class Lazy(Replace):
    """Does nothing, and says that all is well."""

    def apply(self, out: Path, url: str) -> None:
        pass


class Restless(Replace):
    """Always finds something to do."""

    def plan(self, url: str, folder: Path, out: Path, scratch_url: str | None) -> Plan:
        return super().plan(url, folder, out, scratch_url) | {"steps": [{"sql": ["SELECT 1"], "hazards": []}]}


class Broken(Replace):
    """Fails with an error of its own."""

    def pull(self, url: str, folder: Path, *, all_roles: bool = False) -> None:
        raise ProductFailed("pull", 1, 'error: no table "a" in line 12')


class Stopped(Silent):
    """Says that rows may stop it, and is stopped by them."""

    def plan(self, url: str, folder: Path, out: Path, scratch_url: str | None) -> Plan:
        plan = super().plan(url, folder, out, scratch_url)
        for step in plan["steps"]:
            step["hazards"] = [{"code": "may_fail"}]
        return plan

    def apply(self, out: Path, url: str) -> None:
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM t").fetchone()
        if row != (0,):
            raise ProductFailed("apply", 7, "error: column contains null values (SQLSTATE 23502)")
        super().apply(out, url)


@pytest.mark.parametrize(
    ("product", "status", "cause"),
    [
        (Replace(), "converged", ""),
        (Silent(), "failed", "rows lost without a word"),
        (Lazy(), "failed", "catalogs: column, table"),
        (Restless(), "failed", "second plan is not empty"),
        (Broken(), "failed", "pull 1: no table … in line …"),
        (Stopped(), "converged", ""),
    ],
)
def test_an_outcome(
    play: Callable[[Case, Replace], Outcome], product: Replace, status: str, cause: str
) -> None:
    own = case(old="CREATE TABLE t (a int)", new="CREATE TABLE t (a int, b text); CREATE TABLE u (c int)")
    outcome = play(own, product)
    assert (outcome.status, outcome.cause) == (status, cause), outcome.detail
    assert outcome.note.startswith("not with rows") == isinstance(product, Stopped)


def test_a_plan_for_equal_sides_must_be_empty(play: Callable[[Case, Replace], Outcome]) -> None:
    same = "CREATE TABLE t (a int)"
    assert play(case(old=same, new=same, noop=True), Replace()).status == "converged"
    assert play(case(old=same, new=same, noop=True), Restless()).cause == "plan: not empty for equal sides"


def test_what_cannot_be_played_is_skipped(play: Callable[[Case, Replace], Outcome]) -> None:
    assert play(case(exts=["no_such_thing"]), Replace()).cause == "no extension no_such_thing"
    assert play(case(new="CREATE nonsense"), Replace()).cause == "does not load"


def test_roles_have_servers_of_their_own(play: Callable[[Case, Replace], Outcome]) -> None:
    own = case(cluster=True, old="CREATE TABLE t ()", new="CREATE TABLE t (); CREATE ROLE corpus_role")
    assert play(own, Replace()).cause == "catalogs: role"


class Scripted(CommandLine):
    """Answers each command with what a script says."""

    def __init__(self, exit_code: int, stdout: str = "", stderr: str = "") -> None:
        self.answer = Finished(exit_code, stdout, stderr)
        self.asked: list[list[str]] = []

    def run(self, arguments: object) -> Finished:
        self.asked.append(list(arguments))  # type: ignore[call-overload]
        return self.answer


def test_the_command_line_is_called_as_scripts_call_it(tmp_path: Path) -> None:
    product = Scripted(0, '{"steps": [{"object": "table:public.t", "hazards": [{"code": "data_loss"}]}]}')
    plan = product.plan("URL", tmp_path, tmp_path / "p", "SCRATCH")
    assert list(hazards(plan)) == [("data_loss", "table:public.t")]
    assert product.asked == [
        ["plan", "--url", "URL", "--schema", str(tmp_path), "--out", str(tmp_path / "p"), "--ownership",
         "--format", "json", "--scratch-url", "SCRATCH"]
    ]  # fmt: skip
    with pytest.raises(ProductFailed, match="exit code 4"):
        Scripted(4, stderr="stale").apply(tmp_path, "URL")


def test_a_command_is_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    assert CommandLine().run(["plan"]) == Finished(0, "-m reconciler plan\n", "")
