"""The desired catalog where no server is needed, and when one is."""

from __future__ import annotations

import dataclasses

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.document import Position
from reconciler.core.kind import Declared, Destination
from reconciler.engine.declaration.written import Located, Written
from reconciler.engine.elaborate.desired import Desired, with_intentions, without_server
from tests.unit.toys import REGISTRY, BoxState, box, catalog, glass, label, part


def _written(*entries: Entry) -> Written:
    place = Position("a.yaml", 1, 1)
    objects = {
        entry.id: Located(Declared(entry.id, entry.state, entry.parent, entry.needs), "app", place)
        for entry in entries
    }
    return Written(objects)


def _without_server(written: Written, current: Catalog) -> Desired | None:
    return without_server(written, current, REGISTRY, Destination("postgres", 18))


def test_text_that_is_equal_needs_no_server() -> None:
    chest = box("chest")
    sheet = glass("sheet", chest)
    current = catalog(chest, part(chest, "lid"), sheet)
    bare = dataclasses.replace(sheet, needs=frozenset())
    found = _without_server(_written(chest, part(chest, "lid"), bare), current)
    assert found is not None
    assert not found.used_scratch
    assert found.catalog.entries == current.entries
    assert found.catalog[sheet.id].needs == {chest.id}


def test_text_that_differs_needs_one() -> None:
    assert _without_server(_written(box("chest", size=2)), catalog(box("chest"))) is None
    assert _without_server(_written(box("new")), catalog()) is None


def test_what_is_not_declared_is_gone() -> None:
    found = _without_server(_written(box("a")), catalog(box("a"), box("b")))
    assert found is not None
    assert list(map(str, found.catalog.entries)) == ["box:app.a"]


def test_what_stands_on_something_that_goes_needs_a_server() -> None:
    chest = box("chest")
    sheet = glass("sheet", chest)
    assert _without_server(_written(sheet), catalog(chest, sheet)) is None


def test_what_is_brought_along_need_not_be_declared() -> None:
    outer = box("outer")
    inner = box("inner", parent=outer)
    lid = part(outer, "lid")
    copy = part(inner, "lid", carrier=lid)
    current = catalog(outer, inner, lid, copy)
    found = _without_server(_written(outer, inner, lid), current)
    assert found is not None
    assert found.catalog.entries == current.entries
    without_lid = _without_server(_written(outer, inner), current)
    assert without_lid is not None
    assert copy.id not in without_lid.catalog


def test_what_every_database_has_need_not_be_declared() -> None:
    usual = box("default")
    found = _without_server(_written(), catalog(usual))
    assert found is not None
    assert list(map(str, found.catalog.entries)) == ["box:app.default"]


def test_what_only_a_person_can_say_survives() -> None:
    read, said = BoxState(size=2), BoxState(size=2, weight=7)
    assert with_intentions(read, said) == said
    assert with_intentions(read, said).weight == 7
    assert with_intentions(BoxState(weight=3), said).weight == 3


def test_facets_that_say_nothing_new_stay_equal() -> None:
    chest = box("chest")
    current = catalog(chest, label(chest, "mine"))
    found = _without_server(_written(chest, label(chest, "mine")), current)
    assert found is not None
    assert found.catalog.fingerprint() == current.fingerprint()
