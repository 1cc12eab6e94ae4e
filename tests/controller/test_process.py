"""Controllers as processes on a server of their own: killed, cut off, stopped amid their work, left without a
database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reconciler.controller.seat import APPLICATION
from reconciler.embedded import Server, choose
from tests.cli.conftest import ROOT, Inside
from tests.controller.conftest import NEW_INDEX, Team

pytestmark = pytest.mark.slow

PATIENCE_S = 90.0
INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('orders_status_idx')"
COMMITS = ("1" * 40, "2" * 40)


@dataclass(slots=True)
class Host:
    """A server that can be stopped and started again, on the same port."""

    folder: Path
    running: Server

    @classmethod
    def started(cls, folder: Path) -> Host:
        return cls(folder, Server.start(choose().installation, folder / "pg", port=0))

    def stop(self) -> None:
        self.running.stop()

    def start(self, port: int) -> None:
        self.running = Server.start(choose().installation, self.folder / "pg", port=port)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host.started(tmp_path_factory.mktemp("host"))
    yield made
    made.stop()


@pytest.fixture
def team(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """A team whose database is on the server of this module; logging in takes a password."""
    monkeypatch.delenv("RECONCILE_URL", raising=False)
    name = f"desk_{uuid4().hex}"
    with psycopg.connect(host.running.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    made = Team(Inside(tmp_path), host.running.url(name))
    made.url_file.write_text(made.url, encoding="utf-8")
    made.reconcile.write("reconcile.yaml", f"targets:\n  prod: {{url_file: {made.url_file}}}\n")
    return made


@dataclass(slots=True)
class Running:
    """A controller in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.log.splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def page(self, path: str) -> tuple[int, str]:
        """A page's status and text; 0 where nothing answers."""
        found = [event["address"] for event in self.events if event["event"] == "listening"]
        if not found:
            return 0, ""
        try:
            with urlopen(f"http://{found[0]}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except URLError as error:
            return getattr(error, "code", 0), ""

    @property
    def target(self) -> dict[str, Any]:
        try:
            status = json.loads((self.folder / "status.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        found: dict[str, Any] = status["targets"].get("prod", {})
        return found

    def reaches(self, state: str, **facts: Any) -> bool:
        """Whether the target comes to that state, with these facts."""
        wanted = {"state": state} | facts
        return eventually(lambda: {name: self.target.get(name) for name in wanted} == wanted)

    def told(self, event: str, **facts: Any) -> bool:
        """Whether an event with these facts comes."""
        return eventually(lambda: any(facts.items() <= e.items() for e in self.events if e["event"] == event))

    def ends(self, number: int) -> int:
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


Start = Callable[..., Running]


@pytest.fixture
def start(team: Team, tmp_path: Path) -> Iterator[Start]:
    """Starts controllers of the team's mount, with these options."""
    made: list[Running] = []

    def begin(*options: str, source: Path | None = None) -> Running:
        folder = tmp_path / f"controller{len(made)}"
        folder.mkdir()
        words = [
            "controller", "--source", source or team.mount, "--interval", "0.2", "--listen", "127.0.0.1:0",
            "--status-file", folder / "status.json", *options,
        ]  # fmt: skip
        environment = team.reconcile.environment(HOME=str(folder), TMPDIR=str(folder))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", *map(str, words)],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        made.append(Running(process, folder))
        return made[-1]

    yield begin
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        password = conninfo_to_dict(team.url)["password"]
        assert str(password) not in one.log
        assert "Traceback" not in one.log


def test_the_active_one_is_killed_and_the_other_takes_over(team: Team, start: Start) -> None:
    team.save()
    team.apply()
    team.commit()
    one = start("--mode", "apply")
    assert one.reaches("in_sync", active=True), one.log
    other = start("--mode", "apply")
    assert other.reaches("standby", active=False), other.log
    assert other.page("/readyz")[0] == 200
    assert one.ends(signal.SIGKILL) == -signal.SIGKILL
    team.save(NEW_INDEX)
    team.commit()
    assert other.reaches("in_sync", active=True, chain={"applied": 2, "pending": []}), other.log
    assert 'reconcile_active{target="prod"} 1.0' in other.page("/metrics")[1]
    assert other.ends(signal.SIGTERM) == 143


def test_a_server_that_stops_is_waited_for(team: Team, start: Start, host: Host) -> None:
    team.save()
    team.apply()
    team.commit()
    one = start()
    assert one.reaches("in_sync"), one.log
    assert one.page("/readyz")[0] == 200
    port = int(str(conninfo_to_dict(team.url)["port"]))
    host.stop()
    assert one.reaches("error", code="connection_failed", active=False), one.log
    assert eventually(lambda: one.page("/readyz")[0] == 503)
    assert (one.page("/livez")[0], one.page("/startupz")[0]) == (200, 200)
    host.start(port)
    assert one.reaches("in_sync", active=True, failures=0), one.log
    assert eventually(lambda: one.page("/readyz")[0] == 200)


def test_a_git_sync_flip_brings_the_next_commit(team: Team, start: Start, tmp_path: Path) -> None:
    trees = tmp_path / "git" / ".worktrees"
    trees.mkdir(parents=True)
    link = tmp_path / "git" / "current"
    team.save()
    team.commit()
    team.mount.rename(trees / COMMITS[0])
    link.symlink_to(f".worktrees/{COMMITS[0]}")
    one = start("--mode", "apply", source=link)
    assert one.reaches("in_sync", revision=COMMITS[0]), one.log
    team.save(NEW_INDEX)
    team.commit()
    team.mount.rename(trees / COMMITS[1])
    beside = link.with_name("next")
    beside.symlink_to(f".worktrees/{COMMITS[1]}")
    beside.replace(link)
    assert one.reaches("in_sync", revision=COMMITS[1], chain={"applied": 2, "pending": []}), one.log
    assert COMMITS[1] in one.page("/status")[1]


@dataclass(slots=True)
class Blocked:
    """A controller whose plan waits for a writer."""

    controller: Running
    writer: psycopg.Connection[Any]


@pytest.fixture
def blocked(team: Team, start: Start) -> Iterator[Blocked]:
    team.save()
    team.apply()
    plan = team.save(NEW_INDEX)
    team.commit()
    with psycopg.connect(team.url) as writer:
        writer.execute("INSERT INTO orders VALUES (1, 1, 'open')")
        one = start("--mode", "apply")
        assert one.told("waiting for a lock", plan=plan), one.log
        yield Blocked(one, writer)


def test_sigterm_amid_an_apply_and_another_goes_on(blocked: Blocked, team: Team, start: Start) -> None:
    assert blocked.controller.ends(signal.SIGTERM) == 143
    assert blocked.controller.told("apply ended", result="terminated")
    assert team.execute("SELECT outcome FROM _reconcile.run ORDER BY id DESC LIMIT 1") == [("stopped",)]
    assert team.execute("SELECT FROM pg_locks WHERE locktype = 'advisory'") == []
    blocked.writer.rollback()
    other = start("--mode", "apply")
    assert other.reaches("in_sync", chain={"applied": 2, "pending": []}), other.log
    assert team.execute(INDEX) == [(True,)]


def test_the_lock_is_lost_amid_an_apply(blocked: Blocked, team: Team) -> None:
    ended = team.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name = '{APPLICATION}'"
    )
    assert ended == [(True,)]
    one = blocked.controller
    assert one.told("apply ended", result="connection_failed"), one.log
    assert one.told("no longer active"), one.log
    blocked.writer.rollback()
    assert one.reaches("in_sync", active=True, chain={"applied": 2, "pending": []}), one.log
    assert team.execute(INDEX) == [(True,)]


def test_the_loop_is_seen_to_live_amid_a_long_apply(blocked: Blocked) -> None:
    one = blocked.controller

    def beat() -> str:
        status = json.loads(one.page("/status")[1])
        found: str = status["beat_at"]
        return found

    first = beat()
    assert eventually(lambda: beat() > first), one.log
    assert one.target["state"] == "pending"


def test_a_password_that_is_rotated(team: Team, start: Start) -> None:
    role = f"rotated_{uuid4().hex}"
    team.save()
    team.apply()
    team.commit()
    team.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'before-1'")
    team.execute(f"GRANT USAGE ON SCHEMA _reconcile TO {role}")
    team.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA _reconcile TO {role}")
    team.url_file.write_text(make_conninfo(team.url, user=role, password="before-1"))
    one = start()
    assert one.reaches("in_sync"), one.log
    team.execute(f"ALTER ROLE {role} PASSWORD 'after-2'")
    team.execute("DROP INDEX orders_customer_id_idx")
    assert one.reaches("error", code="connection_failed"), one.log
    team.url_file.write_text(make_conninfo(team.url, user=role, password="after-2"))
    assert one.reaches("drifted", active=True), one.log
    assert "before-1" not in one.log
    assert "after-2" not in one.log


def test_what_does_not_fit_together_is_refused_at_once(team: Team, start: Start) -> None:
    one = start("--heal", "safe")
    assert one.process.wait(PATIENCE_S) == 64
    taken = start()
    assert taken.told("listening")
    address = next(event["address"] for event in taken.events if event["event"] == "listening")
    another = start("--listen", address)
    assert another.process.wait(PATIENCE_S) == 1
    assert "cannot listen on" in another.log
    unread = start("--listen", "8080")
    assert unread.process.wait(PATIENCE_S) == 64


STUBBORN = """
import time
from reconciler.engine.connection.retry import Stop, stopped_by_signals
with stopped_by_signals(Stop()):
    print("ready", flush=True)
    while True:
        time.sleep(0.1)
"""


def test_a_second_signal_ends_what_does_not_stop() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        # Twice in no time is once: so timeout(1) sends it.
        child.send_signal(signal.SIGTERM)
        child.send_signal(signal.SIGTERM)
        time.sleep(1.5)
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 143


def test_sigterm_while_reading_waits_for_a_lock(
    team: Team, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pg_get_viewdef waits for whoever holds the view: for long, or until somebody asks to stop."""
    monkeypatch.setenv("RECONCILE_READ_WAIT", str(10 * PATIENCE_S))
    team.save()
    team.apply()
    team.execute("CREATE VIEW in_the_way AS SELECT id FROM orders")
    team.commit()
    with psycopg.connect(team.url) as holder:
        holder.execute("LOCK TABLE in_the_way IN ACCESS EXCLUSIVE MODE")
        one = start()
        said = "reading the catalogs waits"
        assert eventually(lambda: any(said in e["event"] for e in one.events)), one.log
        assert one.ends(signal.SIGTERM) == 143
        assert one.told("stopped")
