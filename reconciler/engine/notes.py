"""What a plan's notes say: what an undo leads back to and cannot bring back, and what was seen and left."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["back_to", "goes_back_to", "not_back", "of_undo"]

_BACK = re.compile(r"back to the state after plan (\d{4,})\Z")
_NOT_BACK = " does not come back as it was: plan "


def back_to(number: int) -> str:
    """The first note of an undo: to the state after which plan it leads (0: before the first)."""
    return f"back to the state after plan {number:04}"


def not_back(label: str, number: int, message: str) -> str:
    """A note about what plan `number` has thrown away for good."""
    return f"{label}{_NOT_BACK}{number:04} {message}"


def goes_back_to(notes: Sequence[str]) -> int | None:
    """The number of the plan to whose state an undo goes back, by its notes; None for other plans."""
    match = _BACK.match(notes[0]) if notes else None
    return int(match[1]) if match else None


def of_undo(notes: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The notes about what is taken back, and the others."""
    if goes_back_to(notes) is None:
        return (), tuple(notes)
    ours = tuple(note for number, note in enumerate(notes) if number == 0 or _NOT_BACK in note)
    return ours, tuple(note for note in notes if note not in ours)
