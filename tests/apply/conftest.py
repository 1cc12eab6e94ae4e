"""Fixtures of the tests of apply: a database with the shop's tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.apply.shop import SETUP, run


@pytest.fixture
def url(database: Callable[[], str]) -> str:
    """A fresh database with the shop's tables."""
    made = database()
    run(made, SETUP)
    return made
