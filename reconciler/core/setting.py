"""Configuration parameters that are kept with a routine, a role or a database (SET in CREATE FUNCTION, ALTER
ROLE): as the catalogs hold them (`name=value`) and as SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

from reconciler.core.fragment import options_from, options_to
from reconciler.core.ident import literal, quote

_SECRET: LiteralString = r"\..*(secret|passw(or)?d|passphrase|token|credential|[._-]key$)"
_MAY_BE_SECRET = re.compile("(?i)" + _SECRET)
NOT_SECRET: LiteralString = "pg_catalog.split_part(c, '=', 1) !~* '" + _SECRET + "'"
"""A condition on `c`, a row's `name=value`. Parameters of PostgreSQL itself hold no secrets: those with a dot
are an application's or an extension's."""

_ELEMENT = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,"\s]+))\s*(?:,|\Z)')
_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)
"""Settings whose stored value is a list of names (GUC_LIST_QUOTE in PostgreSQL's guc_tables.c)."""


def _elements(value: str) -> list[str]:
    found = _ELEMENT.findall(value)
    return [bare or quoted.replace('""', '"') for quoted, bare in found] or [""]


def name_sql(name: str) -> str:
    """A parameter's name as SQL: `work_mem`, `app.tenant`."""
    return ".".join(quote(part) for part in name.split("."))


def setting_sql(setting: str) -> str:
    """`name=value` as what follows SET."""
    name, _, value = setting.partition("=")
    values = _elements(value) if name.lower() in _LISTS else [value]
    return f"{name_sql(name)} TO {', '.join(map(literal, values))}"


def canonical(said: Mapping[str, str]) -> tuple[str, ...]:
    """What a person writes as the catalogs hold it: names in lower case, lists of names quoted one by one."""
    found = {}
    for name, value in said.items():
        is_list = name.lower() in _LISTS
        found[name.lower()] = ", ".join(map(quote, _elements(value))) if is_list else value
    return options_from(found)


def refuse_secrets(said: Iterable[str]) -> None:
    """Raise ValueError for names whose values may be secrets, which neither files nor plans may hold."""
    for name in said:
        if _MAY_BE_SECRET.search(name):
            raise ValueError(
                f"the value of {name} may be a secret, which stays out of files and plans: set it by hand; "
                "it is left as it is"
            )


def written(settings: Iterable[str]) -> dict[str, Any]:
    """The inverse of `canonical`."""
    return {name: "" if value == '""' else value for name, value in options_to(settings).items()}


def changes(old: Iterable[str], new: Iterable[str]) -> Iterable[str]:
    """What must be said after ALTER ... to lead from one set of settings to another: SET and RESET."""
    before = {item.partition("=")[0]: item for item in old}
    after = {item.partition("=")[0]: item for item in new}
    for name in sorted({*before, *after}):
        if name not in after:
            yield f"RESET {name_sql(name)}"
        elif before.get(name) != after[name]:
            yield f"SET {setting_sql(after[name])}"
