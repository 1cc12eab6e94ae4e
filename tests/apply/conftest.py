"""Fixtures of the tests of apply: a database with the shop's tables, and one that follows a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.app import Application, Request, apply_plan, make_plan
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan
from tests.apply.shop import SETUP, run
from tests.conftest import AnyServer


@dataclass(frozen=True, slots=True)
class Played:
    """A database that is made what a text declares, again and again."""

    url: str
    scratch_url: str
    file: Path

    def __call__(self, text: str) -> Plan:
        """Plan to the text, carry that out, and return the plan."""
        self.file.write_text(text)
        plan = self.planned()
        apply_plan(plan, Application(self.url, Consent(everything=True)))
        return plan

    def planned(self) -> Plan:
        """The plan to the text that was last given."""
        return make_plan(Request(self.url, self.file, scratch_url=self.scratch_url, base=self.file.parent))


@pytest.fixture
def url(database: Callable[[], str]) -> str:
    """A fresh database with the shop's tables."""
    made = database()
    run(made, SETUP)
    return made


@pytest.fixture
def played(server: AnyServer, database: Callable[[], str], tmp_path: Path) -> Played:
    """A fresh database, empty at first."""
    return Played(database(), server.url(), tmp_path / "schema.yaml")
