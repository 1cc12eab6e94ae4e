"""What a plain (unquoted) scalar means: YAML 1.2's core schema, less everything that readers disagree about.

YAML 1.1 readers turn `no` into false, `012` into 10, `12:30` into 750 and `2024-01-01` into a date; 1.2
readers do not. Whatever the two would read differently is a trap and refused, with the way to write it.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from reconciler.core.document import WrittenFloat


class Scalar(NamedTuple):
    """The meaning of a plain scalar."""

    value: Any
    """str, int, WrittenFloat, bool or None; the text itself where it is refused."""
    trap: str | None = None
    """Why it is refused, as the end of a sentence that starts with the text."""
    hint: str | None = None


_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_YES = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_LONGEST_YES = 3
_NUMBERISH = re.compile(r"[-+.0-9]")
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS = 1000
_SQL_TOO = "; as a SQL literal it needs quotes of its own inside"
_TRAPS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?", re.S),
        "is a date to some YAML readers",
        _SQL_TOO,
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        "is a number in base 60 to some YAML readers",
        _SQL_TOO,
    ),
    (re.compile(r"[-+]?0(?:[xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)"), "is not a decimal number", ""),
    (
        re.compile(r"[-+]?0[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"),
        "starts with a zero: some YAML readers take it for octal",
        "",
    ),
    (
        re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?"),
        "has an underscore in it, which some YAML readers drop",
        "",
    ),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "is not a finite number", ""),
)


def plain_scalar(text: str) -> Scalar:
    """What a plain scalar means as a value. As a key, every plain scalar is simply its text."""
    if text in _WORDS:
        return Scalar(_WORDS[text])
    if len(text) <= _LONGEST_YES and (meant := _YES.get(text.lower())) is not None:
        return Scalar(
            text, f"is {meant} to some YAML readers and text to others", f'write {meant}, or "{text}"'
        )
    if _NUMBERISH.match(text) is None:
        return Scalar(text)
    if len(text) <= _MOST_DIGITS:
        if _INT.fullmatch(text):
            return Scalar(int(text))
        if _FLOAT.fullmatch(text):
            return Scalar(WrittenFloat(text))
    elif _FLOAT.fullmatch(text):
        return Scalar(text, f"has more than {_MOST_DIGITS} digits", "quote it")
    for pattern, trap, aside in _TRAPS:
        if pattern.fullmatch(text):
            return Scalar(text, trap, f'quote it: "{text}"{aside}')
    return Scalar(text)


def means_itself(text: str) -> bool:
    """Whether every reader takes the plain scalar for a string, whatever its version of YAML."""
    return text not in ("=", "<<") and plain_scalar(text) == Scalar(text)
