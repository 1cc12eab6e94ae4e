"""Privileges as text and as SQL: `select`, `select (email)`, `all`, each perhaps `with grant option`.

The canonical form, which queries and documents share: lower case, one column each, sorted; `all` where every
privilege of the object's type is held, except where the type has only one; beside `all` stand those that are
held with grant option. That `all` covers MAINTAIN on PostgreSQL 17 and not before is what GRANT ALL does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator

from reconciler.core.current_database import with_name
from reconciler.core.ident import quote
from reconciler.core.statement import Hazard, Statement

_MAINTAIN, _MAJOR_OF_MAINTAIN = "maintain", 17
_TABLE = ("select", "insert", "update", "delete", "truncate", "references", "trigger", _MAINTAIN)
PRIVILEGES = {
    "tables": _TABLE,
    "sequences": ("select", "update", "usage"),
    "functions": ("execute",),
    "types": ("usage",),
    "schemas": ("create", "usage"),
    "foreign_data_wrappers": ("usage",),
    "foreign_servers": ("usage",),
    "languages": ("usage",),
    "databases": ("connect", "create", "temporary"),
    "large_objects": ("select", "update"),
}
"""All privileges by object type, in the words of ALTER DEFAULT PRIVILEGES where it has any (manual,
chapter 5.8)."""

OBJECT_TYPES = {
    "table": "tables",
    "view": "tables",
    "materialized_view": "tables",
    "foreign_table": "tables",
    "sequence": "sequences",
    "function": "functions",
    "procedure": "functions",
    "aggregate": "functions",
    "enum": "types",
    "domain": "types",
    "composite": "types",
    "range": "types",
    "schema": "schemas",
    "foreign_data_wrapper": "foreign_data_wrappers",
    "server": "foreign_servers",
    "language": "languages",
    "database": "databases",
}
"""The object type of each kind that privileges can be granted on."""

BY_COLUMN = ("select", "insert", "update", "references")
OF_PUBLIC: dict[str, tuple[str, ...]] = {
    "functions": ("execute",),
    "types": ("usage",),
    "languages": ("usage",),
    "databases": ("connect", "temporary"),
}
"""What PUBLIC holds without being told (acldefault)."""

_ITEM = re.compile(
    r"(?P<word>[a-z ]+?)\s*(?:\((?P<columns>.*)\))?\s*(?P<option>with grant option)?\Z", re.IGNORECASE
)
_COLUMN = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^",\s][^",]*?))\s*(?:,|\Z)')


class Privilege(NamedTuple):
    """One privilege that somebody holds."""

    word: str
    column: str | None = None
    """The bare name; None for the whole object."""
    grantable: bool = False

    def __str__(self) -> str:
        column = f" ({quote(self.column)})" if self.column is not None else ""
        return f"{self.word}{column}{' with grant option' if self.grantable else ''}"


def _listed(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Privileges = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""`[select, "update (name, email)"]` or a single word."""


def parsed(text: str) -> Iterable[Privilege]:
    """Read one item of a list: a privilege on the object or on several columns. Raises ValueError."""
    match = _ITEM.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a privilege, such as `select` or `select (email)`")
    word = " ".join(match["word"].lower().split()).removesuffix(" privileges")
    grantable = match["option"] is not None
    if match["columns"] is None:
        yield Privilege(word, None, grantable)
        return
    for column in _columns(match["columns"]):
        for each in BY_COLUMN if word == "all" else (word,):
            yield Privilege(each, column, grantable)


def _columns(text: str) -> Iterable[str]:
    position = 0
    while position < len(text) or not position:
        match = _COLUMN.match(text, position)
        if match is None:
            raise ValueError(f"({text}) is not a list of columns")
        yield match[1].replace('""', '"') if match[1] is not None else match[2]
        position = match.end()


def canonical(items: Iterable[str], object_type: str) -> tuple[str, ...]:
    """The canonical form of a list as a person writes it, for `tables`, `functions` ...

    Raises ValueError for a privilege that objects of the type do not have.
    """
    held: dict[tuple[str, str | None], bool] = {}
    for item in items:
        for word, column, grantable in parsed(item):
            _check(word, column, object_type)
            held[word, column] = held.get((word, column), False) or grantable
    found = [Privilege(*key, grantable) for key, grantable in held.items() if key[1] is not None]
    whole = {word: grantable for (word, column), grantable in held.items() if column is None}
    return tuple(sorted(map(str, [*found, *_whole(whole, PRIVILEGES[object_type])])))


def of_major(privileges: Sequence[str], object_type: str, major: int) -> tuple[str, ...]:
    """What a server of that major reads of these: before 17 there is no MAINTAIN, and the rest is all."""
    found = [item for text in privileges for item in parsed(text)]
    whole = {item.word: item.grantable for item in found if item.column is None}
    rest = set(_TABLE) - {_MAINTAIN}
    if object_type != "tables" or major >= _MAJOR_OF_MAINTAIN or not rest <= set(whole):
        return tuple(privileges)
    missing = Privilege(_MAINTAIN, None, all(whole[word] for word in rest))
    return canonical((*privileges, str(missing)), object_type)


def _whole(held: dict[str, bool], allowed: Sequence[str]) -> Iterable[Privilege]:
    """What is held on the whole object, `all` summed up. Word -> with grant option."""
    if not set(allowed) <= set(held) and "all" not in held:
        return [Privilege(word, None, grantable) for word, grantable in held.items()]
    passed_on = {word for word, grantable in held.items() if grantable}
    every = "all" in passed_on or set(allowed) <= passed_on
    if len(allowed) == 1:
        return [Privilege(allowed[0], None, every)]
    more = [] if every else [Privilege(word, None, True) for word in passed_on]
    return [Privilege("all", None, every), *more]


def _check(word: str, column: str | None, object_type: str) -> None:
    allowed = (*PRIVILEGES[object_type], "all")
    if word not in allowed:
        raise ValueError(f"{word!r} is not a privilege on {object_type}; they are {', '.join(allowed)}")
    if column is not None and (object_type != "tables" or word not in BY_COLUMN):
        raise ValueError(f"{word!r} cannot be granted on columns; {', '.join(BY_COLUMN)} can")


def written(privileges: Iterable[str]) -> list[str]:
    """The canonical form as a person would write it: columns with the same privilege together."""
    found: list[str] = []
    columns: dict[tuple[str, bool], list[str]] = {}
    for word, column, grantable in (item for text in privileges for item in parsed(text)):
        if column is None:
            found.append(str(Privilege(word, None, grantable)))
        else:
            columns.setdefault((word, grantable), []).append(quote(column))
    for (word, grantable), names in columns.items():
        found.append(f"{word} ({', '.join(names)}){' with grant option' if grantable else ''}")
    return found


def grantee_sql(grantee: str) -> str:
    """A role, or PUBLIC for all of them."""
    return "PUBLIC" if grantee == "public" else quote(grantee)


class Target(NamedTuple):
    """What GRANT and REVOKE are said about."""

    on: str | None
    """After ON: `TABLE app.users`, `TABLES`; None: the database."""
    grantee: str
    prefix: str = ""
    """`ALTER DEFAULT PRIVILEGES FOR ROLE app_owner `, or nothing."""
    hazards: tuple[Hazard, ...] = ()

    def grant(self, items: Sequence[Privilege]) -> Iterable[Statement]:
        """GRANT, once for those with grant option and once for the others."""
        for grantable in (False, True):
            option = " WITH GRANT OPTION" if grantable else ""
            for some in _lists([item for item in items if item.grantable is grantable]):
                yield self._said(f"GRANT {some}", f"TO {grantee_sql(self.grantee)}{option}")

    def revoke(self, items: Sequence[Privilege], option_only: bool = False) -> Iterable[Statement]:
        """REVOKE, perhaps only the right to pass it on."""
        option = "GRANT OPTION FOR " if option_only else ""
        for some in _lists(items):
            yield self._said(f"REVOKE {option}{some}", f"FROM {grantee_sql(self.grantee)}")

    def _said(self, what: str, whom: str) -> Statement:
        sql = with_name(f"{what} ON DATABASE", whom) if self.on is None else f"{what} ON {self.on} {whom}"
        return Statement(self.prefix + sql, hazards=self.hazards)

    def change(self, old: Iterable[str], new: Iterable[str]) -> Iterable[Statement]:
        """Lead from one canonical list to another."""
        before = {(p.word, p.column): p for text in old for p in parsed(text)}
        after = {(p.word, p.column): p for text in new for p in parsed(text)}
        if ("all", None) in before and ("all", None) not in after:
            yield from self.revoke([Privilege("all")])
            before = {}
        whole = ("all", None) in after
        gone = [p for key, p in before.items() if key not in after and not (whole and p.column is None)]
        yield from self.revoke(gone)
        weaker = [p for key, p in before.items() if p.grantable and not _may_pass_on(after, key)]
        yield from self.revoke([p for p in weaker if p not in gone], option_only=True)
        # What is taken from the whole table is taken from every column too, and so is the grant option.
        swept = {p.word for p in (*gone, *weaker) if p.column is None}
        again = {p for p in after.values() if p.column and ("all" in swept or p.word in swept)}
        yield from self.grant([p for key, p in after.items() if p in again or _is_more(before.get(key), p)])


def _may_pass_on(after: dict[tuple[str, str | None], Privilege], key: tuple[str, str | None]) -> bool:
    found = after.get(key) or (after.get(("all", None)) if key[1] is None else None)
    return found is not None and found.grantable


def _is_more(old: Privilege | None, new: Privilege) -> bool:
    return old is None or (new.grantable and not old.grantable)


def _lists(items: Sequence[Privilege]) -> Iterable[str]:
    """Between GRANT and ON; ALL stands alone in SQL."""
    columns: dict[str, list[str]] = {}
    words: list[str] = []
    for item in items:
        if item.column is not None:
            columns.setdefault(item.word, []).append(quote(item.column))
        elif item.word == "all":
            yield "ALL"
        else:
            words.append(item.word.upper())
    words += [f"{word.upper()} ({', '.join(names)})" for word, names in columns.items()]
    if words:
        yield ", ".join(words)
