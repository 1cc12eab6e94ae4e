"""A mounted directory as a value: what its files say, and which revision they are.

A volume of a ConfigMap is a folder whose `..data` is a symbolic link, which the kubelet replaces in one go
(kubernetes.io, "ConfigMaps", and the package atomic_writer). git-sync replaces a link whose target's last
part is the commit (git-sync v4, README). Neither tells anybody, and NFS has no inotify: the files are read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from reconciler.core.dataclass import dataclass

DATA = "..data"
REVISION = "REVISION"
CONFIG_MAP_LIMIT_BYTES = 1024 * 1024
"""The most that a ConfigMap can hold (kubernetes.io, "ConfigMaps")."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_HIDDEN = (".github/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Of hidden files these are read: they say who may consent."""
_REVISION_LENGTH = 200
_VANISHED = frozenset({errno.ENOENT, errno.ESTALE, errno.ENOTDIR})


class SourceStatus(StrEnum):
    """What is the matter with a source."""

    OK = "ok"
    WAITING = "waiting"
    """Nothing has been read yet."""
    UNSETTLED = "unsettled"
    """It changes from read to read."""
    MISSING = "missing"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    INVALID = "invalid"
    """Its files were read, and what they say is wrong."""


class SourceTrouble(Exception):
    """The source cannot be used as it is."""

    def __init__(self, status: SourceStatus, message: str) -> None:
        # A name that is not UTF-8 could be written to no status file.
        self.status, self.message = status, message.encode(errors="backslashreplace").decode()
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a source may hold."""

    files: int = 20_000
    bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tree:
    """All files of a source, as they were at one look."""

    contents: Mapping[str, bytes]
    """By path relative to the source. Hidden files are left out."""
    digest: str
    """64 hexadecimal digits over names and contents."""
    revision: str
    """The commit where git-sync wrote it, what the file REVISION says, or else `sha256:` and the digest."""
    is_config_map: bool
    """Whether a kubelet wrote it (it has a `..data`)."""

    @property
    def size_bytes(self) -> int:
        """The contents of all files together."""
        return sum(map(len, self.contents.values()))


def read_tree(source: Path, limits: Limits | None = None) -> Tree:
    """Read a source once. Raises SourceTrouble; UNSETTLED where it was replaced while it was read."""
    chosen = limits or Limits()
    try:
        before = _resolved(source)
        top = Path(before[0])
        found = [*_files(top, chosen), *_known_hidden(top)]
        contents = _contents(found, chosen)
        after = _resolved(source)
    except OSError as error:
        raise _trouble(source, error) from None
    if before != after:
        raise SourceTrouble(SourceStatus.UNSETTLED, f"{source} was replaced while it was read")
    if not contents:
        raise SourceTrouble(SourceStatus.EMPTY, f"{source} holds no files")
    digest = _digest(contents)
    revision = before[1] or _written_revision(contents) or f"sha256:{digest}"
    return Tree(contents, digest, revision, any(through_data for _, _, through_data in found))


def _resolved(source: Path) -> tuple[str, str | None]:
    """Where the source really is, and the commit that a link on the way names."""
    absolute = source.absolute()
    commit = None
    for part in (absolute, *absolute.parents):
        if part.is_symlink():
            name = os.path.basename(os.readlink(part).rstrip("/"))
            if _COMMIT.match(name):
                commit = name
                break
    return os.path.realpath(absolute, strict=True), commit


def _files(top: Path, limits: Limits) -> Iterator[tuple[str, Path, bool]]:
    """Name, place, and whether it was reached through a `..data`."""
    count = 0
    waiting: list[tuple[str, Path, bool]] = [("", top, False)]
    seen: set[Path] = set()
    while waiting:
        prefix, folder, through_data = waiting.pop()
        data = folder / DATA
        is_volume = data.is_symlink()
        if is_volume:
            waiting.append((prefix, _below(top, data), True))
        if folder in seen:
            message = f"{prefix or '.'} is linked to twice, or in a circle"
            raise SourceTrouble(SourceStatus.UNREADABLE, message)
        seen.add(folder)
        for name in sorted(os.listdir(folder)):
            # The links of a volume lead to what `..data` holds; what else is there is mounted into it.
            if name.startswith(".") or (is_volume and (folder / name).is_symlink()):
                continue
            if not _is_text(name):
                raise SourceTrouble(SourceStatus.UNREADABLE, f"{prefix}{name}: the name is not UTF-8")
            path = _below(top, folder / name)
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                waiting.append((f"{prefix}{name}/", path, through_data))
            elif stat.S_ISREG(mode):
                count += 1
                if count > limits.files:
                    message = f"it holds more than {limits.files} files"
                    raise SourceTrouble(SourceStatus.TOO_LARGE, message)
                yield prefix + name, path, through_data


def _known_hidden(top: Path) -> Iterator[tuple[str, Path, bool]]:
    """The files that count though they are hidden."""
    for name in _HIDDEN:
        path = top / name
        if path.is_file():
            yield name, _below(top, path), False


def _below(top: Path, path: Path) -> Path:
    """Where a path really leads. A link out of the source could lead to secrets: it is refused."""
    real = Path(os.path.realpath(path, strict=True))
    if not real.is_relative_to(top):
        message = f"{path.name} is a link out of the source"
        raise SourceTrouble(SourceStatus.UNREADABLE, message)
    return real


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _contents(found: list[tuple[str, Path, bool]], limits: Limits) -> dict[str, bytes]:
    size = 0
    contents = {}
    for name, path, _ in sorted(found):
        size += path.stat().st_size
        if size > limits.bytes:
            message = f"it holds more than {limits.bytes / 1024**2:.0f} MiB"
            raise SourceTrouble(SourceStatus.TOO_LARGE, message)
        contents[name] = path.read_bytes()
    return contents


def _digest(contents: Mapping[str, bytes]) -> str:
    found = hashlib.sha256()
    for name, text in sorted(contents.items()):
        encoded = os.fsencode(name)
        found.update(b"%d %d\n" % (len(encoded), len(text)) + encoded + text)
    return found.hexdigest()


def _written_revision(contents: Mapping[str, bytes]) -> str | None:
    """The first line of REVISION, where it is fit to be shown."""
    lines = contents.get(REVISION, b"").decode("utf-8", errors="replace").split("\n")
    said = lines[0].strip()
    return said if said.isprintable() and 0 < len(said) <= _REVISION_LENGTH else None


def _trouble(source: Path, error: OSError) -> SourceTrouble:
    if not source.exists():
        return SourceTrouble(SourceStatus.MISSING, f"there is no {source}")
    if error.errno in _VANISHED:
        return SourceTrouble(SourceStatus.UNSETTLED, f"{source} was replaced while it was read")
    reason = (error.strerror or type(error).__name__).lower()
    return SourceTrouble(SourceStatus.UNREADABLE, f"{error.filename or source}: {reason}")
