"""When something is tried again, and whether the loop still turns."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from reconciler.engine.connection.retry import Clock

JITTER = 0.1
"""The share by which an interval is made longer or shorter, so that many instances do not knock at once."""


def jittered(seconds: float, clock: Clock) -> float:
    """An interval with its jitter."""
    return seconds * (1 - JITTER + 2 * JITTER * clock.random())


@dataclass(slots=True)
class Backoff:
    """Pauses that double from failure to failure, jittered from half to one and a half, up to a longest."""

    first_seconds: float
    clock: Clock
    longest_seconds: float = 600.0
    failures: int = 0
    next_at: float = float("-inf")
    """On the clock: before that nothing is tried."""

    @property
    def is_due(self) -> bool:
        """Whether it may be tried now."""
        return self.clock.now() >= self.next_at

    @property
    def seconds_left(self) -> float:
        """How long until it is tried again."""
        return max(0.0, self.next_at - self.clock.now())

    def failed(self) -> None:
        """It went wrong: wait for longer than the last time."""
        whole = min(self.longest_seconds, self.first_seconds * 2.0 ** min(self.failures, 30))
        self.failures += 1
        self.next_at = self.clock.now() + whole * (0.5 + self.clock.random())

    def reset(self) -> None:
        """It went well, or what it depends on has changed."""
        self.failures, self.next_at = 0, float("-inf")


@dataclass(slots=True)
class Health:
    """What the probes are told. Written by the loop, read by the threads that answer."""

    clock: Clock
    stalled_after_seconds: float = 300.0
    """A loop that has not beaten for so long hangs."""
    is_started: bool = False
    """Whether the loop has turned once."""
    unready: tuple[str, ...] = ("no pass is done yet",)
    """Why it is not ready; empty where it is."""
    _beat_at: float = field(init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._beat_at = self.clock.now()

    def beat(self) -> None:
        """The loop turns, or the work that it waits for goes on."""
        with self._guard:
            self._beat_at = self.clock.now()

    @property
    def age_seconds(self) -> float:
        """How long ago the last beat was."""
        with self._guard:
            return self.clock.now() - self._beat_at

    @property
    def is_alive(self) -> bool:
        """Whether the loop still turns."""
        return self.age_seconds < self.stalled_after_seconds
