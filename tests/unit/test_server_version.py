"""Which majors are served."""

from __future__ import annotations

import pytest

from reconciler.cli import main
from reconciler.core.errors import Unsupported
from reconciler.core.server_version import NEWEST_MAJOR, OLDEST_MAJOR, served


def test_what_is_known_is_served() -> None:
    assert [served(major) for major in range(OLDEST_MAJOR, NEWEST_MAJOR + 1)] == [14, 15, 16, 17, 18]


@pytest.mark.parametrize(
    ("major", "said"), [(13, "14 or newer is needed"), (19, "this reconcile knows 14 to 18")]
)
def test_what_is_not_known_is_refused(major: int, said: str) -> None:
    with pytest.raises(Unsupported, match=said) as refused:
        served(major)
    assert refused.value.exit_code == 3
    assert refused.value.hint


def test_the_help_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "Serves PostgreSQL 14 to 18." in " ".join(capsys.readouterr().out.split())
