"""The scalar types that documents are made of, as pydantic reads them from YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from reconciler.core.ident import literal, quote


class Document(BaseModel):
    """Base of every document: strict, closed, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


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


def options_to(options: Iterable[str]) -> dict[str, Any]:
    """The inverse of `options_from`, with numbers and booleans bare."""
    return {name: _bare(value) for name, _, value in (option.partition("=") for option in options)}


def _bare(value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.isdecimal() and (value == "0" or value[0] != "0") else value


def options_sql(options: Iterable[str]) -> str:
    """Storage parameters as the inside of SET (...)."""
    parts = []
    for option in options:
        name, _, value = option.partition("=")
        prefix, dot, rest = name.rpartition(".")
        parts.append(f"{quote(prefix) + dot if dot else ''}{quote(rest)}={_option_value(value)}")
    return ", ".join(parts)


def _option_value(value: str) -> str:
    is_plain = value in ("true", "false", "on", "off") or value.replace(".", "", 1).isdecimal()
    return value if is_plain else literal(value)


def option_names(options: Iterable[str]) -> set[str]:
    """The names of storage parameters."""
    return {option.partition("=")[0] for option in options}


def without_defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping without what a person leaves out: None, False, empty."""
    return {key: value for key, value in data.items() if value is not None and value is not False and value != [] and value != {} and value != ""}
