"""Compare two databases with pg_dump: they are equal if it writes the same dump for both.

A dump is split into entries at the header comments that pg_dump writes, and compared entry by entry. Only
text that carries no information about the schema is changed (see `dumpentry`).

A view's columns, a composite type's attributes and enum labels keep their order, because it has a meaning.
The journal's schema, `_reconcile`, is excluded.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from reconciler.audit.client import PgDump, Target, find_pg_dump, target
from reconciler.audit.dumpentry import DumpEntry, normalised
from reconciler.audit.errors import AuditError
from reconciler.core.dataclass import dataclass

JOURNAL_SCHEMA = "_reconcile"
LOCK_WAIT_MS = 30_000
"""How long pg_dump waits for an access share lock before it fails."""

_HEADER = re.compile(
    r"^--\n-- Name: (?P<name>.*?); Type: (?P<type>[A-Z ]+); Schema: (?P<schema>.*?); "
    r"Owner: .*?(?:; Tablespace: (?P<tablespace>.*))?\n--\n",
    re.MULTILINE,
)
_FOOTER = "\n--\n-- PostgreSQL database dump complete\n--\n"
_SETTING = re.compile(r"SET (default_tablespace|default_table_access_method) = (.*);\Z")
_HEAP = "heap"
_PARTITIONED = re.compile(r"^\)\nPARTITION BY ", re.MULTILINE)
_SECRET = re.compile(r"""^(\s*"?\w*(?:pass|secret|token|key|cred)\w*"? |.* CONNECTION )E?'(?:[^']|'')*'""")
_WITH_SECRETS = frozenset({"USER MAPPING", "SERVER", "SUBSCRIPTION", "FOREIGN DATA WRAPPER", "FOREIGN TABLE"})
_SHOWN_LINES = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """What to include in a comparison of two databases."""

    column_order: bool = True
    owners: bool = True
    privileges: bool = True
    binary_dir: Path | None = None
    """The folder that contains pg_dump; None to search for it."""


def schema_text(
    url: str, *, binary_dir: Path | None = None, owners: bool = True, privileges: bool = True
) -> str:
    """Return the schema of a database as written by a pg_dump that supports the server's version.

    Raises AuditError if no suitable pg_dump is found or if it fails; ConnectionFailed if the database cannot
    be reached.
    """
    at = target(url)
    return _dump(at, find_pg_dump(at.major, binary_dir=binary_dir), owners=owners, privileges=privileges)


def entries(dump: str, *, column_order: bool = True) -> tuple[DumpEntry, ...]:
    """Return the normalised entries of a dump, sorted."""
    return normalised(_cut(dump), column_order)


def statements(dump: str, *, column_order: bool = True) -> tuple[str, ...]:
    """Return the text of each normalised entry of a dump, sorted. Equal schemas give equal results."""
    return tuple(entry.text for entry in entries(dump, column_order=column_order))


def differences(url_a: str, url_b: str, how: Comparison | None = None) -> tuple[str, ...]:
    """Return the differences between the dumps of two databases, one text for each entry that differs.

    A text starts with `- TYPE name` (only in a), `+ TYPE name` (only in b) or `! TYPE name`, followed by the
    lines that differ. Secrets in options are not shown. Raises the same errors as `schema_text`.
    """
    how = how or Comparison()
    sides = [target(url) for url in (url_a, url_b)]
    tool = find_pg_dump(max(side.major for side in sides), binary_dir=how.binary_dir)
    dumps = [_dump(side, tool, owners=how.owners, privileges=how.privileges) for side in sides]
    if dumps[0] == dumps[1]:
        return ()
    return compare(*(entries(dump, column_order=how.column_order) for dump in dumps))


def compare(a: Iterable[DumpEntry], b: Iterable[DumpEntry]) -> tuple[str, ...]:
    """Return the differences between the normalised entries of two dumps, in the form of `differences`."""
    by_name: dict[tuple[str, str, str], tuple[list[DumpEntry], list[DumpEntry]]] = {}
    for side, found in enumerate((a, b)):
        for entry in found:
            by_name.setdefault((entry.schema, entry.name, entry.type), ([], []))[side].append(entry)
    return tuple(text for key in sorted(by_name) for text in _differing(*by_name[key]))


def _differing(a: Sequence[DumpEntry], b: Sequence[DumpEntry]) -> Iterator[str]:
    """Compare the entries of one name in pairs. Almost always each side has exactly one."""
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
    # The caller's PG* variables come first: they supply what the URL does not set.
    environment = {**os.environ, **tool.environment, **at.environment, "PGCLIENTENCODING": "UTF8"}
    done = subprocess.run(
        [tool.path, *options], capture_output=True, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        message = done.stderr.decode(errors="replace").strip()
        raise AuditError(f"{tool.path} (PostgreSQL {tool.major}) failed: {message}")
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
    """Remove the settings for later entries from the end of an entry's text; return both."""
    lines = text.strip("\n").split("\n")
    found: dict[str, str] = {}
    while lines and (lines[-1] == "" or _SETTING.match(lines[-1])):
        if setting := _SETTING.match(lines.pop()):
            found.setdefault(setting[1], setting[2])
    return "\n".join(lines), found


def _with_context(text: str, type_: str, head: re.Match[str], settings: dict[str, str]) -> str:
    """Append the settings before an entry to its text: sorting the entries would lose them."""
    notes = [f"tablespace {head['tablespace']}"] if head["tablespace"] else []
    method = settings.get("default_table_access_method", _HEAP)
    if type_ in ("TABLE", "MATERIALIZED VIEW") and method != _HEAP and not _PARTITIONED.search(text):
        notes.append(f"access method {method}")
    return "\n".join((text, *notes))
