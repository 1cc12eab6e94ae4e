"""What is kept from one plan to the next."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from reconciler.app.planning import comparison_cache

pytestmark = pytest.mark.quick


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("lost", [1, 60, 150])
def test_a_shelf_that_was_cut_is_none(lost: int) -> None:
    comparison_cache.write_shelf("cut", "head", {key: pickle.dumps("x" * 50) for key in range(4)})
    assert comparison_cache.read_shelf("cut") is not None
    file = comparison_cache.folder() / "cut.pickle"
    file.write_bytes(file.read_bytes()[:-lost])
    assert comparison_cache.read_shelf("cut") is None


def test_the_oldest_goes_and_so_does_what_a_killed_process_left() -> None:
    comparison_cache.write("first", 0)
    left, at_work = (
        comparison_cache.folder() / ".left.pickle.x",
        comparison_cache.folder() / ".at_work.pickle.y",
    )
    for number, file in enumerate((comparison_cache.folder() / "first.pickle", left, at_work)):
        file.touch()
        os.utime(file, (1_000_000_000 + number, 1_000_000_000 + number))
    at_work.touch()
    for number in range(comparison_cache.KEPT):
        comparison_cache.write(f"value_{number:02}", number)
    assert comparison_cache.read("first") is None
    assert comparison_cache.read("value_00") == 0
    assert {file.name for file in comparison_cache.folder().glob(".*")} == {at_work.name}


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "elaborated").write_text("a file in the way")
    comparison_cache.write("value", 1)
    assert comparison_cache.read("value") is None


def test_what_is_linked_into_a_folder_counts(tmp_path: Path) -> None:
    schema, common = tmp_path / "schema", tmp_path / "common"
    for folder in (schema, common):
        folder.mkdir()
        (folder / "t.yaml").write_text("tables: {}")
    (schema / "linked").symlink_to(common)
    (common / "round").symlink_to(schema)
    before = comparison_cache.digests_of(schema)
    assert [str(Path(file).relative_to(schema)) for file in before] == ["linked/t.yaml", "t.yaml"]
    (common / "t.yaml").write_text("tables: {t: {}}")
    assert comparison_cache.digests_of(schema) != before
    assert list(comparison_cache.digests_of(common / "t.yaml")) == [str(common / "t.yaml")]
    assert comparison_cache.digests_of(tmp_path / "nothing") == {}
