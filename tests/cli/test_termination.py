"""The message that a container leaves behind (RECONCILE_TERMINATION_LOG), and Jobs that are killed, tried
again and doubled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reconciler import __version__
from reconciler.cli import termination_message
from reconciler.core.errors import ServerError
from tests.cli.conftest import Finished, Reconcile, Shop

LOST = (("[open, paid]", "[open, paid, lost]"), ("default: \"'open'\"", "default: \"'lost'\""))
NEW_INDEX = ("    indexes:\n", "    indexes:\n      orders_status_idx: [status]\n")
NO_EMAIL = (
    ("      email: {type: text, not_null: true}\n", ""),
    ("    unique:\n      customers_email_key: [email]\n", ""),
)
SECRET = "s3cr3t-password"


def left(folder: Path) -> dict[str, Any]:
    """The message."""
    raw = (folder / "message").read_bytes()
    assert 0 < len(raw) <= termination_message.LIMIT_BYTES
    found: dict[str, Any] = json.loads(raw)
    return found


def call(shop: Shop, *arguments: str) -> tuple[Finished, dict[str, Any]]:
    done = shop.reconcile(*arguments, RECONCILE_TERMINATION_LOG=str(shop.reconcile.folder / "message"))
    message = left(shop.reconcile.folder)
    assert message["exit_code"] == done.code
    return done, message


def test_a_command_that_does_its_work(inside: Shop) -> None:
    _, message = call(inside, "run", *inside.options)
    assert message["plan"].startswith("sha256:")
    assert message["steps_ran"] > 5
    steps = message["steps_ran"]
    assert message["plans"] == [
        {"plan": message["plan"], "outcome": "applied", "steps_ran": steps, "steps": steps}
    ]
    rest = {key: value for key, value in message.items() if key not in ("plan", "plans", "steps_ran")}
    assert rest == {
        "command": "run",
        "target": "default",
        "exit_code": 0,
        "exit_name": "ok",
        "outcome": "succeeded",
        "message": None,
        "hint": None,
        "version": __version__,
    }
    again = call(inside, "run", *inside.options)[1]
    assert (again["exit_name"], again["steps_ran"]) == ("ok", 0)


def test_what_is_blocked_says_what_to_pass(inside: Shop) -> None:
    inside.deploy()
    inside.declare(*NO_EMAIL)
    done, message = call(inside, "run", *inside.options)
    assert (done.code, message["exit_name"], message["outcome"]) == (3, "blocked", "failed")
    assert "data_loss" in message["message"]
    assert "--allow data_loss:column:public.customers.email" in message["hint"]


def test_a_plan_of_the_chain_is_named_by_its_file(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", f'targets:\n  prod: {{url: "{inside.url}"}}\n')
    assert inside.reconcile("plan", "--save", "--name", "start").code == 0
    _, message = call(inside, "apply", "--all")
    assert (message["target"], message["plan"]) == ("prod", "0001_start.plan.yaml")


def test_where_nothing_is_pending_the_last_plan_is_named(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", f'targets:\n  prod: {{url: "{inside.url}"}}\n')
    assert inside.reconcile("plan", "--save", "--name", "start").code == 0
    _, first = call(inside, "apply")
    _, again = call(inside, "apply")
    _, run = call(inside, "run")
    assert [message["plan"] for message in (first, again, run)] == ["0001_start.plan.yaml"] * 3
    assert (again["plans"], again["steps_ran"]) == ([], 0)


def test_drift_names_what_was_changed_by_hand(inside: Shop) -> None:
    inside.deploy()
    inside.execute("ALTER TABLE orders ADD COLUMN by_hand text")
    _, message = call(inside, "drift", "--detailed-exitcode", *inside.options)
    assert message["exit_code"] == 2
    assert "orders.by_hand" in message["message"]


def test_how_far_it_came_before_it_failed(inside: Shop) -> None:
    inside.deploy()
    inside.execute("INSERT INTO customers (email) VALUES ('a'), ('b')")
    inside.execute("INSERT INTO orders (customer_id) SELECT id FROM customers")
    inside.declare(
        NEW_INDEX, ("    indexes:", "    unique:\n      orders_status_key: [status]\n    indexes:")
    )
    done, message = call(inside, "run", *inside.options)
    assert (done.code, message["exit_name"]) in ((7, "stopped_part_way"), (3, "blocked"))
    assert "23505" in message["message"]
    assert "ALTER" not in message["message"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("run", "--no-such-option"), 64),
        (("run", "--schema", "nowhere", "--url", f"postgresql://me:{SECRET}@127.0.0.1:1/x"), 64),
        (("plan", "--url", f"postgresql://me:{SECRET}@127.0.0.1:1/x"), 1),
        (("plan", "--url", f"mysql://me:{SECRET}@h/x"), 64),
        (("apply", "broken.plan.yaml", "--url", "x"), 65),
        (("check", "--schema", "broken.plan.yaml"), 65),
        (("--version",), 0),
        ((), 64),
    ],
)
def test_every_command_leaves_one(inside: Shop, arguments: tuple[str, ...], code: int) -> None:
    inside.reconcile.write("broken.plan.yaml", "nothing: [of: a plan\n")
    done, message = call(inside, *arguments)
    assert done.code == code
    assert message["exit_name"] == termination_message.NAMES[code]
    assert (message["message"] is None) == (code == 0)
    assert SECRET not in json.dumps(message)


def test_the_url_is_in_no_message(inside: Shop) -> None:
    inside.reconcile.write(
        "reconcile.yaml", f'targets:\n  prod: {{url: "postgresql://u:{SECRET}@127.0.0.1:1/x"}}\n'
    )
    done, message = call(inside, "run")
    assert (done.code, message["target"]) == (1, "prod")
    assert SECRET not in json.dumps(message)
    assert message["message"].startswith("can't connect to ")


def test_a_message_that_cannot_be_written_fails_nothing(inside: Shop) -> None:
    os.mkfifo(inside.reconcile.folder / "pipe")
    for place in ("no/such/folder", ".", "pipe", "/dev/full"):
        done = inside.reconcile("check", "--schema", "schema", RECONCILE_TERMINATION_LOG=place)
        assert done.code == 0
        assert "termination message" in done.err


def test_a_file_that_is_there_is_written_in_place(inside: Shop) -> None:
    """It is mounted into the container: a new file beside it would not be seen."""
    path = inside.reconcile.folder / "message"
    path.write_text("x" * 10_000)
    number = path.stat().st_ino
    call(inside, "check", "--schema", "schema")
    assert path.stat().st_ino == number


@pytest.mark.parametrize("character", ["x", "\u20ac", "\U0001f40d", '"', "\n", "\x00"])
@pytest.mark.parametrize("field", ["message", "hint", "both"])
def test_what_is_too_long_loses_its_end(character: str, field: str) -> None:
    termination_message.begin(["run"])
    long = character * 9000
    termination_message.note_error(
        ServerError(long if field != "hint" else "short", hint=long if field != "message" else None)
    )
    raw = termination_message.message(1)
    assert len(raw) <= termination_message.LIMIT_BYTES
    told = json.loads(raw)
    assert told["exit_name"] == "error"
    if field == "message" and character == "x":
        assert len(raw) > termination_message.LIMIT_BYTES - 10
        assert told["message"].endswith("x ...")


KILLED = """
import os, signal, sys
from reconciler.cli import main, progress
from reconciler.engine.execute.progress import GroupCommitted, WaitingForLock
name, event, words = sys.argv[1], sys.argv[2], sys.argv[3:]
seen = progress.Display.__call__
def hear(self, what):
    seen(self, what)
    if type(what).__name__ == event:
        os.kill(os.getpid(), signal.Signals[name])
progress.Display.__call__ = hear
sys.exit(main(words))
"""


def job(shop: Shop, signal_name: str, event: str, *words: str) -> int:
    """The exit code of a Job's command that sends itself a signal at the first such event."""
    outside = Reconcile(shop.reconcile.folder)
    variables = {"RECONCILE_TERMINATION_LOG": str(outside.folder / "message")}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, signal_name, event, *words],
        cwd=outside.folder, env=outside.environment(**variables), capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode


@pytest.fixture
def prod(inside: Shop) -> Shop:
    """A target with two plans: the first makes the tables, the second takes two transactions, since a new
    value of an enum can be used once it is committed."""
    inside.reconcile.write("reconcile.yaml", f'targets:\n  prod: {{url: "{inside.url}"}}\n')
    assert inside.reconcile("plan", "--save", "--name", "start").code == 0
    assert inside.reconcile("apply").code == 0
    inside.declare(*LOST)
    assert inside.reconcile("plan", "--save", "--name", "more").code == 0
    return inside


def steps_that_ran(shop: Shop) -> list[tuple[int, int]]:
    """How often each step of the second plan was done."""
    return [
        (number, count)
        for number, count in shop.execute(
            "SELECT number, count(*) FROM _reconcile.step s JOIN _reconcile.run r ON r.id = s.run_id"
            " WHERE s.status = 'done' AND r.id > 1 GROUP BY number ORDER BY number"
        )
    ]


@pytest.mark.parametrize("command", [("run",), ("apply", "--all")])
@pytest.mark.parametrize(("signal_name", "code"), [("SIGTERM", 143), ("SIGKILL", -signal.SIGKILL)])
def test_a_job_that_is_ended_part_way_and_retried(
    prod: Shop, command: tuple[str, ...], signal_name: str, code: int
) -> None:
    assert job(prod, signal_name, "GroupCommitted", *command) == code
    if signal_name == "SIGTERM":
        message = left(prod.reconcile.folder)
        assert (message["exit_name"], message["outcome"]) == ("terminated", "stopped")
        assert (message["plan"], message["steps_ran"]) == ("0002_more.plan.yaml", 1)
    done, message = call(prod, *command)
    assert done.code == 0, done.err
    assert message["steps_ran"] == 1
    assert steps_that_ran(prod) == [(1, 1), (2, 1)]
    assert call(prod, *command)[1]["steps_ran"] == 0


def test_a_job_that_is_ended_while_it_waits_for_a_lock(prod: Shop) -> None:
    with psycopg.connect(prod.url) as writer:
        writer.execute("INSERT INTO customers (email) VALUES ('a')")
        writer.execute("INSERT INTO orders (customer_id) SELECT id FROM customers")
        writer.commit()
        writer.execute("UPDATE orders SET status = 'paid'")
        assert job(prod, "SIGTERM", "WaitingForLock", "run") == 143
        writer.rollback()
    assert call(prod, "run")[0].code == 0
    assert steps_that_ran(prod) == [(1, 1), (2, 1)]


@pytest.mark.parametrize("words", [("run",), ("apply", "--all")])
def test_two_pods_at_once(prod: Shop, words: tuple[str, ...]) -> None:
    """One works. The other waits where it is told to, and has nothing to do then; else it ends with 6."""
    outside = Reconcile(prod.reconcile.folder)
    with psycopg.connect(prod.url) as writer:
        # The first pod waits for this writer, with the lease in its hands.
        writer.execute("LOCK TABLE orders IN ROW EXCLUSIVE MODE")
        first = subprocess.Popen(
            outside.command(*words), cwd=outside.folder, env=outside.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert first.stderr is not None
        assert any("status" in line for line in first.stderr)
        refused, message = call(prod, *words)
        assert (refused.code, message["exit_name"]) == (6, "busy")
        second = subprocess.Popen(
            outside.command(*words, "--wait-lock", "60"), cwd=outside.folder, env=outside.environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert second.stderr is not None
        assert any("another run" in line.lower() or "wait" in line.lower() for line in second.stderr)
        writer.rollback()
    assert (first.wait(60), second.wait(60)) == (0, 0)
    first.communicate()
    second.communicate()
    assert steps_that_ran(prod) == [(1, 1), (2, 1)]
