"""Pickles of many small values, for a cache of our own and between processes of our own."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, Final

_Arguments = Callable[[Any], tuple[Any, ...]]
"""From a value to the arguments that make it again."""


def pickled(value: Any) -> bytes:
    """What pickle.loads makes an equal value of."""
    stream = io.BytesIO()
    _Pickler(stream, pickle.HIGHEST_PROTOCOL).dump(value)
    return stream.getvalue()


class _Pickler(pickle.Pickler):
    """Writes frozen dataclasses as calls of their constructors: pickle's own way asks each one for its fields
    anew, which takes half as long again."""

    _known: Final[dict[type[Any], _Arguments | None]] = {}

    def reducer_override(self, value: Any) -> Any:
        type_ = type(value)
        if type_ not in self._known:
            self._known[type_] = _arguments_of(type_)
        arguments = self._known[type_]
        return NotImplemented if arguments is None else (type_, arguments(value))


def _arguments_of(type_: type[Any]) -> _Arguments | None:
    """None where values of that type are not made by a call with their fields in order."""
    import dataclasses
    from operator import attrgetter

    if not dataclasses.is_dataclass(type_) or not hasattr(type_, "__slots__"):
        return None
    fields = dataclasses.fields(type_)
    if len(fields) < 2 or any(not field.init or field.kw_only for field in fields):
        return None
    return attrgetter(*(field.name for field in fields))
