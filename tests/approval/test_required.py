"""A target that wants signatures, or consent by owners: without them nothing is touched, and the end is 5."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.approval.conftest import Key
from tests.cli.conftest import Finished, Inside, Shop

PLAN = "plans/prod/0001_start.plan.yaml"
SIGNED = "targets:\n  prod: {url_env: SHOP_URL, require: {signatures: signers}}\n"
OWNED = "targets:\n  prod: {url_env: SHOP_URL, require: {codeowners: true}}\n"


@pytest.fixture
def shop(tmp_path: Path, database: Callable[[], str], keys: dict[str, Key]) -> Shop:
    """A project whose target wants signatures by ada, with a plan that nobody has signed."""
    made = Shop(Inside(tmp_path), database())
    made.declare()
    made.reconcile.write("reconcile.yaml", SIGNED)
    made.reconcile.write("signers", f'ada namespaces="reconcile-plan" {keys["ed25519"].public}\n')
    assert call(made, "plan", "--save", "--name", "start").code == 0
    return made


def call(shop: Shop, *arguments: str, **variables: str) -> Finished:
    return shop.reconcile(*arguments, "--target", "prod", SHOP_URL=shop.url, **variables)


def sign(shop: Shop, key: Key, plan: str = PLAN) -> Finished:
    done = call(shop, "sign", plan, "--key", str(key.private))
    assert done.code == 0, done.err
    return done


def refused(shop: Shop, *arguments: str, says: str, **variables: str) -> None:
    done = call(shop, *arguments, **variables)
    assert done.code == 5, done.err
    assert says in done.err
    assert shop.execute("SELECT count(*) FROM pg_namespace WHERE nspname = '_reconcile'") == [(0,)]
    assert shop.execute("SELECT to_regclass('public.customers')") == [(None,)]


COMMANDS = (("apply",), ("apply", "--all"), ("apply", PLAN), ("run",))


def test_unsigned_wrong_and_tampered_are_refused_everywhere(shop: Shop, keys: dict[str, Key]) -> None:
    for command in COMMANDS:
        refused(shop, *command, says="the plan is not signed")
    refused(shop, "push", says="takes signed plans only")
    sign(shop, keys["rsa"])
    for command in COMMANDS:
        refused(shop, *command, says="none of the allowed signers'")
    sign(shop, keys["ed25519"])
    path = shop.reconcile.folder / PLAN
    text = path.read_bytes()
    # A comment changes no id; it is not what was signed all the same.
    path.write_bytes(b"# harmless\n" + text)
    for command in COMMANDS:
        refused(shop, *command, says="was changed after it was signed")
    path.write_bytes(text.replace(b"\n", b"\r\n"))
    refused(shop, "apply", says="was changed after it was signed")
    path.write_bytes(text)
    signature = path.with_name(path.name + ".sig")
    signature.write_bytes(keys["ed25519"].sign(text, "git"))
    refused(shop, "apply", says="was made for 'git'")
    shop.reconcile.write("signers", f'ada valid-before="20200101Z" {keys["ed25519"].public}\n')
    sign(shop, keys["ed25519"])
    refused(shop, "apply", says="it was valid only before 2020-01-01")
    (shop.reconcile.folder / "signers").unlink()
    refused(shop, "apply", says="the file of allowed signers cannot be read")


def test_signed_is_applied_and_told(shop: Shop, keys: dict[str, Key]) -> None:
    assert "plan is not signed" in call(shop, "status").out
    done = sign(shop, keys["ed25519"])
    who = f"signed by ada ({keys['ed25519'].fingerprint})"
    assert who in done.err
    assert f"{PLAN}: {who}" in call(shop, "show", PLAN).err
    assert f"0001_start.plan.yaml, {who}" in call(shop, "status").out
    assert call(shop, "status", "--format", "json").data["chain"]["approvals"] == {
        "0001_start.plan.yaml": who
    }
    assert call(shop, "apply", "--all").code == 0
    assert call(shop, "run").code == 0


def test_all_pending_plans_are_looked_at_before_the_first_is_run(shop: Shop, keys: dict[str, Key]) -> None:
    sign(shop, keys["ed25519"])
    shop.declare(("      email: {", "      name: text\n      email: {"))
    assert call(shop, "plan", "--from", "chain", "--save", "--name", "name").code == 0
    refused(shop, "apply", "--all", says="0002_name.plan.yaml: the plan is not signed")
    refused(shop, "run", says="0002_name.plan.yaml: the plan is not signed")


def test_consent_after_signing_needs_a_new_signature(shop: Shop, keys: dict[str, Key]) -> None:
    sign(shop, keys["ed25519"])
    assert call(shop, "apply").code == 0
    shop.declare(("      status: {type: status, not_null: true, default: \"'open'\"}\n", ""))
    assert call(shop, "plan", "--save", "--name", "less").code == 0
    plan = "plans/prod/0002_less.plan.yaml"
    data = yaml.safe_load((shop.reconcile.folder / plan).read_text())
    step = next(one["number"] for one in data["steps"] if "hazards" in one)
    sign(shop, keys["ed25519"], plan)
    before = (shop.reconcile.folder / plan).read_text()
    reason = 'never filled: "x" # {y}'
    done = call(shop, "ack", "less", str(step), "data-loss", "--reason", reason, "--by", "ada")
    assert done.code == 0, done.err
    assert "the signature is of the file before" in done.err
    after = (shop.reconcile.folder / plan).read_text()
    assert after.startswith(before)
    assert yaml.safe_load(after)["acks"] == [
        {"step": step, "code": "data_loss", "reason": reason, "by": "ada"}
    ]
    assert call(shop, "apply").code == 5
    sign(shop, keys["ed25519"], plan)
    assert call(shop, "apply").code == 0


def test_consent_to_what_is_not_there_is_refused(shop: Shop) -> None:
    assert "the plan has no step 99" in call(shop, "ack", PLAN, "99", "data_loss", "-r", "x").err
    done = call(shop, "ack", PLAN, "1", "data_loss", "-r", "x")
    assert (done.code, "has no hazard 'data_loss'" in done.err) == (64, True)


def test_the_environment_wins_over_the_repository(shop: Shop, keys: dict[str, Key], tmp_path: Path) -> None:
    trusted = tmp_path / "trusted"
    trusted.write_text(f"bob {keys['ecdsa'].public}\n")
    variables = {"RECONCILE_ALLOWED_SIGNERS": str(trusted)}
    sign(shop, keys["ed25519"])
    # Signed by whom the repository lists, and the repository asks for nothing at all.
    for settings in (SIGNED, SIGNED.replace(", require: {signatures: signers}", "")):
        shop.reconcile.write("reconcile.yaml", settings)
        refused(shop, "apply", says="none of the allowed signers'", **variables)
    folder = ("--url", shop.url, "--schema", "schema")
    assert shop.reconcile("run", *folder, **variables).code == 5
    assert shop.reconcile("push", *folder, **variables).code == 5
    sign(shop, keys["ecdsa"])
    assert call(shop, "apply", **variables).code == 0
    # Nothing is to be done, and so there is nothing to sign.
    assert shop.reconcile("run", *folder, **variables).code == 0


def test_without_ssh_keygen_it_says_what_to_do(shop: Shop, keys: dict[str, Key]) -> None:
    done = call(shop, "sign", PLAN, "--key", str(keys["rsa"].private), PATH="/nowhere")
    assert done.code == 64
    assert "install OpenSSH's client" in done.err
    done = call(shop, "sign", PLAN, "--key", "/nowhere/key")
    assert (done.code, "ssh-keygen did not sign" in done.err) == (64, True)


def test_only_owners_may_consent(shop: Shop) -> None:
    shop.reconcile.write("reconcile.yaml", OWNED)
    assert call(shop, "apply").code == 0
    shop.declare(("      status: {type: status, not_null: true, default: \"'open'\"}\n", ""))
    done = call(shop, "plan", "--check")
    assert (done.code, "there is no CODEOWNERS" in done.err) == (5, True)
    shop.reconcile.write(".github/CODEOWNERS", "/schema/ @dev\n")
    done = call(shop, "plan", "--check")
    assert (done.code, "add a line such as /plans/prod/ @owner" in done.err) == (5, True)
    shop.reconcile.write(".github/CODEOWNERS", "/schema/ @dev\n/plans/prod/ @ada @acme/dba\n")
    assert call(shop, "plan", "--save", "--name", "less").code == 0
    assert call(shop, "plan", "--check").code == 0
    data = yaml.safe_load((shop.reconcile.folder / "plans/prod/0002_less.plan.yaml").read_text())
    step = next(str(one["number"]) for one in data["steps"] if "hazards" in one)
    path = shop.reconcile.folder / "plans/prod/0002_less.plan.yaml"
    text = path.read_text()
    for by in ((), ("--by", "dev")):
        path.write_text(text)
        assert call(shop, "ack", "less", step, "data_loss", "-r", "x", *by).code == 0
        done = call(shop, "apply")
        assert done.code == 5
        assert "consent that is by no owner" in done.err
        assert "@ada, @acme/dba" in done.err
    for by in (("--by", "Ada"), ("--by", "@acme/dba")):
        path.write_text(text)
        assert call(shop, "ack", "less", step, "data_loss", "-r", "x", *by).code == 0
        done = call(shop, "apply", str(path))
        assert done.code == 0, done.err
