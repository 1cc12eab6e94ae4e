"""Trying again: time that can be replaced, a stop that can be asked for, and how long each try may wait."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from types import FrameType

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Terminated

_SLICE_SECONDS = 0.2
"""How long a pause goes on before it looks whether a stop was asked for."""
_ONE_SIGNAL_SECONDS = 1.0
"""Signals that come closer together than this are one."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that tests can replace both."""

    now: Callable[[], float] = time.monotonic
    """Seconds that never run backwards."""
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    """A number from 0 up to 1."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How locks are waited for: briefly and often, so that nobody queues behind us for long."""

    first_lock_timeout_ms: int = 50
    """On a busy table 50 ms got an access exclusive lock in every try, no wait at all in about half."""
    deadlock_share: float = 0.8
    """The longest wait as a share of deadlock_timeout: below 1 the application is never a deadlock's victim,
    because we give up before the server looks for one."""
    first_pause_seconds: float = 0.1
    longest_pause_seconds: float = 30.0
    deadline_seconds: float = 600.0
    """How long one transaction is tried over and over before the run ends as busy."""

    def lock_timeout_ms(self, attempt: int, deadlock_timeout_ms: int) -> int:
        """The lock_timeout of an attempt; attempts count from 0."""
        longest = max(1, int(deadlock_timeout_ms * self.deadlock_share))
        return min(self.first_lock_timeout_ms << min(attempt, 20), longest)

    def pause_seconds(self, attempt: int, clock: Clock) -> float:
        """The pause after an attempt: doubling, and jittered from half to one and a half."""
        whole = min(self.longest_pause_seconds, self.first_pause_seconds * 2.0 ** min(attempt, 20))
        return whole * (0.5 + clock.random())


@dataclass(frozen=True, slots=True)
class Stop:
    """A wish to end soon. Once asked for it stays; whoever works looks at it between two pieces of work."""

    event: threading.Event = field(default_factory=threading.Event)

    @property
    def asked(self) -> bool:
        """Whether the work is to end."""
        return self.event.is_set()

    def ask(self) -> None:
        """Ask for the end; may be called from a signal handler and from any thread."""
        self.event.set()

    def check(self) -> None:
        """Raise Terminated where the end was asked for."""
        if self.asked:
            raise Terminated("stopped on request", hint="run again to go on where this run ended")

    def pause(self, seconds: float, clock: Clock) -> None:
        """Sleep in slices. Raises Terminated as soon as the end is asked for."""
        end = clock.now() + seconds
        self.check()
        while (left := end - clock.now()) > 0:
            clock.sleep(min(left, _SLICE_SECONDS))
            self.check()


@dataclass(slots=True)
class Insistence:
    """Ends the process at once when a signal comes a second time: who sends two does not want to wait.

    What is sent to a process and then to its group (as timeout(1) does) comes twice in no time, and counts
    once. The server rolls back what is open, and the next run clears away what is left.
    """

    _first_at: float | None = None

    def heard(self, number: int) -> None:
        """A signal came; called from its handler. Does not return the second time."""
        now = time.monotonic()
        if self._first_at is not None and now - self._first_at > _ONE_SIGNAL_SECONDS:
            os._exit(128 + number)
        self._first_at = self._first_at or now


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[Stop]:
    """Within the context SIGTERM and SIGINT ask `stop` to end the work, and a second one ends the process.
    Outside the main thread, where Python handles no signals, nothing is changed."""
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    insistence = Insistence()

    def ask(number: int, _frame: FrameType | None) -> None:
        insistence.heard(number)
        stop.ask()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
