"""Where a target stands, as status file, metrics and logs tell it. Names of objects, never rows or SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from reconciler.core.dataclass import dataclass

MOST_LISTED = 100
"""Of drifted objects and hazards, so many are listed; they are always counted in full."""


class State(StrEnum):
    """Where a target stands; one word for dashboards."""

    UNKNOWN = "unknown"
    """Not looked at yet."""
    STANDBY = "standby"
    """Another instance works on this database."""
    IN_SYNC = "in_sync"
    PENDING = "pending"
    """Plans of the chain wait to be applied, and nothing stands against it."""
    BLOCKED = "blocked"
    """Plans wait, and cannot be applied as things are: consent, approval, policy, a stale plan."""
    DRIFTED = "drifted"
    """Objects are not as the last run left them."""
    UNPLANNED = "unplanned"
    """The declared state is another, and no plan leads there."""
    INVALID = "invalid"
    """PostgreSQL refuses what is declared."""
    ERROR = "error"
    """It could not be looked at, or an apply went wrong."""


_SAID = {
    State.UNKNOWN: "not looked at yet",
    State.STANDBY: "another instance works on this database",
}
_WAYS_ON = {
    State.PENDING: "a controller with --mode apply applies them, or reconcile apply --all does",
    State.DRIFTED: "reconcile drift and reconcile plan tell what it is; declare it, or have it undone",
    State.UNPLANNED: "save a plan and have it reviewed: reconcile plan --save",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is in the way."""

    code: str
    """The sort of error: `stale`, `connection_failed`."""
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one pass over a target found."""

    state: State = State.UNKNOWN
    trouble: Trouble | None = None
    server: str = ""
    """Host, port, database and user."""
    major: int | None = None
    applied: int | None = None
    """How many plans of the chain are applied; None where that cannot be told."""
    pending: tuple[str, ...] = ()
    """The files of the plans that wait, in order."""
    drift: tuple[tuple[str, str], ...] = ()
    """Objects that are not as the last run left them, and how: missing, changed, back again, unplanned."""
    differences: tuple[str, ...] = ()
    """What a plan to the declared state would do: `create index app.users_idx`."""
    needs_consent: tuple[str, ...] = ()
    """Hazards of waiting plans without consent: `data_loss:column:app.users.email`."""
    hazards: Mapping[str, int] = field(default_factory=dict)
    """All hazards of what waits, counted by code."""
    notes: tuple[str, ...] = ()
    """What else a person should know."""

    @property
    def is_in_sync(self) -> bool:
        """Whether the database is as declared and nothing waits."""
        return self.state is State.IN_SYNC

    def as_data(self) -> dict[str, Any]:
        """For the status file. Keys are only ever added."""
        trouble = self.trouble
        return {
            "state": self.state.value,
            "code": trouble.code if trouble else None,
            "message": self.summary(),
            "hint": self.hint,
            "server": self.server or None,
            "major": self.major,
            "chain": {"applied": self.applied, "pending": list(self.pending)},
            "drift": [{"object": name, "how": how} for name, how in self.drift[:MOST_LISTED]],
            "drift_objects": len(self.drift),
            "differences": list(self.differences[:MOST_LISTED]),
            "difference_count": len(self.differences),
            "needs_consent": list(self.needs_consent[:MOST_LISTED]),
            "hazards": dict(sorted(self.hazards.items())),
            "notes": list(self.notes),
        }

    @property
    def hint(self) -> str | None:
        """How to go on."""
        return self.trouble.hint if self.trouble is not None else _WAYS_ON.get(self.state)

    def summary(self) -> str:
        """In one line."""
        if self.trouble is not None:
            return self.trouble.message
        parts = (
            (len(self.pending), "plan", " pending"),
            (len(self.drift), "object", " drifted"),
            (len(self.differences), "difference", ""),
        )
        told = (f"{count} {one}{'s' if count > 1 else ''}{rest}" for count, one, rest in parts if count)
        found = ", ".join(told)
        return found or _SAID.get(self.state, "nothing to do")
