"""Which version of an extension is made: an older one where the server has its script."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.extensions.conftest import Place

pytestmark = pytest.mark.matrix

OLDER = "CREATE EXTENSION everything VERSION '0.9'"


def test_an_older_version_is_pulled_and_made_again(place: Callable[[], Place]) -> None:
    one, other = place(), place()
    one.execute(OLDER)
    one.execute("CREATE TABLE public.t (mood everything.mood)")
    assert 'everything: {version: "0.9"}' in one.pull()
    assert one.steps() == []
    rebuilt = Place(one.reconcile, other.url)
    rebuilt.run()
    assert rebuilt.steps() == []
    assert other.execute("SELECT extversion FROM pg_extension WHERE extname = 'everything'") == [("0.9",)]
    one.edit('everything: {version: "0.9"}', 'everything: {version: "1.0"}')
    assert one.steps() == ["ALTER EXTENSION everything UPDATE TO '1.0'"]


def test_the_usual_version_is_not_said(place: Callable[[], Place]) -> None:
    one = place()
    one.execute("CREATE EXTENSION everything")
    assert "version" not in one.pull()


@pytest.mark.parametrize(("sql", "has"), [("", "0.9, 1.0"), (OLDER, "1.0")], ids=["made", "updated"])
def test_a_version_that_the_server_lacks(place: Callable[[], Place], sql: str, has: str) -> None:
    one = place()
    one.execute(sql)
    one.reconcile.write("schema/all.yaml", "extensions:\n  everything:\n    version: '7'\n")
    done = one("plan")
    assert done.code == 3
    assert "schema/all.yaml:3: version 7 of extension everything cannot be had" in done.err
    assert f"it has scripts for {has}:" in done.err


def test_the_way_back_has_no_script(place: Callable[[], Place]) -> None:
    one = place()
    one.execute("CREATE EXTENSION everything")
    one.reconcile.write("schema/all.yaml", "extensions:\n  everything:\n    version: '0.9'\n")
    done = one("plan")
    assert done.code == 3
    assert "it has scripts for no other version" in done.err
