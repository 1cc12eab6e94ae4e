"""What was signed once is run once: the bytes of a finished plan do not run again, wherever they are put."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import psycopg.conninfo
import pytest
import yaml

from tests.approval.conftest import Key
from tests.approval.test_required import SIGNED, call, sign
from tests.cli.conftest import Inside, Shop
from tests.conftest import AnyServer

FOLDER = Path("plans/prod")
NAMED = ("      email: {", "      name: text\n      email: {")
START, NAME, NONAME = "0001_start", "0002_name", "0003_noname"


@pytest.fixture(scope="module")
def played(
    server: AnyServer, tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Key]
) -> Iterator[Shop]:
    """Three plans that were signed and applied: the start, a column, and the column's end."""
    name = f"replayed_{secrets.token_hex(4)}"
    administer(server, f"CREATE DATABASE {name}")
    made = Shop(Inside(tmp_path_factory.mktemp("replay")), server.url(name))
    made.reconcile.write("reconcile.yaml", SIGNED)
    made.reconcile.write("signers", f'ada namespaces="reconcile-plan" {keys["ed25519"].public}\n')
    for slug, changes in (("start", ()), ("name", (NAMED,)), ("noname", ())):
        made.declare(*changes)
        assert call(made, "plan", "--save", "--name", slug).code == 0
        sign(made, keys["ed25519"], slug)
        assert call(made, "apply", "--allow", "all").code == 0
    yield made
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def shop(played: Shop, server: AnyServer, tmp_path: Path) -> Iterator[Shop]:
    """A copy of it, folder and database."""
    name = f"replay_{secrets.token_hex(4)}"
    administer(
        server, f"CREATE DATABASE {name} TEMPLATE {psycopg.conninfo.conninfo_to_dict(played.url)['dbname']}"
    )
    shutil.copytree(played.reconcile.folder, tmp_path, dirs_exist_ok=True)
    yield Shop(Inside(tmp_path), server.url(name))
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def administer(server: AnyServer, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def columns(shop: Shop) -> list[tuple[str]]:
    return shop.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum"
    )


def put_again(folder: Path, source: str, number: int) -> Path:
    """Copy a plan and its signature to the end of the chain, as somebody without a key can."""
    again = f"{number:04}_again"
    for suffix in (".plan.yaml", ".plan.yaml.sig"):
        shutil.copy(folder / f"{source}{suffix}", folder / f"{again}{suffix}")
    chain = folder / "CHAIN"
    lines = chain.read_text().splitlines()
    line = next(line for line in lines if line.split()[:2] == source.split("_", 1))
    chain.write_text(
        "\n".join([*lines, line.replace("  ".join(source.split("_", 1)), f"{number:04}  again")]) + "\n"
    )
    snapshot = folder / "snapshot.yaml"
    snapshot.write_text(snapshot.read_text().replace(lines[-1].split()[2], line.split()[2]))
    return folder / f"{again}.plan.yaml"


def refused(shop: Shop, *arguments: str, says: str) -> None:
    before = columns(shop), runs(shop)
    done = call(shop, *arguments, "--allow", "all")
    assert done.code == 5, done
    assert says in done.err
    assert "plan again and have the new plan signed" in done.err
    assert (columns(shop), runs(shop)) == before


def runs(shop: Shop) -> list[tuple[int]]:
    return shop.execute("SELECT count(*) FROM _reconcile.run")


def test_a_copy_at_a_later_place_of_the_chain_is_refused(shop: Shop) -> None:
    again = put_again(shop.reconcile.folder / FOLDER, NAME, 4)
    for command in (("apply",), ("apply", "--all"), ("run",)):
        refused(shop, *command, says="0004_again.plan.yaml: a signed plan is carried out once")
    refused(shop, "apply", str(again), says="was before: by run 2 of this database")


def test_a_copy_is_refused_before_the_plans_in_front_of_it_are_run(shop: Shop, keys: dict[str, Key]) -> None:
    shop.declare(("      email: {", "      phone: text\n      email: {"))
    assert call(shop, "plan", "--save", "--name", "phone").code == 0
    sign(shop, keys["ed25519"], "phone")
    put_again(shop.reconcile.folder / FOLDER, NAME, 5)
    for command in (("apply", "--all"), ("run",)):
        refused(shop, *command, says="0005_again.plan.yaml: a signed plan is carried out once")
    # The next alone is what was signed for this place.
    assert call(shop, "apply").code == 0


def test_a_file_that_is_no_longer_in_the_chain_is_refused_too(shop: Shop) -> None:
    """A chain that was begun anew says nothing of what was; the database's journal does."""
    folder = shop.reconcile.folder / FOLDER
    kept = shop.reconcile.folder / "0001_again.plan.yaml"
    for suffix in ("", ".sig"):
        shutil.move(folder / f"{NAME}.plan.yaml{suffix}", kept.with_name(kept.name + suffix))
    shutil.rmtree(folder)
    refused(shop, "apply", str(kept), says="by run 2 of this database")


def test_what_is_there_already_is_no_second_time(shop: Shop) -> None:
    plan = str(FOLDER / f"{NONAME}.plan.yaml")
    for command in (("apply", plan), ("apply", "--all"), ("apply",), ("run",)):
        done = call(shop, *command)
        assert (done.code, done.err) == (0, "")
    assert "already applied" in call(shop, "apply", plan).out
    # The journal of an earlier run counts as little where nobody asks for signatures.
    shop.reconcile.write("reconcile.yaml", SIGNED.replace(", require: {signatures: signers}", ""))
    assert call(shop, "apply", str(FOLDER / f"{NAME}.plan.yaml")).code == 0
    assert columns(shop) == [("id",), ("email",), ("name",)]


def test_what_is_planned_once_more_is_another_plan(shop: Shop, keys: dict[str, Key]) -> None:
    shop.declare(NAMED)
    done = call(shop, "plan", "--save", "--name", "again", "--format", "json")
    assert done.code == 0, done.err
    file = FOLDER / "0004_again.plan.yaml"
    data = yaml.safe_load((shop.reconcile.folder / file).read_text())
    assert data["notes"] == [f"does once more what was done by {NAME}"]
    assert done.data["id"] == data["id"]
    assert "saved already" in call(shop, "plan", "--save").err
    shown = call(shop, "show", str(file)).out
    assert f"Once more\n  · does once more what was done by {NAME}\n" in shown
    assert call(shop, "plan", "--check").code == 0
    # Somebody has to sign it: the signature of the plan before is of other bytes.
    signature = shop.reconcile.folder / FOLDER / f"{NAME}.plan.yaml.sig"
    shutil.copy(signature, shop.reconcile.folder / f"{file}.sig")
    done = call(shop, "apply")
    assert (done.code, "was changed after it was signed" in done.err) == (5, True)
    sign(shop, keys["ed25519"], str(file))
    assert call(shop, "apply").code == 0
    assert columns(shop) == [("id",), ("email",), ("name",)]
    assert call(shop, "run").code == 0


def test_what_is_undone_once_more_is_another_plan(shop: Shop, keys: dict[str, Key]) -> None:
    """There and back, twice: each plan has an id of its own, and so a signature."""
    folder = shop.reconcile.folder / FOLDER
    told: list[list[str]] = []
    for _ in range(2):
        shop.declare(NAMED)
        assert call(shop, "plan", "--from", "chain", "--save", "--name", "named").code == 0
        done = call(shop, "undo", "--to", "3", "--save", "--name", "back", "--format", "json")
        assert done.code == 0, done.err
        data = yaml.safe_load(max(folder.glob("*.plan.yaml")).read_text())
        assert done.data["id"] == data["id"]
        assert data["notes"][0] == "back to the state after plan 0003"
        told.append([note for note in data["notes"] if "once more" in note])
    assert told == [[], ["does once more what was done by 0005_back"]]
    ids = [line.split()[2] for line in (folder / "CHAIN").read_text().splitlines()[1:]]
    assert len(set(ids)) == len(ids) == 7
    for path in sorted(folder.glob("000[4-7]_*.plan.yaml")):
        sign(shop, keys["ed25519"], str(path))
    done = call(shop, "apply", "--all", "--allow", "all")
    assert done.code == 0, done.err
    assert columns(shop) == [("id",), ("email",)]


def test_a_run_that_stopped_is_gone_on_with(shop: Shop, keys: dict[str, Key]) -> None:
    shop.execute("INSERT INTO customers (email) VALUES ('a'), ('A')")
    # A value that is added to an enum is committed before what may use it.
    shop.declare(
        ("status: [open, paid]", "status: [open, paid, sent]"),
        (
            "      customers_email_key: [email]\n",
            "      customers_email_key: [email]\n"
            "    indexes:\n"
            "      customers_lower_idx: {unique: true, columns: [lower(email)]}\n",
        ),
    )
    assert call(shop, "plan", "--save", "--name", "lower").code == 0
    sign(shop, keys["ed25519"], "lower")
    done = call(shop, "apply", "--allow", "all")
    assert done.code == 7, done.err
    shop.execute("DELETE FROM customers WHERE email = 'A'")
    done = call(shop, "apply", "--allow", "all")
    assert done.code == 0, done.err
