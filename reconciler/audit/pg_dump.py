"""The verdict of pg_dump: two databases are equal when it writes the same for both.

A dump is cut into entries at the header comments that pg_dump writes, and compared entry by entry. Text is
changed only where it says nothing about the schema:

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
| only with `column_order=False`:                            | columns of existing tables are never moved   |
| - columns in CREATE TABLE are sorted                       |                                              |
| - so are the ALTER statements about columns after it       | one for each column, in the columns' order   |
| - so are column lists of publications and statistics       | PostgreSQL keeps them in the columns' order  |

A view's columns, a composite type's attributes and enum labels keep their order: there it has a meaning.
The journal's schema, `_reconcile`, is left out.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.audit.client import PgDump, Target, find_pg_dump, target
from reconciler.audit.errors import AuditError
from reconciler.audit.lexer import find_outside_quotes, first_bracket, split

JOURNAL_SCHEMA = "_reconcile"
LOCK_WAIT_MS = 30_000
"""How long pg_dump waits for an access share lock before it gives up."""

_HEADER = re.compile(
    r"^--\n-- Name: (?P<name>.*?); Type: (?P<type>[A-Z ]+); Schema: (?P<schema>.*?); "
    r"Owner: .*?(?:; Tablespace: (?P<tablespace>.*))?\n--\n",
    re.MULTILINE,
)
_FOOTER = "\n--\n-- PostgreSQL database dump complete\n--\n"
_SETTING = re.compile(r"SET (default_tablespace|default_table_access_method) = (.*);\Z")
_HEAP = "heap"
_PARTITIONED = re.compile(r"^\)\nPARTITION BY ", re.MULTILINE)
_POLICY_ROLES = re.compile(r"( TO )(.*?)( USING \(| WITH CHECK \(|;)")
_SECRET = re.compile(r"""^(\s*"?\w*(?:pass|secret|token|key|cred)\w*"? |.* CONNECTION )'(?:[^']|'')*'""")
_WITH_OPTIONS = frozenset({"TABLE", "INDEX", "VIEW", "MATERIALIZED VIEW", "CONSTRAINT"})
_WITH_SECRETS = frozenset({"USER MAPPING", "SERVER", "SUBSCRIPTION", "FOREIGN DATA WRAPPER"})
_SHOWN_LINES = 20


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


@dataclass(frozen=True, slots=True)
class Comparison:
    """What takes part when two databases are compared."""

    column_order: bool = True
    owners: bool = True
    privileges: bool = True
    binary_dir: Path | None = None
    """Where pg_dump is; None: it is searched for."""


def schema_text(
    url: str, *, binary_dir: Path | None = None, owners: bool = True, privileges: bool = True
) -> str:
    """The schema of a database as pg_dump writes it, of a version that knows the server's.

    Raises AuditError when no suitable pg_dump is there or it fails, and ConnectionFailed.
    """
    at = target(url)
    return _dump(at, find_pg_dump(at.major, binary_dir=binary_dir), owners=owners, privileges=privileges)


def entries(dump: str, *, column_order: bool = True) -> tuple[DumpEntry, ...]:
    """The entries of a dump, normalised and in order."""
    found = _cut(dump)
    return tuple(sorted(_normalised(entry, column_order) for entry in found))


def statements(dump: str, *, column_order: bool = True) -> tuple[str, ...]:
    """The text of each entry of a dump, normalised and in order: equal for equal schemas."""
    return tuple(entry.text for entry in entries(dump, column_order=column_order))


def differences(url_a: str, url_b: str, how: Comparison | None = None) -> tuple[str, ...]:
    """What pg_dump writes otherwise for one database than for the other: one text for each entry.

    A text starts with `- TYPE name` (only in a), `+ TYPE name` (only in b) or `! TYPE name` with the lines
    that differ. Secrets in options are not shown. Raises AuditError like `schema_text`.
    """
    how = how or Comparison()
    sides = [target(url) for url in (url_a, url_b)]
    tool = find_pg_dump(max(side.major for side in sides), binary_dir=how.binary_dir)
    dumps = [_dump(side, tool, owners=how.owners, privileges=how.privileges) for side in sides]
    if dumps[0] == dumps[1]:
        return ()
    return compare(*(entries(dump, column_order=how.column_order) for dump in dumps))


def compare(a: Iterable[DumpEntry], b: Iterable[DumpEntry]) -> tuple[str, ...]:
    """What differs between the normalised entries of two dumps, as `differences` returns it."""
    by_name: dict[tuple[str, str, str], tuple[list[DumpEntry], list[DumpEntry]]] = {}
    for side, found in enumerate((a, b)):
        for entry in found:
            by_name.setdefault((entry.schema, entry.name, entry.type), ([], []))[side].append(entry)
    return tuple(text for key in sorted(by_name) for text in _differing(*by_name[key]))


def _differing(a: Sequence[DumpEntry], b: Sequence[DumpEntry]) -> Iterator[str]:
    """Entries of one name pair up in order; nearly always there is one on each side."""
    for old, new in zip(a, b, strict=False):
        if old.text != new.text:
            yield "\n".join((f"! {old.label}", *_changed_lines(old, new)))
    for entry in a[len(b) :]:
        yield f"- {entry.label}"
    for entry in b[len(a) :]:
        yield f"+ {entry.label}"


def _changed_lines(old: DumpEntry, new: DumpEntry) -> list[str]:
    before, after = _without_secrets(old), _without_secrets(new)
    lines = [
        line
        for line in difflib.unified_diff(before, after, n=1, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    if not lines:
        return ["  a value that is not shown differs"]
    if len(lines) > _SHOWN_LINES:
        return [*lines[:_SHOWN_LINES], f"  and {len(lines) - _SHOWN_LINES} lines more"]
    return lines


def _without_secrets(entry: DumpEntry) -> list[str]:
    lines = entry.text.split("\n")
    if entry.type not in _WITH_SECRETS:
        return lines
    return [_SECRET.sub(r"\1'***'", line) for line in lines]


def _dump(at: Target, tool: PgDump, *, owners: bool, privileges: bool) -> str:
    options = [
        "--schema-only",
        "--no-password",
        f"--exclude-schema={JOURNAL_SCHEMA}",
        f"--lock-wait-timeout={LOCK_WAIT_MS}",
        *(() if owners else ("--no-owner",)),
        *(() if privileges else ("--no-privileges",)),
        *((f"--dbname={at.conninfo}",) if at.conninfo else ()),
    ]
    # PG* of the caller first: a URL may leave things to them
    environment = {**os.environ, **tool.environment, **at.environment, "PGCLIENTENCODING": "UTF8"}
    done = subprocess.run(
        [tool.path, *options], capture_output=True, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise AuditError(f"{tool.path} (PostgreSQL {tool.major}) failed: {said}")
    return done.stdout.decode()


def _cut(dump: str) -> Iterator[DumpEntry]:
    body, _, _ = dump.rpartition(_FOOTER)
    heads = list(_HEADER.finditer(body))
    settings = dict(_settings(body[: heads[0].start()])[1]) if heads else {}
    for number, head in enumerate(heads):
        end = heads[number + 1].start() if number + 1 < len(heads) else len(body)
        text, following = _settings(body[head.end() : end])
        type_ = head["type"]
        yield DumpEntry(type_, head["schema"], head["name"], _with_context(text, type_, head, settings))
        settings |= following


def _settings(text: str) -> tuple[str, dict[str, str]]:
    """Cut the settings for later entries off the end of an entry's text."""
    lines = text.strip("\n").split("\n")
    found: dict[str, str] = {}
    while lines and (lines[-1] == "" or _SETTING.match(lines[-1])):
        if setting := _SETTING.match(lines.pop()):
            found.setdefault(setting[1], setting[2])
    return "\n".join(lines), found


def _with_context(text: str, type_: str, head: re.Match[str], settings: dict[str, str]) -> str:
    """Say on the entry what the settings before it said: they would be lost when entries change places."""
    notes = [f"tablespace {head['tablespace']}"] if head["tablespace"] else []
    method = settings.get("default_table_access_method", _HEAP)
    if type_ in ("TABLE", "MATERIALIZED VIEW") and method != _HEAP and not _PARTITIONED.search(text):
        notes.append(f"access method {method}")
    return "\n".join((text, *notes))


def _normalised(entry: DumpEntry, column_order: bool) -> DumpEntry:
    text = with_options_in_order(entry.text) if entry.type in _WITH_OPTIONS else entry.text
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
