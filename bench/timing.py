"""One process at a time, measured by itself: wall time, CPU time, peak memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = """
import os, sys, time
report, *words = sys.argv[1:]
started = time.perf_counter()
pid = os.posix_spawnp(words[0], words, os.environ)
_, status, used = os.wait4(pid, 0)
wall = time.perf_counter() - started
code = os.waitstatus_to_exitcode(status)
with open(report, "w") as file:
    print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss, code, file=file)
"""
"""A child's peak memory begins with that of the process that started it: hence a parent of a few MiB. What
wait4 tells counts the child and those of its own children that it waited for; servers are neither."""


class Unmeasured(Exception):
    """A command did not do what it is measured for."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and how to tell that it did its work."""

    words: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    exit_codes: frozenset[int] = frozenset({0})
    output: str = ""
    """What its output must contain."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run took."""

    wall_s: float
    cpu_s: float
    """User and system, of the process and its children: without the database server."""
    peak_mib: float


def measure(command: Command, limit_s: float) -> Measured:
    """Run a command to its end. Raises Unmeasured when it takes longer than `limit_s`, exits with another
    code or does not write what is expected of it."""
    with tempfile.TemporaryDirectory() as folder:
        report, output = Path(folder, "report"), Path(folder, "output")
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(report), *command.words]
        with output.open("wb") as written:
            _wait(
                subprocess.Popen(
                    launcher,
                    stdin=subprocess.DEVNULL,
                    stdout=written,
                    stderr=subprocess.STDOUT,
                    cwd=command.folder,
                    env=dict(command.environment),
                    start_new_session=True,
                ),
                limit_s,
            )
        return _judged(command, report.read_text().split(), output.read_text(errors="replace"))


def _wait(launcher: subprocess.Popen[bytes], limit_s: float) -> None:
    try:
        launcher.wait(limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait()
        raise Unmeasured(f"not done after {limit_s:g} s") from None


def _judged(command: Command, report: list[str], output: str) -> Measured:
    wall, cpu, peak_kib, code = report
    if int(code) not in command.exit_codes:
        last = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")
        raise Unmeasured(f"exit code {code}: {last[:200]}")
    if command.output not in output:
        raise Unmeasured(f"{command.output!r} is not in the output")
    return Measured(float(wall), float(cpu), int(peak_kib) / 1024)
