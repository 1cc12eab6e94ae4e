"""Split text that PostgreSQL itself wrote at delimiters outside quotes and brackets.

This is not a parser: it does not interpret statements. It is used to sort lists in dumps.
"""

from __future__ import annotations

_OPENING = "(["
_CLOSING = ")]"


def split(text: str, delimiter: str) -> list[str]:
    """Split `text` at each `delimiter` (one character) that is outside quotes and brackets.

    Quotes inside quotes are doubled, as PostgreSQL writes them. Dollar quotes are not recognized.
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
    """Return the start and end of the text inside the first parentheses outside quotes; None if there are
    no parentheses."""
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
    """Return the position of the first of the `wanted` texts outside quotes, or -1."""
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
