"""From a catalog to files: which file, which key, what need not be said."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from reconciler.app import write_schema
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.files import documents
from reconciler.engine.declaration.load import load
from tests.unit.toys import REGISTRY, box, catalog, glass, label, part


def test_what_holds_data_has_a_file_of_its_own() -> None:
    chest = box("chest", size=3)
    found = documents(catalog(chest, box("other"), glass("a"), glass("b")), REGISTRY)
    assert found == {
        "app/boxes/chest.yaml": {"schema": "app", "boxes": {"chest": {"size": 3}}},
        "app/boxes/other.yaml": {"schema": "app", "boxes": {"other": {"size": 1}}},
        "app/glasses.yaml": {"schema": "app", "glasses": {"a": {}, "b": {}}},
    }


def test_children_nest_with_their_label_first() -> None:
    chest = box("chest")
    lid = part(chest, "lid")
    found = documents(catalog(chest, lid, label(lid, "top"), label(chest, "mine")), REGISTRY)
    (content,) = found.values()
    written = content["boxes"]["chest"]
    assert written == {"size": 1, "label": "mine", "parts": {"lid": {"label": "top"}}}
    assert list(written) == ["size", "label", "parts"]


def test_names_that_file_systems_confuse_stay_apart() -> None:
    names = ["users", "Users", "a/b", "..", "a b", "ü"]
    found = documents(catalog(*(box(name) for name in names)), REGISTRY)
    files = [name.casefold() for name in found]
    assert len(set(files)) == len(names)
    assert not any(".." in name or " " in name or name.count("/") != 2 for name in files)


def test_names_stay_readable_and_apart_where_only_their_case_differs() -> None:
    names = ["OrganisationMonthlyStat", "users", "Users", "USERS", "users_2"]
    found = documents(catalog(*(box(name) for name in names)), REGISTRY)
    files = {next(iter(content["boxes"])): Path(name).name for name, content in found.items()}
    assert files == {
        "OrganisationMonthlyStat": "OrganisationMonthlyStat.yaml",
        "users": "users.yaml",
        "USERS": "USERS_3.yaml",
        "Users": "Users_4.yaml",
        "users_2": "users_2.yaml",
    }
    assert documents(catalog(*(box(name) for name in reversed(names))), REGISTRY) == found


def test_what_comes_along_is_not_written_unless_it_differs() -> None:
    outer = box("outer")
    inner = box("inner", parent=outer)
    lid = part(outer, "lid")
    same, other = part(inner, "lid", carrier=lid), part(inner, "lid", carrier=lid, shape="square")
    plain = documents(catalog(outer, inner, lid, same), REGISTRY)
    assert plain["app/boxes/outer.yaml"]["boxes"]["outer"]["inner_boxes"] == {"inner": {"size": 1}}
    differing = documents(catalog(outer, inner, lid, other), REGISTRY)
    assert "parts" in differing["app/boxes/outer.yaml"]["boxes"]["outer"]["inner_boxes"]["inner"]
    labelled = documents(catalog(outer, inner, lid, same, label(same, "own")), REGISTRY)
    assert labelled["app/boxes/outer.yaml"]["boxes"]["outer"]["inner_boxes"]["inner"]["parts"] == {
        "lid": {"label": "own"}
    }


def test_what_every_database_has_is_written_only_with_what_hangs_on_it() -> None:
    usual = box("default")
    assert documents(catalog(usual), REGISTRY) == {}
    assert list(documents(catalog(usual, part(usual, "lid")), REGISTRY)) == ["app/boxes/default.yaml"]


def test_what_is_pulled_loads_as_it_was(tmp_path: Path) -> None:
    chest = box("chest", size=4)
    odd = dataclasses.replace(chest, id=ObjectId("box", ('Odd."Schema"', 'a "b".c')))
    entries = [
        chest,
        odd,
        part(chest, "lid"),
        part(odd, 'q"uote'),
        glass("a"),
        label(chest, "null"),
        label(odd, "# x"),
    ]
    write_schema(documents(catalog(*entries), REGISTRY), tmp_path)
    loaded = load(tmp_path, REGISTRY).catalog(REGISTRY)
    assert {entry.id: entry.state for entry in loaded} == {entry.id: entry.state for entry in entries}
    assert {entry.id: entry.parent for entry in loaded} == {entry.id: entry.parent for entry in entries}
