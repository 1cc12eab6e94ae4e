"""Cutting text that PostgreSQL itself wrote, at delimiters outside quotes and brackets.

This is not a parser: nothing here knows what a statement means. It serves the ordering of lists in dumps.
"""

from __future__ import annotations

_OPENING = "(["
_CLOSING = ")]"


def split(text: str, delimiter: str) -> list[str]:
    """Cut `text` at each `delimiter` (one character) that stands outside quotes and brackets.

    Quotes are doubled inside quotes, as PostgreSQL writes them; there are no dollar quotes.
    """
    parts, start, depth, position = [], 0, 0, 0
    while position < len(text):
        character = text[position]
        if character in "'\"":
            position = _after_quote(text, position)
            continue
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif character == delimiter and depth == 0:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    parts.append(text[start:])
    return parts


def first_bracket(text: str) -> tuple[int, int] | None:
    """Where the inside of the first round brackets outside quotes starts and ends; None: there are none."""
    opened, depth, position = -1, 0, 0
    while position < len(text):
        character = text[position]
        if character in "'\"":
            position = _after_quote(text, position)
            continue
        if character == "(":
            if depth == 0:
                opened = position + 1
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                return opened, position
        position += 1
    return None


def find_outside_quotes(text: str, *wanted: str) -> int:
    """Where the first of the `wanted` texts starts outside quotes; -1: nowhere."""
    position = 0
    while position < len(text):
        if text[position] in "'\"":
            position = _after_quote(text, position)
        elif text.startswith(wanted, position):
            return position
        else:
            position += 1
    return -1


def _after_quote(text: str, opening: int) -> int:
    """The position after the quoted part that starts at `opening`; a doubled quote reads as two parts."""
    closing = text.find(text[opening], opening + 1)
    return len(text) if closing < 0 else closing + 1
