"""Diff: what becomes of each object, with kinds that exist only here."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.catalog import Catalog
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import Alter, Change, Create, Drop, Follow, Replace, alteration
from reconciler.engine.compare.diff import diff
from tests.unit.toys import REGISTRY, box, catalog, glass, house_rule, label, link, mould, part


def _verbs(changes: Mapping[ObjectId, Change]) -> dict[str, str]:
    return {str(id): type(change).__name__.lower() for id, change in changes.items()}


def _diff(current: Catalog, desired: Catalog) -> Mapping[ObjectId, Change]:
    return diff(current, desired, REGISTRY)


def test_what_is_equal_needs_nothing() -> None:
    chest = box("chest", weight=1)
    same = catalog(chest, part(chest, "lid"), label(chest, "mine"))
    assert _diff(same, same) == {}
    heavier = box("chest", weight=2)
    assert _diff(catalog(chest), catalog(heavier)) == {}


def test_what_is_declared_is_made_and_what_is_not_goes() -> None:
    old, new = box("old"), box("new")
    changes = _diff(catalog(old), catalog(new))
    assert changes == {new.id: Create(new), old.id: Drop(old)}
    assert list(changes) == sorted(changes)


def test_a_field_is_altered_where_its_rule_can() -> None:
    before, after = box(size=1, colour="red"), box(size=2, colour="blue")
    changes = _diff(catalog(before), catalog(after))
    assert changes == {after.id: Alter(before, after, ("size", "colour"))}


def test_one_field_that_cannot_be_altered_replaces_the_object() -> None:
    before, after = box(size=1, wood="oak"), box(size=2, wood="pine")
    assert _diff(catalog(before), catalog(after)) == {
        after.id: Replace(before, after, "wood cannot be altered")
    }


def test_a_change_that_is_too_much_replaces_the_object() -> None:
    before, after = box(size=1), box(size=10)
    assert _diff(catalog(before), catalog(after)) == {
        after.id: Replace(before, after, "no box grows beyond 9")
    }


def test_what_was_replaced_brings_its_children_and_their_facets_back() -> None:
    def all_of(wood: str) -> Catalog:
        chest = box("chest", wood=wood)
        lid = part(chest, "lid")
        return catalog(chest, lid, label(chest, "mine"), label(lid, "top"))

    changes = _diff(all_of("oak"), all_of("pine"))
    assert set(_verbs(changes).values()) == {"replace"}
    assert len(changes) == 4
    lid = changes[ObjectId("part", ("app", "chest", "lid"))]
    assert isinstance(lid, Replace)
    assert lid.because == "comes back with box app.chest"


def test_glass_gives_way_to_a_part_of_another_shape_and_takes_what_lies_on_it_along() -> None:
    def all_of(shape: str) -> Catalog:
        chest = box("chest")
        lid, foot = part(chest, "lid", shape=shape), part(chest, "foot")
        sheet = glass("sheet", lid)
        return catalog(
            chest, lid, foot, sheet, glass("upper", sheet), glass("other", foot), label(sheet, "fragile")
        )

    assert _verbs(_diff(all_of("round"), all_of("square"))) == {
        "part:app.chest.lid": "alter",
        "glass:app.sheet": "replace",
        "glass:app.upper": "replace",
        "label:glass.app.sheet": "replace",
    }


def test_a_change_that_disturbs_nobody_leaves_dependents_alone() -> None:
    def all_of(colour: str) -> Catalog:
        chest = box("chest", colour=colour)
        return catalog(chest, glass("sheet", chest))

    assert _verbs(_diff(all_of("red"), all_of("blue"))) == {"box:app.chest": "alter"}


def test_a_dependent_that_goes_anyway_does_not_come_back() -> None:
    before, after = box("chest", wood="oak"), box("chest", wood="pine")
    changes = _diff(catalog(before, glass("sheet", before)), catalog(after))
    assert _verbs(changes) == {"box:app.chest": "replace", "glass:app.sheet": "drop"}


def test_a_dependent_that_no_longer_needs_what_goes_is_only_altered() -> None:
    chest = box("chest")
    before, after = glass("sheet", chest), glass("sheet", tint="blue")
    assert _verbs(_diff(catalog(chest, before), catalog(after))) == {
        "box:app.chest": "drop",
        "glass:app.sheet": "alter",
    }


def test_a_dependent_that_stays_is_made_again_when_what_it_stood_on_goes() -> None:
    chest, shelf = box("chest"), box("shelf")
    changes = _diff(catalog(chest, glass("sheet", chest)), catalog(shelf, glass("sheet", shelf)))
    assert _verbs(changes) == {
        "box:app.chest": "drop",
        "box:app.shelf": "create",
        "glass:app.sheet": "replace",
    }


def test_a_mould_that_loses_a_form_steps_aside_and_its_parts_follow() -> None:
    def all_of(*forms: str) -> Catalog:
        form = mould("form", *forms)
        chest = box("chest")
        lid = part(chest, "lid", form)
        return catalog(form, chest, lid, glass("sheet", lid), glass("over_form", form))

    changes = _diff(all_of("a", "b"), all_of("a"))
    assert _verbs(changes) == {
        "mould:app.form": "replace",
        "part:app.chest.lid": "follow",
        "glass:app.sheet": "replace",
        "glass:app.over_form": "replace",
    }
    form = changes[ObjectId("mould", ("app", "form"))]
    assert isinstance(form, Replace)
    assert form.aside
    lid = changes[ObjectId("part", ("app", "chest", "lid"))]
    assert isinstance(lid, Follow)
    assert lid.replaced == form.new.id


def test_a_mould_that_gains_a_form_is_altered_and_nothing_else() -> None:
    def all_of(*forms: str) -> Catalog:
        form = mould("form", *forms)
        return catalog(form, glass("over_form", form))

    assert _verbs(_diff(all_of("a"), all_of("a", "b"))) == {"mould:app.form": "alter"}


def test_what_a_carrier_brings_along_is_no_change_of_its_own() -> None:
    def all_of(*names: str, shape: str = "round") -> Catalog:
        upper = box("upper")
        lower = box("lower", parent=upper)
        parts = [part(upper, name, shape=shape) for name in names]
        copies = [part(lower, entry.id.path[-1], carrier=entry, shape=shape) for entry in parts]
        return catalog(upper, lower, *parts, *copies)

    assert _verbs(_diff(all_of(), all_of("lid"))) == {"part:app.upper.lid": "create"}
    assert _verbs(_diff(all_of("lid"), all_of())) == {"part:app.upper.lid": "drop"}
    assert _verbs(_diff(all_of("lid"), all_of("lid", shape="square"))) == {"part:app.upper.lid": "alter"}


def test_what_stays_on_its_own_when_its_carrier_goes_is_made_anew() -> None:
    upper, lower = box("upper"), box("lower")
    lid = part(upper, "lid")
    carried, alone = part(lower, "lid", carrier=lid), part(lower, "lid")
    changes = _diff(catalog(upper, lower, lid, carried), catalog(upper, lower, alone))
    assert _verbs(changes) == {"part:app.upper.lid": "drop", "part:app.lower.lid": "create"}


def test_what_comes_by_itself_is_accounted_for() -> None:
    rule, chest = house_rule("house"), box("chest")
    made = catalog(rule)
    assert _verbs(_diff(made, catalog(rule, chest, label(chest, "house")))) == {"box:app.chest": "create"}
    assert _verbs(_diff(made, catalog(rule, chest))) == {
        "box:app.chest": "create",
        "label:box.app.chest": "drop",
    }
    changes = _diff(made, catalog(rule, chest, label(chest, "mine")))
    alteration = changes[ObjectId("label", ("box", "app", "chest"))]
    assert isinstance(alteration, Alter)
    assert alteration.implied
    assert alteration.fields == ("text",)


def test_what_comes_by_itself_stays_where_ownership_is_not_managed() -> None:
    rule, chest = house_rule("house"), box("chest")
    changes = diff(catalog(), catalog(chest), REGISTRY, surroundings=[rule], ownership=False)
    assert _verbs(changes) == {"box:app.chest": "create"}


def test_what_moves_to_another_parent_is_made_again_only_where_it_holds_nothing() -> None:
    first, second = box("first"), box("second")
    tied, moved = link(first, "tie", second), link(first, "tie", second)
    moved = type(moved)(moved.id, moved.state, second.id, moved.needs)
    changes = _diff(catalog(first, second, tied), catalog(first, second, moved))
    assert _verbs(changes) == {"link:app.first.tie": "replace"}
    inner, outer = box("inner", parent=first), box("inner", parent=second)
    assert _diff(catalog(first, second, inner), catalog(first, second, outer)) == {}


def test_the_statements_of_an_alteration_come_in_the_order_of_the_rules() -> None:
    change = Alter(box(size=1), box(size=2, colour="blue"), ("colour", "size"))
    assert [statement.sql for statement in alteration(change, catalog(), REGISTRY)] == [
        "ALTER box app.chest SIZE 2",
        "ALTER box app.chest PAINT",
    ]
