"""The guides are true: each is played from top to bottom against a real server (how: pages.py)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.pages import Player

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"

Make = Callable[[str], Player]


@pytest.mark.slow
def test_moving_from_drizzle_kit(player: Make) -> None:
    player("DATABASE_URL").play(GUIDES / "drizzle.md")


@pytest.mark.slow
def test_recovery(player: Make) -> None:
    player("PROD_DATABASE_URL").play(GUIDES / "recovery.md")


@pytest.mark.slow
def test_roles(player: Make) -> None:
    player("PROD_DATABASE_URL").play(GUIDES / "roles.md")


@pytest.mark.slow
def test_production(player: Make) -> None:
    player("PROD_DATABASE_URL").play(GUIDES / "production.md")
