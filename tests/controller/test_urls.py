"""Where a URL stands: in a file that is replaced, in the environment, or nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.errors import UsageError
from reconciler.settings import TargetSettings, url_in, url_of

pytestmark = pytest.mark.quick


def test_a_file_is_read_at_each_call(tmp_path: Path) -> None:
    target = TargetSettings(url_file="url")
    (tmp_path / "url").write_text("host=one\n")
    assert url_of(target, "prod", {}, tmp_path) == "host=one"
    (tmp_path / "url").write_text("host=two")
    assert url_of(target, "prod", {}, tmp_path) == "host=two"


def test_an_absolute_path_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("host=one")
    target = TargetSettings(url_file=str(tmp_path / "url"))
    assert url_of(target, "prod", {}, tmp_path / "elsewhere") == "host=one"


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_secret_that_is_not_there_yet_is_not_taken_for_defaults(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "url").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        url_of(TargetSettings(url_file="url"), "prod", {}, tmp_path)
    assert str(tmp_path / "url") in caught.value.message
    (tmp_path / "url").unlink()
    with pytest.raises(UsageError):
        url_of(TargetSettings(url_file="url"), "prod", {}, tmp_path)


def test_the_environment_says_it_or_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("host=file")
    named = {"RECONCILE_URL_FILE": str(tmp_path / "url")}
    assert url_in({}) is None
    assert url_in(named) == "host=file"
    assert url_in(named | {"RECONCILE_URL": "host=said"}) == "host=said"
    with pytest.raises(UsageError) as caught:
        url_in({"RECONCILE_URL_FILE": str(tmp_path / "none")})
    assert "RECONCILE_URL_FILE" in caught.value.message
