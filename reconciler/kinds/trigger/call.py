"""How a trigger's events and the call of its function are written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.core import routine
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, split_name

_EVENTS = ("insert", "delete", "update", "truncate")
_CALL = re.compile(r'\s*((?:"(?:[^"]|"")*"|[^"(])+)(\(.*\))\s*\Z', re.DOTALL)
_COLUMN = re.compile(r'\s*("(?:[^"]|"")+"|[^,"]+?)\s*(?:,|\Z)')


def read_event(text: str) -> str:
    """One event in its canonical spelling. Raises ValueError for an unknown one."""
    words = text.split(None, 2)
    head = [word.lower() for word in words[:2]]
    if head == ["update", "of"] and len(words) == 3:
        columns = (split_name(column)[0] for column in _COLUMN.findall(words[2]))
        return f"update of {', '.join(quote(column) for column in columns)}"
    if len(words) == 1 and head[0] in _EVENTS:
        return head[0]
    expected = "insert, delete, update, update of a, b or truncate"
    raise ValueError(f"{text!r} is no event of a trigger; expected {expected}")


def read_call(text: str, schema: str) -> tuple[ObjectId, str]:
    """(the function's id, the call with its schema). Raises ValueError for what is no call."""
    match = _CALL.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no call of a trigger function, such as touch() or app.log('users')")
    path = in_schema(match.group(1).strip(), schema)
    return ObjectId("function", (path[0], f"{quote(path[1])}()")), qualified(*path) + match.group(2)


def written_call(text: str, home: str) -> str:
    """The inverse of `read_call`, for a file whose namespace is `home`."""
    match = _CALL.match(text)
    if match is None:
        return text
    schema, name = split_name(match.group(1))
    return routine.written_name(schema, name, home) + match.group(2)


def in_order(events: Iterable[str]) -> tuple[str, ...]:
    """Events as the catalogs have them: insert, delete, update, truncate."""
    return tuple(sorted(events, key=lambda event: _EVENTS.index(event.split()[0])))
