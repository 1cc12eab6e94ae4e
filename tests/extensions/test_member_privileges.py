"""Privileges on an extension's own objects that its script did not give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from reconciler.embedded import Server
from tests.extensions.conftest import Place

pytestmark = pytest.mark.matrix


@pytest.fixture
def role(with_own: Server) -> Iterator[str]:
    """A role of the server."""
    with psycopg.connect(with_own.url(), autocommit=True) as admin:
        with suppress(psycopg.errors.DuplicateObject):
            admin.execute("CREATE ROLE ext_reader")
        yield "ext_reader"


CHANGED = """
    REVOKE EXECUTE ON FUNCTION everything.same(everything.place, everything.place) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION everything.same(everything.place, everything.place)
        TO ext_reader WITH GRANT OPTION;
    GRANT EXECUTE ON FUNCTION everything.touch() TO PUBLIC;
    GRANT EXECUTE ON PROCEDURE everything.tidy() TO ext_reader;
    REVOKE SELECT ON everything.config FROM PUBLIC;
    GRANT ALL ON everything.refers TO ext_reader;
    GRANT SELECT ON everything.counts TO ext_reader;
    GRANT USAGE ON SEQUENCE everything.numbers TO ext_reader"""

SAID = """
    member_grants:
      function everything.same(everything.place,everything.place):
        ext_reader: [execute with grant option]
        public: []
"""


def test_they_are_pulled_built_again_and_taken_back(place: Callable[[], Place], role: str) -> None:
    one, other = place(), place()
    for each in (one, other):
        each.execute("CREATE EXTENSION everything")
    one.execute(CHANGED)
    assert SAID.strip() in one.pull("--ownership")
    assert one.steps("--ownership") == []
    there = Place(one.reconcile, other.url)
    there.run("--ownership")
    assert there.steps("--ownership") == []
    assert other.pull("--ownership") == Place(other.reconcile, one.url).pull("--ownership")
    back = Place(place().reconcile, one.url)
    back.reconcile.write("schema/all.yaml", "extensions:\n  everything: {}\n")
    assert back.steps() == []
    back.run("--ownership")
    assert back.steps("--ownership") == []
    assert "member_grants" not in one.pull("--ownership")


def test_what_is_wrong_is_said(place: Callable[[], Place]) -> None:
    one = place()
    wrong = "extensions:\n  everything:\n    member_grants:\n      everything.same(): {public: []}\n"
    one.reconcile.write("schema/all.yaml", wrong)
    done = one("plan")
    assert done.code == 65
    assert "schema/all.yaml:4" in done.err
    assert "does not begin with what it is" in done.err
