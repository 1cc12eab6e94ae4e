"""The tree of errors, each with the exit code that a script sees (docs/format.md, section 4).

ReconcileError                     1   unexpected
├── ConnectionFailed               1   the server cannot be reached, or refuses the login
├── ServerError                    1   the server refused a statement
│   └── Refused                    3   and will refuse it again
├── EmbeddedUnavailable            1   no local PostgreSQL server can be had
├── NotConverged                   1   after the plan the database is not what it should be
├── Blocked                        3   a hazard without consent, a policy, a gate
├── Unsupported               3   too old, or a standby
│   └── PoolerDetected             3   a pooler in transaction mode is in the way
├── Stale                          4   the database is at neither end of the plan
├── NotApproved                    5   approval or signature is missing
├── Busy                           6   another run holds the lock, or locks could not be had in time
├── Stopped                        7   part-way, journal written: run again to resume
├── UsageError                    64   the command line is off
├── InvalidInput                  65   YAML or a plan file is invalid
└── Terminated                   143   SIGTERM, stopped cleanly
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass


class ReconcileError(Exception):
    """An error that a person can act on: what, where, how to go on."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint


class ConnectionFailed(ReconcileError):
    """The server cannot be reached, or refuses the login."""


class ServerError(ReconcileError):
    """The server refused a statement."""


class Refused(ServerError):
    """The server refused a statement that it will refuse again: what is there, or who asks, must change."""

    exit_code = 3


class EmbeddedUnavailable(ReconcileError):
    """No local PostgreSQL server can be had."""


class NotConverged(ReconcileError):
    """After the plan the database is not what it should be."""


class Blocked(ReconcileError):
    """A hazard without consent, a policy, or a gate that waits."""

    exit_code = 3


class Stale(ReconcileError):
    """The database is at neither end of the plan."""

    exit_code = 4


class NotApproved(ReconcileError):
    """Approval or signature is missing or wrong."""

    exit_code = 5


class Busy(ReconcileError):
    """Another run holds the lock, or locks could not be had in time."""

    exit_code = 6


class Stopped(ReconcileError):
    """Stopped part-way with the journal written: run again to resume."""

    exit_code = 7


class UsageError(ReconcileError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 64


class Unsupported(ReconcileError):
    """The server cannot be worked with as it is: too old, or a standby."""

    exit_code = 3


class PoolerDetected(Unsupported):
    """A connection pooler hides which server session is ours."""


class Terminated(ReconcileError):
    """SIGTERM: stopped cleanly."""

    exit_code = 143


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a file. Line and column count from 1."""

    file: str
    line: int
    column: int
    object: str | None
    message: str
    hint: str | None = None

    @property
    def place(self) -> tuple[str, int, int]:
        """What puts problems in the order in which a person goes through the files."""
        return self.file, self.line, self.column

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        subject = f"{self.object}: " if self.object else ""
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{place}{subject}{self.message}{hint}"


class InvalidInput(ReconcileError):
    """YAML or a plan file is invalid; every problem that was found is told."""

    exit_code = 65

    def __init__(self, message: str, problems: Iterable[Problem] = (), *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> InvalidInput:
        """One error that tells all problems."""
        found = tuple(problems)
        return cls("\n".join([f"{counted(len(found), 'problem')} in the input:", *map(str, found)]), found)


_LOCK_CONFLICTS = frozenset({"55P03", "40P01"})


def is_lock_conflict(sqlstate: str | None) -> bool:
    """Whether a statement failed because somebody else held a lock: lock_not_available, deadlock_detected."""
    return sqlstate in _LOCK_CONFLICTS
