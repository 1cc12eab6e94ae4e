"""The loop on a real database: what it reports, what it applies, what it heals, and what it leaves alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from reconciler.controller import Heal, Mode
from reconciler.controller.seat import APPLICATION
from tests.approval.test_replay import put_again
from tests.controller.conftest import NEW_COLUMN, NEW_INDEX, NO_EMAIL, NO_INDEX, Make, Team


def test_observe_reports_and_changes_nothing(team: Team, controllers: Make) -> None:
    plan = team.save()
    team.commit()
    found = controllers().turn(3)
    assert (found["state"], found["chain"]) == ("pending", {"applied": 0, "pending": [plan]})
    assert team.tables() == []
    assert team.execute("SELECT to_regnamespace('_reconcile')") == [(None,)]


def test_apply_brings_the_database_along(team: Team, controllers: Make) -> None:
    first = team.save()
    team.commit()
    one = controllers(Mode.APPLY)
    found = one.turn(2)
    assert (found["state"], found["last_apply"]["plan"]) == ("in_sync", first)
    assert found["last_apply"]["result"] == "applied"
    assert team.tables() == ["customers", "orders"]
    assert one.metric("in_sync") == 1
    assert one.metric("apply_total", target="prod", result="applied") == 1
    second = team.save(NEW_COLUMN)
    assert one.turn()["chain"] == {"applied": 1, "pending": []}
    team.commit()
    assert one.turn()["chain"] == {"applied": 1, "pending": []}, "a source must settle first"
    assert one.turn()["last_apply"]["plan"] == second
    assert one.target["chain"] == {"applied": 2, "pending": []}


@pytest.mark.alone
def test_a_pass_without_change_compares_nothing(team: Team, controllers: Make) -> None:
    team.save()
    team.commit()
    one = controllers()
    one.turn(6)
    assert one.metric("plan_duration_seconds_count") == 1
    logged = len(one.events)
    one.turn(3)
    assert len(one.events) == logged
    team.execute("CREATE TABLE by_hand (id int)")
    one.turn(2)
    assert one.metric("plan_duration_seconds_count") == 2


def test_a_declared_state_without_a_plan_is_unplanned_and_never_applied(
    team: Team, controllers: Make
) -> None:
    team.save()
    team.apply()
    team.declare(NEW_INDEX)
    team.commit()
    found = controllers(Mode.APPLY, Heal.SAFE).turn(3)
    assert (found["state"], found["differences"]) == ("unplanned", ["create index public.orders_status_idx"])


def test_a_hazard_without_consent_blocks(team: Team, controllers: Make) -> None:
    team.save()
    team.apply()
    team.save(*NO_EMAIL)
    team.commit()
    for mode in (Mode.OBSERVE, Mode.APPLY):
        one = controllers(mode)
        found = one.turn(2)
        assert (found["state"], found["code"]) == ("blocked", "blocked")
        assert "data_loss:column:public.customers.email" in found["needs_consent"]
        assert one.metric("pending_hazards", target="prod", code="data_loss") == 1
        one.end()
    done = team.reconcile("apply", "--all", "--allow", "data_loss:column:public.customers.email")
    assert done.code == 0, done.err
    assert controllers(Mode.APPLY).turn(2)["state"] == "in_sync"


def signatures_required(team: Team, folder: Path) -> Path:
    """From here on plans must be signed with the key that is returned."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not on this machine")
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    team.reconcile.write("schema/allowed_signers", f"ada@x {key.with_suffix('.pub').read_text()}")
    require = "require: {signatures: schema/allowed_signers}"
    team.reconcile.write("reconcile.yaml", f"targets:\n  prod: {{url_file: {team.url_file}, {require}}}\n")
    return key


def test_a_signed_plan_that_was_run_before_blocks(team: Team, controllers: Make, tmp_path: Path) -> None:
    key = signatures_required(team, tmp_path)
    for changes in ((), (NEW_COLUMN,), ()):
        plan = team.save(*changes)
        assert team.reconcile("sign", f"plans/prod/{plan}", "--key", key).code == 0
        team.apply()
    (column,) = (team.reconcile.folder / "plans/prod").glob("0002_*.plan.yaml")
    put_again(column.parent, column.name.removesuffix(".plan.yaml"), 4)
    team.declare(NEW_COLUMN)
    team.commit()
    seen = controllers(Mode.APPLY, Heal.SAFE).turn(3)
    assert (seen["state"], seen["code"]) == ("blocked", "not_approved")
    assert "a signed plan is carried out once" in seen["message"]
    assert str(tmp_path) not in seen["message"]


def test_what_is_not_approved_is_not_tried_at_every_turn(
    team: Team, controllers: Make, tmp_path: Path
) -> None:
    """Another mark of the database is no reason to try again: the same must be found to be otherwise."""
    signatures_required(team, tmp_path)
    team.save()
    team.commit()
    one = controllers(Mode.APPLY)
    one.turn(2)
    with psycopg.connect(team.url, autocommit=True) as application:
        for number in range(15):
            function = f"pg_temp.of_a_request_{number}()"
            application.execute(f"CREATE FUNCTION {function} RETURNS int LANGUAGE sql AS 'SELECT 1'".encode())
            one.turn()
    tried = one.metric("errors_total", target="prod", code="not_approved")
    assert tried is not None
    assert 1 < tried < 8


def test_an_unsigned_plan_is_not_applied_where_signatures_are_required(
    team: Team, controllers: Make, tmp_path: Path
) -> None:
    key = signatures_required(team, tmp_path)
    plan = team.save()
    team.commit()
    watcher = controllers()
    seen = watcher.turn(2)
    assert (seen["state"], seen["code"]) == ("blocked", "not_approved")
    assert f"plans/prod/{plan}" in seen["message"]
    assert str(tmp_path) not in seen["message"] + seen["hint"]
    watcher.end()
    one = controllers(Mode.APPLY, Heal.SAFE)
    assert one.turn(3)["code"] == "not_approved"
    assert team.tables() == []
    assert one.metric("errors_total", target="prod", code="not_approved")
    done = team.reconcile("sign", f"plans/prod/{plan}", "--key", key)
    assert done.code == 0, done.err
    team.commit()
    assert one.turn(2)["state"] == "in_sync"
    team.execute("DROP INDEX orders_customer_id_idx")
    # A healing is made on the spot: nobody can have signed it.
    assert one.turn()["code"] == "not_approved"


def test_a_bad_commit_is_told_with_its_place_and_nothing_is_applied(team: Team, controllers: Make) -> None:
    team.save()
    team.apply()
    team.commit()
    one = controllers(Mode.APPLY, Heal.SAFE)
    assert one.turn(2)["state"] == "in_sync"
    good = one.status["source"]["in_use"]
    team.save(NEW_COLUMN)
    team.reconcile.write("schema/bad.yaml", "tables:\n  bad:\n    colums: {id: bigint}\n")
    team.commit()
    team.execute("DROP INDEX orders_customer_id_idx")
    found = one.turn(2)
    source = one.status["source"]
    assert (source["status"], source["in_use"]) == ("invalid", good)
    (problem,) = source["problems"]
    assert (problem["file"], problem["line"]) == ("schema/bad.yaml", 3)
    assert source["message"].startswith("schema/bad.yaml:3: ")
    assert one.metric("source_info", revision=source["revision"], status="invalid") == 1
    # The last good state is still held against the database; neither applied nor healed is anything.
    assert (found["state"], found["chain"]["applied"], found["last_apply"]) == ("drifted", 1, None)
    (team.reconcile.folder / "schema/bad.yaml").unlink()
    team.commit()
    assert one.turn(2)["last_apply"]["result"] == "applied"
    assert one.status["source"]["status"] == "ok"
    assert one.turn()["state"] == "in_sync"


def test_what_postgresql_refuses_is_invalid(team: Team, controllers: Make) -> None:
    team.reconcile.write("schema/bad.yaml", "tables:\n  bad:\n    columns: {id: no_such_type}\n")
    team.commit()
    one = controllers()
    found = one.turn(2)
    assert (found["state"], found["code"]) == ("invalid", "invalid_input")
    assert "\nschema/bad.yaml:2:3: " in found["message"]
    assert one.metric("errors_total", target="prod", code="invalid_input") == 1


@pytest.mark.parametrize("name", ["reconcile.yaml", "plans/prod/CHAIN"])
def test_a_broken_file_of_any_sort_is_told(team: Team, controllers: Make, name: str) -> None:
    team.save()
    team.reconcile.write(name, "<<<<<<< HEAD\n")
    team.commit()
    one = controllers(Mode.APPLY)
    one.turn(2)
    source = one.status["source"]
    assert (source["status"], source["in_use"]) == ("invalid", None)
    assert name in {problem["file"] for problem in source["problems"]}
    assert one.pages.health.unready == ("no source has been read yet",)
    assert team.tables() == []


def test_a_source_that_goes_missing_keeps_what_was_known(team: Team, controllers: Make) -> None:
    team.save()
    team.apply()
    team.commit()
    one = controllers(Mode.APPLY, Heal.SAFE)
    one.turn(2)
    shutil.rmtree(team.mount)
    team.execute("DROP INDEX orders_customer_id_idx")
    found = one.turn(2)
    assert one.status["source"]["status"] == "missing"
    assert (found["state"], found["last_apply"]) == ("drifted", None)
    team.mount.mkdir()
    one.turn()
    assert one.status["source"]["status"] == "empty"


def test_a_flapping_source_is_told_and_nothing_of_it_applied(team: Team, controllers: Make) -> None:
    team.save()
    team.commit()
    one = controllers(Mode.APPLY)
    for turn in range(4):
        (team.mount / "schema" / f"half{turn}.yaml").write_text("tables: {}\n")
        one.turn()
    assert one.status["source"]["status"] == "waiting"
    assert team.tables() == []
    one.turn()
    assert team.tables() == ["customers", "orders"]


def test_a_plan_for_another_target_is_refused(
    team: Team, controllers: Make, database: Callable[[], str]
) -> None:
    team.save()
    team.url_file.write_text(database(), encoding="utf-8")
    other = team.url_file.read_text()
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (other int)")
    team.commit()
    one = controllers(Mode.APPLY)
    found = one.turn(3)
    assert (found["state"], found["code"]) == ("blocked", "stale")
    assert one.metric("in_sync") == 0
    with psycopg.connect(other) as connection:
        assert connection.execute("SELECT to_regclass('orders')").fetchone() == (None,)


def test_a_target_that_is_not_there_is_told(team: Team, controllers: Make) -> None:
    team.reconcile.write("reconcile.yaml", "targets:\n  prod: {url_file: nowhere}\n")
    team.commit()
    one = controllers()
    found = one.turn(2)
    assert (found["state"], found["code"]) == ("error", "usage_error")


def drifted(team: Team, *statements: str) -> None:
    """Apply, commit, and change the database by hand."""
    team.save()
    team.apply()
    team.commit()
    for statement in statements:
        team.execute(statement)


def test_drift_is_told_by_name_and_left_alone(team: Team, controllers: Make) -> None:
    drifted(team, "DROP INDEX orders_customer_id_idx", "CREATE TABLE by_hand (id int)")
    for mode in (Mode.OBSERVE, Mode.APPLY):
        one = controllers(mode)
        found = one.turn(3)
        assert found["state"] == "drifted"
        told = {(each["object"], each["how"]) for each in found["drift"]}
        assert ("index:public.orders_customer_id_idx", "missing") in told
        assert ("table:public.by_hand", "unplanned") in told
        assert one.metric("drift_objects") == found["drift_objects"] > 1
        one.end()
    assert team.tables() == ["by_hand", "customers", "orders"]


def test_safe_healing_puts_back_what_runs_have_made(team: Team, controllers: Make) -> None:
    drifted(team, "DROP INDEX orders_customer_id_idx", "ALTER TABLE orders ALTER status DROP NOT NULL")
    one = controllers(Mode.APPLY, Heal.SAFE)
    found = one.turn(2)
    assert (found["state"], found["last_apply"]["result"]) == ("in_sync", "healed")
    assert found["drift"] == []
    assert team.execute("SELECT to_regclass('orders_customer_id_idx') IS NOT NULL") == [(True,)]
    assert one.metric("apply_total", target="prod", result="healed") == 1
    team.execute("DROP INDEX orders_customer_id_idx")
    assert one.turn()["state"] == "in_sync"
    assert one.metric("apply_total", target="prod", result="healed") == 2


def test_the_source_can_ask_for_healing(team: Team, controllers: Make) -> None:
    with (team.reconcile.folder / "reconcile.yaml").open("a") as file:
        file.write("controller: {heal: safe}\n")
    drifted(team, "DROP INDEX orders_customer_id_idx")
    for mode, heal in ((Mode.OBSERVE, None), (Mode.APPLY, Heal.NEVER)):
        one = controllers(mode, heal)
        assert one.turn(3)["state"] == "drifted"
        one.end()
    assert controllers(Mode.APPLY).turn(2)["last_apply"]["result"] == "healed"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE by_hand (id int)",
        "ALTER TABLE customers ADD nick text",
        "CREATE INDEX by_hand_idx ON orders (status)",
        "ALTER TABLE customers DROP CONSTRAINT customers_email_key, ADD CONSTRAINT extra CHECK (email <> '')",
    ],
)
def test_safe_healing_takes_nothing_away(team: Team, controllers: Make, statement: str) -> None:
    drifted(team, statement)
    found = controllers(Mode.APPLY, Heal.SAFE).turn(3)
    assert (found["state"], found["last_apply"]) == ("drifted", None)
    assert any(note.startswith("not healed: ") for note in found["notes"])


def test_safe_healing_goes_back_to_what_a_run_left_and_nowhere_else(team: Team, controllers: Make) -> None:
    """The YAML asks for more than the last run made: that more needs a plan that was reviewed."""
    drifted(team, "DROP INDEX orders_customer_id_idx")
    team.declare((NO_INDEX[0], "    indexes:\n      orders_customer_id_idx: [customer_id, status]\n"))
    team.commit()
    found = controllers(Mode.APPLY, Heal.SAFE).turn(3)
    assert found["last_apply"] is None
    assert any("declared otherwise" in note for note in found["notes"])
    assert team.execute("SELECT to_regclass('orders_customer_id_idx')") == [(None,)]


def test_one_works_and_the_other_stands_by(team: Team, controllers: Make) -> None:
    team.save()
    team.commit()
    one, other = controllers(Mode.OBSERVE), controllers(Mode.APPLY)
    assert one.turn(2)["active"]
    assert other.turn(3)["state"] == "standby"
    assert (other.metric("active"), other.metric("in_sync"), one.metric("active")) == (0, None, 1)
    assert APPLICATION in other.target["taken_by"]
    assert other.pages.health.unready == ()
    assert team.tables() == []
    one.end()
    assert other.turn()["state"] == "in_sync"
    assert other.metric("active") == 1


def test_a_lost_lock_makes_way_for_another(team: Team, controllers: Make) -> None:
    team.save()
    team.commit()
    one, other = controllers(), controllers()
    one.turn(2)
    assert other.turn(2)["state"] == "standby"
    cut(team)
    assert other.turn()["active"]
    assert (one.turn()["state"], one.metric("active")) == ("standby", 0)


def cut(team: Team) -> None:
    """End the session that holds the seat, from outside."""
    ended = team.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name = '{APPLICATION}'"
    )
    assert ended == [(True,)]


def test_another_run_is_no_error_and_the_plan_is_tried_again(team: Team, controllers: Make) -> None:
    from reconciler.engine.execute.lease import CLASS_KEY, key

    team.save()
    team.commit()
    one = controllers(Mode.APPLY)
    with psycopg.connect(team.url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", (CLASS_KEY, key("run")))
        found = one.turn(2)
        assert (found["state"], found["code"]) == ("pending", "busy")
        assert found["next_attempt_in_seconds"] > 0
    assert one.turn(3)["state"] == "in_sync"


def test_a_plan_that_fails_is_not_tried_at_every_turn(team: Team, controllers: Make) -> None:
    team.save()
    team.apply()
    team.execute("INSERT INTO orders (id, customer_id, status) VALUES (1, 1, 'open'), (2, 1, 'open')")
    team.save(("    indexes:", "    unique:\n      orders_status_key: [status]\n    indexes:"))
    team.commit()
    one = controllers(Mode.APPLY)
    found = one.turn(2)
    assert (found["state"], found["code"]) == ("blocked", "refused")
    assert "23505" in found["message"]
    assert "CREATE" not in found["message"]
    one.turn(20)
    failed = one.metric("apply_total", target="prod", result="refused")
    assert failed is not None
    assert 1 < failed < 8
    # Whatever changes in the database lets it be tried at once.
    team.execute("DELETE FROM orders WHERE id = 2")
    team.execute("CREATE TABLE by_hand (id int); DROP TABLE by_hand")
    one.turn(40)
    assert one.target["state"] == "in_sync"


def test_temporary_tables_do_not_make_a_plan_that_fails_be_tried_at_every_turn(
    team: Team, controllers: Make
) -> None:
    team.save()
    team.apply()
    team.execute("INSERT INTO orders (id, customer_id, status) VALUES (1, 1, 'open'), (2, 1, 'open')")
    team.save(("    indexes:", "    unique:\n      orders_status_key: [status]\n    indexes:"))
    team.commit()
    one = controllers(Mode.APPLY)
    one.turn(2)
    with psycopg.connect(team.url, autocommit=True) as application:
        for number in range(15):
            application.execute(f"CREATE TEMP TABLE of_a_request_{number} (id int)".encode())
            one.turn()
    failed = one.metric("apply_total", target="prod", result="refused")
    assert failed is not None
    assert 1 < failed < 8
    assert one.target["code"] == "refused"
    # Something that is seen in what is compared lets it be tried at once.
    team.execute("DELETE FROM orders WHERE id = 2")
    team.execute("DROP INDEX orders_customer_id_idx")
    one.turn()
    assert one.metric("apply_total", target="prod", result="applied") == 1


def test_targets_come_and_go_with_the_source(team: Team, controllers: Make) -> None:
    team.commit()
    one = controllers()
    one.turn(2)
    assert one.metric("active") == 1
    team.reconcile.write("reconcile.yaml", f"targets:\n  dev: {{url_file: {team.url_file}}}\n")
    team.commit()
    one.turn(2)
    assert list(one.status["targets"]) == ["dev"]
    assert one.metric("active") is None
    assert one.metric("active", target="dev") == 1
