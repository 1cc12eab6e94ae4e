"""A snapshot holds the whole state: of a database with something of every kind, nothing is lost."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest

from reconciler.app import Request, State, Stored, live_catalog, registry
from reconciler.app.chain.save import snapshot_text
from reconciler.app.states.offline_state import ground, owner_of
from reconciler.core.catalog import Catalog
from reconciler.core.errors import InvalidInput
from reconciler.engine.catalog.scope import Scope
from reconciler.engine.chain import snapshot
from tests.conftest import AnyServer

pytestmark = pytest.mark.matrix
SCOPE = Scope()


@pytest.fixture(scope="session")
def text(rich: psycopg.Connection[object], rich_catalog: Catalog, server: AnyServer) -> str:
    return snapshot_text(rich_catalog, SCOPE, server.major, owner_of(rich))


@pytest.fixture
def file(text: str, tmp_path_factory: pytest.TempPathFactory) -> State:
    path = tmp_path_factory.mktemp("snapshot") / "rich.yaml"
    path.write_text(text)
    return Stored(path)


def test_the_same_state_gives_the_same_bytes(
    rich: psycopg.Connection[object], rich_catalog: Catalog, server: AnyServer
) -> None:
    facts = (server.major, owner_of(rich))
    found = live_catalog(rich)
    # Roles are the server's: other tests make and drop theirs at the same time.
    again = found.only(rich_catalog.entries)
    text = snapshot_text(rich_catalog.only(found.entries), SCOPE, *facts)
    # Columns have an order of their own; nothing else has.
    structural = [entry for entry in again if registry().of(entry).is_structural]
    others = [entry for entry in again if not registry().of(entry).is_structural]
    shuffled = {entry.id: entry for entry in (*reversed(others), *structural)}
    assert snapshot_text(again, SCOPE, *facts) == text
    assert snapshot_text(dataclasses.replace(again, entries=shuffled), SCOPE, *facts) == text


def test_it_is_read_back_as_it_was(
    file: Stored, rich_catalog: Catalog, server: AnyServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kinds = registry()
    expected = snapshot.whole(rich_catalog, SCOPE, kinds)
    with ground(file, _request(server)) as found:
        told = {entry.id: entry.digest() for entry in found.catalog if not kinds.of(entry).is_shared}
        facts = (server.major, found.owner)
        again = snapshot_text(found.catalog, SCOPE, *facts)
    wanted = {
        entry.id: entry.digest()
        for entry in expected
        if not kinds.of(entry).is_shared and (entry.id in told or not kinds.of(entry).built_in(entry))
    }
    assert {id: told.get(id) for id in wanted} == wanted
    assert again == file.path.read_text()


def test_a_word_changed_by_hand_is_noticed(file: Stored, server: AnyServer) -> None:
    text = file.path.read_text()
    assert text.count("comment: How it is.") == 1
    file.path.write_text(text.replace("comment: How it is.", "comment: How it was."))
    with pytest.raises(InvalidInput, match="the file was changed"), ground(file, _request(server)):
        pass


def _request(server: AnyServer) -> Request:
    from pathlib import Path

    return Request("", Path(), SCOPE, server.url())
