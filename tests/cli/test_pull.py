"""Pull into a folder where people have written: what did not change keeps its lines and its place."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from reconciler.cli import console
from tests.cli.conftest import Shop

COMMENTED = ("  customers:\n", "  # Who buys.\n  customers:\n")


def pull(shop: Shop, folder: str = "schema") -> dict[str, list[str]]:
    done = shop.reconcile("pull", "--url", shop.url, "--out", folder, "--format", "json")
    assert done.code == 0, done.err
    kept: dict[str, list[str]] = done.data
    return kept


def files(shop: Shop) -> dict[str, str]:
    folder = shop.reconcile.folder / "schema"
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.yaml")}


def test_pull_is_stable_and_says_nothing_new(inside: Shop) -> None:
    inside.deploy()
    first = pull(inside, "new")["new"]
    assert first == ["public/enums.yaml", "public/tables/customers.yaml", "public/tables/orders.yaml"]
    again = pull(inside, "new")
    assert (again["new"], again["changed"], again["removed"]) == ([], [], [])


def test_what_is_the_same_keeps_its_spelling(inside: Shop) -> None:
    inside.declare(COMMENTED, ("type: text", "type: varchar(20)"))
    inside.deploy()
    before = files(inside)
    assert pull(inside)["changed"] == []
    assert {name: files(inside)[name] for name in before} == before


def test_what_changed_is_written_where_it_stood(inside: Shop) -> None:
    inside.declare(COMMENTED)
    inside.deploy()
    inside.execute("ALTER TABLE orders ADD note text")
    assert pull(inside)["changed"] == ["shop.yaml"]
    text = files(inside)["shop.yaml"]
    assert "note: text" in text
    assert "  # Who buys.\n  customers:\n" in text
    assert inside.reconcile("plan", *inside.options, "--detailed-exitcode").code == 0


_NOTES = """\
# Notes are short.
tables:
  notes:
    # Nobody sees it.
    primary_key: [id]  # surrogate
    columns:
      # Given by the client.
      id: uuid
      body: varchar(20)   # a line
      # Set by hand.
      kept: timestamptz
      gone: text
    checks:
      # Say something.
      not_blank: body <> ''
"""


def test_what_did_not_change_within_an_object_keeps_its_lines(inside: Shop) -> None:
    inside.reconcile.write("schema/notes.yaml", _NOTES)
    inside.deploy()
    inside.execute("ALTER TABLE public.notes DROP gone, ADD title text, ALTER kept SET NOT NULL")
    inside.execute("COMMENT ON TABLE public.notes IS 'new'")
    assert pull(inside)["changed"] == ["notes.yaml"]
    changes = (
        ("    # Nobody sees it.\n", "    comment: new\n    # Nobody sees it.\n"),
        ("      kept: timestamptz\n", "      kept: {type: timestamp with time zone, not_null: true}\n"),
        ("      gone: text\n", "      title: text\n"),
    )
    expected = _NOTES
    for old, new in changes:
        expected = expected.replace(old, new)
    assert files(inside)["notes.yaml"] == expected
    assert inside.reconcile("plan", *inside.options, "--detailed-exitcode").code == 0


def test_what_is_gone_goes_and_a_persons_comments_stay(inside: Shop) -> None:
    inside.deploy()
    pull(inside)
    inside.reconcile.write(
        "schema/notes.yaml", "# Why there are no notes.\ntables:\n  notes:\n    columns: {a: text}\n"
    )
    inside.reconcile.write("schema/public/domains.yaml", "schema: public\n\ndomains:\n  name: {type: text}\n")
    said = pull(inside)
    assert said["removed"] == ["public/domains.yaml"]
    assert said["changed"] == ["notes.yaml"]
    assert files(inside)["notes.yaml"].startswith("# Why there are no notes.")
    assert inside.reconcile("plan", *inside.options, "--detailed-exitcode").code == 0


def test_files_that_cannot_be_read_are_not_touched(inside: Shop) -> None:
    inside.deploy()
    inside.reconcile.write("schema/other.yaml", "services: {}\n")
    before = files(inside)
    done = inside.reconcile("pull", "--url", inside.url, "--out", "schema")
    assert done.code == 65
    assert files(inside) == before


def test_an_empty_database_gives_a_folder(inside: Shop) -> None:
    pull(inside, "none")
    assert (inside.reconcile.folder / "none").is_dir()
    assert inside.reconcile("plan", "--url", inside.url, "--schema", "none", "--detailed-exitcode").code == 0


_ACCESS = (
    "GRANT SELECT ON customers TO pg_monitor",
    "CREATE FUNCTION answer() RETURNS integer LANGUAGE sql AS 'SELECT 42'",
    "REVOKE EXECUTE ON FUNCTION answer() FROM PUBLIC",
)


def _with_access(shop: Shop) -> None:
    shop.deploy()
    with psycopg.connect(shop.url, autocommit=True) as connection:
        for statement in _ACCESS:
            connection.execute(statement.encode())


def test_owners_and_privileges_that_are_not_written_are_said(inside: Shop) -> None:
    _with_access(inside)
    done = inside.reconcile("pull", "--url", inside.url, "--out", "new")
    assert "left out: 2 privileges; `reconcile pull --ownership` writes them down" in done.err
    done = inside.reconcile("pull", "--url", inside.url, "--out", "new", "--format", "json")
    assert done.data["left_out"] == {"privilege": 2}
    done = inside.reconcile("pull", "--url", inside.url, "--out", "new", "--ownership")
    assert "left out" not in done.err
    text = (inside.reconcile.folder / "new" / "public" / "functions.yaml").read_text()
    assert "public: []" in text, "what everyone has of a new function is revoked"


def test_all_roles_are_written_only_with_ownership(inside: Shop) -> None:
    done = inside.reconcile("pull", "--url", inside.url, "--out", "new", "--roles", "all")
    assert done.code == 64
    assert "--roles all writes roles only with --ownership" in done.err
    done = inside.reconcile("pull", "--url", inside.url, "--out", "new", "--roles", "all", "--ownership")
    assert done.code == 0, done.err


@pytest.mark.parametrize("answer", [True, False])
def test_init_asks_for_them_at_a_terminal(
    answer: bool, inside: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_access(inside)
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(console, "can_ask", lambda: True)
    monkeypatch.setattr("typer.confirm", confirm)
    done = inside.reconcile("init", str(tmp_path / "made"), "--url", inside.url)
    assert done.code == 0, done.err
    assert asked == ["The database has 2 privileges. Write them down?"]
    text = (tmp_path / "made" / "schema" / "public" / "tables" / "customers.yaml").read_text()
    assert ("pg_monitor" in text) is answer
    assert ("left out" in done.err) is not answer


def test_files_of_camel_case_tables(inside: Shop) -> None:
    inside.execute('CREATE TABLE "MonthlyStat" (id int); CREATE TABLE "Users" (id int)')
    first = pull(inside, "new")["new"]
    assert first == ["public/tables/MonthlyStat.yaml", "public/tables/Users.yaml"]
    # Pulled by an earlier version, which wrote capital letters otherwise.
    folder = inside.reconcile.folder / "new" / "public" / "tables"
    (folder / "MonthlyStat.yaml").rename(folder / "%4Donthly%53tat.yaml")
    inside.execute('CREATE TABLE users (id int); ALTER TABLE "MonthlyStat" ADD total int')
    later = pull(inside, "new")
    assert (later["new"], later["removed"]) == (["public/tables/users_2.yaml"], [])
    assert later["changed"] == ["public/tables/%4Donthly%53tat.yaml"]
    again = pull(inside, "new")
    assert (again["new"], again["changed"], again["removed"]) == ([], [], [])
