"""The plan file: what is written reads back the same, and whatever was changed since is noticed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.errors import InvalidInput
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Cost, Hazard, HazardCode, Lock, LockMode, Mode
from reconciler.engine.plan.model import Ack, Action, Plan, Step, Touch
from reconciler.engine.plan.plan_file import dump, is_edited, load, plan_id
from tests.unit.plan_samples import empty, nasty, sample

pytestmark = pytest.mark.quick

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
) | st.sampled_from(
    [
        "",
        "null",
        "2024-01-01",
        "a: b",
        " x",
        "x\n",
        "x\n\n",
        "select 1\n\n",
        "\n",
        "- a",
        "12e3",
        "#",
        "a\r\nb\t",
    ]
)
words = texts.filter(lambda text: text.strip() != "")
kinds = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
ids = st.builds(ObjectId, kinds, st.lists(words, min_size=1, max_size=4).map(tuple))
tuples = st.lists(texts, max_size=3).map(tuple)
locks = st.lists(st.builds(Lock, texts, st.sampled_from(LockMode)), max_size=2).map(tuple)
hazards = st.lists(st.builds(Hazard, st.sampled_from(HazardCode), ids, texts), max_size=2).map(tuple)
touches = st.dictionaries(ids, st.builds(Touch, st.none() | texts, st.none() | texts), max_size=4)


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    made: list[Step] = []
    group = 1
    for number in range(1, draw(st.integers(0, 4)) + 1):
        group += draw(st.integers(0, 1))
        step = Step(
            number=number,
            action=draw(st.sampled_from(Action)),
            object=draw(ids),
            label=draw(texts),
            sql=draw(tuples),
            why=draw(tuples),
            source=draw(st.none() | texts),
            requires=tuple(sorted(draw(st.sets(st.integers(1, number - 1))))) if number > 1 else (),
            locks=draw(locks),
            hazards=draw(hazards),
            cost=draw(st.sampled_from(Cost)),
            mode=draw(st.sampled_from(Mode)),
            group=group,
            folded=draw(tuples),
        )
        made.append(step)
    return tuple(made)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    plan = Plan(
        server_major=draw(st.integers(14, 30)),
        schema_digest=draw(texts),
        steps=draw(steps()),
        touches=draw(touches),
        ownership=draw(st.booleans()),
        unknown=draw(tuples),
        notes=draw(tuples),
        edited=draw(st.none() | words),
    )
    acks = [
        Ack(step.number, hazard.code, draw(words), draw(st.none() | texts))
        for step, hazard in plan.hazards
        if draw(st.booleans())
    ]
    return dataclasses.replace(plan, acks=tuple(acks))


def problems_of(text: str) -> tuple[Any, ...]:
    with pytest.raises(InvalidInput) as caught:
        load(text, "p.plan.yaml")
    assert caught.value.problems
    return caught.value.problems


@settings(deadline=None, max_examples=50)
@given(plans())
def test_a_plan_reads_back_as_it_was_and_is_written_the_same_again(plan: Plan) -> None:
    text = dump(plan)
    back = load(text, "p")
    assert back == plan
    assert back.acks == plan.acks
    assert dump(back) == text


@settings(deadline=None, max_examples=30)
@given(plans(), plans())
def test_different_plans_have_different_ids(one: Plan, other: Plan) -> None:
    assert (plan_id(one) == plan_id(other)) == (one == other)


@pytest.mark.parametrize("plan", [sample(), empty(), nasty()], ids=["sample", "empty", "nasty"])
def test_samples_read_back(plan: Plan) -> None:
    assert load(dump(plan), "p") == plan


def test_the_file_starts_with_what_a_reviewer_wants_to_know() -> None:
    lines = dump(sample()).splitlines()
    assert lines[0].startswith("# ")
    assert "reconcile apply" in lines[0]
    keys = [line.split(":")[0] for line in lines[1:] if line and line[0] not in " #"]
    assert keys[:7] == ["format", "id", "from", "to", "server", "schema", "ownership"]
    assert keys[7:] == ["summary", "steps", "touches", "unknown", "notes"]


def test_the_summary_names_each_hazard_that_needs_consent() -> None:
    summary = dump(sample()).split("summary:")[1].split("steps:")[0]
    assert "create: 7" in summary
    assert "step 6, data_loss of column:app.users.legacy_id" in summary


def test_sql_is_a_block_even_where_it_is_short() -> None:
    assert "    sql: |\n      ALTER TABLE app.users DROP COLUMN legacy_id\n" in dump(sample())


def test_the_format_and_the_id_are_pinned() -> None:
    """An id must not change with a version of this program: chains and approvals name it."""
    assert plan_id(sample()) == "sha256:bd46b7179edfe77931f53773e1e07560f0077eda443a71cdb9f7e26ecd0837a9"


def test_the_order_of_touches_makes_no_difference() -> None:
    plan = sample()
    turned = dataclasses.replace(plan, touches=dict(sorted(plan.touches.items(), reverse=True)))
    assert dump(turned) == dump(plan)


def test_consent_does_not_change_the_id() -> None:
    acked = dataclasses.replace(sample(), acks=(Ack(6, HazardCode.DATA_LOSS, "was copied", "ann"),))
    assert plan_id(acked) == plan_id(sample())
    back = load(dump(acked), "p")
    assert back.acks == acked.acks
    assert not back.blocking


def test_comments_and_line_ends_may_change() -> None:
    text = dump(sample()).replace("steps:", "# read this\nsteps:").replace("\n", "\r\n")
    assert load(text, "p") == sample()


@pytest.mark.parametrize("length", range(0, len(dump(sample())), 97))
def test_a_file_that_was_cut_short_is_never_taken_for_a_plan(length: int) -> None:
    assert problems_of(dump(sample())[:length])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DROP COLUMN legacy_id", "DROP COLUMN email"),
        ("code: data_loss", "code: may_fail"),
        ("mode: alone\n    ", ""),
        ("server: 18", "server: 17"),
        ("before: a000000000000006", "before: a000000000000007"),
        ("order is left as it is", "order is changed"),
    ],
)
def test_a_change_by_hand_is_noticed_and_the_way_on_is_said(old: str, new: str) -> None:
    text = dump(sample())
    assert old in text
    (problem,) = problems_of(text.replace(old, new))
    assert (problem.file, problem.line, problem.column) == ("p.plan.yaml", 3, 5)
    assert "does not match the content" in problem.message
    assert "edited:" in problem.hint


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from: fp1:7", "from: fp1:8", "`from`"),
        ("to: fp1:3", "to: fp1:4", "`to`"),
        ("  drop: 1\n", "", "`summary`"),
        ("step 6, data_loss", "step 6, nothing", "`summary`"),
    ],
)
def test_the_header_must_say_what_the_steps_say(old: str, new: str, said: str) -> None:
    text = dump(sample())
    assert old in text
    (problem,) = problems_of(text.replace(old, new))
    assert problem.message.startswith(said)


def test_an_edit_with_a_reason_is_a_plan_of_its_own() -> None:
    text = dump(sample()).replace("DROP COLUMN legacy_id", "DROP COLUMN IF EXISTS legacy_id")
    text = text.replace("ownership: false\n", "ownership: false\nedited: the column may be gone already\n")
    plan = load(text, "p")
    assert is_edited(plan)
    assert not is_edited(sample())
    assert plan.steps[5].sql == ("ALTER TABLE app.users DROP COLUMN IF EXISTS legacy_id",)
    assert plan_id(plan) != plan_id(sample())
    assert load(dump(plan), "p") == plan


def test_an_edit_needs_a_reason_in_words() -> None:
    text = dump(sample())
    assert problems_of(text.replace("ownership: false\n", 'ownership: false\nedited: " "\n'))
    assert problems_of(text.replace("ownership: false\n", "ownership: false\nedited: true\n"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    action: drop\n", "    action: erase\n", "said `erase`"),
        ("    action: drop\n", "    actoin: drop\n", "unknown key `actoin`"),
        ("    object: table:app.orders\n", "    object: orders\n", "not an object id"),
        ("number: 6", "number: 7", "step 7 stands where step 6 belongs"),
        ("requires: [5]", "requires: [6]", "requires one that is not before it"),
        ("    group: 3\n", "    group: 1\n", "group 1 comes after group 2"),
        ("server: 18", 'server: "18"', "a whole number"),
        ("format: 1", "format: 2", "this version reads format 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(old: str, new: str, said: str) -> None:
    text = dump(sample())
    assert old in text
    problems = problems_of(text.replace(old, new))
    found = next(problem for problem in problems if said in problem.message)
    line = text.replace(old, new).splitlines()[found.line - 1]
    assert new.split(":", maxsplit=1)[0].strip() in line


def test_all_problems_are_told_at_once() -> None:
    text = dump(sample()).replace("cost: build", "cost: much").replace("mode: alone", "mode: lonely")
    assert len(problems_of(text)) == 2


def test_consent_to_what_is_not_there_is_refused() -> None:
    stray = dataclasses.replace(sample(), acks=(Ack(4, HazardCode.DATA_LOSS, "fine"),))
    (problem,) = problems_of(dump(stray))
    assert "step 4 has no hazard data_loss" in problem.message


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "hello\n", "{}\n", "a: [\n", "format: 1\n"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    assert problems_of(text)
