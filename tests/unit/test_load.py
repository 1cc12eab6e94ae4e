"""Loading YAML: what nests where, and every fault of every file with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import InvalidInput, Problem
from reconciler.core.ident import ObjectId
from reconciler.engine.declaration.load import load
from reconciler.engine.declaration.written import Written
from tests.unit.toys import REGISTRY, BoxState


def _load(folder: Path, **files: str) -> Written:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return load(folder, REGISTRY)


def _problems(folder: Path, **files: str) -> list[Problem]:
    with pytest.raises(InvalidInput) as caught:
        _load(folder, **files)
    assert caught.value.exit_code == 65
    return list(caught.value.problems)


def _places(folder: Path, problems: list[Problem]) -> list[str]:
    return [f"{Path(each.file).relative_to(folder)}:{each.line}:{each.column}" for each in problems]


def test_nesting_in_the_file_is_nesting_of_objects(tmp_path: Path) -> None:
    written = _load(
        tmp_path,
        a="schema: app\nboxes:\n  chest:\n    size: 2\n    label: mine\n"
        "    parts:\n      lid: {label: top}\n      foot:\n",
    )
    objects = {str(id): item.declared for id, item in written.objects.items()}
    assert set(objects) == {
        "box:app.chest",
        "label:box.app.chest",
        "part:app.chest.lid",
        "label:part.app.chest.lid",
        "part:app.chest.foot",
    }
    assert objects["box:app.chest"].state == BoxState(size=2)
    assert objects["label:part.app.chest.lid"].parent == ObjectId("part", ("app", "chest", "lid"))
    assert objects["part:app.chest.lid"].state.position == 1
    assert objects["part:app.chest.foot"].state.position == 2


def test_a_box_nests_in_a_box_under_another_key(tmp_path: Path) -> None:
    written = _load(
        tmp_path, a="boxes:\n  outer:\n    inner_boxes:\n      inner:\n        inner_boxes: {core: {}}\n"
    )
    parents = {str(id): str(item.declared.parent) for id, item in written.objects.items()}
    assert parents == {
        "box:public.outer": "None",
        "box:public.inner": "box:public.outer",
        "box:public.core": "box:public.inner",
    }


def test_names_belong_to_the_schema_of_their_file(tmp_path: Path) -> None:
    written = _load(
        tmp_path,
        a="boxes: {one: {}}",
        b="schema: app\nboxes: {two: {}, public.three: {}, Odd.4: {}, 'five.\"Six.6\"': {}}",
    )
    assert set(map(str, written.objects)) == {
        "box:public.one",
        "box:app.two",
        "box:public.three",
        "box:Odd.4",
        'box:five."Six.6"',
    }
    assert {item.schema for id, item in written.objects.items() if id.path[1] in ("two", "three")} == {"app"}


def test_the_digest_is_of_what_is_said_not_of_how(tmp_path: Path) -> None:
    first = _load(tmp_path, a="boxes:\n  chest: {size: 2}\n").digest
    assert _load(tmp_path, a="# a comment\nboxes: {chest: {size: 2}}\n").digest == first
    assert _load(tmp_path, a="boxes: {chest: {size: 3}}\n").digest != first
    assert first.startswith("sha256:")


def test_an_object_knows_its_place(tmp_path: Path) -> None:
    written = _load(tmp_path, a="boxes:\n  chest:\n    parts:\n      lid: {}\n")
    place = written.objects[ObjectId("part", ("public", "chest", "lid"))].position
    assert (place.line, place.column) == (4, 7)
    assert place.file.endswith("a.yaml")


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    problems = _problems(
        tmp_path,
        a="boxs: {}\nboxes:\n  chest: {sise: 2}\n  other: {size: two}\n  small: {size: -1}\n",
        b="boxes: [chest]\n",
        c="- boxes\n",
        d="schema: [app]\n",
        e="boxes:\n\tchest: {}\n",
    )
    assert _places(tmp_path, problems) == [
        "a.yaml:1:1",
        "a.yaml:3:11",
        "a.yaml:4:17",
        "a.yaml:5:3",
        "b.yaml:1:8",
        "c.yaml:1:1",
        "d.yaml:1:9",
        "e.yaml:2:1",
    ]
    assert problems[0].hint == "did you mean `boxes`?"
    assert "sise" in problems[1].message
    assert "did you mean `size`?" in f"{problems[1].message} {problems[1].hint}"
    assert problems[3].message == "a box is not smaller than nothing"
    assert all(problem.hint for problem in problems[4:7])


def test_a_misspelt_section_inside_an_object_is_guessed_too(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, a="boxes:\n  chest:\n    prats: {lid: {}}\n")
    assert problem.hint == "did you mean `parts`?"


def test_an_unknown_section_like_none_lists_those_that_there_are(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, a="xyzzy: {}\n")
    assert problem.hint is not None
    assert "known sections: " in problem.hint
    assert "boxes" in problem.hint


def test_a_name_declared_twice_is_told_with_both_places(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, a="boxes:\n  chest: {}\n", b="boxes:\n  public.chest: {}\n")
    assert _places(tmp_path, [problem]) == ["b.yaml:2:3"]
    assert problem.object == "box:public.chest"
    assert f"{tmp_path / 'a.yaml'}:2:3" in problem.message


def test_a_key_twice_in_one_mapping_is_told(tmp_path: Path) -> None:
    problems = _problems(tmp_path, a="boxes:\n  chest: {}\n  chest: {}\n")
    assert _places(tmp_path, problems) == ["a.yaml:3:3"]


def test_the_message_has_each_problem_on_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"2 problems in the input:\n.*a\.yaml:1:1: .*\n(?s:.*)b\.yaml:1:1: "
    ):
        _load(tmp_path, a="boxs: {}\n", b="glass: {}\n")


def test_an_empty_file_and_an_empty_section_declare_nothing(tmp_path: Path) -> None:
    assert _load(tmp_path, a="", b="boxes:\n", c="schema: app\n").objects == {}


def test_what_nests_in_an_inner_box_is_carried_by_its_like_in_the_outer(tmp_path: Path) -> None:
    written = _load(
        tmp_path,
        a="boxes:\n  outer:\n    parts: {lid: {}}\n"
        "    inner_boxes:\n      inner: {parts: {lid: {}, foot: {}}}\n",
    )
    entries = written.catalog(REGISTRY)
    lid, foot = (entries[ObjectId("part", ("public", "inner", name))] for name in ("lid", "foot"))
    assert lid.carrier == ObjectId("part", ("public", "outer", "lid"))
    assert foot.carrier is None
