"""The scalar types that documents are made of, as pydantic reads them from YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from reconciler.core.ident import literal, quote


class Document(BaseModel):
    """Base of every document: strict, closed, immutable."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, populate_by_name=True, defer_build=True
    )


def _fragment(value: object) -> object:
    """A number is its own SQL text; nothing else becomes text by itself."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return repr(value)


Fragment = Annotated[str, BeforeValidator(_fragment)]
"""A piece of SQL: an expression, a type name. A number may stand bare."""


def _names(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""A list of names."""

Fragments = Annotated[tuple[Fragment, ...], BeforeValidator(_names)]
"""A list of pieces of SQL."""


def _option(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _fragment(value)


Option = Annotated[str, BeforeValidator(_option)]
"""The value of a storage parameter; numbers and true/false may stand bare."""


def options_from(mapping: Mapping[str, str]) -> tuple[str, ...]:
    """Storage parameters as the catalogs keep them (`fillfactor=70`), sorted by name."""
    return tuple(sorted(f"{name}={value}" for name, value in mapping.items()))


def options_in_order(mapping: Mapping[str, str]) -> tuple[str, ...]:
    """The same in the order of the file: PostgreSQL keeps the order in which they were given."""
    return tuple(f"{name}={value}" for name, value in mapping.items())


def as_given(state: Any) -> tuple[str, ...]:
    """The `options` of a state in the order of its `options_order`, where that is of the same options."""
    options: tuple[str, ...] = state.options
    order: tuple[str, ...] = state.options_order
    return order if sorted(order) == sorted(options) else options


def options_to(options: Iterable[str]) -> dict[str, Any]:
    """The inverse of `options_from`, with numbers and booleans bare."""
    return {name: _bare(value) for name, _, value in (option.partition("=") for option in options)}


def _bare(value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.isdecimal() and (value == "0" or value[0] != "0") else value


def options_sql(options: Iterable[str]) -> str:
    """Storage parameters as the inside of SET (...)."""
    parts = (option.partition("=") for option in options)
    return ", ".join(f"{_option_name(name)}={_option_value(value)}" for name, _, value in parts)


def _option_name(name: str) -> str:
    """A parameter of the TOAST table has `toast.` before it."""
    prefix, dot, rest = name.rpartition(".")
    return f"{quote(prefix)}.{quote(rest)}" if dot else quote(rest)


def _option_value(value: str) -> str:
    is_plain = value in ("true", "false", "on", "off") or value.replace(".", "", 1).isdecimal()
    return value if is_plain else literal(value)


def option_names(options: Iterable[str]) -> set[str]:
    """The names of storage parameters."""
    return {option.partition("=")[0] for option in options}


def option_actions(before: Iterable[str], after: Iterable[str]) -> Iterable[tuple[str, set[str]]]:
    """(`RESET (...)` or `SET (...)`, the names in it): what leads from some storage parameters to others."""
    had, has = tuple(before), tuple(after)
    gone = option_names(had) - option_names(has)
    changed = [option for option in has if option not in had]
    if gone:
        yield f"RESET ({', '.join(_option_name(name) for name in sorted(gone))})", gone
    if changed:
        yield f"SET ({options_sql(changed)})", option_names(changed)


_NOTHING: tuple[Any, ...] = (None, [], {}, "")


def without_defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping without what a person leaves out: None, False, empty."""
    return {key: value for key, value in data.items() if value is not False and value not in _NOTHING}
