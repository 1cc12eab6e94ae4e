"""The options of the sequence behind an identity: SQL phrases in the state, a mapping in YAML."""

from __future__ import annotations

from typing import Any, Final

from reconciler.core.ident import split_name, written_path
from reconciler.core.sequence_counting import Counting
from reconciler.kinds.column.state import ColumnState

SEQUENCE_NAME: Final = "SEQUENCE NAME "

IDENTITY_WORDS: Final = {
    "INCREMENT BY": "increment",
    "MINVALUE": "min",
    "MAXVALUE": "max",
    "START WITH": "start",
    "CACHE": "cache",
    "CYCLE": "cycle",
}
"""The words of a phrase, and the key in YAML."""

_BY_FIRST_WORD: Final = {words.split()[0]: key for words, key in IDENTITY_WORDS.items()}


def counting_of(state: ColumnState) -> Counting:
    """How the sequence behind an identity counts."""
    return Counting(type=state.type, **_values(state.identity_options))


def written_options(phrases: tuple[str, ...], schema: str) -> dict[str, Any]:
    """The mapping that declares the options in a table of that schema."""
    named = named_sequence(phrases)
    name = {} if named is None else {"name": written_path(split_name(named), schema)}
    return name | _values(phrases)


def named_sequence(phrases: tuple[str, ...]) -> str | None:
    """The sequence's name as SQL writes it; None where it is the one that PostgreSQL chooses."""
    named = (phrase for phrase in phrases if phrase.startswith(SEQUENCE_NAME))
    return next((phrase.removeprefix(SEQUENCE_NAME) for phrase in named), None)


def _values(phrases: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for phrase in phrases:
        first, *rest = phrase.split()
        key = _BY_FIRST_WORD.get(first.upper())
        if key == "cycle":
            values[key] = True
        elif key is not None and rest:
            values[key] = int(rest[-1])
    return values
