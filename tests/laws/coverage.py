"""What becomes of each column of the system catalogs, and the page that tells it: docs/coverage.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from reconciler.app import registry
from reconciler.engine.catalog.unmodeled import beyond
from tests.laws.catalog_columns import MAJORS, known
from tests.laws.excuses import DUMPED, EXCUSED, UNREAD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coverage.md"
COMMAND = "make coverage"
_MARK = "<!-- Below this line the page is made by `make coverage`. -->"
SAID = "said in plans and by `pull`, and left alone"


@cache
def queries(major: int) -> dict[str, str]:
    """The text of each kind's query."""
    return {kind.name: kind.query(major) for kind in registry()}


@cache
def _words(major: int) -> tuple[dict[str, set[str]], set[str]]:
    """The names in each kind's query, and in that for what no kind models."""
    kinds = {name: set(re.findall(r"\w+", text)) for name, text in queries(major).items()}
    return kinds, set(re.findall(r"\w+", beyond(major)))


def readers(catalog: str, column: str, major: int) -> list[str]:
    """The kinds whose query names both."""
    kinds, _ = _words(major)
    return [name for name, words in kinds.items() if {catalog, column} <= words]


def treatment(catalog: str, column: str, major: int) -> str | None:
    """What becomes of a column: who reads it, what is said of it, or why it is left out; None: undecided."""
    excuse = EXCUSED.get(catalog, {}).get(column)
    if kinds := readers(catalog, column, major):
        return "the object's identity within one database" if column == "oid" else f"read by {_list(kinds)}"
    _, said = _words(major)
    if {catalog, column} <= said:
        return SAID
    return excuse or UNREAD.get(catalog)


_SHOWN = 4


def _list(kinds: Iterable[str]) -> str:
    names = [name.replace("_", " ") for name in kinds]
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def page() -> str:
    """The content of docs/coverage.md; what stands above the mark is a person's."""
    by_hand = PAGE.read_text().partition(_MARK)[0]
    return by_hand + "\n".join([_MARK, *_objects(), *_catalogs()]) + "\n"


def _objects() -> Iterator[str]:
    yield from ("", "## What pg_dump dumps", "", "| in an archive | here |", "|---|---|")
    for name, here in DUMPED.items():
        yield f"| {name} | {here if isinstance(here, str) else _linked(here)} |"


def _linked(kinds: Iterable[str]) -> str:
    return ", ".join(f"[{kind.replace('_', ' ')}](kinds.md#{kind.replace('_', '-')})" for kind in kinds)


def _catalogs() -> Iterator[str]:
    yield from ("", "## The system catalogs")
    for catalog, columns in known().items():
        yield from ("", f"### {catalog}", "", "| columns | majors | what becomes of them |", "|---|---|---|")
        rows: dict[tuple[str, str], list[str]] = {}
        for column, majors in columns.items():
            found: dict[str, list[int]] = {}
            for major in majors:
                found.setdefault(treatment(catalog, column, major) or "undecided", []).append(major)
            for fate, having in found.items():
                rows.setdefault((_span(having), fate), []).append(f"`{column}`")
        for (when, fate), names in rows.items():
            yield f"| {', '.join(names)} | {when} | {fate} |"


def _span(majors: list[int]) -> str:
    first, last = majors[0], majors[-1]
    if len(majors) > 1 and majors == [major for major in MAJORS if first <= major <= last]:
        return f"{first} to {last}"
    return ", ".join(map(str, majors))
