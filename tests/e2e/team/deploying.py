"""The chapter in which the Job changes a database that an application works with."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import Any

import psycopg

from tests.controller.test_process import eventually
from tests.e2e.team.application import CUSTOMERS
from tests.e2e.team.cluster import arguments
from tests.e2e.team.conftest import Stage

JOB = "base/job-deploy.yaml"
WAIT = "components/wait/init-container.yaml"

BUILT = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('{}')"
COLUMNS = (
    "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute"
    " WHERE attrelid = 'customers'::regclass AND attnum > 0 AND NOT attisdropped"
)
REFUNDABLE = "SELECT count(*) FROM pg_enum WHERE enumlabel = 'refunded'"


def the_job_runs_while_the_application_works(stage: Stage, start: str, merged: str) -> None:
    """It is killed amid its second plan, and run again; the application does not notice."""
    production = stage.production
    application = stage.application()
    old = stage.pod(start, "reader").run(arguments(WAIT))
    assert old.code == 0, f"a pod of the last deploy may not start again:\n{old.err}"
    waiting = stage.pod(merged, "reader")
    waits = stage.started(waiting.start(arguments(WAIT, {"--interval": "0.5"})))
    assert eventually(lambda: "waiting: " in waiting.log), f"the init container does not wait:\n{waiting.log}"
    with psycopg.connect(production.url("app")) as report:
        # A long report, whose lock on the table stays till its end.
        report.execute("SELECT count(*) FROM customers")
        the_job_is_killed_and_run_again(stage, merged, waits, report)
    assert waits.wait(60) == 0, f"the init container did not let the new version start:\n{waiting.log}"
    assert production.value(BUILT.format("orders_status_idx")) is True, "the index is not valid"
    assert production.value("SELECT bool_and(convalidated) FROM pg_constraint") is True
    assert production.value(COLUMNS) == "id email name balance fax locale"
    again = stage.pod(merged).run(arguments(JOB))
    assert again.code == 0, f"a Job that has nothing to do fails:\n{again.err}"
    said, _ = application.communicate(timeout=60)
    assert application.returncode == 0, "the application crashed"
    nothing_was_lost(stage, json.loads(said))


def the_job_is_killed_and_run_again(
    stage: Stage, merged: str, waits: subprocess.Popen[bytes], report: psycopg.Connection[Any]
) -> None:
    production = stage.production
    first = stage.pod(merged)
    job = stage.started(first.start(arguments(JOB)))
    assert eventually(lambda: "customers.locale waits for a lock" in first.log), (
        f"it does not wait:\n{first.log}"
    )
    job.send_signal(signal.SIGKILL)
    job.wait(60)
    assert first.message == {}, f"killed, and yet it left a message: {first.message}"
    assert production.value(REFUNDABLE) == 1, "it was to be killed amid its second plan"
    assert production.value(COLUMNS) == "id email name balance fax", (
        "it was to be killed amid its second plan"
    )
    second = stage.pod(merged)
    retried = stage.started(second.start(arguments(JOB)))
    assert eventually(lambda: "waits for a lock" in second.log), (
        f"the second try does not wait:\n{second.log}"
    )
    orders = "SELECT count(*) FROM orders"
    before = production.value(orders)
    assert eventually(lambda: production.value(orders) > before + 100), "the application stands still"
    assert retried.poll() is None, f"the Job ended before the report did:\n{second.log}"
    assert waits.poll() is None, "the init container let the new version start amid the work"
    report.rollback()
    assert retried.wait(120) == 0, f"the Job's second try failed:\n{second.log}"
    assert second.message["outcome"] == "succeeded", f"wrong termination message: {second.message}"
    runs = production.execute("SELECT outcome, resumes IS NOT NULL FROM _reconcile.run ORDER BY id")
    assert runs[-1] == ("applied", True), f"the second try did not resume the first: {runs}"


def nothing_was_lost(stage: Stage, ledger: dict[str, Any]) -> None:
    """All that the application committed is there, and it had no error: not one lock timeout, deadlock, lost
    connection or plan that no longer fits. None is allowed, because the Job gives way to it: locks that block
    are asked for no longer than 0.8 s at a time, and the application waits ten."""
    assert ledger["errors"] == [], f"the application had errors: {ledger['errors'][:5]}"
    assert ledger["wrong"] == [], f"reads did not see what was committed: {ledger['wrong'][:5]}"
    assert ledger["reads"] > 100, "the application hardly read anything"
    found = {
        note: (customer, amount)
        for note, customer, amount in stage.production.execute(
            "SELECT note, customer_id, amount FROM orders WHERE note NOT LIKE 'before-%'"
        )
    }
    wanted = {note: (customer, amount) for note, (customer, amount) in ledger["orders"].items()}
    lost = wanted.keys() - found.keys()
    assert not lost, f"{len(lost)} of {len(wanted)} orders are lost: {sorted(lost)[:5]}"
    assert found == wanted, "orders are not as they were written"
    paid = {note for (note,) in stage.production.execute("SELECT note FROM orders WHERE status = 'paid'")}
    assert paid == set(ledger["paid"]), "payments are lost, or were never made"
    balances = dict.fromkeys(range(1, CUSTOMERS + 1), 0)
    for customer, amount in wanted.values():
        balances[customer] += amount
    assert dict(stage.production.execute("SELECT id, balance FROM customers")) == balances, (
        "balances are wrong"
    )
    assert stage.production.value("SELECT count(*) FROM orders WHERE note LIKE 'before-%'") == 20000
