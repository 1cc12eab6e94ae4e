"""Possible renames: what goes and what comes may be one thing."""

from __future__ import annotations

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.diff import diff
from reconciler.engine.compare.rename_candidates import possible_renames
from tests.unit.toys import REGISTRY, box, catalog, glass, part


def _renames(
    current: Catalog, desired: Catalog, not_renamed: frozenset[ObjectId] = frozenset()
) -> dict[str, str]:
    changes = diff(current, desired, REGISTRY)
    found = possible_renames(current, desired, changes, REGISTRY, not_renamed)
    return {str(id): sentence for id, sentence in found.items()}


def _box_with(name: str, *parts: str) -> list[Entry]:
    holder = box(name)
    return [holder, *(part(holder, each) for each in parts)]


def test_a_part_of_the_same_shape_may_be_the_old_one() -> None:
    chest = box("chest")
    found = _renames(catalog(chest, part(chest, "lid")), catalog(chest, part(chest, "cover")))
    assert list(found) == ["part:app.chest.lid"]
    sentence = found["part:app.chest.lid"]
    assert sentence.startswith("part app.chest.lid goes and part app.chest.cover comes")
    assert "rename_from: lid" in sentence
    assert "not_renamed: true" in sentence


def test_a_part_of_another_shape_or_another_box_is_another_part() -> None:
    chest, other = box("chest"), box("other")
    before = catalog(chest, other, part(chest, "lid"))
    assert _renames(before, catalog(chest, other, part(chest, "cover", shape="square"))) == {}
    assert _renames(before, catalog(chest, other, part(other, "lid"))) == {}


def test_a_person_can_say_that_it_is_none() -> None:
    chest = box("chest")
    cover = part(chest, "cover")
    assert _renames(catalog(chest, part(chest, "lid")), catalog(chest, cover), frozenset({cover.id})) == {}


def test_boxes_are_alike_by_the_names_of_their_parts() -> None:
    before = catalog(*_box_with("old", "a", "b", "c"))
    assert list(_renames(before, catalog(*_box_with("new", "a", "b", "c")))) == ["box:app.old"]
    assert list(_renames(before, catalog(*_box_with("new", "a", "b", "c", "d")))) == ["box:app.old"]
    assert _renames(before, catalog(*_box_with("new", "a", "x", "y"))) == {}


def test_parts_that_go_or_come_with_their_box_are_no_question_of_their_own() -> None:
    found = _renames(catalog(*_box_with("old", "a")), catalog(*_box_with("new", "a")))
    assert list(found) == ["box:app.old"]
    chest = box("chest")
    fresh = _box_with("new", "b")
    assert _renames(catalog(chest, part(chest, "a")), catalog(chest, *fresh)) == {}


def test_where_nothing_is_lost_nothing_is_asked() -> None:
    assert _renames(catalog(glass("old")), catalog(glass("new"))) == {}
    chest = box("chest")
    assert _renames(catalog(chest, part(chest, "lid")), catalog(chest)) == {}


def test_each_part_is_asked_about_once_and_the_likest_first() -> None:
    chest = box("chest")
    before = catalog(chest, part(chest, "customer_id"), part(chest, "amount_cents"))
    found = _renames(before, catalog(chest, part(chest, "amount"), part(chest, "client_id")))
    assert {id: sentence.split("part ")[-1].split(" ")[0] for id, sentence in found.items()} == {
        "part:app.chest.amount_cents": "app.chest.amount",
        "part:app.chest.customer_id": "app.chest.client_id",
    }
    found = _renames(before, catalog(chest, part(chest, "amount")))
    assert list(found) == ["part:app.chest.amount_cents"]
