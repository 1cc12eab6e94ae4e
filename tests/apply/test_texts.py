"""A text in the YAML stands for one thing: run where drafts are made, it can neither do nor make another."""

from __future__ import annotations

import pytest

from reconciler.core.errors import InvalidInput
from tests.apply.conftest import Played
from tests.apply.shop import rows

STATEMENTS = {
    "a view's query": 'views: {w: "select 1 as x; commit; create role smuggled"}',
    "a check": """
tables:
  t: {columns: {a: integer}, checks: {c: "a > 0)); commit; create role smuggled; select ((1"}}
""",
    "a default": """
tables:
  t: {columns: {a: {type: integer, default: "1); commit; create role smuggled; select (1"}}}
""",
    "a function's body": """
functions:
  f(): {returns: integer, language: sql, sql_body: "return 1; commit; create role smuggled"}
""",
}
CLAUSES = {
    "a type with another column": (
        'tables: {t: {columns: {a: "integer, b integer"}}}',
        "column public.t.b",
    ),
    "a type with a check": (
        'tables: {t: {columns: {a: "integer check (a > 0)"}}}',
        "check public.t.t_a_check",
    ),
    "a check beside a check": (
        'tables: {t: {columns: {a: integer}, checks: {c: "a > 0), check (a < 7"}}}',
        "check public.t.t_a_check",
    ),
    "a domain's type": ('domains: {d: {type: "integer check (value > 0)"}}', "check public.d.d_check"),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_another_statement_is_never_run(name: str, played: Played) -> None:
    with pytest.raises(InvalidInput):
        played(STATEMENTS[name])
    assert rows(played.scratch_url, "SELECT rolname FROM pg_roles WHERE rolname = 'smuggled'") == []


@pytest.mark.parametrize("name", CLAUSES)
def test_another_clause_is_refused_by_name(name: str, played: Played) -> None:
    text, label = CLAUSES[name]
    with pytest.raises(InvalidInput) as refused:
        played(text)
    assert f"{label}: nobody declares it" in refused.value.message


def test_what_a_text_may_hold(played: Played) -> None:
    played("""
tables:
  t: {columns: {a: {type: text, default: "';'"}}, checks: {c: "a <> ';'"}}
functions:
  f(): {returns: integer, language: sql, sql_body: "begin atomic select 1; select 2; end"}
  g(): {returns: integer, language: plpgsql, body: "begin perform 1; return 2; end"}
views: {v: {query: "select a from t where a <> ';';"}}
""")
    assert rows(played.url, "SELECT f(), g()") == [(2, 2)]
