"""A second process that does a part of the work, and hands over bytes."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.quick

_START = """
import os, signal, sys, time
from reconciler.engine.declaration.worker_process import companion, may_have_one
here = os.getpid()
"""


def _said(script: str) -> list[str]:
    """What a process of its own prints: copies are made of processes without threads."""
    done = subprocess.run(
        [sys.executable, "-c", _START + script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_pieces_of_any_size_come_in_order() -> None:
    assert (
        _said("""
sizes = [0, 1, 70_000, 5_000_000, 3]
def work():
    for size in sizes:
        yield bytes([size % 251]) * size
with companion(work) as answers:
    for size, answer in zip(sizes, answers, strict=True):
        print(len(answer) == size and answer == bytes([size % 251]) * size)
""")
        == ["True"] * 5
    )


def test_what_goes_wrong_there_ends_the_answers() -> None:
    assert _said("""
def work():
    yield b"first"
    os.kill(os.getpid(), signal.SIGKILL) if sys.argv[1:] else 1 / 0
for how in ([], ["killed"]):
    sys.argv[1:] = how
    with companion(work) as answers:
        print(*(answer.decode() for answer in answers))
""") == ["first", "first"]


def test_where_no_process_can_be_started_there_are_no_answers() -> None:
    assert _said("""
def refused():
    raise BlockingIOError
os.fork = refused
with companion(lambda: [b"one"]) as answers:
    print(len(list(answers)))
""") == ["0"]


def test_it_ends_with_the_context() -> None:
    assert _said("""
def work():
    yield str(os.getpid()).encode()
    time.sleep(600)
with companion(work) as answers:
    other = int(next(answers))
try:
    os.kill(other, 0)
    print("runs")
except ProcessLookupError:
    print("ended")
print(other != here)
""") == ["ended", "True"]


def test_a_process_with_threads_has_none() -> None:
    assert _said("""
import threading
os.sched_getaffinity = lambda of: {0, 1}
print(may_have_one())
wait = threading.Event()
threading.Thread(target=wait.wait).start()
print(may_have_one())
wait.set()
""") == ["True", "False"]
