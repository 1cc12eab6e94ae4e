"""The way back along a chain, and one plan in the place of several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Clone, Shop
from tests.cli.team import NAME, PLANS, SETTINGS, git, tampered


def deployed(clone: Clone, url: str) -> None:
    done = clone("apply", "--all", "--allow", "all", SHOP_URL=url)
    assert done.code == 0, done.err


RENAMED = ("      email: {", "      mail: {transition: {rename_from: email}, ")


def renamed() -> tuple[tuple[str, str], ...]:
    return (RENAMED, ("customers_email_key: [email]", "customers_email_key: [mail]"))


def test_the_way_back(ada: Clone, database: Callable[[], str]) -> None:
    url = database()
    ada.declare(NAME)
    ada.plan()
    ada.declare(*renamed())
    ada.plan("--name", "mail")  # the name goes again, the e-mail address is renamed
    deployed(ada, url)
    back = ada("undo", "--to", "2", "--format", "json")
    assert back.code == 0, back.err
    assert [(step["action"], step["label"]) for step in back.data["steps"]] == [
        ("rename", "column public.customers.mail"),
        ("create", "column public.customers.name"),
    ]
    assert "Next: reconcile undo --to 2 --save" in ada("undo", "--to", "2").out.splitlines()
    assert "lost: column public.customers.name does not come back as it was: plan 0003 drops" in back.err
    assert ada("undo", "--save").code == 0
    assert ada.only("0004*").name == "0004_back_to_0002.plan.yaml"
    assert "back to the state after plan 0002" in ada.only("0004*").read_text()
    told = ada.check()
    assert told.code == 3  # the YAML still asks for the later state
    ada.declare(NAME)
    done = ada.check()
    assert done.code == 0, done.err
    deployed(ada, url)
    assert ada("plan", "--detailed-exitcode", SHOP_URL=url).code == 0
    tampered(ada, "0004*", "ADD COLUMN name text", "ADD COLUMN name text; DELETE FROM public.orders")
    assert ada.check().code == 3


def test_a_name_that_is_used_again_must_be_free_before_the_way_back(ada: Clone) -> None:
    new = "      email: {type: text, transition: {not_renamed: true}}\n"
    ada.declare((RENAMED[0], new + RENAMED[1]), renamed()[1])
    ada.plan("--name", "mail")
    told = ada("undo")
    assert told.code == 64, told.err
    assert "mail cannot be renamed back to column:public.customers.email" in told.err
    ada.declare(*renamed())
    ada.plan("--name", "no_email")
    back = ada("undo", "--to", "1", "--format", "json")
    assert back.code == 0, back.err
    assert [step["action"] for step in back.data["steps"]] == ["rename"]


def test_back_to_the_beginning_drops_everything_and_says_so(ada: Clone) -> None:
    back = ada("undo", "--format", "json")
    assert back.code == 0, back.err
    assert {step["action"] for step in back.data["steps"]} == {"drop"}
    lost = {hazard["object"] for step in back.data["steps"] for hazard in step["hazards"]}
    assert {"table:public.customers", "table:public.orders"} <= lost
    assert back.data["notes"][0] == "back to the state before the first plan"


def test_the_beginning_has_no_number(ada: Clone) -> None:
    saved = ada("undo", "--save")
    assert saved.code == 0, saved.err
    file = ada.only("*_back_to_*")
    assert file.name == "0002_back_to_the_start.plan.yaml"
    assert "0000" not in saved.out + saved.err
    assert "back to the state before the first plan" in saved.out + file.read_text()
    assert "ends with plan 0002: there is nothing to undo" in ada("undo", "--to", "9").err
    assert "there are: 0 (before the first), 0001, 0002" in ada("diff", "chain:7", "chain").err


@pytest.mark.parametrize("to", ["1", "9", "-1"])
def test_there_is_nothing_to_undo(ada: Clone, to: str) -> None:
    assert ada("undo", "--to", to).code == 64


def test_without_a_chain_there_is_no_way_back(tmp_path: Path) -> None:
    assert Clone(tmp_path)("undo").code == 64


PHONE_TOO = ("      status: {", "      phone: text\n      status: {")


@pytest.fixture
def long(ada: Clone) -> Clone:
    """A chain of three plans."""
    ada.declare(NAME)
    ada.plan("--name", "name")
    ada.declare(NAME, ("    comment: What was bought.\n", ""))
    ada.plan("--name", "silent")
    ada.commit("three")
    return ada


def test_one_plan_does_the_work_of_three(long: Clone, database: Callable[[], str]) -> None:
    done_before, new = database(), database()
    deployed(long, done_before)
    done = long("squash", "--format", "json")
    assert done.code == 0, done.err
    assert done.data["squashed"] == ["0001_start.plan.yaml", "0002_name.plan.yaml", "0003_silent.plan.yaml"]
    history = [line.split() for line in (long.folder / PLANS / "CHAIN").read_text().splitlines()[1:]]
    assert [(words[0], words[1], words[5:]) for words in history] == [
        ("0001", "start", ["squashed-into", "0003"]),
        ("0002", "name", ["squashed-into", "0003"]),
        ("0003", "silent", ["squashed-into", "0003"]),
        ("0003", "squashed", []),
    ]
    assert long.check().code == 0
    assert long.check("--base", "git:main").code == 0
    assert long("apply", "--format", "json", SHOP_URL=done_before).data == {"plans": [], "pending": 0}
    assert long("run", SHOP_URL=new).code == 0
    long.declare(NAME, PHONE_TOO)
    long.plan("--name", "phone")
    assert long.only("0004*").name == "0004_phone.plan.yaml"
    for url in (done_before, new):
        deployed(long, url)
        assert long("plan", "--check", SHOP_URL=url).code == 0


def test_a_database_in_between_is_told_what_it_needs(long: Clone, database: Callable[[], str]) -> None:
    url = database()
    assert long("apply", SHOP_URL=url).code == 0
    assert long("squash").code == 0
    told = long("apply", SHOP_URL=url)
    assert told.code == 4
    assert "the database is after plan 0001_start, one of those that were squashed into" in told.err
    assert "take it to 0003_silent first" in told.err
    # Just that: the plans as they were before the squash.
    long.commit("squashed")
    git(long.folder, "checkout", "-q", "HEAD~1")
    deployed(long, url)
    git(long.folder, "checkout", "-q", "main")
    assert long("status", "--format", "json", SHOP_URL=url).data["chain"]["is_known"] is True


def test_a_part_of_the_chain_is_squashed(long: Clone, database: Callable[[], str]) -> None:
    assert long("squash", "2").code == 0
    assert [path.name for path in sorted((long.folder / PLANS).glob("*.plan.yaml"))] == [
        "0002_squashed.plan.yaml",
        "0003_silent.plan.yaml",
    ]
    assert long.check().code == 0
    assert long("run", SHOP_URL=database()).code == 0
    assert long("squash", "3", "--name", "all").code == 0
    assert long.check().code == 0


def test_a_rename_is_not_squashed_into_a_loss(inside: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "late"
    folder.mkdir()
    late = Clone(folder)
    late.write("reconcile.yaml", SETTINGS)
    inside.deploy()
    late.declare(*renamed())
    assert late("plan", "--save", "--name", "mail", SHOP_URL=inside.url).code == 0
    late.declare(
        ("      email: {", "      address: {transition: {rename_from: mail}, "), ("[email]", "[address]")
    )
    late.plan("--name", "address")
    told = late("squash")
    assert told.code == 3
    assert "one plan would lose what the plans that it replaces keep" in told.err
    assert late.check().code == 0
    late.declare(
        ("      email: {", "      address: {transition: {rename_from: [mail, email]}, "),
        ("[email]", "[address]"),
    )
    assert late("squash").code == 0


@pytest.mark.parametrize("number", ["1", "7"])
def test_there_are_not_two_to_squash(long: Clone, number: str) -> None:
    assert long("squash", number).code == 64
