"""Where a state is to be found: what `--from` and `diff` name."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Live:
    """What a database is like now."""

    url: str


@dataclass(frozen=True, slots=True)
class Folder:
    """What a schema folder or file declares."""

    path: Path


@dataclass(frozen=True, slots=True)
class Revision:
    """What a schema folder declared at a commit."""

    ref: str
    path: Path


@dataclass(frozen=True, slots=True)
class Stored:
    """What a snapshot file holds."""

    path: Path


@dataclass(frozen=True, slots=True)
class InChain:
    """The state that a chain of plans leads to."""

    folder: Path
    number: int | None = None
    """After the plan of that number, 0 for before the first; None: after the last."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A new database."""


State = Live | Folder | Revision | Stored | InChain | Nothing
