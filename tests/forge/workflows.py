"""Run the steps of CI workflows with bash, with the variables and files that the runner provides."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = sorted((ROOT / "docs" / "ci" / "github").glob("*.yaml"))
TEMPLATE = ROOT / "reconciler" / "app" / "adoption" / "templates" / "workflow.yaml"
ACTION = ROOT / ".github" / "actions" / "reconcile" / "action.yml"
GITLAB = ROOT / "docs" / "ci" / "gitlab" / "reconcile.gitlab-ci.yml"
EVERY = (*GITHUB, TEMPLATE, ACTION, GITLAB)

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def read(path: Path) -> Any:
    """Return the YAML of a file; `on` is read as text, not as a boolean."""
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)


def scripts(path: Path) -> Iterator[str]:
    """Yield every shell script in the file."""
    data = read(path)
    if path == GITLAB:
        for job in data.values():
            for key in ("before_script", "script"):
                yield from job.get(key, ())
        return
    jobs = data["jobs"].values() if "jobs" in data else [data["runs"]]
    for job in jobs:
        yield from (step["run"] for step in job["steps"] if "run" in step)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended."""

    code: int
    out: str


@dataclass
class Runner:
    """A machine of the CI system: a checkout, a PATH with our `reconcile`, and the files that steps write."""

    checkout: Path
    variables: dict[str, str]
    context: dict[str, str] = field(default_factory=dict)
    """The values of expressions."""

    def __post_init__(self) -> None:
        self.temporary.mkdir()
        self._program("reconcile", f'exec "{sys.executable}" -m reconciler "$@"')
        installed = self.temporary / "installed"
        self._program("python", f'printf "%s\\n" "$@" >> "{installed}"')

    @property
    def temporary(self) -> Path:
        """The folder RUNNER_TEMP, next to the checkout."""
        return self.checkout.parent / "runner"

    @property
    def summary(self) -> str:
        """The text of the run's summary."""
        path = self.temporary / "summary"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def installed(self) -> list[str]:
        """The arguments of all calls of `python`."""
        path = self.temporary / "installed"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs that steps wrote to GITHUB_OUTPUT."""
        path = self.temporary / "output"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines)

    def bash(self, script: str, variables: Mapping[str, str] | None = None) -> Ended:
        """Run a script as the runners do: it stops at the first command that fails."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout, env=self._environment() | dict(variables or {}), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stdout, done.stdout
        return Ended(done.returncode, done.stdout)

    def steps(self, job: Any, given: Mapping[str, str] | None = None) -> list[tuple[str, Ended]]:
        """Run a job's scripts in order. After a failure, run only those whose condition allows it."""
        ended: list[tuple[str, Ended]] = []
        has_failed = False
        for step in job["steps"]:
            if "run" not in step or (has_failed and "!cancelled()" not in step.get("if", "")):
                continue
            variables = {name: self._filled(text) for name, text in step.get("env", {}).items()}
            done = self.bash(step["run"], dict(given or {}) | variables)
            has_failed = has_failed or done.code != 0
            ended.append((step["name"], done))
        return ended

    def _filled(self, text: str) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if match := re.fullmatch(r"steps\.\w+\.outputs\.([\w-]+)", name):
                return self.outputs.get(match[1], "")
            return self.context[name]

        return _EXPRESSION.sub(value, text)

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"PG|RECONCILE_|GITHUB_|GITLAB_|CI|GH_|(?i:https?|all)_proxy", name)
        }
        return kept | {
            "PATH": f"{self.temporary}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": str(ROOT),
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_OUTPUT": str(self.temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
            "GITHUB_ACTION_PATH": str(ACTION.parent),
            **self.variables,
        }

    def _program(self, name: str, script: str) -> None:
        path = self.temporary / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)


def event(path: Path, data: object) -> str:
    """Write an event's file and return its path."""
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)
