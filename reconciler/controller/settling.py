"""Waiting until a source has come to rest: two equal reads in a row, then a private copy."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from reconciler.controller.source import (
    CONFIG_MAP_LIMIT_BYTES,
    Limits,
    SourceStatus,
    SourceTrouble,
    Tree,
    read_tree,
)
from reconciler.core.dataclass import dataclass

_NEARLY = 0.9
"""Of what a ConfigMap can hold: from here on it is told."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the source found."""

    status: SourceStatus
    message: str = ""
    revision: str | None = None
    """Of what is there now, settled or not; None where it could not be read."""
    settled: Copy | None = None
    """What last came to rest, whatever is there now; None before anything did."""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """A private copy of a source."""

    root: Path
    digest: str
    revision: str


class Source:
    """A mounted directory, looked at again and again."""

    def __init__(self, path: Path, work: Path, limits: Limits | None = None) -> None:
        self.path = path
        self._work, self._limits = work, limits
        self._last: str | None = None
        self._settled: Copy | None = None

    def look(self) -> Look:
        """Read the source once. It is settled where this read and the one before are equal."""
        try:
            tree = read_tree(self.path, self._limits)
        except SourceTrouble as trouble:
            self._last = None
            return Look(trouble.status, trouble.message, None, self._settled)
        is_settled = tree.digest == self._last or self._is_copied(tree)
        self._last = tree.digest
        if not is_settled:
            if self._settled is None:
                return Look(SourceStatus.WAITING, "it is read once more", tree.revision)
            message = "it has changed, and is read once more"
            return Look(SourceStatus.UNSETTLED, message, tree.revision, self._settled)
        try:
            self._settled = self._copied(tree)
        except (OSError, SourceTrouble) as error:
            message = f"no private copy could be made in {self._work}: {error}"
            return Look(SourceStatus.UNREADABLE, message, tree.revision, self._settled)
        return Look(SourceStatus.OK, "", tree.revision, self._settled, _warning(tree))

    def keep_only(self, roots: set[Path]) -> None:
        """Remove the copies that nobody works with any more."""
        kept = roots | ({self._settled.root} if self._settled else set())
        for folder in self._work.glob("tree-*"):
            if folder not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _is_copied(self, tree: Tree) -> bool:
        return self._settled is not None and self._settled.digest == tree.digest

    def _copied(self, tree: Tree) -> Copy:
        """The private copy; read again, so that a disk that is full or lies is noticed."""
        if self._settled is not None and self._is_copied(tree):
            return Copy(self._settled.root, tree.digest, tree.revision)
        root = self._work / f"tree-{tree.digest[:16]}"
        shutil.rmtree(root, ignore_errors=True)
        _write(root, tree.contents)
        if read_tree(root, self._limits).digest != tree.digest:
            raise SourceTrouble(SourceStatus.UNREADABLE, "what was written is not what is read")
        return Copy(root, tree.digest, tree.revision)


def _write(root: Path, contents: Mapping[str, bytes]) -> None:
    root.mkdir(parents=True, mode=0o700)
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def _warning(tree: Tree) -> str:
    if not tree.is_config_map or tree.size_bytes < _NEARLY * CONFIG_MAP_LIMIT_BYTES:
        return ""
    size = f"{tree.size_bytes / 1024:.0f} KiB"
    return f"a ConfigMap holds at most 1024 KiB, and this one has {size}: mount git-sync or an image instead"
