"""Any schema becomes any other: planned from YAML, applied on a server, and then nothing is left to do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from reconciler.app import Application, Request, apply_plan, live_catalog, make_plan, pull_into, registry
from reconciler.core.catalog import Catalog
from reconciler.engine.compare.diff import diff
from reconciler.engine.plan.consent import Consent
from tests.conftest import AnyServer
from tests.property.schemas import Schema, schemas, sql

EXAMPLES = int(os.environ.get("RECONCILE_PROPERTY_EXAMPLES", "12"))
"""More of them find more: 200 take minutes."""
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 100,  # the same examples each time: a red build can be built again
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.matrix
@BOUNDED
@given(before=schemas(), after=schemas())
def test_any_schema_becomes_any_other(
    server: AnyServer, urls: tuple[str, str], before: Schema, after: Schema
) -> None:
    note(f"{sql(before)};\n-- becomes\n{sql(after)};")
    first, second = urls
    _fill(first, before)
    _fill(second, after)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pull_into(folder, Request(second, folder))
        plan = make_plan(Request(first, folder, scratch_url=server.url()))
        note("\n".join(f"{step.number} {text}" for step in plan.steps for text in step.sql))
        apply_plan(plan, Application(first, Consent(everything=True)))
        assert make_plan(Request(first, folder, scratch_url=server.url())).is_empty
        assert _states(_read(first)) == _states(_read(second))


@pytest.mark.matrix
@BOUNDED
@given(schema=schemas())
def test_what_is_pulled_is_what_is_there(server: AnyServer, urls: tuple[str, str], schema: Schema) -> None:
    note(sql(schema))
    url, other = urls
    _fill(url, schema)
    catalog = _read(url)
    assert catalog.unknown == ()
    assert diff(catalog, catalog, registry()) == {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pull_into(folder, Request(url, folder, scratch_url=server.url()))
        texts = {file: file.read_bytes() for file in folder.rglob("*.yaml")}
        again = pull_into(folder, Request(url, folder, scratch_url=server.url()))
        assert not [*again.written.new, *again.written.changed, *again.written.removed]
        assert make_plan(Request(url, folder, scratch_url=server.url())).is_empty
        _empty(other)
        built = make_plan(Request(other, folder, scratch_url=server.url()))
        apply_plan(built, Application(other, Consent(everything=True)))
        assert _states(_read(other)) == _states(catalog)
        with tempfile.TemporaryDirectory() as second:
            copy = Path(second)
            pull_into(copy, Request(other, copy, scratch_url=server.url()))
            assert {copy / file.relative_to(folder): text for file, text in texts.items()} == {
                file: file.read_bytes() for file in copy.rglob("*.yaml")
            }


@pytest.fixture
def urls(database: Callable[[], str]) -> tuple[str, str]:
    """Two databases that all examples of a test use in turn."""
    return database(), database()


def _empty(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning; DROP SCHEMA IF EXISTS app CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS _reconcile CASCADE")


def _fill(url: str, schema: Schema) -> None:
    _empty(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql(schema).encode())


def _read(url: str) -> Catalog:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path = ''")
        return live_catalog(connection)


def _states(catalog: Catalog) -> dict[str, object]:
    shared = {kind.name for kind in registry() if kind.is_shared}
    return {str(entry.id): entry.state for entry in catalog if entry.id.kind not in shared}
