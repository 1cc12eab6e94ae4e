"""CHAIN as text: a line for each plan in order, made to conflict in git where two people append."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, Problem
from reconciler.engine.plan.plan_file import SUFFIX
from reconciler.engine.plan.title import SLUG_LENGTH
from reconciler.engine.yaml.atomic_file import put

CHAIN = "CHAIN"
HEADER = "# Plans in order: number, slug, id, from, to. After a conflict keep theirs and plan again.\n"
_LINE = re.compile(
    r"([0-9]{4,9})\s+([a-z0-9_]+)\s+(sha256:[0-9a-f]{64})\s+(fp1:[0-9a-f]{32})\s+(fp1:[0-9a-f]{32})"
    r"(?:\s+squashed-into\s+([0-9]{4,9}))?\s*\Z"
)
_CONFLICT = re.compile(r"<{7}( |\Z)|={7}\Z|>{7}( |\Z)|\|{7}( |\Z)")

CONFLICT_HINT = (
    "take CHAIN and snapshot.yaml as the other branch has them (in this folder: git checkout OTHER_BRANCH -- "
    "CHAIN snapshot.yaml), remove your own plan's file, and save the plan again: "
    "reconcile plan --from chain --save"
)


@dataclass(frozen=True, slots=True)
class Link:
    """One line of CHAIN."""

    number: int
    slug: str
    id: str
    from_fingerprint: str
    to_fingerprint: str
    line: int
    """The line of CHAIN, from 1."""
    squashed_into: int | None = None
    """The number of the plan that does this one's work now; its own file is gone."""

    @property
    def file_name(self) -> str:
        """The name of the plan's file, beside CHAIN."""
        return f"{self.number:04}_{self.slug}{SUFFIX}"

    def __str__(self) -> str:
        columns = [
            f"{self.number:04}",
            # The width is fixed, so that a new plan never changes the lines above it.
            f"{self.slug:<{SLUG_LENGTH}}",
            self.id,
            self.from_fingerprint,
            self.to_fingerprint,
        ]
        columns += [f"squashed-into {self.squashed_into:04}"] if self.squashed_into is not None else []
        return "  ".join(columns)


def read_chain(folder: str | os.PathLike[str]) -> tuple[Link, ...]:
    """The links of a folder's CHAIN that have a plan; none where there is no such file.

    Raises InvalidInput for lines that are no links, such as the marks of a merge conflict.
    """
    return tuple(link for link in read_history(folder) if link.squashed_into is None)


def read_history(folder: str | os.PathLike[str]) -> tuple[Link, ...]:
    """All lines of CHAIN, with those that were squashed into others. Raises as `read_chain`."""
    links, problems = parsed(Path(folder))
    if problems:
        raise InvalidInput.of(problems)
    return links


def parsed(home: Path) -> tuple[tuple[Link, ...], tuple[Problem, ...]]:
    """The lines of CHAIN that are links, and what is wrong with the others."""
    path = home / CHAIN
    if not path.exists():
        return (), ()
    links: list[Link] = []
    problems: list[Problem] = []
    has_conflict = False
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        if match := _LINE.match(text):
            into = int(match[6]) if match[6] else None
            links.append(Link(int(match[1]), match[2], match[3], match[4], match[5], number, into))
        elif not _CONFLICT.match(text):
            hint = "a line has number, slug, id, from and to"
            problems.append(Problem(str(path), number, 1, None, "this is not a line of a chain", hint))
        elif not has_conflict:
            has_conflict = True
            message = "a merge conflict is not resolved: two plans start from one state"
            problems.append(Problem(str(path), number, 1, None, message, CONFLICT_HINT))
    return tuple(links), tuple(problems)


def text_of(links: Sequence[Link]) -> str:
    """A CHAIN of just these lines."""
    return HEADER + "".join(f"{link}\n" for link in links)


@contextmanager
def changing(home: Path) -> Iterator[None]:
    """Alone with the folder of a chain: others on this machine wait.

    What is decided from CHAIN belongs within. Where there is no such folder yet or no such locks (Windows,
    some network folders) nobody waits.
    """
    handle: int | None = None
    try:
        with suppress(ImportError, OSError):
            import fcntl

            handle = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)  # and the lock with it


def write(path: Path, text: str) -> None:
    """Replace a file in one go. Raises OSError."""
    put(path, text.encode(), mode=0o644, is_durable=True)
