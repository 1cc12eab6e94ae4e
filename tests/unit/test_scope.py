"""What is managed: schemas, patterns, ownership, what every database has."""

from __future__ import annotations

import dataclasses

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.scope import Scope, compared_with, managed, without_needless
from tests.unit.toys import REGISTRY, box, catalog, glass, label, part, seal


def _ids(found: Catalog) -> set[str]:
    return set(map(str, found.entries))


def _in(schema: str, entry: Entry) -> Entry:
    return dataclasses.replace(entry, id=ObjectId(entry.id.kind, (schema, *entry.id.path[1:])))


def test_everything_is_managed_where_nothing_is_said() -> None:
    everything = catalog(box("a"), box("b"))
    assert managed(everything, Scope(), REGISTRY) is everything


def test_schemas_choose_with_all_that_hangs_on_what_is_left_out() -> None:
    ours, theirs = box("ours"), _in("partman", box("theirs"))
    everything = catalog(ours, theirs, part(ours, "lid"), lid := part(theirs, "lid"), label(lid, "x"))
    assert _ids(managed(everything, Scope(schemas=("app",)), REGISTRY)) == {
        "box:app.ours",
        "part:app.ours.lid",
    }


def test_patterns_are_over_ids() -> None:
    first, second = box("spatial_a"), box("spatial_b")
    everything = catalog(first, second, box("other"), glass("spatial_c"), part(first, "lid"))
    assert _ids(managed(everything, Scope(ignore=("box:app.spatial_*",)), REGISTRY)) == {
        "box:app.other",
        "glass:app.spatial_c",
    }
    assert _ids(managed(everything, Scope(ignore=("*:app.spatial_*",)), REGISTRY)) == {"box:app.other"}
    assert "part:app.spatial_a.lid" not in _ids(managed(everything, Scope(ignore=("part:*",)), REGISTRY))
    assert len(managed(everything, Scope(ignore=("BOX:*",)), REGISTRY)) == len(everything)


def test_what_hangs_on_the_left_out_is_left_out_whatever_the_order() -> None:
    outer = box("outer")
    inner = box("an_inner_one", parent=outer)
    everything = catalog(inner, part(inner, "lid"), outer)
    assert _ids(managed(everything, Scope(ignore=("box:app.outer",)), REGISTRY)) == set()


def test_ownership_counts_only_where_it_is_asked_for_or_declared() -> None:
    chest, other = box("chest"), box("other")
    mine, theirs = seal(chest, "me"), seal(other, "them")
    everything = catalog(chest, other, mine, theirs)
    declared = {mine.id: mine}
    assert _ids(compared_with(everything, declared, Scope(), REGISTRY)) == {
        "box:app.chest",
        "box:app.other",
        "seal:box.app.chest",
    }
    owned = compared_with(everything, declared, Scope(ownership=True), REGISTRY)
    assert _ids(owned) == _ids(everything)


def test_what_every_database_has_counts_only_where_it_is_declared() -> None:
    usual = box("default")
    assert _ids(compared_with(catalog(usual), {}, Scope(), REGISTRY)) == set()
    assert _ids(compared_with(catalog(usual), {usual.id: usual}, Scope(), REGISTRY)) == {"box:app.default"}


def test_what_only_a_new_database_has_is_not_asked_for() -> None:
    usual = box("default")
    assert _ids(without_needless(catalog(usual), catalog(), (), REGISTRY)) == set()
    assert _ids(without_needless(catalog(usual), catalog(usual), (), REGISTRY)) == {"box:app.default"}
    assert _ids(without_needless(catalog(usual), catalog(), (usual.id,), REGISTRY)) == {"box:app.default"}
    stands_on_it = glass("sheet", usual)
    assert len(without_needless(catalog(usual, stands_on_it), catalog(), (), REGISTRY)) == 2
