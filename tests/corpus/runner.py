"""Play the corpus: python -m tests.corpus.runner [--suite S] [--case ID] [--product …] [--reverse] …"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.corpus import oracle
from tests.corpus.play import Outcome
from tests.corpus.worker import Task, work

_CHUNK = 6
"""Neighbouring cases go to one worker: they share sides, and the worker keeps templates of them."""
_GRACE_S = 30
_NEWS_EVERY = 50
"""Cases between two lines of progress where there is no terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the chosen cases. Returns 0 when all converge, 1 when some do not, 64 when there are none."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    if oracle.corpus_dir() is None:
        console.print("the corpus is not here, nothing is played: set RECONCILE_CORPUS to its folder")
        return 0
    chosen = list(_chosen(options))
    if not chosen:
        console.print("no case fits")
        return 64
    task = Task(options.pg, options.product, options.timeout)
    outcomes: list[Outcome] = []
    try:
        for outcome in _played(chosen, task, min(options.jobs, len(chosen)), console):
            outcomes.append(outcome)
    except KeyboardInterrupt:
        console.print(f"interrupted after {len(outcomes)} of {len(chosen)} cases")
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1))
    if options.case:
        _replay(outcomes)
    else:
        _report(outcomes)
    return int(any(outcome.status == "failed" for outcome in outcomes))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.runner", description=__doc__)
    parser.add_argument("--suite", action="append", help="only this suite (history:NAME, single); repeatable")
    parser.add_argument("--case", action="append", help="only this case, with its plan; repeatable")
    parser.add_argument("--tag", help="only cases with this kind of change")
    parser.add_argument("--limit", type=int, help="at most so many cases")
    parser.add_argument("--every", type=int, default=1, help="every K-th case")
    parser.add_argument("--offset", type=int, default=0, help="with --every: how many cases come before")
    parser.add_argument("--reverse", action="store_true", help="from new to old")
    parser.add_argument("--failed-in", type=Path, help="only cases that failed in this --json FILE")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="processes, each with a server of its own")
    parser.add_argument("--json", type=Path, help="write the outcomes to this file")
    parser.add_argument("--pg", type=int, default=18, help="PostgreSQL's major version")
    parser.add_argument("--timeout", type=int, default=60, help="seconds for one case")
    parser.add_argument(
        "--product",
        default="in-process",
        choices=("command-line", "in-process", "replace", "identity"),
        help="replace and identity try the harness itself",
    )
    return parser


def _chosen(options: argparse.Namespace) -> Iterator[oracle.Case]:
    failed = None
    if options.failed_in:
        failed = {
            found["id"] for found in json.loads(options.failed_in.read_text()) if found["status"] == "failed"
        }
    number = taken = 0
    for case in oracle.load_cases(options.pg, backwards=options.reverse):
        fits = (
            (not options.suite or case["suite"] in options.suite)
            and (not options.case or case["id"] in options.case)
            and (not options.tag or options.tag in case["tags"])
            and (failed is None or case["id"] in failed)
        )
        if fits and options.limit is not None and taken >= options.limit:
            return
        if fits and number % options.every == options.offset % options.every:
            taken += 1
            yield case
        number += fits


@dataclasses.dataclass(slots=True)
class _Worker:
    task: Task
    queue: deque[oracle.Case] = dataclasses.field(default_factory=deque)
    pipe: Connection[Any, Any] = dataclasses.field(init=False)
    process: Any = dataclasses.field(init=False)
    case: oracle.Case | None = None
    deadline: float = 0.0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(self.task, theirs))
        self.process.start()
        theirs.close()

    def next(self) -> None:
        """Send the next case; with none left, the end."""
        self.case = self.queue.popleft() if self.queue else None
        self.deadline = time.monotonic() + self.task.timeout_s + _GRACE_S
        self.pipe.send(self.case)

    def outcome(self) -> Outcome:
        """What became of the case that was sent; a worker that died or hangs is replaced."""
        case = self.case or {}
        try:
            if self.pipe.poll():
                found: Outcome = self.pipe.recv()
                return found
            cause = "harness: worker hangs"
        except EOFError:
            cause = "harness: worker died"
        self.stop()
        self.start()
        return Outcome(case["id"], case["suite"], "failed", cause)

    def stop(self) -> None:
        self.process.terminate()
        self.process.join(_GRACE_S)
        self.process.kill()


def _played(chosen: Sequence[oracle.Case], task: Task, jobs: int, console: Console) -> Iterator[Outcome]:
    chunks = deque(list(chosen[start : start + _CHUNK]) for start in range(0, len(chosen), _CHUNK))
    workers = [_Worker(task) for _ in range(max(1, jobs))]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as progress:
            bar = progress.add_task("corpus", total=len(chosen))
            counts: Counter[str] = Counter()
            for worker in workers:
                _refill(worker, chunks)
            while any(worker.case is not None for worker in workers):
                for outcome in _finished(workers, chunks):
                    counts[outcome.status] += 1
                    words = " ".join(f"{count} {status}" for status, count in sorted(counts.items()))
                    progress.update(bar, advance=1, description=words)
                    if not console.is_terminal and counts.total() % _NEWS_EVERY == 0:
                        console.print(f"{counts.total()} of {len(chosen)}: {words}")
                    yield outcome
    finally:
        for worker in workers:
            worker.stop()


def _finished(workers: Sequence[_Worker], chunks: deque[list[oracle.Case]]) -> Iterator[Outcome]:
    busy = [worker for worker in workers if worker.case is not None]
    soonest = min(worker.deadline for worker in busy)
    ready = wait([worker.pipe for worker in busy], timeout=max(0.0, soonest - time.monotonic()))
    for worker in busy:
        if worker.pipe in ready or time.monotonic() > worker.deadline:
            yield worker.outcome()
            _refill(worker, chunks)


def _refill(worker: _Worker, chunks: deque[list[oracle.Case]]) -> None:
    if not worker.queue and chunks:
        worker.queue.extend(chunks.popleft())
    worker.next()


def _replay(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        print(f"== {outcome.id}: {outcome.status} {outcome.cause} ({outcome.seconds:.1f} s) {outcome.note}")
        print(outcome.plan)
        print(outcome.detail)


def _report(outcomes: Sequence[Outcome]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table("suite", "cases", "converged", "failed", "skipped", "seconds")
    suites = dict.fromkeys(outcome.suite for outcome in outcomes)
    for suite in [*suites, None] if len(suites) > 1 else suites:
        own = [outcome for outcome in outcomes if suite in (None, outcome.suite)]
        counts = Counter(outcome.status for outcome in own)
        numbers = (len(own), counts["converged"], counts["failed"], counts["skipped"])
        table.add_row(suite or "all", *map(str, numbers), f"{sum(outcome.seconds for outcome in own):.0f}")
    console.print(table)
    causes = Table("status", "cause", "cases", "for example")
    grouped: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.status != "converged":
            grouped.setdefault((outcome.status, outcome.cause), []).append(outcome.id)
    for (status, cause), ids in sorted(grouped.items(), key=lambda item: -len(item[1])):
        causes.add_row(status, cause, str(len(ids)), ids[0])
    if grouped:
        console.print(causes)
    notes = Counter(
        outcome.note.partition(":")[0].partition(" in ")[0] for outcome in outcomes if outcome.note
    )
    for note, count in notes.most_common():
        console.print(f"{count} times: {note}")


if __name__ == "__main__":
    sys.exit(main())
