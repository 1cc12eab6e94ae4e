"""Numbers with their nouns."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """`1 step`, `2 steps`, `0 indexes`, `3 foreign keys`, `4 policies`, `5 classes`, `6 statistics`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{number} {noun[:-1]}ies"
    if noun.endswith(("x", "ss")):
        return f"{number} {noun}es"
    return f"{number} {noun}" if noun.endswith("s") else f"{number} {noun}s"
