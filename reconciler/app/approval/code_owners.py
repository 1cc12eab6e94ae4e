"""CODEOWNERS: who owns a path, in the formats of GitHub and of GitLab.

GitHub (docs.github.com, "About code owners"): patterns as in .gitignore, but without `!`, `[...]` and `\\#`.
Of all lines that fit the last counts; a line without owners makes a path nobody's.
GitLab (docs.gitlab.com, "Syntax of CODEOWNERS file"): sections, each with owners of its own by its last line
that fits; `^` makes one optional; `!` takes a path out of its section; patterns as in Ruby's File.fnmatch
with FNM_DOTMATCH and FNM_PATHNAME. Owners are names; who is in a team, only the forge knows.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import field
from enum import StrEnum
from pathlib import Path

from reconciler.app.approval.owner_patterns import github_pattern, gitlab_pattern
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError

__all__ = ["CodeOwners", "Flavour", "Owners", "find", "owners_of", "parse"]

_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_HEADING = re.compile(r"(\^)?\[([^\]]+)\](?:\[(\d+)\])?(.*)\Z")
_OWNER = re.compile(r"@{1,2}[\w][\w./-]*\Z|[^\s@]+@[^\s@]+\Z")
_WORD = re.compile(r"(?:\\.|\S)+")


class Flavour(StrEnum):
    """Whose rules a file is read by."""

    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True)
class Owners:
    """One group of owners of a path: a GitLab section's, or all that GitHub knows."""

    names: tuple[str, ...]
    """As the file has them: `@ada`, `@acme/dba`, `ada@example.com`."""
    section: str | None = None
    is_optional: bool = False
    approvals: int = 1
    """How many of them must approve."""

    def __str__(self) -> str:
        some = f"{self.approvals} of " if self.approvals > 1 else ""
        named = f" ({self.section}{', optional' if self.is_optional else ''})" if self.section else ""
        return f"{some}{' or '.join(self.names)}{named}"


@dataclass(frozen=True, slots=True)
class _Rule:
    fits: re.Pattern[str]
    owners: tuple[str, ...]
    excludes: bool = False


@dataclass(slots=True)
class _Section:
    name: str | None = None
    is_optional: bool = False
    approvals: int = 1
    owners: tuple[str, ...] = ()
    rules: list[_Rule] = field(default_factory=list)

    def of(self, path: str) -> tuple[str, ...]:
        """Its owners of a path, going by its last rule that fits."""
        fitting = [rule for rule in self.rules if rule.fits.match(path)]
        if not fitting or any(rule.excludes for rule in fitting):
            return ()
        return fitting[-1].owners


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A file of owners."""

    file: Path
    root: Path
    """The folder that its patterns start from."""
    flavour: Flavour
    _sections: Sequence[_Section]

    def owners_of(self, path: Path | str) -> tuple[Owners, ...]:
        """Who owns a file; none where nobody does. A relative path is one from `root`."""
        name = _relative(Path(path), self.root)
        found = ((section, section.of(name)) for section in self._sections) if name is not None else ()
        return tuple(
            Owners(names, section.name, section.is_optional, section.approvals)
            for section, names in found
            if names
        )

    def names_of(self, path: Path | str) -> tuple[str, ...]:
        """Everybody who may approve a change of the path, in the order of the file."""
        return tuple(dict.fromkeys(name for group in self.owners_of(path) for name in group.names))

    def is_owner(self, person: str, path: Path | str) -> bool:
        """Whether a person, or a team, is named as an owner: with or without `@`, in any case."""
        return _plain(person) in {_plain(name) for name in self.names_of(path)}


def find(start: Path, given: Path | None = None) -> CodeOwners | None:
    """The CODEOWNERS of the repository that `start` is in: the nearest folder above that has `.git`, else
    `start` itself. `given` is a file that settings name. Raises UsageError where that cannot be read."""
    root = next((one for one in (start, *start.parents) if _is_repository(one)), start)
    if given is not None:
        return _read(given, root)
    places = (root / place for place in _PLACES)
    file = next((place for place in places if place.is_file()), None)
    return _read(file, root) if file is not None else None


def owners_of(path: Path, root: Path, given: Path | None = None) -> tuple[Owners, ...]:
    """Who must approve a change of a file: a group each, of which one member or more; none where nobody owns
    it. `root` is the project's folder; `given` and errors as for `find`."""
    owners = find(root.absolute(), given)
    return owners.owners_of(path.absolute()) if owners is not None else ()


def parse(text: str, flavour: Flavour | None = None) -> tuple[Flavour, list[_Section]]:
    """The rules of a file. Without a flavour, headings and `!` tell GitLab's. Lines that mean nothing are
    passed over, as both forges do."""
    lines = [line.strip() for line in text.splitlines()]
    if flavour is None:
        is_gitlab = any(_HEADING.match(line) or line.startswith("!") for line in lines)
        flavour = Flavour.GITLAB if is_gitlab else Flavour.GITHUB
    sections = [_Section()]
    for line in lines:
        if not line or line.startswith("#"):
            continue
        if flavour is Flavour.GITHUB:
            sections[0].rules.extend(_github(line))
        elif heading := _HEADING.match(line):
            sections.append(_opened(heading, sections))
        else:
            sections[-1].rules.extend(_gitlab(line, sections[-1]))
    return flavour, sections


def _is_repository(folder: Path) -> bool:
    """Whether it has a `.git` that not just anybody may have put there, as in /tmp."""
    return (folder / ".git").exists() and not folder.stat().st_mode & stat.S_IWOTH


def _read(file: Path, root: Path) -> CodeOwners:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from None
    flavour = {".github": Flavour.GITHUB, ".gitlab": Flavour.GITLAB}.get(file.parent.name)
    return CodeOwners(file, root, *parse(text, flavour))


def _opened(heading: re.Match[str], sections: list[_Section]) -> _Section:
    """The section of a heading; one of the same name, in any case, goes on under its rules."""
    optional, name, approvals, owners = heading.groups()
    section = next((one for one in sections if (one.name or "").lower() == name.lower()), None)
    if section is None:
        return _Section(name, bool(optional), int(approvals or 1), _owners(owners.split()))
    sections.remove(section)
    section.owners = _owners(owners.split()) or section.owners
    return section


def _github(line: str) -> Iterator[_Rule]:
    words = [word.replace("\\ ", " ") for word in _WORD.findall(line)]
    comment = next((index for index, word in enumerate(words) if word.startswith("#")), len(words))
    pattern, owners = words[0], words[1:comment]
    if pattern[0] in "!\\" or "[" in pattern or len(_owners(owners)) != len(owners):
        return
    yield _Rule(github_pattern(pattern), _owners(owners))


def _gitlab(line: str, section: _Section) -> Iterator[_Rule]:
    words = _WORD.findall(line)
    excludes = words[0].startswith("!")
    pattern = words[0].removeprefix("!")
    if pattern:
        yield _Rule(gitlab_pattern(pattern), _owners(words[1:]) or section.owners, excludes)


def _owners(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if _OWNER.match(word))


def _relative(path: Path, root: Path) -> str | None:
    # Whose `mine/../yours` is, the way there does not say.
    path = Path(os.path.normpath(path))
    if not path.is_absolute():
        return path.as_posix()
    for here, top in ((path, root), (path.resolve(), root.resolve())):
        if here.is_relative_to(top):
            return here.relative_to(top).as_posix()
    return None


def _plain(name: str) -> str:
    return name.strip().removeprefix("@").lower()
