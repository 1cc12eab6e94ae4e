"""Runs an image's program in its unpacked file system, as a restricted pod would: see enter.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ENTER = Path(__file__).with_name("enter.py")
USER = 65532


@dataclass(frozen=True, slots=True)
class Container:
    """An image's root file system and configuration; each `start` is a container of its own. The network is
    the machine's."""

    root: Path
    config: Mapping[str, Any]
    binds: Sequence[tuple[Path, str, bool]] = ()
    """From, to, and whether it may be written."""
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, entrypoint: Sequence[str] | None = None) -> subprocess.Popen[str]:
        """Start the image's ENTRYPOINT, or another, with these arguments."""
        said = dict(pair.split("=", 1) for pair in self.config["Env"])
        asked = {
            "root": str(self.root),
            "binds": [[str(source), target, is_writable] for source, target, is_writable in self.binds],
            "user": USER,
            "folder": self.config["WorkingDir"],
            "environment": {**said, **self.environment},
            "command": [*(self.config["Entrypoint"] if entrypoint is None else entrypoint), *arguments],
        }
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return subprocess.Popen(
            [*alone, sys.executable, "-I", str(ENTER), json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *arguments: str, entrypoint: Sequence[str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same, and wait for its end."""
        with self.start(*arguments, entrypoint=entrypoint) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def first_process(process: subprocess.Popen[str]) -> int:
    """The number that PID 1 of a started container has outside; unshare itself passes no signals on."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0])
