"""`apply --all` and `run` that fail at a later plan: what is told of the plans before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import termination_message
from reconciler.core.errors import ServerError
from reconciler.engine.execute.apply import Verdict
from reconciler.engine.plan.model import Plan
from tests.cli.conftest import Finished, Shop

PHONE = ("      email: {", "      phone: text\n      email: {")
SENT = ("status: [open, paid]", "status: [open, paid, sent]")
LOWER = (
    "      customers_email_key: [email]\n",
    "      customers_email_key: [email]\n"
    "    indexes:\n"
    "      customers_lower_idx: {unique: true, columns: [lower(email)]}\n",
)
LAST = ("  orders:\n", "  notes:\n    columns: {note: text}\n\n  orders:\n")
FILES = ["0002_phone.plan.yaml", "0003_lower.plan.yaml", "0004_last.plan.yaml"]


@pytest.fixture
def team(inside: Shop) -> Shop:
    """Three plans that wait, of which the second fails after its first transaction."""
    inside.reconcile.write("reconcile.yaml", f'targets:\n  prod: {{url: "{inside.url}"}}\n')
    steps = (("start",), ("phone", PHONE), ("lower", PHONE, SENT, LOWER), ("last", PHONE, SENT, LOWER, LAST))
    for name, *changes in steps:
        inside.declare(*changes)
        done = inside.reconcile("plan", "--from", "chain", "--save", "--name", name)
        assert done.code == 0, done.err
    assert inside.reconcile("apply").code == 0
    inside.execute("INSERT INTO customers (email) VALUES ('a'), ('A')")
    return inside


def call(shop: Shop, *arguments: str) -> tuple[Finished, dict[str, Any]]:
    path: Path = shop.reconcile.folder / "message"
    done = shop.reconcile(*arguments, RECONCILE_TERMINATION_LOG=str(path))
    message: dict[str, Any] = json.loads(path.read_bytes())
    return done, message


def test_machines_hear_of_the_plans_before(team: Shop) -> None:
    done, message = call(team, "run", "--format", "json")
    assert done.code == 7, done.err
    data = done.data
    assert data["error"]["code"] == "stopped"
    assert [(one["file"], one["outcome"], one["ran"]) for one in data["plans"]] == [
        (FILES[0], "applied", [1])
    ]
    ids = [
        line.split()[2] for line in (team.reconcile.folder / "plans/prod/CHAIN").read_text().splitlines()[1:]
    ]
    assert data["plans"][0]["plan"] == ids[1]
    assert data["failed"] == {"plan": ids[2], "file": FILES[1], "ran": [1], "steps": 2}
    assert data["pending"] == 2
    assert (message["plan"], message["steps_ran"]) == (FILES[1], 2)
    assert message["plans"] == [
        {"plan": FILES[0], "outcome": "applied", "steps_ran": 1, "steps": 1},
        {"plan": FILES[1], "outcome": "failed", "steps_ran": 1, "steps": 2},
    ]
    # Repaired, it goes on from there; what fails after the last plan names no plan.
    team.execute("DELETE FROM customers WHERE email = 'A'")
    team.declare(PHONE, SENT, LOWER, LAST, ("  notes:\n", "  more:\n    columns: {note: text}\n\n  notes:\n"))
    done, message = call(team, "run", "--format", "json")
    assert done.code == 3, done.err
    outcomes = [(one["file"], one["outcome"]) for one in done.data["plans"]]
    assert outcomes == [(FILES[1], "resumed"), (FILES[2], "applied")]
    assert (done.data["failed"], done.data["pending"]) == (None, 0)
    assert [one["outcome"] for one in message["plans"]] == ["resumed", "applied"]


def test_people_hear_of_them_in_the_comment(team: Shop) -> None:
    done, _ = call(team, "apply", "--all", "--format", "markdown")
    assert done.code == 7
    assert f"| `{FILES[0]}` | 1/1 |" in done.out
    assert f"| `{FILES[1]}` | 1/2, then it failed |" in done.out
    assert "1 more plan pending." in done.out
    done, _ = call(team, "apply", "--all", "--format", "json")
    assert done.code == 7
    assert (done.data["plans"], done.data["failed"]["file"], done.data["pending"]) == ([], FILES[1], 2)


def test_what_fails_before_the_first_plan_names_none(inside: Shop) -> None:
    done, message = call(inside, "apply", "--all", "--allow", "nonsense", "--format", "json")
    assert done.code == 64
    assert (done.data["plans"], done.data["failed"], done.data["pending"]) == ([], None, None)
    assert message["plans"] == []


def test_a_long_chain_fits_into_the_message() -> None:
    termination_message.begin(["apply"])
    plan = Plan(server_major=18, schema_digest="", steps=(), touches={})
    for number in range(1, 13):
        termination_message.note_plan(plan, f"{number:04}_{'x' * 40}.plan.yaml").verdict = Verdict(
            "sha256:0", was_applied=True
        )
    termination_message.note_plan(plan, "0013_last.plan.yaml")
    termination_message.note_error(ServerError("x" * 9000))
    raw = termination_message.message(143)
    assert len(raw) <= termination_message.LIMIT_BYTES
    told = json.loads(raw)
    assert [one["plan"][:4] for one in told["plans"]] == [f"{number:04}" for number in range(4, 14)]
    assert [one["outcome"] for one in told["plans"]] == ["already applied"] * 9 + ["stopped"]
    assert len(told["message"]) > 1000
