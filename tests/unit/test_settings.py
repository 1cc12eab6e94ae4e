"""Settings: where they are found, what they say, and which of several sources wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import InvalidInput, UsageError
from reconciler.settings import TargetSettings, find_project, url_in, url_of

FULL = """
schema: db/
plans: db-plans/
targets:
  staging: {url: postgresql://localhost/shop}
  prod: {url_env: PROD_URL, approve: {data_loss: never}, pooler: session}
manage:
  schemas: [public, app]
  ignore: ["*:partman.*"]
  ownership: true
  prune: never
"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECONCILE_SCHEMA", "RECONCILE_PLANS", "RECONCILE_TARGET"):
        monkeypatch.delenv(name, raising=False)


def written(folder: Path, text: str) -> Path:
    (folder / "reconcile.yaml").write_text(text)
    return folder


def test_everything_has_a_default(tmp_path: Path) -> None:
    project = find_project(tmp_path)
    assert not project.is_configured
    assert (project.schema, project.plans) == (tmp_path / "schema/", tmp_path / "plans/")
    assert project.target(None) == ("dev", TargetSettings(url="embedded"))
    assert project.scope(False).schemas == ()


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    project = find_project(written(tmp_path, ""))
    assert project.is_configured
    assert project.target(None)[0] == "dev"


def test_the_file_is_found_from_below(tmp_path: Path) -> None:
    written(tmp_path, FULL)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    project = find_project(inner)
    assert (project.root, project.schema) == (tmp_path, tmp_path / "db/")
    assert project.scope(False).ownership
    assert project.scope(False).ignore == ("*:partman.*",)
    assert project.scope(False).prune == "never"


def test_variables_win_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, FULL)
    monkeypatch.setenv("RECONCILE_SCHEMA", "elsewhere")
    monkeypatch.setenv("RECONCILE_TARGET", "prod")
    project = find_project(tmp_path)
    assert project.schema == tmp_path / "elsewhere"
    assert project.target(None)[0] == "prod"
    assert project.target("staging")[0] == "staging"


def test_the_first_target_is_meant_where_there_is_no_dev(tmp_path: Path) -> None:
    project = find_project(written(tmp_path, FULL))
    assert project.target(None)[0] == "staging"
    with pytest.raises(UsageError, match="no target `nonsense`"):
        project.target("nonsense")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("targts: {}\n", ":1:1: "),
        ("manage:\n  prune: perhaps\n", ":2:"),
        ("targets:\n  dev: {url: 5}\n", ":2:"),
        ("schema: a\nschema: b\n", ":2:1: "),
        ("- a list\n", ":1:"),
    ],
)
def test_faults_are_told_with_their_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_project(written(tmp_path, text))
    assert f"reconcile.yaml{place}" in str(caught.value)
    assert caught.value.exit_code == 65


def test_urls_come_from_a_key_a_variable_or_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://from-file\n")
    assert url_of(TargetSettings(url="postgresql://here"), "dev", {}) == "postgresql://here"
    assert url_of(TargetSettings(url_env="X"), "dev", {"X": "postgresql://x"}) == "postgresql://x"
    assert url_of(TargetSettings(url_file=str(secret)), "dev", {}) == "postgresql://from-file"


@pytest.mark.parametrize(
    "target",
    [
        TargetSettings(),
        TargetSettings(url_env="NOT_SET"),
        TargetSettings(url_env="EMPTY"),
        TargetSettings(url_file="/nowhere/at/all"),
    ],
)
def test_a_url_that_is_not_there_is_a_usage_error(target: TargetSettings) -> None:
    with pytest.raises(UsageError):
        url_of(target, "dev", {"EMPTY": " "})


def test_an_empty_url_in_the_environment_is_not_no_url() -> None:
    assert url_in({}) is None
    with pytest.raises(UsageError, match="RECONCILE_URL is empty"):
        url_in({"RECONCILE_URL": ""})
