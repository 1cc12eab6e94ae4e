"""What a plan's notes say: what an undo leads back to and cannot bring back, which plans of the chain it does
over again, and what was seen and left."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = [
    "LEFT_ALONE",
    "ONCE_MORE",
    "TAKEN_BACK",
    "back_to",
    "by_heading",
    "goes_back_to",
    "not_back",
    "once_more",
    "without_once_more",
]

TAKEN_BACK = "Taken back"
ONCE_MORE = "Once more"
LEFT_ALONE = "Seen, and left alone"
_TO_THE_START = "back to the state before the first plan"
_BACK = re.compile(r"back to the state after plan (\d{4,})\Z")
_NOT_BACK = " does not come back as it was: plan "
_ONCE_MORE = "does once more what was done by "


def back_to(number: int) -> str:
    """The first note of an undo: to the state after which plan it leads (0: before the first)."""
    return f"back to the state after plan {number:04}" if number else _TO_THE_START


def not_back(label: str, number: int, message: str) -> str:
    """A note about what plan `number` has thrown away for good."""
    return f"{label}{_NOT_BACK}{number:04} {message}"


def goes_back_to(notes: Sequence[str]) -> int | None:
    """The number of the plan to whose state an undo goes back, by its notes; None for other plans."""
    if notes and notes[0] == _TO_THE_START:
        return 0
    match = _BACK.match(notes[0]) if notes else None
    return int(match[1]) if match else None


def once_more(names: Sequence[str]) -> str:
    """A note that tells a plan from the plans of its chain that do the same, and makes its id another."""
    return f"{_ONCE_MORE}{', '.join(names)}"


def without_once_more(notes: Sequence[str]) -> tuple[str, ...]:
    """The notes but for that one."""
    return tuple(note for note in notes if not note.startswith(_ONCE_MORE))


def by_heading(notes: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """The notes under the headings that people read, in order; without the headings that have none."""
    is_undo = goes_back_to(notes) is not None
    found: dict[str, list[str]] = {TAKEN_BACK: [], ONCE_MORE: [], LEFT_ALONE: []}
    for number, note in enumerate(notes):
        if is_undo and (number == 0 or _NOT_BACK in note):
            found[TAKEN_BACK].append(note)
        else:
            found[ONCE_MORE if note.startswith(_ONCE_MORE) else LEFT_ALONE].append(note)
    return {heading: tuple(lines) for heading, lines in found.items() if lines}
