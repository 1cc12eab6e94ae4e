"""Folders as they were at a commit of git: read by git itself, without touching any checkout.

git is called as a process of its own, never through a shell; what a person says goes behind
`--end-of-options`. Contents are the blobs themselves: no filters, no attributes, no hooks.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from reconciler.app.states.state_name import Revision
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, UsageError

_LINK, _SUBMODULE = "120000", "160000"
_AROUND = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
"""What a hook sets for its own repository; the folder that is asked about says which one is meant."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A folder as it was at a commit, written to a folder of its own for a while."""

    path: Path
    """Where the folder (or file) is now."""
    top: Path
    """What corresponds to the repository's root."""
    commit: str

    def near(self, path: Path) -> Path:
        """Where `path`, a place in the working tree, would be in the export."""
        return self.top / _within(path, repository(path))


def repository(path: Path) -> Path:
    """The root of the working tree that holds the path. Raises UsageError where git knows of none."""
    folder = path.resolve()
    while not folder.is_dir():
        folder = folder.parent
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n")).resolve()
    except _Refused as error:
        raise UsageError(f"{path} is in no git repository: {error}") from None


def commit_of(ref: str, root: Path) -> str:
    """The full id of the commit that `ref` means. Raises UsageError."""
    if not ref or ref.startswith("-") or any(char.isspace() or not char.isprintable() for char in ref):
        raise UsageError(
            f"git:{ref} names no commit", hint="say a branch, a tag or a commit: git:origin/main"
        )
    try:
        found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except _Refused:
        hint = "fetch it first: git fetch origin; a shallow clone lacks older commits (fetch-depth: 0)"
        raise UsageError(f"there is no commit `{ref}` in {root}", hint=hint) from None
    return found.decode().strip()


@contextmanager
def exported(ref: str, path: Path) -> Iterator[Exported]:
    """The folder or file `path` of the working tree as it was at `ref`.

    Raises UsageError where there is no such commit or nothing is there, InvalidInput for symbolic links,
    submodules and names that lead out of the folder.
    """
    root = repository(path)
    commit = commit_of(ref, root)
    inside = _within(path, root)
    blobs = list(_listed(root, commit, inside, ref))
    if not blobs:
        raise UsageError(f"there is no {inside} at {ref}", hint=f"git ls-tree -r --name-only {ref} lists all")
    with tempfile.TemporaryDirectory(prefix="reconcile-") as made:
        top = Path(made)
        for (name, _), content in zip(blobs, _contents(root, [blob for _, blob in blobs]), strict=True):
            file = top / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield Exported(top / inside, top, commit)


def is_at(state: Revision) -> bool:
    """Whether the commit has the schema folder. Raises UsageError where there is no such commit."""
    root = repository(state.path)
    commit = commit_of(state.ref, root)
    return next(_listed(root, commit, _within(state.path, root), state.ref), None) is not None


def added_by(file: Path) -> str | None:
    """The commit that brought a file into the history of what is checked out; None where none is known."""
    try:
        root = repository(file)
        inside = _within(file, root).as_posix()
        found = _git(root, "--literal-pathspecs", "log", "-1", "--format=%H", "--diff-filter=A", "--", inside)
    except (UsageError, _Refused):
        return None
    return found.decode().strip() or None


class _Refused(Exception):
    """What git said."""


def _git(folder: Path, *words: str, stdin: bytes | None = None) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name not in _AROUND}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "--no-pager", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, input=stdin, env=environment, capture_output=True, check=False)
    except FileNotFoundError:
        raise UsageError("git is not installed here, and git:REF needs it") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise _Refused(lines[0] if lines else f"git {words[0]} ended with {done.returncode}")
    return done.stdout


def _within(path: Path, root: Path) -> Path:
    try:
        return path.resolve().relative_to(root)
    except ValueError:
        raise UsageError(f"{path} is not in the repository {root}") from None


def _listed(root: Path, commit: str, inside: Path, ref: str) -> Iterator[tuple[str, str]]:
    """Name and blob of each file below a path."""
    below = () if inside == Path() else ("--", inside.as_posix())
    listing = _git(root, "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", commit, *below)
    for record in listing.split(b"\0"):
        if not record:
            continue
        facts, _, raw = record.partition(b"\t")
        name = os.fsdecode(raw)
        mode, _, blob = facts.decode().split()
        if mode in (_LINK, _SUBMODULE):
            what = "a symbolic link" if mode == _LINK else "a submodule"
            hint = "keep the files themselves in this repository"
            raise InvalidInput(f"{name} at {ref} is {what}, which is not followed", hint=hint)
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or ".git" in parts:
            raise InvalidInput(f"{name!r} at {ref} leads out of its folder")
        yield name, blob


def _contents(root: Path, blobs: Sequence[str]) -> Iterator[bytes]:
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    told = memoryview(_git(root, "cat-file", "--batch", stdin=asked))
    at = 0
    for blob in blobs:
        end = at + bytes(told[at : at + 200]).index(b"\n")
        words = bytes(told[at:end]).split()
        if len(words) != 3:
            raise UsageError(f"git lacks the contents of {blob}", hint="a partial clone: git fetch --refetch")
        size = int(words[2])
        yield bytes(told[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
