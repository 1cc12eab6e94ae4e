"""The entries of a dump, normalised: text is changed only where it says nothing about the schema.

| what is done                                               | why                                          |
|------------------------------------------------------------|----------------------------------------------|
| what stands before the first entry and after the last goes | session settings, versions, \\restrict's key |
| header comments and blank lines go                         | comments                                     |
| SET default_tablespace and default_table_access_method     | entries change places, and what was set must |
| between entries become notes on the entries they hold for  | not follow from the place                    |
| entries are sorted by type, schema, name and text          | objects are dumped by oid and dependency     |
| statements of ACL and DEFAULT ACL entries are sorted       | the order of grants means nothing            |
| roles in a policy's TO list are sorted                     | they are dumped by oid                       |
| storage parameters and view options in WITH (...) are too  | kept in the order in which they were set     |
| options with telling names (`password`) go, and how a     | secrets are neither read nor set (see        |
| subscription connects                                      | core/generic_options), nor a connection      |
| names of NOT NULL go in a partition                        | PARTITION OF takes the parent's, ATTACH      |
|                                                            | keeps its own, and nothing renames them      |
| the version entry among the options of a column goes       | newer minors keep it for themselves, and     |
|                                                            | only their own pg_dump leaves it out         |
| only with `column_order=False`:                            | columns of existing tables are never moved   |
| - columns in CREATE TABLE are sorted                       |                                              |
| - so are the ALTER statements about columns after it       | one for each column, in the columns' order   |
| - so are column lists of publications and statistics       | PostgreSQL keeps them in the columns' order  |
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
    """One entry of a dump; ordered as the normalised dump is."""

    type: str
    """In pg_dump's words: TABLE, FK CONSTRAINT, ACL."""
    schema: str
    """`-` where the object has none."""
    name: str
    text: str
    """The statements; no comments, no blank lines at either end."""

    @property
    def label(self) -> str:
        """How a report names it: `TABLE app.users`."""
        return f"{self.type} {self.name}" if self.schema == "-" else f"{self.type} {self.schema}.{self.name}"


def normalised(entries: Iterable[DumpEntry], column_order: bool) -> tuple[DumpEntry, ...]:
    """The entries of one dump, in order."""
    found = list(entries)
    partitions = {(entry.schema, entry.name) for entry in found if entry.type == "TABLE ATTACH"}
    for place, entry in enumerate(found):
        if entry.type == "TABLE" and (entry.schema, entry.name) in partitions:
            found[place] = _without_names(entry)
    return tuple(sorted(_normalised(entry, column_order) for entry in found))


def _without_names(entry: DumpEntry) -> DumpEntry:
    """A partition whose NOT NULL constraints say no name."""
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
    """The statements of an ACL entry; what another role grants stays with its SET SESSION AUTHORIZATION."""
    before: list[str] = []
    for statement in (line for line in text.split("\n") if line):
        before.append(statement)
        if not before[0].startswith("SET SESSION AUTHORIZATION") or statement.startswith("RESET SESSION"):
            yield "\n".join(before)
            before = []
    if before:
        yield "\n".join(before)


def with_options_in_order(text: str) -> str:
    """Sort what stands in each WITH (...) outside quotes: PostgreSQL keeps options as they were set."""
    pieces, rest = [], text
    while (start := find_outside_quotes(rest, " WITH (", "\nWITH (")) >= 0:
        pieces.append(rest[:start])
        rest = _columns_in_order(rest[start:])
        end = (first_bracket(rest) or (0, len(rest)))[1]
        pieces.append(rest[:end])
        rest = rest[end:]
    return "".join((*pieces, rest))


def _without_secrets(text: str) -> str:
    """Leave out the options that hold secrets, and OPTIONS (...) where it holds nothing else."""
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
    """Sort the items inside the first pair of brackets; with an indent each gets a line of its own."""
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
