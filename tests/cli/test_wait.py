"""`reconcile wait`: blocks until the database is where a program needs it, with the least of roles."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reconciler.app.planning.comparison import live_catalog
from reconciler.app.run.wait import Goal, missing
from reconciler.core.errors import ConnectionFailed
from tests.cli.conftest import Finished, Reconcile, Shop

NEW_COLUMN = ("      email: {", "      name: text\n      email: {")
NOWHERE = "fp1:" + "0" * 32


@pytest.fixture
def prod(inside: Shop) -> Shop:
    """A project with a target and one saved plan that is not applied."""
    inside.reconcile.write("reconcile.yaml", "targets:\n  prod: {url_env: SHOP_URL}\n")
    assert call(inside, "plan", "--save", "--name", "start").code == 0
    return inside


def call(shop: Shop, *arguments: str, url: str | None = None) -> Finished:
    return shop.reconcile(*arguments, SHOP_URL=url or shop.url)


def look(shop: Shop, *arguments: str, url: str | None = None) -> Finished:
    """Wait for no time at all."""
    return call(shop, "wait", "--timeout", "0", *arguments, url=url)


def fingerprint(shop: Shop, column: int = 4) -> str:
    """The last plan's end, as CHAIN says it."""
    lines = (shop.reconcile.folder / "plans/prod/CHAIN").read_text().splitlines()
    return lines[-1].split()[column]


def test_the_head_of_the_chain(prod: Shop) -> None:
    before = look(prod)
    assert before.code == 6
    assert "0001_start.plan.yaml" in before.err
    assert call(prod, "apply").code == 0
    after = look(prod)
    assert (after.code, after.out) == (0, "the database is at 0001_start.plan.yaml\n")
    prod.declare(NEW_COLUMN)
    assert call(prod, "plan", "--save").code == 0
    assert look(prod).code == 6


def test_a_database_that_has_gone_on_is_there(prod: Shop) -> None:
    """The pods of the last deploy start again after the next one's Job has run."""
    assert call(prod, "apply").code == 0
    first = fingerprint(prod)
    shutil.copytree(prod.reconcile.folder / "plans", prod.reconcile.folder / "deployed")
    prod.declare(NEW_COLUMN)
    assert call(prod, "plan", "--save", "--name", "next").code == 0
    assert call(prod, "apply").code == 0
    assert look(prod, "--to", first).code == 0
    assert look(prod, "--plan", "plans/prod/0001_start.plan.yaml").code == 0
    assert look(prod, "--to", fingerprint(prod)).code == 0
    plans = prod.reconcile.folder / "plans"
    shutil.rmtree(plans)
    (prod.reconcile.folder / "deployed").rename(plans)
    assert look(prod).code == 0


def test_a_plan_that_was_taken_back_is_not_there(prod: Shop) -> None:
    assert call(prod, "apply").code == 0
    prod.declare(NEW_COLUMN)
    assert call(prod, "plan", "--save", "--name", "next").code == 0
    assert call(prod, "apply").code == 0
    wanted = fingerprint(prod)
    prod.declare()
    assert call(prod, "plan", "--save", "--name", "back").code == 0
    assert call(prod, "apply", "--allow", "all").code == 0
    back = look(prod, "--to", wanted)
    assert (back.code, "taken back" in back.err) == (6, True)


def test_a_fingerprint_that_nobody_knows(prod: Shop) -> None:
    done = look(prod, "--to", NOWHERE)
    assert (done.code, "no run has led to" in done.err) == (6, True)


def test_a_plan_file_without_any_project(shop: Shop) -> None:
    assert shop.reconcile("plan", *shop.options, "--out", "one.plan.yaml").code == 0
    words = ("wait", "--url", shop.url, "--plan", "one.plan.yaml", "--timeout", "0")
    assert shop.reconcile(*words).code == 6
    assert shop.reconcile("apply", "one.plan.yaml", "--url", shop.url).code == 0
    shop.execute("DROP SCHEMA _reconcile CASCADE")
    done = shop.reconcile(*words, "--format", "json")
    assert (done.code, done.data["at"]) == (0, "one.plan.yaml")


def test_a_run_that_is_not_done_is_not_there(prod: Shop) -> None:
    """What it looks like may be right already, while rows are still being filled."""
    assert call(prod, "apply").code == 0
    prod.execute("UPDATE _reconcile.run SET outcome = 'running', finished_at = NULL")
    done = look(prod)
    assert (done.code, "interrupted" in done.err) == (6, True)


def test_what_makes_no_sense_is_refused(inside: Shop) -> None:
    assert look(inside, "--url", inside.url).code == 64
    assert look(inside, "--url", inside.url, "--to", NOWHERE, "--plan", "x").code == 64
    assert look(inside, "--url", inside.url, "--plan", "none.plan.yaml").code == 64
    assert look(inside, "--url", inside.url, "--to", NOWHERE[:-1]).code == 64
    assert call(inside, "wait", "--url", inside.url, "--to", NOWHERE, "--interval", "0").code == 64


def test_no_server_and_no_database_are_waited_for_and_then_1(prod: Shop) -> None:
    done = look(prod, url="postgresql://127.0.0.1:1/none")
    assert done.code == 1
    assert "waiting: can't connect" in done.err
    missing = make_conninfo(prod.url, dbname=f"none_{uuid4().hex}")
    assert look(prod, url=missing).code == 1


@dataclass(frozen=True, slots=True)
class Waiting:
    """A `reconcile wait` that is under way."""

    process: subprocess.Popen[str]

    @property
    def err(self) -> IO[str]:
        assert self.process.stderr is not None
        return self.process.stderr

    def says(self) -> str:
        return self.err.readline()

    def ends(self) -> int:
        return self.process.wait(60)


@pytest.fixture
def waiting(prod: Shop) -> Iterator[Callable[[str], Waiting]]:
    made: list[Waiting] = []

    def begin(url: str) -> Waiting:
        outside = Reconcile(prod.reconcile.folder)
        words = outside.command("wait", "--timeout", "60", "--interval", "0.1")
        made.append(
            Waiting(
                subprocess.Popen(
                    words, cwd=outside.folder, env=outside.environment(SHOP_URL=url),
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                )
            )
        )  # fmt: skip
        return made[-1]

    yield begin
    for one in made:
        one.process.kill()
        one.process.communicate()


def test_it_ends_once_the_plan_is_applied(prod: Shop, waiting: Callable[[str], Waiting]) -> None:
    one = waiting(prod.url)
    assert "0001_start.plan.yaml" in one.says()
    assert call(prod, "apply").code == 0
    assert one.ends() == 0


def test_a_database_that_comes_later_is_waited_for(prod: Shop, waiting: Callable[[str], Waiting]) -> None:
    name = f"test_{uuid4().hex}"
    url = make_conninfo(prod.url, dbname=name)
    one = waiting(url)
    assert "does not exist" in one.says()
    prod.execute(f"CREATE DATABASE {name}")
    try:
        assert "0001_start.plan.yaml" in one.says()
        assert call(prod, "apply", url=url).code == 0
        assert one.ends() == 0
    finally:
        prod.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_sigterm_ends_it(prod: Shop, waiting: Callable[[str], Waiting]) -> None:
    one = waiting(prod.url)
    one.says()
    one.process.terminate()
    assert one.ends() == 143


@pytest.fixture
def reader(prod: Shop) -> Iterator[str]:
    """The URL of a role that may connect, and nothing else."""
    role = f"reader_{conninfo_to_dict(prod.url)['dbname']}"
    prod.execute(f"CREATE ROLE {role} LOGIN")
    prod.execute("REVOKE ALL ON SCHEMA public FROM public")
    yield make_conninfo(prod.url, user=role)
    prod.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def granted(shop: Shop, reader: str) -> None:
    """What docs/controller.md says that waiting needs."""
    role = conninfo_to_dict(reader)["user"]
    shop.execute(f"GRANT USAGE ON SCHEMA _reconcile TO {role}")
    shop.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA _reconcile TO {role}")


def test_a_role_that_reads_the_journal_is_enough(prod: Shop, reader: str) -> None:
    assert look(prod, url=reader).code == 6
    assert call(prod, "apply").code == 0
    granted(prod, reader)
    assert look(prod, url=reader).code == 0
    assert look(prod, "--to", fingerprint(prod), url=reader).code == 0
    with psycopg.connect(reader) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM public.customers")


def test_a_role_that_may_only_connect_goes_by_the_catalogs(prod: Shop, reader: str) -> None:
    assert call(prod, "apply").code == 0
    assert look(prod, url=reader).code == 0
    refused = look(prod, "--to", NOWHERE, url=reader)
    assert (refused.code, "GRANT USAGE ON SCHEMA _reconcile" in refused.err) == (3, True)
    prod.execute("DROP INDEX orders_customer_id_idx")
    assert look(prod, url=reader).code == 6


def test_a_session_that_the_server_ends_is_no_end(prod: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the catalogs are read, by a restart say: it is waited for, as one that is away."""
    goal = Goal("a plan", "sha256:0", NOWHERE, {})

    def cut_off(connection: psycopg.Connection[object]) -> object:
        prod.execute(f"SELECT pg_terminate_backend({connection.info.backend_pid})")
        return live_catalog(connection)

    monkeypatch.setattr("reconciler.app.run.wait.live_catalog", cut_off)
    with pytest.raises(ConnectionFailed):
        missing(goal, prod.url)
