"""Replay one case, show its plan as a person reads it and what differs: `make case CASE=column/narrowed`.

A case is a folder of tests/cases, or an id of the corpus. With `--new` the folder is begun:
`make new-case CASE=column/with_a_default`.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import psycopg

from reconciler.core.server_version import NEWEST_MAJOR
from reconciler.embedded import Server, choose
from reconciler.report import text
from reconciler.report.plan_context import Context
from tests.case_folder import CASES, apply_all, expectation_of, golden_text, make_roles, plan_to, seed_rows

_BEFORE = """\
schema: public

tables:
  users:
    columns:
      id: {type: integer, not_null: true}
"""
_AFTER = _BEFORE + "      name: text\n"
_EXPECT = "why: In one sentence, what the case shows.\n"
_SEED = "INSERT INTO public.users (id) SELECT generate_series(1, 3);\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay or begin a case. Returns 0, 1 where the plan or the result differs, 64 for an unknown case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", help="KIND/NAME below tests/cases, or an id of the corpus")
    parser.add_argument("--new", action="store_true", help="begin the folder")
    parser.add_argument("--major", type=int, default=NEWEST_MAJOR, help="PostgreSQL's major version")
    options = parser.parse_args(arguments)
    folder = CASES / options.case
    if options.new:
        return _begin(folder)
    if folder.is_dir():
        return _replay(folder, options.major)
    return _replay_corpus(options.case, options.major)


def _begin(folder: Path) -> int:
    if folder.parent.parent != CASES:
        print("a case is named KIND/NAME, as in column/with_a_default", file=sys.stderr)
        return 64
    if folder.exists():
        print(f"{folder} is there already", file=sys.stderr)
        return 64
    folder.mkdir(parents=True)
    for name, content in (
        ("before.yaml", _BEFORE),
        ("after.yaml", _AFTER),
        ("expect.yaml", _EXPECT),
        ("seed.sql", _SEED),
    ):
        (folder / name).write_text(content)
    print(f"edit before.yaml, after.yaml, seed.sql and expect.yaml in {folder}, then:")
    print(f"  make case CASE={folder.parent.name}/{folder.name}    shows the plan")
    print("  make golden                      writes plan.yaml; read the diff before you commit it")
    return 0


def _replay(folder: Path, major: int) -> int:
    """Build before.yaml, plan to after.yaml, show that plan, apply it, and plan once more."""
    expected = expectation_of(folder)
    with Server.start(choose(major).installation) as server:
        make_roles(server, expected.roles)
        name = f"case_{uuid4().hex}"
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        url = server.url(name)
        apply_all(plan_to(folder, "before.yaml", url, server, expected), url)
        seed_rows(folder, url)
        plan = plan_to(folder, "after.yaml", url, server, expected)
        print(text.render(plan, Context("case"), colour=sys.stdout.isatty(), width=110))
        is_as_recorded = _compare(folder, golden_text(plan))
        apply_all(plan, url)
        second = golden_text(plan_to(folder, "after.yaml", url, server, expected))
    if second == "steps: []\n":
        print("applied; a second plan is empty")
        return 0 if is_as_recorded else 1
    print(f"applied, and a second plan is not empty:\n{second}")
    return 1


def _compare(folder: Path, plan: str) -> bool:
    """Print how the plan differs from the recorded one."""
    recorded = folder / "plan.yaml"
    if not recorded.exists():
        print("no plan.yaml yet: make golden writes it")
        return True
    lines = difflib.unified_diff(
        recorded.read_text().splitlines(), plan.splitlines(), "plan.yaml", "this plan", lineterm=""
    )
    difference = "\n".join(lines)
    print(difference or "the plan is as recorded in plan.yaml")
    return not difference


def _replay_corpus(case: str, major: int) -> int:
    from tests.corpus import oracle, runner

    code = 64
    if oracle.corpus_dir() is not None:
        code = runner.main(["--case", case, "--pg", str(major), "--jobs", "1"])
    if code == 64:
        known = sorted(f"{path.parent.name}/{path.name}" for path in CASES.glob("*/*"))
        near = difflib.get_close_matches(case, known, n=3, cutoff=0.4)
        print(f"no case {case}; near it: {', '.join(near) or 'none'}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
