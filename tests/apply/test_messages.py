"""What people read when the server refuses a step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from reconciler.app import Application, Request, apply_plan, make_plan
from reconciler.core.errors import ServerError
from reconciler.engine.consent import Consent
from tests.conftest import AnyServer

SCHEMA = """
functions:
  "next_event()":
    returns: integer
    language: plpgsql
    body: |
      BEGIN
          INSERT INTO events DEFAULT VALUES;
          RETURN 1;
      END
tables:
  events:
    columns: {id: {type: integer, identity: always, not_null: true}}
  hosts:
    columns:
      name: text
"""


def test_a_function_that_names_objects_without_their_schema_is_named(
    server: AnyServer, database: Callable[[], str], tmp_path: Path
) -> None:
    url = database()
    file = tmp_path / "schema.yaml"

    def plan_to(text: str) -> None:
        file.write_text(text)
        plan = make_plan(Request(url, file, scratch_url=server.url(), base=tmp_path))
        apply_plan(plan, Application(url, Consent(everything=True)))

    plan_to(SCHEMA)
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO hosts VALUES ('one')")
    with pytest.raises(ServerError) as refused:
        plan_to(SCHEMA + '      event: {type: integer, default: "next_event()"}\n')
    assert "42P01; in function public.next_event()" in refused.value.message
    assert "give public.next_event() a search_path" in (refused.value.hint or "")
