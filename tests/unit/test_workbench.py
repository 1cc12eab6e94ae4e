"""The commands that begin a case and a kind write what the tests accept as a beginning."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from reconciler.core.kind import Kind
from tests import case_folder
from tests.workbench import case, kind


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Another folder of cases, so that the real one stays as it is."""
    folder = tmp_path / "cases"
    for module in (case, kind):
        monkeypatch.setattr(module, "CASES", folder)
    return folder


def test_a_case_is_begun_once(cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert case.main(["--new", "column/with_a_default"]) == 0
    folder = cases / "column" / "with_a_default"
    assert {"before.yaml", "after.yaml", "expect.yaml", "seed.sql"} == {
        file.name for file in folder.iterdir()
    }
    assert case_folder.expectation_of(folder).why
    assert "make golden" in capsys.readouterr().out
    assert case.main(["--new", "column/with_a_default"]) == 64


@pytest.mark.parametrize("name", ["column", "a/b/c"])
def test_a_case_has_a_kind_and_a_name(cases: Path, name: str) -> None:
    assert case.main(["--new", name]) == 64
    assert not cases.exists()


def test_a_begun_kind_is_a_kind(cases: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kinds = tmp_path / "reconciler" / "kinds"
    kinds.mkdir(parents=True)
    monkeypatch.setattr(kind, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases").mkdir()
    assert kind.main(["event_filter"]) == 0
    monkeypatch.syspath_prepend(kinds)
    begun: Kind[object] = importlib.import_module("event_filter").EventFilter()
    assert begun.name == "event_filter"
    assert set(begun.rules) == {"definition"}
    assert (cases / "event_filter" / "created" / "after.yaml").exists()
    assert kind.main(["event_filter"]) == 64


@pytest.mark.parametrize("name", ["EventFilter", "event-filter", "_x"])
def test_a_kind_has_a_name_of_the_field(cases: Path, name: str) -> None:
    assert kind.main([name]) == 64
