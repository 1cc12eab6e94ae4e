"""A second process for work in Python, of which a process does one thing at a time, threads or not.

It is a copy of this one that does its part, hands over bytes, and ends. They go through memory that both see;
a pipe says how long each piece is, so that no process waits for the other to read.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NoReturn

_LENGTH: Final = struct.Struct("Q")


def may_have_one() -> bool:
    """Whether a second process is a gain, and is safe: a copy of a process with threads may wait for ever for
    a lock that one of them held."""
    import threading

    return hasattr(os, "memfd_create") and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1


@contextmanager
def companion(work: Callable[[], Iterable[bytes]]) -> Iterator[Answers]:
    """What `work` gives in another process, which has begun by then; it ends with the context at the latest.

    Whatever goes wrong there, or with starting it, ends the answers early: who needs them all must see that
    they are complete.
    """
    lengths, telling = os.pipe()
    memory = os.memfd_create("reconcile")
    try:
        child = _copy()
        if child == 0:
            _give(work, memory, telling)
        os.close(telling)
        try:
            yield Answers(memory, lengths)
        finally:
            if child:
                with suppress(ProcessLookupError, ChildProcessError):
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
    finally:
        os.close(lengths)
        os.close(memory)


def _copy() -> int | None:
    """The other process's id there, 0 in the copy, None where there may be no more processes."""
    try:
        return os.fork()
    except OSError:
        return None


def _give(work: Callable[[], Iterable[bytes]], memory: int, telling: int) -> NoReturn:
    try:
        for stop in (signal.SIGINT, signal.SIGTERM):
            signal.signal(stop, signal.SIG_DFL)
        with open(memory, "wb", closefd=False) as shared:
            for piece in work():
                shared.write(piece)
                shared.flush()
                os.write(telling, _LENGTH.pack(len(piece)))
    finally:
        os._exit(0)


class Answers(Iterator[bytes]):
    """What the other process has given, piece by piece."""

    def __init__(self, memory: int, lengths: int) -> None:
        self._memory, self._lengths = memory, lengths
        self._start = 0

    def __next__(self) -> bytes:
        told = os.read(self._lengths, _LENGTH.size)
        if not told:
            raise StopIteration
        (length,) = _LENGTH.unpack(told)
        piece = os.pread(self._memory, length, self._start)
        self._start += length
        return piece

    @property
    def is_ready(self) -> bool:
        """Whether the next piece, or that there is none, is known without waiting."""
        import select

        return bool(select.select([self._lengths], [], [], 0)[0])
