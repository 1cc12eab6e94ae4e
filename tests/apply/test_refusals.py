"""What one server refuses for good is not built on the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.app import Request, make_plan
from reconciler.app.servers.scratch_servers import scratch_servers
from reconciler.core.errors import InvalidInput

WRONG = {
    "another type": (
        "tables: {o: {columns: {v: text}, unique: {u: [v]}}, p: {columns: {w: integer},"
        " foreign_keys: {f: {columns: [w], references: o(v)}}}}",
        1,
    ),
    "no such relation": ("views: {v: {query: select 1 from nowhere}}", 1),
    "no such type": ("tables: {t: {columns: {a: nothing}}}", 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_next_server_is_asked_only_where_it_may_differ(
    name: str, database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def watched(*arguments: object) -> Iterator[object]:
        for server in scratch_servers(*arguments):  # type: ignore[arg-type]
            asked.append(server.name)
            yield server

    monkeypatch.setattr("reconciler.app.planning.elaboration.scratch_servers", watched)
    text, count = WRONG[name]
    file = tmp_path / "schema.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput):
        make_plan(Request(database(), file))
    assert len(asked) == count
