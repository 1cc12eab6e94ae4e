"""A team ships its schema: from a pull request to a database that keeps itself in order. Processes, git, HTTP
and PostgreSQL are real; the forge is played by a local server, and folders stand for what a cluster mounts.

It is one story, so it is one test: each chapter begins where the last one ended.
"""

from __future__ import annotations

import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.cli.team import PLANS
from tests.controller.test_process import Running, eventually
from tests.e2e.team.cluster import arguments
from tests.e2e.team.conftest import ROWS, SETTINGS, SHOP, Stage
from tests.e2e.team.deploying import BUILT, COLUMNS, JOB, the_job_runs_while_the_application_works
from tests.e2e.team.people import PullRequest

pytestmark = pytest.mark.slow

STATUS_INDEX = (
    "      orders_customer_id_idx: [customer_id]\n",
    "      orders_customer_id_idx: [customer_id]\n      orders_status_idx: [status]\n",
)
FOREIGN_KEY = (
    "    indexes:\n      orders_customer_id_idx",
    "    foreign_keys:\n      orders_customer_id_fkey: {columns: [customer_id], references: customers(id)}\n"
    "    indexes:\n      orders_customer_id_idx",
)
REFUNDED = ("[open, paid]", "[open, paid, refunded]")
NAME_NEEDED = ("      name: text\n", "      name: {type: text, not_null: true}\n")
LOCALE = (
    "      fax: text\n",
    "      fax: text\n      locale: {type: text, not_null: true, default: \"'en'\"}\n",
)
NO_FAX = ("      fax: text\n", "")
PHONE = ("      locale: {", "      phone: text\n      locale: {")

DEFAULT = (
    "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef"
    " WHERE adrelid = 'orders'::regclass AND adnum = (SELECT attnum FROM pg_attribute"
    " WHERE attrelid = adrelid AND attname = 'status')"
)


def test_a_team_ships_its_schema(stage: Stage) -> None:
    start = production_comes_to_life(stage)
    one, other = two_pull_requests_are_open(stage)
    merged = the_second_conflicts_and_plans_again(stage, one, other)
    the_job_runs_while_the_application_works(stage, start, merged)
    drift_is_reported(stage, merged)
    controller, healed = drift_is_healed_when_policy_says_so(stage)
    a_bad_commit_changes_nothing(stage, controller, healed)
    what_loses_data_waits_for_consent(stage, controller)
    only_what_is_signed_is_applied(stage)


def production_comes_to_life(stage: Stage) -> str:
    """The first plan is made without any database, merged, and carried out by the Job."""
    ada, production = stage.ada, stage.production
    ada.write("reconcile.yaml", SETTINGS)
    ada.write("schema/shop.yaml", SHOP)
    ada.plan("start")
    start = ada.push("the shop")
    pod = stage.pod(start)
    done = pod.run(arguments(JOB))
    assert done.code == 0, f"the first Job failed:\n{done.err}"
    assert pod.message["outcome"] == "succeeded", f"the Job's termination message is wrong: {pod.message}"
    production.execute(ROWS)
    production.execute(
        "GRANT USAGE ON SCHEMA _reconcile TO {reader};"
        " GRANT SELECT ON ALL TABLES IN SCHEMA _reconcile TO {reader}"
    )
    return start


def two_pull_requests_are_open(stage: Stage) -> tuple[PullRequest, PullRequest]:
    """Both start from the same main, and each has its comment."""
    stage.ada.branch("relations")
    stage.ada.edit(FOREIGN_KEY, STATUS_INDEX)
    stage.ada.plan("relations")
    stage.ada.push("orders belong to customers; find them by status")
    stage.bob.branch("locale")
    stage.bob.edit(REFUNDED, NAME_NEEDED, LOCALE)
    stage.bob.plan("locale")
    stage.bob.push("customers have a name and a language, orders can be refunded")
    made = stage.opened("relations"), stage.opened("locale")
    wanted = (
        ("public.orders_status_idx", "public.orders.orders_customer_id_fkey"),
        ("public.customers.locale", "public.customers.name", "public.order_status"),
    )
    with ThreadPoolExecutor() as machines:
        list(machines.map(PullRequest.built, made))
    for pull_request, names in zip(made, wanted, strict=True):
        says_what_changes(pull_request, *names)
    return made


def says_what_changes(pull_request: PullRequest, *names: str) -> None:
    comment = pull_request.comment
    assert comment.startswith("<!-- reconcile:comment target=prod -->\n"), f"no marker:\n{comment[:200]}"
    for name in names:
        assert name in comment, f"the comment on {pull_request.branch} does not name {name}:\n{comment}"


def the_second_conflicts_and_plans_again(stage: Stage, one: PullRequest, other: PullRequest) -> str:
    """Ada's is merged; Bob's chain conflicts in git, he is told what to do, and does just that."""
    bob = stage.bob
    stage.ada.merge(one.branch)
    bob.git("fetch", "-q", "origin")
    with pytest.raises(subprocess.CalledProcessError):
        bob.git("merge", "-q", "origin/main")
    conflicts = set(bob.git("diff", "--name-only", "--diff-filter=U").splitlines())
    assert conflicts == {f"{PLANS}/CHAIN", f"{PLANS}/snapshot.yaml"}, (
        "git did not stop at the chain, and only there"
    )
    told = bob.check()
    assert told.code == 65, f"a chain in conflict was taken:\n{told.out}{told.err}"
    assert "two plans start from one state" in told.err, f"it is not said what happened:\n{told.err}"
    assert "git checkout OTHER_BRANCH -- CHAIN snapshot.yaml" in told.err, f"no way on is told:\n{told.err}"
    bob.git("checkout", "origin/main", "--", f"{PLANS}/CHAIN", f"{PLANS}/snapshot.yaml")
    bob.only("*locale*").unlink()
    bob.plan("locale")
    checked = bob.check()
    assert checked.code == 0, f"the new plan does not fit behind the merged one:\n{checked.err}"
    bob.push("plan again behind the relations")
    before = other.comment
    other.built()
    says_what_changes(other, "public.customers.locale")
    assert "public.orders_status_idx" not in other.comment, "Bob's comment shows what Ada has merged"
    assert len(other.forge.bodies()) == 1, "a second comment was written"
    assert other.comment.partition("\n")[0] == before.partition("\n")[0]
    merged = bob.merge(other.branch)
    chain = (bob.folder / PLANS / "CHAIN").read_text().splitlines()[1:]
    assert [line.split()[1] for line in chain] == ["start", "relations", "locale"], (
        "the chain has another order"
    )
    return merged


def drift_is_reported(stage: Stage, merged: str) -> None:
    """The base's controller, with a role that can change nothing, tells in three places what was done."""
    stage.git_sync.url_file.parent.mkdir(parents=True)
    stage.git_sync.flip(merged)
    one = stage.controller("reader")
    assert one.reaches("in_sync", active=True, revision=merged), (
        f"after the Job it is not in sync:\n{one.log}"
    )
    stage.production.execute(
        "DROP INDEX orders_status_idx; ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'paid'"
    )
    assert one.reaches("drifted", drift_objects=2), f"drift was not seen: {one.target}\n{one.log}"
    told = json.loads(one.page("/status")[1])["targets"]["prod"]["drift"]
    assert told == [
        {"object": "default:public.orders.status", "how": "changed"},
        {"object": "index:public.orders_status_idx", "how": "missing"},
    ], f"/status tells other drift: {told}"
    metrics = one.page("/metrics")[1]
    for line in ('reconcile_drift_objects{target="prod"} 2.0', 'reconcile_in_sync{target="prod"} 0.0'):
        assert line in metrics, f"/metrics does not say {line}:\n{metrics}"
    assert one.told("state", state="drifted"), f"the log does not tell of drift:\n{one.log}"
    is_as_by_hand(stage)
    assert one.ends(signal.SIGTERM) == 143, f"SIGTERM ended it otherwise:\n{one.log}"


def is_as_by_hand(stage: Stage) -> None:
    assert stage.production.value("SELECT to_regclass('orders_status_idx')") is None, (
        "healed against the policy"
    )
    assert stage.production.value(DEFAULT) == "'paid'::order_status", "healed against the policy"


def drift_is_healed_when_policy_says_so(stage: Stage) -> tuple[Running, str]:
    """With the component that applies and no policy it still only tells; the policy comes as a commit."""
    one = stage.controller("deploy", mode="apply")
    assert one.reaches("drifted", active=True, drift_objects=2), f"drift was not seen:\n{one.log}"
    is_as_by_hand(stage)
    stage.ada.branch("policy")
    stage.ada.write("reconcile.yaml", SETTINGS + "controller: {heal: safe}\n")
    stage.ada.push("the controller may undo drift")
    healed = stage.ada.merge("policy")
    stage.git_sync.flip(healed)
    assert one.reaches("in_sync", drift_objects=0, revision=healed), f"not healed: {one.target}\n{one.log}"
    assert stage.production.value(BUILT.format("orders_status_idx")) is True, "in sync without the index"
    assert stage.production.value(DEFAULT) == "'open'::order_status", "in sync with another default"
    healings = 'reconcile_apply_total{result="healed",target="prod"} 1.0'
    assert healings in one.page("/metrics")[1], f"/metrics does not say {healings}"
    return one, healed


def a_bad_commit_changes_nothing(stage: Stage, one: Running, healed: str) -> None:
    """What is wrong is told with its place; the last good commit stays in use, and drift is not healed."""
    stage.bob.branch("slip")
    stage.bob.edit(("      amount: {type", "      amount: {typ"))
    bad = stage.bob.push("a slip of the pen")
    stage.git_sync.flip(bad)

    def source() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(one.page("/status")[1])["source"]
        return found

    assert eventually(lambda: source()["status"] == "invalid"), f"a bad commit was taken:\n{one.log}"
    said = source()
    assert (said["revision"], said["in_use"]) == (bad, healed), f"another commit is in use: {said}"
    places = [(problem["file"], problem["hint"]) for problem in said["problems"]]
    assert ("schema/shop.yaml", "did you mean `type`?") in places, f"place and way out are not told: {said}"
    assert f'reconcile_source_info{{revision="{bad}",status="invalid"}} 1.0' in one.page("/metrics")[1]
    stage.production.execute("DROP INDEX orders_status_idx")
    assert one.reaches("drifted", drift_objects=1), f"drift is no longer watched:\n{one.log}"
    assert stage.production.value("SELECT to_regclass('orders_status_idx')") is None, (
        "healed while the source is bad"
    )
    stage.git_sync.flip(healed)
    assert one.reaches("in_sync", drift_objects=0), f"the good commit did not heal: {one.target}\n{one.log}"


def what_loses_data_waits_for_consent(stage: Stage, one: Running) -> None:
    """The comment warns, the Job ends with 3, the controller is blocked; with the ack both go on."""
    ada, production = stage.ada, stage.production
    ada.branch("no_fax")
    ada.edit(NO_FAX)
    ada.plan("no_fax")
    ada.push("nobody has a fax")
    pull_request = stage.opened("no_fax")
    pull_request.built()
    says_what_changes(pull_request, "public.customers.fax", "deletes data", "needs approval")
    merged = ada.merge("no_fax")
    pod = stage.pod(merged)
    done = pod.run(arguments(JOB))
    assert done.code == 3, f"a column would be dropped without consent ({done.code}):\n{done.err}"
    assert pod.message["exit_name"] == "blocked", f"wrong termination message: {pod.message}"
    stage.git_sync.flip(merged)
    assert one.reaches("blocked", revision=merged), f"the controller is not blocked: {one.target}\n{one.log}"
    assert 'reconcile_pending_hazards{code="data_loss",target="prod"} 1.0' in one.page("/metrics")[1]
    assert " fax " in production.value(COLUMNS), "the column went without consent"
    ada.branch("consent")
    acked = ada(
        "ack", "no_fax", "1", "data_loss", "--target", "prod", "--reason", "empty since March", "--by", "ada"
    )
    assert acked.code == 0, f"no consent could be given:\n{acked.err}"
    ada.push("fax may go")
    consented = ada.merge("consent")
    stage.git_sync.flip(consented)
    assert one.reaches("in_sync", revision=consented), f"not applied with consent: {one.target}\n{one.log}"
    assert production.value(COLUMNS) == "id email name balance locale", "the column is still there"
    after = stage.pod(consented).run(arguments(JOB))
    assert after.code == 0, f"the Job fails after the controller was first:\n{after.err}"
    assert one.ends(signal.SIGTERM) == 143, f"SIGTERM ended it otherwise:\n{one.log}"


def only_what_is_signed_is_applied(stage: Stage) -> None:
    """The platform team mounts the keys: without a signature by one of them the Job ends with 5."""
    bob, production = stage.bob, stage.production
    key = stage.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob", "-f", str(key)], check=True)
    public = key.with_name("key.pub").read_text()
    signers = {"signers": {"allowed_signers": f'bob@example.org namespaces="reconcile-plan" {public}'}}

    def deployed(commit: str) -> tuple[int, str, dict[str, Any]]:
        pod = stage.pod(commit, secrets=signers)
        pod.variables["RECONCILE_ALLOWED_SIGNERS"] = str(pod.folder / "etc/reconcile/signers/allowed_signers")
        done = pod.run(arguments(JOB))
        return done.code, done.err, pod.message

    bob.branch("phone")
    bob.edit(PHONE)
    bob.plan("phone")
    bob.push("a telephone number")
    code, log, message = deployed(bob.merge("phone"))
    assert code == 5, f"an unsigned plan was not refused with 5, but ended with {code}:\n{log}"
    assert message["exit_name"] == "not_approved", f"wrong termination message: {message}"
    assert "phone" not in production.value(COLUMNS), "refused, and yet applied"
    bob.branch("signature")
    signed = bob("sign", "phone", "--target", "prod", "--key", key)
    assert signed.code == 0, f"the plan could not be signed:\n{signed.err}"
    bob.push("signed")
    code, log, message = deployed(bob.merge("signature"))
    assert code == 0, f"a signed plan was refused ({code}):\n{log}"
    assert message["outcome"] == "succeeded", f"wrong termination message: {message}"
    assert "phone" in production.value(COLUMNS), "it says applied, and the column is not there"
