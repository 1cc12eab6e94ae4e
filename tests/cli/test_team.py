"""A team and its chain: conflicts in git, and plans that were tampered with."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from tests.cli.conftest import Clone
from tests.cli.team import NAME, PHONE, PLANS, git, tampered


def test_the_second_of_two_is_told_how_to_go_on(ada: Clone, bob: Clone, database: Callable[[], str]) -> None:
    ada.declare(NAME)
    ada.plan()
    ada.commit("a name")
    bob.declare(PHONE)
    bob.plan()
    bob.commit("a phone")
    with pytest.raises(subprocess.CalledProcessError):
        git(bob.folder, "-c", "pull.rebase=false", "pull", "-q", "origin", "main")
    conflicts = git(bob.folder, "diff", "--name-only", "--diff-filter=U").splitlines()
    assert {"plans/prod/CHAIN", "plans/prod/snapshot.yaml"} <= set(conflicts)
    bob.declare((NAME[0], "      name: text\n      phone: text\n      email: {"))
    told = bob.check()
    assert told.code == 65
    assert "a merge conflict is not resolved: two plans start from one state" in told.err
    assert "git checkout OTHER_BRANCH -- CHAIN snapshot.yaml" in told.err
    assert bob("plan", "--from", "chain").code == 65
    # Just what the message says, word for word.
    git(bob.folder / PLANS, "checkout", "origin/main", "--", "CHAIN", "snapshot.yaml")
    bob.only("*phone*").unlink()
    bob.plan()
    bob.commit("merge")
    assert bob.check("--base", "git:origin/main").code == 0
    links = (bob.folder / PLANS / "CHAIN").read_text().splitlines()[1:]
    assert [line.split()[1] for line in links] == ["start", "add_customers_name", "add_customers_phone"]
    url = database()
    assert bob("run", SHOP_URL=url).code == 0
    assert bob("plan", "--check", SHOP_URL=url).code == 0


def test_a_conflict_that_was_resolved_by_keeping_both_is_noticed(ada: Clone, bob: Clone) -> None:
    for clone, change in ((ada, NAME), (bob, PHONE)):
        comment = f"    comment: {change[1].split(':')[0].strip()}\n"
        clone.declare(change, ("    comment: What was bought.\n", comment))
        clone.plan("--name", "mine")
    kept = bob.only("0002*").read_text()
    (ada.folder / PLANS / "0003_theirs.plan.yaml").write_text(kept)
    line = (bob.folder / PLANS / "CHAIN").read_text().splitlines()[-1]
    with (ada.folder / PLANS / "CHAIN").open("a") as chain:
        chain.write(line.replace("0002  mine  ", "0003  theirs") + "\n")
    told = ada.check()
    assert told.code == 65
    assert "this is not the state after the chain's last plan" in told.err
    (ada.folder / PLANS / "snapshot.yaml").unlink()
    told = ada.check()
    assert told.code == 65
    assert "0003_theirs.plan.yaml expects" in told.err


def test_check_wants_what_the_yaml_wants(ada: Clone) -> None:
    assert ada.check().code == 0
    assert ada("plan", "--check").err.startswith("target `prod` wants its URL in SHOP_URL, which is not set")
    ada.declare(NAME)
    told = ada.check()
    assert told.code == 3
    assert "column:public.customers.name: the YAML asks for a change that no plan makes" in told.err
    ada.plan()
    assert ada.check().code == 0


EVIL = ("ADD COLUMN name text", "ADD COLUMN name text; DELETE FROM public.orders")


def test_a_plan_with_another_statement_is_caught(ada: Clone) -> None:
    ada.declare(NAME)
    ada.plan()
    tampered(ada, "0002*", *EVIL)
    told = ada.check()
    assert told.code == 3
    assert "step 1 (column public.customers.name) has other sql as made again" in told.err
    assert "edited: the reason" in told.err


def test_an_edit_with_a_reason_is_told_and_passes(ada: Clone) -> None:
    ada.declare(NAME)
    ada.plan()
    tampered(ada, "0002*", "ADD COLUMN name text", "ADD COLUMN IF NOT EXISTS name text", "it may be there")
    told = ada.check()
    assert told.code == 0, told.err
    assert "edited by hand: 0002_add_customers_name.plan.yaml: it may be there" in told.err


def test_a_hidden_hazard_is_caught(ada: Clone) -> None:
    ada.declare(
        ("      email: {type: text, not_null: true}\n", ""),
        ("    unique:\n      customers_email_key: [email]\n", ""),
    )
    ada.plan()
    text = ada.only("0002*").read_text()
    start = text.index("    hazards:\n")
    end = re.compile(r"\n(?!      )").search(text, start)
    assert end is not None
    tampered(ada, "0002*", text[start : end.start() + 1], "")
    told = ada.check()
    assert told.code == 3
    assert "hazards" in told.err


def test_all_plans_of_a_branch_are_made_again(ada: Clone) -> None:
    git(ada.folder, "checkout", "-q", "-b", "feature")
    ada.declare(NAME)
    ada.plan()
    ada.commit("a name")
    ada.declare((NAME[0], "      name: varchar(80)\n      email: {"))
    ada.plan("--name", "narrow")
    ada.commit("narrower")
    done = ada.check("--base", "git:main")
    assert done.code == 0, done.err
    assert "made again: 0002_add_customers_name.plan.yaml, 0003_narrow.plan.yaml" in done.out
    tampered(ada, "0002*", *EVIL)
    assert ada.check().code == 0  # the last one alone is what it should be
    told = ada.check("--base", "git:main")
    assert told.code == 3
    assert "0002_add_customers_name.plan.yaml" in told.err


def test_what_is_merged_is_not_rewritten(ada: Clone) -> None:
    git(ada.folder, "branch", "base")
    for file in (ada.folder / PLANS).iterdir():
        file.unlink()
    ada.declare(NAME)
    ada.plan("--name", "start")
    told = ada.check("--base", "git:base")
    assert told.code == 65
    assert "a plan that was there is gone or was changed" in told.err


def test_an_edited_plan_opens_no_way_to_rewrite_another(ada: Clone) -> None:
    ada.declare(NAME)
    ada.plan()
    path = ada.only("0002*")
    edited = path.read_text().replace("ADD COLUMN name text", "ADD COLUMN IF NOT EXISTS name text")
    path.write_text(edited.replace("\nownership: ", "\nedited: it may be there\nownership: ", 1))
    assert ada("plan", "--renew", "2").code == 0
    ada.commit("a name")
    ada.declare((NAME[0], "      name: varchar(80)\n      email: {"))
    ada.plan("--name", "narrow")
    ada.commit("narrower")
    git(ada.folder, "branch", "base")
    ada.only("0003*").unlink()
    git(ada.folder, "checkout", "-q", "HEAD~1", "--", str(PLANS))
    ada.declare((NAME[0], "      name: varchar(90)\n      email: {"))
    ada.plan("--name", "narrow")
    told = ada.check("--base", "git:base")
    assert told.code == 65, told.err
    assert "a plan that was there is gone or was changed" in told.err


@pytest.mark.parametrize("base", ["main", "git:", "git:nowhere"])
def test_what_is_no_base(ada: Clone, base: str) -> None:
    assert ada.check("--base", base).code == 64


def test_check_starts_from_nothing_else(ada: Clone) -> None:
    assert ada("plan", "--check", "--from", "git:HEAD").code == 64


def test_an_edit_is_proved_and_gets_its_id(ada: Clone) -> None:
    ada.declare(NAME)
    ada.plan()
    path = ada.only("0002*")
    said = path.read_text()
    edited = said.replace("ADD COLUMN name text", "ADD COLUMN IF NOT EXISTS name text")
    path.write_text(edited)
    assert ada.check().code == 65
    assert ada("plan", "--renew", "2").code == 65
    path.write_text(edited.replace("\nownership: ", "\nedited: it may be there\nownership: ", 1))
    told = ada.check()
    assert told.code == 65
    assert "reconcile plan --renew 2" in told.err
    proved = ada("plan", "--renew", "2")
    assert proved.code == 0, proved.err
    assert "proved on a clone" in proved.err
    assert ada.check().code == 0
    path.write_text(path.read_text().replace("name text", "name bytea"))
    assert ada("plan", "--renew", "2").code == 1
    assert ada("plan", "--renew", "7").code == 64
