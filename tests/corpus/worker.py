"""A process that plays cases on servers of its own, told what to play through a pipe."""

from __future__ import annotations

import signal
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from tests.corpus.play import Bench, Outcome, TimeIsUp
from tests.corpus.product import named
from tests.corpus.servers import ServerSource


@dataclass(frozen=True, slots=True)
class Task:
    """How cases are played."""

    major: int
    product: str
    """A name that `product.named` knows, or `identity`."""
    timeout_s: int


def work(task: Task, pipe: Connection[Any, Any]) -> None:
    """Play the cases that arrive until None does; answer each with its Outcome."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGALRM, _time_is_up)
    source = ServerSource(task.major)
    try:
        bench = Bench(source, None if task.product == "identity" else named(task.product))
        while (case := pipe.recv()) is not None:
            pipe.send(_play(bench, case, task.timeout_s))
    finally:
        source.close()


def _play(bench: Bench, case: dict[str, Any], timeout_s: int) -> Outcome:
    signal.alarm(timeout_s)
    try:
        return bench.play(case)
    except TimeIsUp:
        return Outcome(case["id"], case["suite"], "failed", "time is up")
    except Exception as error:  # a defect of the harness must not end the run: it is counted as one
        return Outcome(
            case["id"], case["suite"], "failed", f"harness: {type(error).__name__}", traceback.format_exc()
        )
    finally:
        signal.alarm(0)


def _time_is_up(number: int, frame: FrameType | None) -> None:
    raise TimeIsUp


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(143)
