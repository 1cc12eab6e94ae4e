"""The short way to a plan gives the very plan that a full comparison gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from reconciler.app import Application, Request, apply_plan, make_plan
from reconciler.app.planning import incremental
from reconciler.engine.plan import plan_file
from reconciler.engine.plan.consent import Consent
from tests.conftest import AnyServer

TABLES = 10
SHARED = """
enums:
  mood: [calm, cross]
functions:
  double(n integer): {returns: integer, language: sql, volatility: immutable, body: "select n * 2"}
  told(public.t8): {returns: text, language: sql, body: "select ($1).code"}
  wide(): {returns: bigint, language: sql, body: "select count(spare) from public.t6"}
"""
TAKEN = """
sequences:
  t3_spare_id_seq: {}
  other_seq: {}
"""
VIEWS = """
views:
  calm: {query: "select id, code from t3 where mood = 'calm'"}
"""


def table(number: int) -> str:
    """A table with something of most kinds, that refers to its neighbour."""
    return f"""tables:
  t{number}:
    comment: Number {number}.
    columns:
      id: {{type: bigint, not_null: true, identity: always}}
      parent_id: bigint
      code: {{type: varchar(20), not_null: true, default: "'x'"}}
      mood: mood
      spare: text
      size: {{type: integer, comment: In metres.}}
    primary_key: [id]
    unique: {{t{number}_code_key: [code]}}
    checks: {{t{number}_size_check: double(size) > 0}}
    indexes: {{t{number}_mood_idx: [mood, code]}}
    foreign_keys:
      t{number}_parent_id_fkey: {{columns: [parent_id], references: t{(number + 1) % TABLES}(id)}}
"""


PARTED = """tables:
  log:
    columns: {id: bigint, day: date}
    partition_by: range (day)
    partitions:
      log_2026: {for_values: "from ('2026-01-01') to ('2027-01-01')"}
"""


@dataclass(frozen=True)
class Edit:
    """A text to replace in a file."""

    file: str
    old: str
    new: str
    is_short: bool = True
    """Whether the short way is sure enough to be taken."""


EDITS = {
    "a column more": Edit("t3.yaml", "      spare: text\n", "      spare: text\n      note: text\n"),
    "a column less": Edit("t3.yaml", "      spare: text\n", ""),
    "a column less that a function says": Edit("t6.yaml", "      spare: text\n", "", False),
    "a column less that a check needs": Edit(
        "t3.yaml", "      size: {type: integer, comment: In metres.}\n", "", False
    ),
    "a column retyped": Edit("t4.yaml", "varchar(20)", "text"),
    "a column retyped below a view": Edit("t3.yaml", "varchar(20)", "text", False),
    "a default": Edit("t3.yaml", "\"'x'\"", "upper('y')"),
    "a comment": Edit("t3.yaml", "Number 3.", "Three."),
    "a default that calls a function": Edit("t3.yaml", "\"'x'\"", "double(2)"),
    "a default that spells a function's name": Edit(
        "t3.yaml", "\"'x'\"", '"U&\\"d\\\\006fuble\\"(2)"', False
    ),
    "a column whose sequence's name is taken": Edit(
        "t3.yaml", "      spare: text\n", "      spare_id: {type: bigint, identity: always, not_null: true}\n"
    ),
    "a check": Edit("t3.yaml", "double(size) > 0", "double(size) > 1"),
    "an index more": Edit("t3.yaml", "t3_mood_idx: [mood, code]", "t3_mood_idx: [mood, code], i2: [size]"),
    "an index less": Edit("t3.yaml", "    indexes: {t3_mood_idx: [mood, code]}\n", ""),
    "a primary key that others refer to": Edit(
        "t3.yaml", "primary_key: [id]", "primary_key: [id, code]", False
    ),
    "a foreign key elsewhere": Edit("t3.yaml", "references: t4(id)", "references: t9(id)"),
    "a foreign key's option": Edit("t3.yaml", "references: t4(id)", "references: t4(id), on_delete: cascade"),
    "only layout": Edit("t3.yaml", "tables:\n", "# said\ntables:\n"),
    "a policy": Edit("t3.yaml", "    unique:", "    policies: {p: {using: id > 0}}\n    unique:", False),
    "another table in the file": Edit(
        "t3.yaml", "tables:\n", "tables:\n  more: {columns: {id: bigint}}\n", False
    ),
    "a renamed column": Edit(
        "t3.yaml",
        "      size: {type: integer,",
        "      wide: {type: integer, transition: {rename_from: size},",
        False,
    ),
    "an enum's value": Edit("shared.yaml", "cross]", "cross, new]", False),
    "a function": Edit("shared.yaml", "n * 2", "n * 3", False),
    "a view": Edit("views.yaml", "'calm'\"", "'cross'\"", False),
    "a partition": Edit("log.yaml", "columns: {id: bigint,", "columns: {id: bigint, more: text,", True),
    "a fault": Edit("t3.yaml", "double(size) > 0", "double(nothing) > 0", False),
    "a file beside": Edit("new.yaml", "", "tables: {more: {columns: {id: bigint}}}\n", False),
}


@dataclass(frozen=True)
class Stage:
    """A database that is as its folder of YAML declares, and a cache that knows."""

    request: Request
    cache: Path

    @contextmanager
    def edited(self, edit: Edit) -> Iterator[None]:
        """The folder with that edit."""
        path = self.request.schema / edit.file
        text = path.read_text() if path.exists() else None
        assert edit.old in (text or "")
        path.write_text((text or "").replace(edit.old, edit.new, 1))
        try:
            yield
        finally:
            if text is None:
                path.unlink()
            else:
                path.write_text(text)


@pytest.fixture(scope="module")
def stage(alone: AnyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The database, made and compared once."""
    folder, cache = tmp_path_factory.mktemp("declared"), tmp_path_factory.mktemp("cache")
    for number in range(TABLES):
        (folder / f"t{number}.yaml").write_text(table(number))
    for name, text in (("shared", SHARED), ("taken", TAKEN), ("views", VIEWS), ("log", PARTED)):
        (folder / f"{name}.yaml").write_text(text)
    name = f"shortcut_{uuid4().hex}"
    with psycopg.connect(alone.url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    request = Request(alone.url(name), folder, scratch_url=alone.url())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECONCILE_CACHE_DIR", str(cache))
        apply_plan(make_plan(request), Application(request.url, Consent(everything=True)))
        assert make_plan(request).is_empty
    yield Stage(request, cache)
    with psycopg.connect(alone.url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize("name", EDITS)
def test_the_short_way_leads_to_the_same_plan(
    name: str, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = watch(monkeypatch)
    with stage.edited(EDITS[name]):
        monkeypatch.setenv("RECONCILE_CACHE_DIR", str(stage.cache))
        short = outcome(stage.request)
        assert taken == [EDITS[name].is_short]
        monkeypatch.setenv("RECONCILE_CACHE_DIR", str(tmp_path))
        assert short == outcome(stage.request)
    assert taken[1:] == [False]


def test_a_plan_with_steps_is_a_start_too(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILE_CACHE_DIR", str(tmp_path))
    taken = watch(monkeypatch)
    with stage.edited(EDITS["a column more"]):
        assert len(make_plan(stage.request).steps) == 1
        with stage.edited(Edit("t8.yaml", "Number 8.", "Eight.")):
            plan = make_plan(stage.request)
    assert taken == [False, True]
    assert {str(step.object) for step in plan.steps} == {"comment:table.public.t8", "column:public.t3.note"}


WHOLE = "tables: {pp: {partition_by: range (d), columns: {id: integer, d: date}%s}}\n"
PART = ", partitions: {loose: {for_values: DEFAULT}}"
LOOSE = "tables: {loose: {columns: {id: integer, d: date}}}\n"
OTHER = "tables: {c: {columns: {id: %s}}}\n"
MOVES = {
    "attached": ({"pp": WHOLE % "", "loose": LOOSE}, {"pp": WHOLE % PART}),
    "detached": ({"pp": WHOLE % PART}, {"pp": WHOLE % "", "loose": LOOSE}),
    "from one to another": (
        {"pp": WHOLE % PART, "qq": WHOLE.replace("pp", "qq") % ""},
        {"pp": WHOLE % "", "qq": WHOLE.replace("pp", "qq") % PART},
    ),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_table_that_moves_is_still_known_at_the_next_edit(
    name: str,
    server: AnyServer,
    database: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "declared"
    folder.mkdir()
    request = Request(database(), folder, scratch_url=server.url())
    before, after = MOVES[name]
    _write(folder, {**before, "c": OTHER % "integer"})
    apply_plan(make_plan(request), Application(request.url, Consent(everything=True)))
    _write(folder, {**after, "c": OTHER % "integer"})
    moved = [sql for step in make_plan(request).steps for sql in step.sql]
    assert any("PARTITION public.loose" in sql for sql in moved)
    _write(folder, {**after, "c": OTHER % "bigint"})
    again = outcome(request)
    monkeypatch.setenv("RECONCILE_CACHE_DIR", str(tmp_path / "another"))
    assert again == outcome(request)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)


def watch(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A list that says of each attempt at the short way whether it came to a plan."""
    taken: list[bool] = []
    real = incremental.plan_again

    def watched(*arguments: object) -> object:
        plan = real(*arguments)  # type: ignore[arg-type]
        taken.append(plan is not None)
        return plan

    monkeypatch.setattr(incremental, "plan_again", watched)
    return taken


def outcome(request: Request) -> str:
    """The plan's file, or the error's text."""
    from reconciler.core.errors import ReconcileError

    try:
        return plan_file.dump(make_plan(request))
    except ReconcileError as error:
        return error.message
