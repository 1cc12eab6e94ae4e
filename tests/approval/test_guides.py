"""The guides of this part: one is played, the other names every tool that is known."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.app.adoption.migration_tools import TOOLS
from reconciler.embedded import stop_at
from tests.e2e.pages import Player

DOCS = Path(__file__).resolve().parents[2] / "docs"
_KEY = re.compile(r"SHA256:[\w+/]+")


class Signing(Player):
    """A reader with a key that is made anew each time."""

    def said(self, command: str) -> str:
        """Without the key's fingerprint."""
        return _KEY.sub("SHA256:…", super().said(command))


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path: a socket's path has a limit."""
    outer = Path(tempfile.mkdtemp(prefix="docs-"))
    inner = outer / "shop"
    inner.mkdir()
    yield inner
    stop_at(inner / ".reconcile" / "server")
    shutil.rmtree(outer, ignore_errors=True)


@pytest.mark.slow
def test_the_guide_says_what_happens(folder: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("this machine has no ssh-keygen")
    with contextlib.closing(Signing(folder)) as player:
        player.play(DOCS / "approvals.md")


@pytest.mark.quick
def test_every_tool_is_named() -> None:
    page = (DOCS / "adopting.md").read_text(encoding="utf-8")
    missing = [tool.name for tool in TOOLS if any(part not in page for part in tool.name.split(" or "))]
    assert missing == []
    tables = {name for tool in TOOLS for name in tool.tables} - {"schema_version", "changes"}
    assert {name for name in tables if f"`{name}`" not in page and f".{name}`" not in page} == set()
