"""`python -m bench`: the table of README.md, made anew."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.databases import Source, generated, gitlab
from bench.peers import peers
from bench.scenarios import Scenario, Stage, ours, pg_dump, server, staged
from bench.timing import Measured, Unmeasured, measure

_LIMIT_S = 600.0


@dataclass(slots=True)
class Line:
    """The runs of a scenario, each with the run of pg_dump before it; or why there is none."""

    scenario: Scenario
    runs: list[tuple[Measured, Measured]] = field(default_factory=list)
    failure: str | None = None


def main() -> int:
    """Measure what the command line asks for. Returns the exit code."""
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="reconcile-bench-") as name:
        folder = Path(name)
        # Where commands run as root, the scratch server runs as another user.
        folder.chmod(0o755)
        with server(folder) as running:
            for source in _sources(asked):
                _say(f"making {source.name}")
                stage = staged(source, running, folder)
                title = f"{source.name}, PostgreSQL {stage.installation.version}"
                before = os.getloadavg()[0]
                lines = _measured(stage, asked)
                load = f"load average {before:.1f} before, {os.getloadavg()[0]:.1f} after"
                print(f"\n### {title}\n\n{asked.runs} runs; {os.cpu_count()} cores, {load}\n")
                print("\n".join(_table(lines)), flush=True)
    return 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--tables", type=int, action="append", metavar="N", help="a database of N tables; may be repeated")
    add("--gitlab", action="store_true", help="GitLab's base schema of the corpus")
    add("--peers", action="store_true", help="the peers in bench/.cache too")
    add("--peer-limit", type=float, default=120.0, metavar="SECONDS", help="give a peer up after this long")
    add("--runs", type=int, default=3, metavar="N")
    add("--peer-runs", type=int, default=1, metavar="N", help="of these, so many with the peers")
    add("--quick", action="store_true", help="200 tables, two runs")
    asked = parser.parse_args()
    if asked.quick:
        asked.tables, asked.runs = [200], 2
    elif not asked.tables and not asked.gitlab:
        asked.tables = [1000]
    return asked


def _sources(asked: argparse.Namespace) -> Iterator[Source]:
    for tables in asked.tables or ():
        yield generated(tables)
    if asked.gitlab:
        source = gitlab()
        if source is None:
            _say("there is no corpus: set RECONCILE_CORPUS to its folder")
        else:
            yield source


def _measured(stage: Stage, asked: argparse.Namespace) -> list[Line]:
    """All lines, in rounds: before each command pg_dump, so that both see the same load."""
    scenarios = [*ours(stage), *(peers(stage) if asked.peers else ())]
    lines = [Line(scenario) for scenario in scenarios]
    # Compiled modules, the scratch server and the server's caches are there from the first run on.
    for command in (pg_dump(stage), *(scenario.command for scenario in scenarios if scenario.is_warm_up)):
        with suppress(Unmeasured):
            measure(command, _LIMIT_S)
    for run in range(asked.runs):
        for line in lines:
            if line.failure is None and (run < asked.peer_runs or not line.scenario.is_peer):
                _say(f"run {run + 1}: {line.scenario.name}")
                _run(line, stage, asked.peer_limit)
    return lines


def _run(line: Line, stage: Stage, peer_limit_s: float) -> None:
    dump = measure(pg_dump(stage), _LIMIT_S)
    line.scenario.prepare()
    try:
        found = measure(line.scenario.command, peer_limit_s if line.scenario.is_peer else _LIMIT_S)
    except Unmeasured as error:
        line.failure = str(error)
    else:
        line.runs.append((dump, found))


def _table(lines: Sequence[Line]) -> Iterator[str]:
    yield "| | wall, s | CPU, s | peak, MiB | to pg_dump | run by run | target |"
    yield "|---|--:|--:|--:|--:|---|---|"
    dumps = [dump for line in lines for dump, _ in line.runs]
    yield f"| `pg_dump --schema-only` | {_figures(dumps)} | 1 | {len(dumps)} runs | |"
    for line in lines:
        if line.failure is not None:
            yield f"| {line.scenario.name} | | | | | {line.failure} | |"
            continue
        ratios = [found.wall_s / dump.wall_s for dump, found in line.runs]
        shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        figures = _figures([found for _, found in line.runs])
        verdict = _verdict(line, median(ratios))
        yield f"| {line.scenario.name} | {figures} | {median(ratios):.2f} | {shown} | {verdict} |"


def _figures(runs: Sequence[Measured]) -> str:
    wall, cpu = median(run.wall_s for run in runs), median(run.cpu_s for run in runs)
    return f"{wall:.2f} | {cpu:.2f} | {max(run.peak_mib for run in runs):.0f}"


def _verdict(line: Line, ratio: float) -> str:
    if (limit_s := line.scenario.limit_s) is not None:
        wall = median(found.wall_s for _, found in line.runs)
        return f"≤ {limit_s:g} s: {'met' if wall <= limit_s else 'missed'}"
    if (target := line.scenario.target) is not None:
        return f"≤ {target:g}: {'met' if ratio <= target else 'missed'}"
    return ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
