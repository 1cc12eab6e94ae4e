"""Steps: words, hazards, locks and transactions."""

from __future__ import annotations

from reconciler.core.catalog import Catalog
from reconciler.core.ident import ObjectId
from reconciler.core.statement import HazardCode, Mode
from reconciler.engine.plan.model import Action, Plan, Step
from reconciler.engine.plan.planner import GROUP_SIZE, Context, make_plan
from tests.unit.toys import REGISTRY, box, catalog, glass, label, link, mould, part

HERE = Context(18, "sha256:0")


def _plan(current: Catalog, desired: Catalog, context: Context = HERE) -> Plan:
    return make_plan(current, desired, REGISTRY, context, None)


def _step(plan: Plan, id: str) -> Step:
    (step,) = [step for step in plan.steps if str(step.object) == id]
    return step


def _codes(step: Step) -> list[HazardCode]:
    return [hazard.code for hazard in step.hazards]


def test_nothing_to_do_is_an_empty_plan() -> None:
    plan = _plan(catalog(box()), catalog(box()))
    assert plan.is_empty
    assert plan.touches == {}


def test_steps_are_numbered_and_wait_for_earlier_ones() -> None:
    chest = box("chest")
    sheet = glass("sheet", chest)
    plan = _plan(catalog(), catalog(chest, sheet, part(chest, "lid"), glass("other")))
    assert [step.number for step in plan.steps] == [1, 2, 3]
    assert _step(plan, "glass:app.sheet").requires == (1,)
    assert _step(plan, "glass:app.other").requires == ()
    assert all(number < step.number for step in plan.steps for number in step.requires)


def test_clauses_stand_in_the_order_of_the_file_and_are_told() -> None:
    chest = box("chest")
    parts = [part(chest, "zip", position=1), part(chest, "lid", position=2)]
    step = _step(_plan(catalog(), catalog(chest, *reversed(parts))), "box:app.chest")
    assert step.sql == ("CREATE box app.chest (zip, lid)",)
    assert step.folded == ("part app.chest.zip", "part app.chest.lid")


def test_an_alteration_says_what_changes() -> None:
    step = _step(_plan(catalog(box(size=1)), catalog(box(size=2))), "box:app.chest")
    assert step.action is Action.ALTER
    assert step.why == ("size: 1 → 2",)
    assert [lock.relation for lock in step.locks] == ["app.chest"]


def test_what_is_made_here_is_locked_by_nobody() -> None:
    assert _step(_plan(catalog(), catalog(box())), "box:app.chest").locks == ()


def test_what_is_dropped_to_come_back_is_locked() -> None:
    plan = _plan(catalog(box("chest", wood="oak")), catalog(box("chest", wood="pine")))
    locked = [[lock.relation for lock in step.locks] for step in plan.steps]
    assert locked == [["app.chest"], []]


def test_what_is_lost_is_told_of_parents_and_parts_alike() -> None:
    upper = box("upper")
    lower = box("lower", parent=upper)
    plan = _plan(catalog(upper, lower, part(lower, "lid")), catalog())
    (step,) = plan.steps
    assert [str(hazard.object) for hazard in step.hazards] == ["box:app.upper", "box:app.lower"]
    assert [hazard.code for _, hazard in plan.blocking] == [HazardCode.DATA_LOSS] * 2


def test_a_part_that_is_replaced_in_a_box_that_stays_loses_what_it_holds() -> None:
    before, after = box("chest", wood="oak"), box("chest", wood="pine")
    plan = _plan(catalog(before), catalog(after))
    assert [(step.action, _codes(step)) for step in plan.steps] == [
        (Action.DROP, [HazardCode.DATA_LOSS]),
        (Action.CREATE, []),
    ]


def test_a_check_that_comes_back_is_not_lost() -> None:
    first, second, third = box("first"), box("second"), box("third")
    replaced = _plan(
        catalog(first, second, third, link(first, "tie", second)),
        catalog(first, second, third, link(first, "tie", third)),
    )
    assert [_codes(step) for step in replaced.steps] == [[], []]
    dropped = _plan(catalog(first, second, link(first, "tie", second)), catalog(first, second))
    assert [_codes(step) for step in dropped.steps] == [[HazardCode.VALIDATION_LOST]]


def test_a_drop_beside_a_create_of_the_like_asks_whether_it_is_a_rename() -> None:
    chest = box("chest")
    plan = _plan(catalog(chest, part(chest, "lid")), catalog(chest, part(chest, "cover")))
    hazards = _step(plan, "part:app.chest.lid").hazards
    assert [hazard.code for hazard in hazards] == [HazardCode.DATA_LOSS, HazardCode.POSSIBLE_RENAME]
    assert "rename_from: lid" in hazards[1].message
    told = Context(18, "sha256:0", not_renamed=frozenset({ObjectId("part", ("app", "chest", "cover"))}))
    plan = _plan(catalog(chest, part(chest, "lid")), catalog(chest, part(chest, "cover")), told)
    assert _codes(_step(plan, "part:app.chest.lid")) == [HazardCode.DATA_LOSS]


def test_a_step_says_where_the_yaml_asks_for_it() -> None:
    chest = box("chest")
    lid = part(chest, "lid")
    context = Context(18, "sha256:0", sources={chest.id: "boxes.yaml:2"})
    plan = _plan(catalog(chest), catalog(chest, lid, glass("sheet")), context)
    assert _step(plan, "part:app.chest.lid").source == "boxes.yaml:2"
    assert _step(plan, "glass:app.sheet").source is None


def test_what_must_be_committed_ends_its_transaction() -> None:
    before, after = mould("form", "a"), mould("form", "a", "b")
    plan = _plan(catalog(before, box("chest")), catalog(after, box("chest", size=2), glass("sheet", after)))
    assert [(str(step.object), step.mode, step.group) for step in plan.steps] == [
        ("mould:app.form", Mode.COMMIT_AFTER, 1),
        ("box:app.chest", Mode.TRANSACTION, 2),
        ("glass:app.sheet", Mode.TRANSACTION, 2),
    ]


def test_a_plan_that_only_makes_things_is_cut_before_the_lock_table_is_full() -> None:
    many = [box(f"b{number:03}") for number in range(GROUP_SIZE + 1)]
    plan = _plan(catalog(), catalog(*many))
    assert [step.group for step in plan.steps] == [1] * GROUP_SIZE + [2]
    with_a_drop = _plan(catalog(box("zzz", size=5)), catalog(*many))
    assert {step.group for step in with_a_drop.steps} == {1}


def test_touches_are_what_changes_and_what_that_stands_on() -> None:
    chest, far = box("chest"), box("far")
    sheet = glass("sheet", chest)
    plan = _plan(catalog(chest, far), catalog(chest, far, sheet))
    assert list(map(str, plan.touches)) == ["box:app.chest", "glass:app.sheet"]
    touch = plan.touches[sheet.id]
    assert (touch.before, touch.after) == (None, sheet.digest())
    assert plan.touches[chest.id].before == plan.touches[chest.id].after
    assert plan.from_fingerprint != plan.to_fingerprint


def test_a_label_is_said_after_what_it_is_on() -> None:
    chest = box("chest")
    plan = _plan(catalog(), catalog(chest, label(chest, "mine")))
    assert [step.sql for step in plan.steps] == [("CREATE box app.chest",), ("CREATE label box.app.chest",)]
