"""What is known, for all who ask: the status file, /status, metrics, and a log line for each change."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.controller.source import SourceStatus
from reconciler.controller.state import Finding, State, Trouble

if TYPE_CHECKING:
    from reconciler.controller.logs import Log
    from reconciler.controller.metrics import Metrics
    from reconciler.core.errors import Problem

FORMAT = 1
_LOGGED = 20
"""Of lists, so many items are logged."""
_LEVELS = {
    State.DRIFTED: "warning",
    State.BLOCKED: "warning",
    State.UNPLANNED: "warning",
    State.INVALID: "error",
    State.ERROR: "error",
}


@dataclass(slots=True)
class SourceEntry:
    """What is known of the source."""

    status: SourceStatus = SourceStatus.WAITING
    message: str = ""
    revision: str | None = None
    """Of what is there now."""
    in_use: str | None = None
    """The revision that is worked with: the last that was settled and valid."""
    problems: tuple[Problem, ...] = ()
    warning: str = ""
    since: float = 0.0


@dataclass(slots=True)
class TargetEntry:
    """What is known of a target. Times in seconds since the epoch."""

    finding: Finding = field(default_factory=Finding)
    is_active: bool = False
    taken_by: str | None = None
    revision: str | None = None
    since: float = 0.0
    attempted_at: float | None = None
    observed_at: float | None = None
    failures: int = 0
    next_attempt_in: float = 0.0
    last_apply: dict[str, Any] | None = None


class Board:
    """Written by the loop, read by the threads that answer requests."""

    def __init__(
        self, metrics: Metrics, log: Log, wall: Callable[[], float], facts: dict[str, Any], file: Path | None
    ) -> None:
        self.metrics, self.log = metrics, log
        self._wall, self._facts, self._file = wall, facts, file
        self._source, self._targets = SourceEntry(since=wall()), dict[str, TargetEntry]()
        self._started, self._guard = wall(), threading.RLock()
        self._file_failed = False
        self._beat_at = wall()

    def beat(self) -> None:
        """The loop turns, or the work that it waits for goes on."""
        with self._guard:
            self._beat_at = self._wall()
        self.metrics.heartbeat(self._beat_at)

    def source(self, entry: SourceEntry) -> None:
        """What the last look at the source found."""
        with self._guard:
            before, now = self._source, self._wall()
            is_news = (before.status, before.message, before.in_use, before.problems, before.warning) != (
                entry.status, entry.message, entry.in_use, entry.problems, entry.warning,
            )  # fmt: skip
            entry.since = before.since if before.status is entry.status else now
            self._source = entry
        self.metrics.source(entry.revision or entry.in_use, entry.status.value)
        if is_news:
            tell = self.log.info if entry.status in _CALM else self.log.error
            places = [str(problem) for problem in entry.problems[:_LOGGED]] or None
            tell(
                "source",
                status=entry.status.value,
                revision=entry.revision,
                in_use=entry.in_use,
                message=entry.message or entry.warning or None,
                problems=places,
            )

    def attempt(self, target: str) -> None:
        """A pass over a target begins."""
        with self._guard:
            now = self._entry(target).attempted_at = self._wall()
        self.metrics.attempt(target, now)

    def seat(self, target: str, is_active: bool, taken_by: str | None = None) -> None:
        """Whether this instance works on the target's database."""
        with self._guard:
            entry = self._entry(target)
            was, entry.is_active, entry.taken_by = entry.is_active, is_active, taken_by
        self.metrics.active(target, is_active)
        if was != is_active:
            self.log.info("active" if is_active else "no longer active", target=target)

    def found(self, target: str, finding: Finding, revision: str | None) -> None:
        """What a pass found."""
        with self._guard:
            entry, now = self._entry(target), self._wall()
            before, entry.finding = entry.finding, finding
            entry.revision = revision
            if before.state is not finding.state:
                entry.since = now
            if finding.state is not State.ERROR:
                entry.observed_at = now
        self.metrics.found(target, finding, None if finding.state is State.ERROR else now)
        if _news(before) != _news(finding):
            self._tell(target, finding, revision)

    def retrying(self, target: str, failures: int, seconds: float) -> None:
        """How often in a row it went wrong, and when it is tried again."""
        with self._guard:
            entry = self._entry(target)
            entry.failures, entry.next_attempt_in = failures, seconds

    def applied(self, target: str, plan: str, result: str, facts: dict[str, Any]) -> None:
        """How a plan's run ended; `facts` has lock_wait_seconds, and the steps or the trouble."""
        with self._guard:
            told = {"plan": plan, "result": result, "at": _iso(self._wall())} | facts
            self._entry(target).last_apply = told
        self.metrics.applied(target, result, float(facts.get("lock_wait_seconds", 0.0)))
        is_well = result in ("applied", "resumed", "already_applied", "healed")
        tell = self.log.info if is_well else self.log.error
        tell("apply ended", target=target, plan=plan, result=result, **facts)

    def forget(self, target: str) -> None:
        """The target is no longer watched."""
        with self._guard:
            self._targets.pop(target, None)
        self.metrics.forget(target)

    def finding(self, target: str) -> Finding:
        """What was found last."""
        with self._guard:
            return self._entry(target).finding

    def as_data(self) -> dict[str, Any]:
        """The status as plain data. Keys are only ever added (docs/controller.md)."""
        with self._guard:
            return {
                "format": FORMAT,
                **self._facts,
                "started_at": _iso(self._started),
                "updated_at": _iso(self._wall()),
                "beat_at": _iso(self._beat_at),
                "source": _source_data(self._source),
                "targets": {name: _target_data(entry) for name, entry in sorted(self._targets.items())},
            }

    def write(self) -> None:
        """Replace the status file, in one go. That it cannot be written is told once, and is no error."""
        if self._file is None:
            return
        from reconciler.app import write_text

        try:
            write_text(self._file, json.dumps(self.as_data(), indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            if not self._file_failed:
                self.log.error("the status file cannot be written", file=str(self._file), why=error.strerror)
            self._file_failed = True
        else:
            self._file_failed = False

    def _entry(self, target: str) -> TargetEntry:
        return self._targets.setdefault(target, TargetEntry(since=self._wall()))

    def _tell(self, target: str, finding: Finding, revision: str | None) -> None:
        tell = getattr(self.log, _LEVELS.get(finding.state, "info"))
        trouble = finding.trouble
        tell(
            "state",
            target=target,
            state=finding.state.value,
            revision=revision,
            code=trouble.code if trouble else None,
            message=finding.summary(),
            hint=finding.hint,
            plan=finding.pending[0] if finding.pending else None,
            drift=[f"{how} {name}" for name, how in finding.drift[:_LOGGED]] or None,
            notes=list(finding.notes) or None,
        )


_CALM = (SourceStatus.OK, SourceStatus.WAITING, SourceStatus.UNSETTLED)


def _news(finding: Finding) -> tuple[Any, ...]:
    trouble: Trouble | None = finding.trouble
    return finding.state, trouble, finding.pending, finding.drift, finding.differences, finding.notes


def _source_data(entry: SourceEntry) -> dict[str, Any]:
    return {
        "status": entry.status.value,
        "since": _iso(entry.since),
        "message": entry.message or None,
        "revision": entry.revision,
        "in_use": entry.in_use,
        "problems": [asdict(problem) for problem in entry.problems],
        "warning": entry.warning or None,
    }


def _target_data(entry: TargetEntry) -> dict[str, Any]:
    return {
        **entry.finding.as_data(),
        "active": entry.is_active,
        "taken_by": entry.taken_by,
        "revision": entry.revision,
        "since": _iso(entry.since),
        "attempted_at": _iso(entry.attempted_at),
        "observed_at": _iso(entry.observed_at),
        "failures": entry.failures,
        "next_attempt_in_seconds": round(entry.next_attempt_in, 1),
        "last_apply": entry.last_apply,
    }


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
