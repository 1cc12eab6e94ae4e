"""The order of changes: what each needs comes first, folded where one statement can say it."""

from __future__ import annotations

import random

import pytest

from reconciler.core.catalog import Catalog, Entry
from reconciler.engine.compare.diff import diff
from reconciler.engine.plan.graph import DependencyCycle, Ordered, order
from tests.unit.toys import REGISTRY, box, catalog, glass, label, link, mould, part


def _ordered(current: Catalog, desired: Catalog, fold: bool = True) -> Ordered:
    return order(current, desired, diff(current, desired, REGISTRY), REGISTRY, fold)


def _order(current: Catalog, desired: Catalog, fold: bool = True) -> list[str]:
    return [str(node) for node in _ordered(current, desired, fold).nodes]


def _folded(ordered: Ordered) -> dict[str, list[str]]:
    return {str(node): sorted(map(str, inner)) for node, inner in ordered.folded.items()}


def test_what_is_needed_comes_first_and_goes_last() -> None:
    upper = box("a_upper", lower := box("z_lower"))
    full = catalog(upper, lower, glass("sheet", upper))
    assert _order(catalog(), full) == [
        "create box:app.z_lower",
        "create box:app.a_upper",
        "create glass:app.sheet",
    ]
    assert _order(full, catalog()) == ["drop glass:app.sheet", "drop box:app.a_upper", "drop box:app.z_lower"]


def test_rank_decides_between_strangers_and_names_between_equals() -> None:
    full = catalog(glass("a"), box("b"), box("a"), mould("z"))
    assert _order(catalog(), full) == [
        "create mould:app.z",
        "create box:app.a",
        "create box:app.b",
        "create glass:app.a",
    ]


def test_the_order_does_not_depend_on_that_of_the_catalogs() -> None:
    boxes: list[Entry] = []
    for number in range(12):
        boxes.append(box(f"b{number % 5}{number}", *boxes[-2:]))
    entries = [
        *boxes,
        *(part(each, "lid") for each in boxes),
        *(glass(f"g{each.id.path[1]}", each) for each in boxes),
    ]
    expected = _order(catalog(), catalog(*entries))
    for seed in range(5):
        shuffled = random.Random(seed).sample(entries, len(entries))
        assert _order(catalog(), catalog(*shuffled)) == expected


def test_children_are_clauses_of_their_parent_but_facets_are_not() -> None:
    chest = box("chest")
    lid = part(chest, "lid")
    ordered = _ordered(catalog(), catalog(chest, lid, label(lid, "top")))
    assert [str(node) for node in ordered.nodes] == [
        "create box:app.chest",
        "create label:part.app.chest.lid",
    ]
    assert _folded(ordered) == {"create box:app.chest": ["create part:app.chest.lid"]}


def test_without_folding_only_what_the_parent_is_made_of_is_a_clause() -> None:
    first, second = box("first"), box("second")
    full = catalog(first, second, part(first, "lid"), link(first, "tie", second))
    assert "create link:app.first.tie" not in _order(catalog(), full)
    assert _order(catalog(), full, fold=False)[-1] == "create link:app.first.tie"
    assert "create part:app.first.lid" not in _order(catalog(), full, fold=False)


def test_what_goes_with_its_parent_is_not_dropped_by_itself() -> None:
    chest = box("chest")
    lid = part(chest, "lid")
    assert _order(catalog(chest, lid, label(lid, "top")), catalog()) == ["drop box:app.chest"]


def test_two_boxes_that_point_at_each_other_are_made_first_and_tied_then() -> None:
    first, second = box("first"), box("second")
    full = catalog(first, second, part(first, "lid"), link(first, "tie", second), link(second, "tie", first))
    made = _ordered(catalog(), full)
    names = [str(node) for node in made.nodes]
    assert names.index("create link:app.second.tie") > names.index("create box:app.first")
    assert {"create box:app.first", "create box:app.second"} < set(names)
    assert "create part:app.first.lid" in _folded(made)["create box:app.first"]
    gone = _order(full, catalog())
    assert gone.index("drop link:app.first.tie") < gone.index("drop box:app.second")


def test_a_cycle_that_nothing_loosens_is_named() -> None:
    first, second = box("first"), box("second")
    first, second = box("first", second), box("second", first)
    with pytest.raises(
        DependencyCycle, match=r"create box:app\.(first|second) -> create box:app\."
    ) as caught:
        _order(catalog(), catalog(first, second))
    assert "box:app.first" in caught.value.message
    assert "box:app.second" in caught.value.message
    assert caught.value.hint


def test_glass_goes_before_what_it_gives_way_to_and_comes_back_after() -> None:
    def all_of(shape: str) -> Catalog:
        chest = box("chest")
        lid = part(chest, "lid", shape=shape)
        sheet = glass("sheet", lid)
        return catalog(chest, lid, sheet, glass("a_upper", sheet), label(sheet, "fragile"))

    assert _order(all_of("round"), all_of("square")) == [
        "drop glass:app.a_upper",
        "drop glass:app.sheet",
        "alter part:app.chest.lid",
        "create glass:app.sheet",
        "create glass:app.a_upper",
        "create label:glass.app.sheet",
    ]


def test_a_mould_is_set_aside_until_its_parts_have_moved() -> None:
    def all_of(*forms: str) -> Catalog:
        form, chest = mould("form", *forms), box("chest")
        lid = part(chest, "lid", form)
        return catalog(form, chest, lid, glass("sheet", lid))

    assert _order(all_of("a", "b"), all_of("a")) == [
        "drop glass:app.sheet",
        "aside mould:app.form",
        "create mould:app.form",
        "alter part:app.chest.lid",
        "drop aside mould:app.form",
        "create glass:app.sheet",
    ]


def test_who_takes_a_name_waits_for_who_gives_it_up() -> None:
    old, new = mould("place"), box("place")
    assert _order(catalog(old), catalog(new)) == ["drop mould:app.place", "create box:app.place"]
    # Ranks alone would have it the other way round: what is made now needs what is dropped then.
    other = glass("sheet", new)
    assert _order(catalog(old), catalog(new, other))[0] == "drop mould:app.place"


def test_what_frees_another_from_its_need_is_altered_before_that_goes() -> None:
    chest = box("chest")
    before, after = glass("sheet", chest), glass("sheet", tint="blue")
    assert _order(catalog(chest, before), catalog(after)) == ["alter glass:app.sheet", "drop box:app.chest"]


def test_each_node_says_what_it_waits_for() -> None:
    chest = box("chest")
    sheet = glass("sheet", chest)
    ordered = _ordered(catalog(), catalog(chest, sheet, glass("upper", sheet)))
    waits = {str(node): [str(other) for other in others] for node, others in ordered.requires.items()}
    assert waits == {
        "create box:app.chest": [],
        "create glass:app.sheet": ["create box:app.chest"],
        "create glass:app.upper": ["create glass:app.sheet"],
    }
