"""The OPTIONS of foreign-data wrappers, servers, user mappings and foreign tables.

Values that are secrets never leave the server: an option with a telling name is left out where options are
read, is refused where YAML declares it, and counts in no comparison. Who needs one sets it by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import LiteralString

from reconciler.core.fragment import options_from
from reconciler.core.ident import literal, quote
from reconciler.core.kind import Ignored, Rule

SECRET: LiteralString = (
    "passw|passcode|passphrase|passfile|(^|_)pwd($|_)|secret|token|credential|private|"
    "(api|access|account|scram_client|scram_server|encryption|signing|ssl)_?key($|_)"
)
"""Names of options whose values are secrets or lead to them: a regular expression that both PostgreSQL and
Python read, without regard to case."""

_SECRET = re.compile(SECRET, re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether the value of the option of that name is left alone."""
    return _SECRET.search(name) is not None


def open_options(column: LiteralString) -> LiteralString:
    """SQL for the options in a catalog's text[] column, `name=value`, without secrets."""
    return (
        "ARRAY(SELECT o FROM pg_catalog.unnest(" + column + ") AS o "
        "WHERE pg_catalog.split_part(o, '=', 1) !~* '" + SECRET + "' ORDER BY o COLLATE \"C\")"
    )  # fmt: skip


def _in_order(column: LiteralString) -> LiteralString:
    """SQL for the same options in the order in which they were set."""
    return (
        "ARRAY(SELECT o FROM pg_catalog.unnest(" + column + ") WITH ORDINALITY AS u (o, n) "
        "WHERE pg_catalog.split_part(o, '=', 1) !~* '" + SECRET + "' ORDER BY n)"
    )  # fmt: skip


def _secret_names(column: LiteralString) -> LiteralString:
    """SQL for the names of the options that `open_options` leaves out."""
    return (
        "ARRAY(SELECT s.name FROM (SELECT pg_catalog.split_part(o, '=', 1) AS name FROM pg_catalog.unnest("
        + column + ") AS o) AS s WHERE s.name ~* '" + SECRET + "' ORDER BY s.name COLLATE \"C\")"
    )  # fmt: skip


def option_columns(column: LiteralString) -> LiteralString:
    """The fields `options`, `order` and `secrets` of a state, from a catalog's text[] column."""
    return (
        open_options(column) + " AS options, " + _in_order(column) + ' AS "order", '
        + _secret_names(column) + " AS secrets"
    )  # fmt: skip


OPTION_FACTS: Mapping[str, Rule] = {
    "order": Ignored("the order of options says nothing"),
    "secrets": Ignored("secrets are neither read nor set"),
}
"""The rules of what `option_columns` reads beside the options."""


def declared_options(options: Mapping[str, str]) -> tuple[str, ...]:
    """Options as the catalogs keep them. Raises ValueError for one whose value is a secret."""
    for name in options:
        if is_secret(name):
            raise ValueError(
                f"option `{name}` is a secret: it is neither read nor set here; leave it out and set it "
                "by hand, with ALTER ... OPTIONS"
            )
    return options_from(options)


def declared_order(options: Mapping[str, str]) -> tuple[str, ...]:
    """Options as `declared_options` has them, in the order of the file."""
    return tuple(f"{name}={value}" for name, value in options.items())


def options_clause(options: Iterable[str]) -> str:
    """` OPTIONS (host 'db1', port '5432')`; nothing where there are none."""
    pairs = (option.partition("=") for option in options)
    inside = ", ".join(f"{quote(name)} {literal(value)}" for name, _, value in pairs)
    return f" OPTIONS ({inside})" if inside else ""


def options_change(old: Iterable[str], new: Iterable[str]) -> str:
    """`OPTIONS (SET host 'db2', DROP port)`, from one list to another; empty where they are alike."""
    before = {name: value for name, _, value in (option.partition("=") for option in old)}
    after = {name: value for name, _, value in (option.partition("=") for option in new)}
    actions = [f"DROP {quote(name)}" for name in sorted(before) if name not in after]
    for name, value in after.items():
        if before.get(name) != value:
            actions.append(f"{'SET' if name in before else 'ADD'} {quote(name)} {literal(value)}")
    return f"OPTIONS ({', '.join(actions)})" if actions else ""
