"""Normalise the entries of a dump: change only text that carries no information about the schema.

| change                                                     | reason                                       |
|------------------------------------------------------------|----------------------------------------------|
| text before the first and after the last entry is removed  | session settings, versions, \\restrict's key |
| header comments and blank lines are removed                | comments                                     |
| SET default_tablespace and default_table_access_method     | entries are sorted, so an entry must not     |
| become notes on the entries to which they apply            | depend on settings before it                 |
| entries are sorted by type, schema, name and text          | objects are dumped by oid and dependency     |
| statements of ACL and DEFAULT ACL entries are sorted       | the order of grants has no meaning           |
| roles in a policy's TO list are sorted                     | they are dumped by oid                       |
| storage parameters and view options in WITH (...) are      | PostgreSQL keeps the order in which they     |
| sorted                                                     | were set                                     |
| options whose name suggests a secret (`password`) are      | secrets are neither read nor set (see        |
| removed, and the connection of a subscription is masked    | core/generic_options), nor is a connection   |
| names of NOT NULL constraints of a partition are removed   | PARTITION OF uses the parent's names, ATTACH |
|                                                            | keeps its own, and nothing renames them      |
| the version entry in the options of a column is removed    | newer minors maintain it themselves, and     |
|                                                            | only their own pg_dump omits it              |
| only with `column_order=False`:                            | columns of existing tables are never moved   |
| - columns in CREATE TABLE are sorted                       |                                              |
| - later ALTER statements of its columns are sorted         | one for each column, in the columns' order   |
| - column lists of publications and statistics are sorted   | PostgreSQL keeps them in the columns' order  |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reconciler.audit.lexer import find_outside_quotes, first_bracket, split
from reconciler.core.dataclass import dataclass
from reconciler.core.generic_options import is_secret

_POLICY_ROLES = re.compile(r"( TO )(.*?)( USING \(| WITH CHECK \(|;)")
_NAMED_NOT_NULL = re.compile(r' CONSTRAINT (?:"(?:[^"]|"")+"|[^\s"]+) NOT NULL')
_CONNECTION = re.compile(r"( CONNECTION )(?:E)?'(?:[^']|'')*'")
_VERSION = re.compile(r"^(ALTER .* ALTER COLUMN .* SET \()pg_attver=\d+(?:, )?(?=.*\);$)")
_OPTION_NAME = re.compile(r'"((?:[^"]|"")+)"|\S+')
_WITH_SECRETS = frozenset({"USER MAPPING", "SERVER", "FOREIGN DATA WRAPPER", "FOREIGN TABLE"})
_WITH_OPTIONS = frozenset({"TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW", "CONSTRAINT"})


@dataclass(frozen=True, slots=True, order=True)
class DumpEntry:
    """One entry of a dump. Entries sort in the order of the normalised dump."""

    type: str
    """The type that pg_dump writes, such as TABLE, FK CONSTRAINT or ACL."""
    schema: str
    """`-` if the object has no schema."""
    name: str
    text: str
    """The statements, without comments and without blank lines at the start and the end."""

    @property
    def label(self) -> str:
        """The entry's name in reports, such as `TABLE app.users`."""
        return f"{self.type} {self.name}" if self.schema == "-" else f"{self.type} {self.schema}.{self.name}"


def normalised(entries: Iterable[DumpEntry], column_order: bool) -> tuple[DumpEntry, ...]:
    """Return the normalised entries of one dump, sorted."""
    found = list(entries)
    partitions = {(entry.schema, entry.name) for entry in found if entry.type == "TABLE ATTACH"}
    for place, entry in enumerate(found):
        if entry.type == "TABLE" and (entry.schema, entry.name) in partitions:
            found[place] = _without_names(entry)
    return tuple(sorted(_normalised(entry, column_order) for entry in found))


def _without_names(entry: DumpEntry) -> DumpEntry:
    """Return a partition's entry without the names of its NOT NULL constraints."""
    text, rest = "", entry.text
    while (start := find_outside_quotes(rest, " CONSTRAINT ")) >= 0:
        text, rest = text + rest[:start], rest[start:]
        named = _NAMED_NOT_NULL.match(rest)
        keyword = named[0] if named else " CONSTRAINT "
        text, rest = text + (" NOT NULL" if named else keyword), rest[len(keyword) :]
    return DumpEntry(entry.type, entry.schema, entry.name, text + rest)


def _normalised(entry: DumpEntry, column_order: bool) -> DumpEntry:
    text = with_options_in_order(entry.text) if entry.type in _WITH_OPTIONS else entry.text
    if "pg_attver=" in text:
        lines = (_VERSION.sub(r"\1", line) for line in text.split("\n"))
        text = "\n".join(line for line in lines if not line.endswith(" SET ();"))
    if entry.type in _WITH_SECRETS:
        text = _without_secrets(text)
    elif entry.type == "SUBSCRIPTION":
        text = _CONNECTION.sub(r"\1'...'", text, count=1)
    if entry.type in ("ACL", "DEFAULT ACL"):
        text = "\n".join(sorted(_grants(text)))
    elif entry.type == "POLICY":
        text = _POLICY_ROLES.sub(_sorted_roles, text, count=1)
    elif column_order:
        pass
    elif entry.type in ("TABLE", "FOREIGN TABLE"):
        text = _table_in_order(text)
    elif entry.type == "PUBLICATION TABLE":
        text = _columns_in_order(text)
    elif entry.type == "STATISTICS":
        text = _statistics_in_order(text)
    return DumpEntry(entry.type, entry.schema, entry.name, text)


def _grants(text: str) -> Iterator[str]:
    """Yield the statements of an ACL entry; another role's grants keep their SET SESSION AUTHORIZATION."""
    before: list[str] = []
    for statement in (line for line in text.split("\n") if line):
        before.append(statement)
        if not before[0].startswith("SET SESSION AUTHORIZATION") or statement.startswith("RESET SESSION"):
            yield "\n".join(before)
            before = []
    if before:
        yield "\n".join(before)


def with_options_in_order(text: str) -> str:
    """Sort the options in each WITH (...) outside quotes: PostgreSQL keeps the order of their setting."""
    pieces, rest = [], text
    while (start := find_outside_quotes(rest, " WITH (", "\nWITH (")) >= 0:
        pieces.append(rest[:start])
        rest = _columns_in_order(rest[start:])
        end = (first_bracket(rest) or (0, len(rest)))[1]
        pieces.append(rest[:end])
        rest = rest[end:]
    return "".join((*pieces, rest))


def _without_secrets(text: str) -> str:
    """Remove the options that contain secrets, and OPTIONS (...) if no other option is left."""
    pieces, rest = [], text
    while (start := find_outside_quotes(rest, " OPTIONS (", "\nOPTIONS (")) >= 0:
        pieces.append(rest[:start])
        rest = rest[start:]
        inside, end = first_bracket(rest) or (len(rest), len(rest))
        options = [option.strip() for option in split(rest[inside:end], ",")]
        kept = [option for option in options if not is_secret(_name_of(option))]
        if kept:
            pieces.extend((rest[:inside], "\n    ", ",\n    ".join(kept), "\n)"))
        rest = rest[end + 1 :]
    return "".join((*pieces, rest))


def _name_of(option: str) -> str:
    name = _OPTION_NAME.match(option)
    return (name[1] or name[0]) if name else ""


def _sorted_roles(match: re.Match[str]) -> str:
    return match[1] + ", ".join(sorted(role.strip() for role in split(match[2], ","))) + match[3]


def _columns_in_order(text: str, indent: str = "") -> str:
    """Sort the items in the first pair of parentheses. With an indent, write each item on its own line."""
    inside = first_bracket(text)
    if inside is None:
        return text
    start, end = inside
    items = sorted(item.strip() for item in split(text[start:end], ","))
    inner = f"\n{indent}" + f",\n{indent}".join(items) + "\n" if indent else ", ".join(items)
    return text[:start] + inner + text[end:]


def _table_in_order(text: str) -> str:
    create, *others = (part.strip() for part in split(text, ";"))
    return ";\n".join((_columns_in_order(create, "    "), *sorted(part for part in others if part)))


def _statistics_in_order(text: str) -> str:
    parts = re.fullmatch(r"(?s)(.*? ON )(.*)( FROM .*)", text)
    if parts is None:
        return text
    return parts[1] + ", ".join(sorted(item.strip() for item in split(parts[2], ","))) + parts[3]
