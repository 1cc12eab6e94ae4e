"""What the tests of a team share: git, and plans changed by somebody who knows how ids are made."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tests.unit.test_revisions import git

if TYPE_CHECKING:
    from tests.cli.conftest import Clone

__all__ = ["NAME", "PHONE", "PLANS", "SETTINGS", "git", "tampered"]

SETTINGS = """
targets:
  prod: {url_env: SHOP_URL}
"""
NAME = ("      email: {", "      name: text\n      email: {")
PHONE = ("      email: {", "      phone: text\n      email: {")
PLANS = Path("plans/prod")


def tampered(clone: Clone, pattern: str, old: str, new: str, reason: str | None = None) -> None:
    """Change a plan file, and everything that holds its id."""
    from reconciler.engine.plan import plan_file

    path = clone.only(pattern)
    text = path.read_text()
    assert old in text
    before = plan_file.load(text, "before")
    said = text.replace(old, new).replace("\nownership: ", "\nedited: to be read\nownership: ", 1)
    after = dataclasses.replace(plan_file.load(said, "after"), edited=reason)
    path.write_text(plan_file.dump(after))
    for name in ("CHAIN", "snapshot.yaml"):
        file = clone.folder / PLANS / name
        file.write_text(file.read_text().replace(plan_file.plan_id(before), plan_file.plan_id(after)))
