"""The chain of a target's plans: appended in one go, and whatever a merge or a hand did to it is found."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidInput
from reconciler.core.ident import ObjectId
from reconciler.engine.chain.chain import (
    CHAIN,
    append,
    next_slug,
    read_chain,
    read_history,
    renew,
    squash,
    verify_chain,
)
from reconciler.engine.plan.model import Action, Plan, Step, Touch
from reconciler.engine.plan.plan_file import dump, load, plan_id
from tests.unit.plan_samples import EMAIL, ORDERS, USERS, empty, sample

pytestmark = pytest.mark.quick


def change(
    before: str | None, after: str | None, id: ObjectId = EMAIL, action: Action = Action.ALTER
) -> Plan:
    step = Step(1, action, id, str(id), (f"SELECT '{before} {after}'",), ())
    return dataclasses.replace(empty(), steps=(step,), touches={id: Touch(before, after)})


def messages(folder: Path) -> list[str]:
    return [problem.message for problem in verify_chain(folder)]


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    folder = tmp_path / "plans" / "prod"
    append(folder, change(None, "1"), "add_users_email")
    append(folder, change("1", "2"), "alter_users_email")
    append(folder, change("2", "3"), "a")
    return folder


def test_plans_are_listed_in_order_with_their_ids(chain: Path) -> None:
    links = read_chain(chain)
    assert [(link.number, link.slug) for link in links] == [
        (1, "add_users_email"),
        (2, "alter_users_email"),
        (3, "a"),
    ]
    for link in links:
        plan = load((chain / link.file_name).read_text(), link.file_name)
        assert (link.id, link.from_fingerprint, link.to_fingerprint) == (
            plan_id(plan),
            plan.from_fingerprint,
            plan.to_fingerprint,
        )
    assert verify_chain(chain) == ()


def test_append_returns_the_path_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = append(tmp_path, sample(), next_slug(sample()))
    assert path == tmp_path / "0001_create_orders_and_11_more.plan.yaml"
    assert path.read_text() == dump(sample())
    assert sorted(found.name for found in tmp_path.iterdir()) == [path.name, CHAIN]


def test_columns_are_aligned_and_earlier_lines_stay_as_they_are(chain: Path) -> None:
    before = (chain / CHAIN).read_text()
    append(chain, change("3", "4"), "a_slug_that_is_much_longer_than_the_width_of_its_column_could_ever_be")
    after = (chain / CHAIN).read_text()
    assert after.startswith(before)
    assert len({line.index("sha256:") for line in after.splitlines()[1:]}) == 1
    assert verify_chain(chain) == ()


def test_a_slug_cannot_leave_the_folder(tmp_path: Path) -> None:
    assert append(tmp_path, empty(), "../../Etc/päss wd").parent == tmp_path
    assert verify_chain(tmp_path) == ()


def test_no_chain_is_an_empty_one(tmp_path: Path) -> None:
    assert read_chain(tmp_path / "none") == ()
    assert verify_chain(tmp_path / "none") == ()


def test_a_missing_file_is_found(chain: Path) -> None:
    (chain / "0002_alter_users_email.plan.yaml").unlink()
    (problem,) = verify_chain(chain)
    assert "0002_alter_users_email.plan.yaml" in problem.message
    assert (Path(problem.file).name, problem.line) == (CHAIN, 3)


def test_an_unlisted_file_is_found_and_not_overwritten(chain: Path) -> None:
    stray = chain / "0004_stray.plan.yaml"
    stray.write_text(dump(sample()))
    assert messages(chain) == ["CHAIN does not list this plan"]
    with pytest.raises(InvalidInput):
        append(chain, change("3", "4"), "stray")
    assert stray.read_text() == dump(sample())


def test_a_changed_plan_is_found(chain: Path) -> None:
    path = chain / "0003_a.plan.yaml"
    path.write_text(path.read_text().replace("SELECT '2 3'", "SELECT 'other'"))
    (problem,) = verify_chain(chain)
    assert "does not match the content" in problem.message
    assert problem.file == str(path)


def test_another_plan_in_its_place_is_found(chain: Path) -> None:
    (chain / "0003_a.plan.yaml").write_text(dump(change("2", "4")))
    (message,) = messages(chain)
    assert "0003_a.plan.yaml has another id" in message


def test_changed_fingerprints_in_a_line_are_found(chain: Path) -> None:
    text = (chain / CHAIN).read_text()
    last = read_chain(chain)[-1].to_fingerprint
    (chain / CHAIN).write_text(text.replace(last, "fp1:" + "0" * 32))
    assert "other fingerprints" in " ".join(messages(chain))


def test_gaps_and_duplicates_are_found(chain: Path) -> None:
    header, one, two, three = (chain / CHAIN).read_text().splitlines()
    (chain / CHAIN).write_text("\n".join([header, one, three]))
    assert any("plan 0003 stands where 0002 belongs" in message for message in messages(chain))
    (chain / CHAIN).write_text("\n".join([header, one, two, two, three]))
    assert messages(chain)[0] == "plan 0002 is listed twice"


def test_a_merge_conflict_is_told_once_and_stops_whoever_reads(chain: Path) -> None:
    lines = (chain / CHAIN).read_text().splitlines()
    (chain / CHAIN).write_text(
        "\n".join([*lines[:3], "<<<<<<< HEAD", lines[3], "=======", lines[3], ">>>>>>> b"])
    )
    found = [message for message in messages(chain) if "merge conflict" in message]
    assert len(found) == 1
    with pytest.raises(InvalidInput) as caught:
        read_chain(chain)
    assert caught.value.problems[0].line == 4
    with pytest.raises(InvalidInput):
        append(chain, empty(), "x")


def test_a_line_that_is_no_link_is_found(chain: Path) -> None:
    with (chain / CHAIN).open("a") as stream:
        stream.write("0004 ../../x sha256:1 fp1:2 fp1:3\n")
    (problem,) = verify_chain(chain)
    assert problem.line == 5


def test_two_plans_from_one_state_are_found_though_numbered_well(chain: Path) -> None:
    append(chain, change("2", "other"), "second")
    (problem,) = verify_chain(chain)
    assert (
        "0004_second.plan.yaml expects column:app.users.email as it was before plan 0003" in problem.message
    )


def test_majors_spell_a_state_differently(chain: Path) -> None:
    append(chain, dataclasses.replace(change("x", "y"), server_major=19), "upgraded")
    assert verify_chain(chain) == ()


def test_an_edit_with_a_reason_gets_its_new_id(chain: Path) -> None:
    path = chain / "0002_alter_users_email.plan.yaml"
    edited = dataclasses.replace(load(path.read_text(), "p"), edited="the lock is too strong")
    text = path.read_text().replace(
        "ownership: false\n", "ownership: false\nedited: the lock is too strong\n"
    )
    path.write_text(text)
    assert any("has another id" in message for message in messages(chain))
    renew(chain, 2)
    assert verify_chain(chain) == ()
    assert read_chain(chain)[1].id == plan_id(edited)


def test_only_an_edit_with_a_reason_is_renewed(chain: Path) -> None:
    (chain / "0003_a.plan.yaml").write_text(dump(change("2", "4")))
    with pytest.raises(InvalidInput):
        renew(chain, 3)
    with pytest.raises(InvalidInput):
        renew(chain, 9)


@pytest.mark.parametrize(
    ("plan", "slug"),
    [
        (empty(), "no_changes"),
        (sample(), "create_orders_and_11_more"),
        (change(None, "1", EMAIL, Action.CREATE), "add_users_email"),
        (change("1", None, EMAIL, Action.DROP), "drop_users_email"),
        (change("1", "2", USERS), "alter_users"),
        (change("1", None, ObjectId("schema", ("app",)), Action.DROP), "drop_app"),
        (change(None, "1", ObjectId("table", ("app", "日本")), Action.CREATE), "create"),
    ],
)
def test_a_slug_says_the_main_change(plan: Plan, slug: str) -> None:
    assert next_slug(plan) == slug


def test_a_facet_is_named_after_its_object() -> None:
    comment = change(None, "1", ORDERS.facet("comment"), Action.CREATE)
    plan = dataclasses.replace(comment, touches={**comment.touches, ORDERS: Touch("1", "1")})
    assert next_slug(plan) == "alter_orders_comment"


def test_a_slug_is_short_however_long_the_names_are() -> None:
    id = ObjectId("column", ("app", "t" * 63, "c" * 63))
    steps = (Step(1, Action.CREATE, id, "", (), ()), Step(2, Action.ALTER, USERS, "", (), ()))
    slug = next_slug(dataclasses.replace(empty(), steps=(*steps,)))
    assert len(slug) <= 40


# --- squashed plans, and the snapshot beside the chain ---


def test_one_plan_takes_the_place_of_several(chain: Path) -> None:
    (chain / "0001_add_users_email.plan.yaml.sig").write_text("signed")
    path = squash(chain, change(None, "2"), 2, "both", [("snapshot.yaml", "x\n")])
    assert path == chain / "0002_both.plan.yaml"
    assert sorted(found.name for found in chain.iterdir()) == [
        "0002_both.plan.yaml",
        "0003_a.plan.yaml",
        CHAIN,
        "snapshot.yaml",
    ]
    (chain / "snapshot.yaml").unlink()
    assert verify_chain(chain) == ()
    assert [link.number for link in read_chain(chain)] == [2, 3]
    assert [(link.number, link.squashed_into) for link in read_history(chain)] == [
        (1, 2),
        (2, 2),
        (2, None),
        (3, None),
    ]


def test_squashing_twice_keeps_all_lines(chain: Path) -> None:
    squash(chain, change(None, "2"), 2, "both")
    squash(chain, change(None, "3"), 3, "all")
    assert verify_chain(chain) == ()
    assert [(link.slug, link.squashed_into) for link in read_history(chain)] == [
        ("add_users_email", 3),
        ("alter_users_email", 3),
        ("both", 3),
        ("a", 3),
        ("all", None),
    ]
    append(chain, change("3", "4"), "next")
    assert read_chain(chain)[-1].number == 4
    assert verify_chain(chain) == ()


def test_only_what_is_there_is_squashed(chain: Path) -> None:
    squash(chain, change(None, "2"), 2, "both")
    for number in (1, 9):
        with pytest.raises(InvalidInput):
            squash(chain, change(None, "2"), number, "again")


def test_lines_without_the_plan_that_they_were_squashed_into(chain: Path) -> None:
    squash(chain, change(None, "3"), 3, "all")
    lines = (chain / CHAIN).read_text().splitlines()
    (chain / CHAIN).write_text("\n".join(lines[:-1]) + "\n")
    assert any("was squashed into 0003, which is not there" in message for message in messages(chain))


def test_a_snapshot_of_another_plan_is_found(chain: Path) -> None:
    last = read_chain(chain)[-1].id
    (chain / "snapshot.yaml").write_text(f"snapshot:\n  format: 1\n  after: {last}\n")
    assert verify_chain(chain) == ()
    append(chain, change("3", "4"), "next")
    (problem,) = verify_chain(chain)
    assert problem.message == "this is not the state after the chain's last plan, 0004_next.plan.yaml"
    assert problem.hint is not None
    assert "plan --from chain --save" in problem.hint


def test_a_conflict_in_the_snapshot_is_told_as_one(chain: Path) -> None:
    (chain / "snapshot.yaml").write_text("<<<<<<< HEAD\nsnapshot:\n=======\n>>>>>>> theirs\n")
    (message,) = messages(chain)
    assert "a merge conflict is not resolved" in message


def test_files_are_written_along_with_the_plan(tmp_path: Path) -> None:
    append(tmp_path, empty(), "start", [("baseline.yaml", "b\n"), ("snapshot.yaml", "s\n")])
    assert (tmp_path / "baseline.yaml").read_text() == "b\n"
    assert (tmp_path / "snapshot.yaml").read_text() == "s\n"


def test_a_renewed_plan_renews_the_snapshot(chain: Path) -> None:
    old = read_chain(chain)[-1].id
    (chain / "snapshot.yaml").write_text(f"snapshot:\n  after: {old}\n")
    path = chain / "0003_a.plan.yaml"
    path.write_text(path.read_text().replace("ownership: false\n", "ownership: false\nedited: why not\n"))
    renew(chain, 3)
    assert verify_chain(chain) == ()
    assert read_chain(chain)[-1].id in (chain / "snapshot.yaml").read_text()


def test_a_number_that_is_no_number_of_a_plan_is_told(chain: Path) -> None:
    path = chain / CHAIN
    text = path.read_text().replace("\n0001 ", f"\n{'1' * 5000} ", 1)
    assert "1" * 5000 in text
    path.write_text(text)
    assert "this is not a line of a chain" in messages(chain)


def test_saving_that_was_cut_off_is_no_conflict(chain: Path) -> None:
    """Between the snapshot and CHAIN, which comes last."""
    before = (chain / CHAIN).read_text()
    (chain / "snapshot.yaml").write_text(f"snapshot:\n  format: 1\n  after: {read_chain(chain)[-1].id}\n")
    path = append(chain, change("3", "4"), "next")
    (chain / "snapshot.yaml").write_text(f"snapshot:\n  format: 1\n  after: {read_chain(chain)[-1].id}\n")
    (chain / CHAIN).write_text(before)
    stray, state = verify_chain(chain)
    assert (Path(stray.file), Path(state.file)) == (path, chain / "snapshot.yaml")
    assert f"saving {path.name} was cut off: remove that file and this one" in str(state.hint)
    for file in (path, chain / "snapshot.yaml"):
        file.unlink()
    assert verify_chain(chain) == ()
    assert append(chain, change("3", "4"), "next") == path
