"""What is under test, behind one small interface, so that it can be called in several ways."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg

from reconciler.audit import pg_dump
from reconciler.audit.client import find_pg_dump
from tests.corpus.oracle import load_sql

Plan = dict[str, Any]
_PROJECT = Path(__file__).resolve().parents[2]


class ProductFailed(Exception):
    """A stage of the product did not succeed."""

    def __init__(self, stage: str, exit_code: int, said: str) -> None:
        super().__init__(f"{stage} (exit code {exit_code}): {said}")
        self.stage = stage
        self.exit_code = exit_code
        self.said = said


class Product(Protocol):
    """The three stages; each raises ProductFailed."""

    def pull(self, url: str, folder: Path, *, all_roles: bool = False) -> None:
        """Write the database's schema into a folder; the roles that it needs, or all of the server."""

    def plan(self, url: str, folder: Path, out: Path, scratch_url: str | None) -> Plan:
        """Compare a folder with a database, write the plan file, return it as data."""

    def apply(self, out: Path, url: str) -> None:
        """Carry out a plan file, with consent to everything."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


class CommandLine:
    """The product as scripts use it; subclasses say how a command is run."""

    def pull(self, url: str, folder: Path, *, all_roles: bool = False) -> None:
        """See Product."""
        roles = "all" if all_roles else "needed"
        self._stage("pull", "--url", url, "--out", str(folder), "--ownership", "--roles", roles)

    def plan(self, url: str, folder: Path, out: Path, scratch_url: str | None) -> Plan:
        """See Product."""
        scratch = ("--scratch-url", scratch_url) if scratch_url else ()
        said = self._stage(
            "plan", "--url", url, "--schema", str(folder), "--out", str(out), "--ownership",
            "--format", "json", *scratch,
        )  # fmt: skip
        try:
            found: Plan = json.loads(said)
        except json.JSONDecodeError:
            raise ProductFailed("plan", 0, f"not JSON: {said[:200]!r}") from None
        return found

    def apply(self, out: Path, url: str) -> None:
        """See Product."""
        self._stage("apply", str(out), "--url", url, "--allow", "all")

    def run(self, arguments: Sequence[str]) -> Finished:
        """Run one command in a process of its own."""
        environment = os.environ | {"PYTHONPATH": str(_PROJECT), "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        return Finished(done.returncode, done.stdout, done.stderr)

    def _stage(self, *arguments: str) -> str:
        done = self.run(arguments)
        if done.exit_code != 0:
            raise ProductFailed(arguments[0], done.exit_code, (done.stderr or done.stdout).strip())
        return done.stdout


class InProcess(CommandLine):
    """The command line called as a function: no start of an interpreter for each command."""

    def __init__(self) -> None:
        self._main = importlib.import_module("reconciler.cli").main

    def run(self, arguments: Sequence[str]) -> Finished:
        """Call main with these arguments; what it returns or exits with is the exit code."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                code = self._main(list(arguments))
            except SystemExit as left:
                code = left.code
            except Exception:  # what would be a traceback in a terminal is one here
                code = 1
                traceback.print_exc(file=stderr)
        return Finished(
            code if isinstance(code, int) else int(code is not None), stdout.getvalue(), stderr.getvalue()
        )


class Replace:
    """No product: drops the database and restores a dump of the other. Proves the harness and the oracles."""

    def __init__(self) -> None:
        self._folders: dict[int, Path] = {}

    def pull(self, url: str, folder: Path, *, all_roles: bool = False) -> None:
        """See Product."""
        folder.mkdir(exist_ok=True)
        folder.joinpath("schema.sql").write_bytes(self._dump(url).encode())

    def plan(self, url: str, folder: Path, out: Path, scratch_url: str | None) -> Plan:
        """See Product. One step that loses everything, unless the dumps are the same."""
        wanted = folder.joinpath("schema.sql").read_bytes().decode()
        here = self._dump(url)
        same = pg_dump.statements(here) == pg_dump.statements(wanted)
        out.write_bytes(b"" if same else wanted.encode())
        step = {"number": 1, "object": "database:all", "sql": ["..."], "hazards": [{"code": "data_loss"}]}
        return {"steps": [] if same else [step]}

    def apply(self, out: Path, url: str) -> None:
        """See Product."""
        lines = out.read_bytes().decode().split("\n")
        if lines == [""]:
            return
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        admin = psycopg.conninfo.make_conninfo(url, dbname="postgres")
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        load_sql(
            url, "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))
        )

    def _dump(self, url: str) -> str:
        """Looks for pg_dump only once."""
        with psycopg.connect(url) as connection:
            major = connection.info.server_version // 10000
        if major not in self._folders:
            self._folders[major] = find_pg_dump(major).path.parent
        return pg_dump.schema_text(url, binary_dir=self._folders[major])


def named(name: str) -> Product:
    """`command-line`, `in-process` or `replace`."""
    kinds: dict[str, type[CommandLine] | type[Replace]] = {
        "command-line": CommandLine,
        "in-process": InProcess,
        "replace": Replace,
    }
    return kinds[name]()


def hazards(plan: Plan) -> Iterator[tuple[str, str]]:
    """Each hazard of a plan: its code, and the id of the step's object."""
    for step in plan.get("steps", ()):
        for hazard in step.get("hazards", ()):
            yield (hazard["code"] if isinstance(hazard, dict) else str(hazard)), str(step.get("object", ""))


def rendered(plan: Plan) -> str:
    """A plan for reading: each step's label, hazards and SQL."""
    parts = []
    for step in plan.get("steps", ()):
        label = step.get("label") or step.get("object", "")
        codes = " ".join(
            hazard["code"] if isinstance(hazard, dict) else str(hazard) for hazard in step.get("hazards", ())
        )
        sql = step.get("sql", ())
        texts = [sql] if isinstance(sql, str) else sql
        head = f"-- {step.get('number', '?')}. {step.get('action', '')} {label}"
        parts.append("\n".join([f"{head}  {codes}".rstrip(), *(f"{text};" for text in texts)]))
    return "\n".join(parts) or "-- nothing to do"
