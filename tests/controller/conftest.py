"""A team's repository, the directory that a cluster mounts of it, and a controller that is turned by hand."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.controller import Heal, Mode, Options, Wanted
from reconciler.controller.http import Pages
from reconciler.controller.loop import Loop
from reconciler.controller.serving import assembled
from reconciler.core.errors import Terminated
from reconciler.engine.connection.retry import Clock, Stop
from tests.cli.conftest import Inside, Shop

DESK = """
tables:
  customers:
    columns:
      id: {type: bigint, not_null: true}
      email: {type: text, not_null: true}
    primary_key: [id]
    unique:
      customers_email_key: [email]

  orders:
    columns:
      id: {type: bigint, not_null: true}
      customer_id: {type: bigint, not_null: true}
      status: {type: text, not_null: true}
    primary_key: [id]
    indexes:
      orders_customer_id_idx: [customer_id]
"""
NEW_COLUMN = ("      email: {", "      name: text\n      email: {")
NEW_INDEX = ("    indexes:\n", "    indexes:\n      orders_status_idx: [status]\n")
NO_INDEX = ("    indexes:\n      orders_customer_id_idx: [customer_id]\n", "")
NO_EMAIL = (
    ("      email: {type: text, not_null: true}\n", ""),
    ("    unique:\n      customers_email_key: [email]\n", ""),
)


@dataclass(frozen=True, slots=True)
class Team(Shop):
    """People who edit a schema, save plans and commit; `mount` is what the cluster sees."""

    @property
    def mount(self) -> Path:
        """The directory that the controller reads."""
        return self.reconcile.folder / "mount"

    @property
    def url_file(self) -> Path:
        """The secret with the database's URL."""
        return self.reconcile.folder / "secret-url"

    def declare(self, *changes: tuple[str, str]) -> None:
        """Write the schema with these replacements; each must apply. It is small, so that a look is quick."""
        text = DESK
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.reconcile.write("schema/desk.yaml", text)

    def save(self, *changes: tuple[str, str]) -> str:
        """Declare, and save a plan for it: the plan's file name."""
        before = self._plans()
        self.declare(*changes)
        done = self.reconcile("plan", "--save")
        assert done.code == 0, done.err
        (new,) = self._plans() - before
        return new

    def commit(self) -> None:
        """Bring what is in the repository to the mount."""
        beside = self.mount.with_name("mount.new")
        beside.mkdir()
        for name in ("reconcile.yaml", "schema", "plans"):
            path = self.reconcile.folder / name
            if path.is_dir():
                shutil.copytree(path, beside / name)
            elif path.exists():
                shutil.copy(path, beside / name)
        shutil.rmtree(self.mount, ignore_errors=True)
        beside.rename(self.mount)

    def apply(self) -> None:
        """Apply all that is pending by hand."""
        done = self.reconcile("apply", "--all", "--allow", "all")
        assert done.code == 0, done.err

    def tables(self) -> list[str]:
        """The tables that are there, but for the journal's."""
        return [
            name
            for (name,) in self.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind = 'r' ORDER BY 1"
            )
        ]

    def _plans(self) -> set[str]:
        return {path.name for path in (self.reconcile.folder / "plans/prod").glob("*.plan.yaml")}


@dataclass(slots=True)
class Hands:
    """Time that passes only when it is told to."""

    seconds: float = 1000.0

    def clock(self) -> Clock:
        """A clock that these hands move; chance is in the middle."""
        return Clock(lambda: self.seconds, self.pass_by, lambda: 0.5)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(slots=True)
class Controller:
    """A controller in this process."""

    team: Team
    loop: Loop
    pages: Pages
    stop: Stop
    hands: Hands
    logged: io.StringIO
    status_file: Path
    name: str = "prod"

    def turn(self, count: int = 1) -> dict[str, Any]:
        """Let the loop turn, an interval later each time; what it then says of the target."""
        for _ in range(count):
            self.hands.pass_by(15)
            self.loop.turn()
        return self.target

    @property
    def target(self) -> dict[str, Any]:
        """What is said of the target."""
        found: dict[str, Any] = self.status["targets"].get(self.name, {})
        return found

    @property
    def status(self) -> dict[str, Any]:
        """The status file."""
        found: dict[str, Any] = json.loads(self.status_file.read_text(encoding="utf-8"))
        return found

    def metric(self, name: str, **labels: str) -> float | None:
        """A sample's value; None where there is none."""
        return self.pages.registry.get_sample_value(f"reconcile_{name}", labels or {"target": self.name})

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self.logged.getvalue().splitlines()]

    def end(self) -> None:
        """Stop it, as SIGTERM does."""
        self.stop.ask()
        with pytest.raises(Terminated):
            self.loop.run()


@pytest.fixture
def team(tmp_path: Path, database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Team:
    """A project whose target has its URL in a file; nothing is committed yet."""
    for name in ("RECONCILE_URL", "RECONCILE_URL_FILE", "RECONCILE_TARGET"):
        monkeypatch.delenv(name, raising=False)
    made = Team(Inside(tmp_path), database())
    made.url_file.write_text(made.url, encoding="utf-8")
    made.reconcile.write("reconcile.yaml", f"targets:\n  prod: {{url_file: {made.url_file}}}\n")
    made.declare()
    return made


Make = Callable[..., Controller]


@pytest.fixture
def controllers(team: Team, tmp_path: Path) -> Iterator[Make]:
    """Makes controllers of the team's mount: `controllers(mode, heal, clock)`."""
    made: list[Controller] = []

    def make(mode: Mode = Mode.OBSERVE, heal: Heal | None = None, clock: Clock | None = None) -> Controller:
        hands, logged, stop = Hands(), io.StringIO(), Stop()
        status = tmp_path / f"status{len(made)}.json"
        options = Options(
            Wanted(team.mount),
            mode,
            heal,
            status_file=status,
            log_stream=logged,
            clock=clock or hands.clock(),
            stop=stop,
        )
        work = tmp_path / f"work{len(made)}"
        loop, pages, _ = assembled(options, work)
        made.append(Controller(team, loop, pages, stop, hands, logged, status))
        return made[-1]

    yield make
    for one in made:
        one.end()
