"""The chain of plans of one target: a folder of plan files and CHAIN, a line for each in order.

CHAIN is made to conflict in git where two people append: the second plans again on top of the first.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.errors import InvalidInput, Problem
from reconciler.core.ident import ObjectId
from reconciler.engine.plan import Plan, Touch
from reconciler.engine.planfile import SUFFIX, dump, load, plan_id
from reconciler.engine.subject import SLUG_LENGTH, as_slug, next_slug

__all__ = ["CHAIN", "Link", "append", "next_slug", "read_chain", "renew", "verify_chain"]

CHAIN = "CHAIN"
_HEADER = "# Plans in order: number, slug, id, from, to. After a conflict keep theirs and plan again.\n"
_LINE = re.compile(
    r"([0-9]{4,})\s+([a-z0-9_]+)\s+(sha256:[0-9a-f]{64})\s+(fp1:[0-9a-f]{32})\s+(fp1:[0-9a-f]{32})\s*\Z"
)
_CONFLICT = re.compile(r"<{7}( |\Z)|={7}\Z|>{7}( |\Z)|\|{7}( |\Z)")
_CONFLICT_HINT = "keep the line that was merged first, remove your own plan and its line, then plan again"


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

    @property
    def file_name(self) -> str:
        """The name of the plan's file, beside CHAIN."""
        return f"{self.number:04}_{self.slug}{SUFFIX}"


def read_chain(folder: str | os.PathLike[str]) -> tuple[Link, ...]:
    """The links of a folder's CHAIN; none where there is no such file.

    Raises InvalidInput for lines that are no links, such as the marks of a merge conflict.
    """
    links, problems = _read(Path(folder))
    if problems:
        raise InvalidInput.of(problems)
    return links


def append(folder: str | os.PathLike[str], plan: Plan, slug: str) -> Path:
    """Save the plan as the chain's next, and return its path. The folder is made where it is missing.

    Each file is complete or not there at all; the plan's comes first, so that a crash in between leaves a
    plan that `verify_chain` names. Raises InvalidInput where CHAIN cannot be read or the file exists already.
    """
    home = Path(folder)
    links = read_chain(home)
    home.mkdir(parents=True, exist_ok=True)
    number = max((link.number for link in links), default=0) + 1
    link = Link(number, as_slug(slug), plan_id(plan), plan.from_fingerprint, plan.to_fingerprint, 0)
    path = home / link.file_name
    if taken := sorted(home.glob(f"{number:04}_*{SUFFIX}")):
        message = f"a plan {number:04} is there, and CHAIN does not list it"
        raise InvalidInput.of(
            [Problem(str(taken[0]), 1, 1, None, message, "remove the file, then plan again")]
        )
    chain = home / CHAIN
    before = chain.read_text(encoding="utf-8") if chain.exists() else _HEADER
    _write(path, dump(plan))
    _write(chain, before.rstrip("\n") + "\n" + _line(link) + "\n")
    return path


def verify_chain(folder: str | os.PathLike[str]) -> tuple[Problem, ...]:
    """Whatever is wrong with a folder of plans, sorted by place.

    Lines that are no links, gaps, duplicates; files missing, unreadable, changed or not listed; and plans
    that do not start where the plans before them end.
    """
    home = Path(folder)
    links, problems = _read(home)
    found = [*problems, *_number_problems(home, links), *_unlisted(home, links)]
    plans: list[tuple[Link, Plan]] = []
    for link in links:
        path = home / link.file_name
        try:
            plan = load(path.read_text(encoding="utf-8"), str(path))
        except InvalidInput as error:
            found.extend(error.problems)
        except (OSError, UnicodeDecodeError):
            message = f"{link.file_name} cannot be read or does not exist"
            found.append(_at(home, link, message, "restore it from git"))
        else:
            plans.append((link, plan))
            found.extend(_link_problems(home, link, plan))
    # Where a plan is missing, the next one cannot fit.
    return tuple(sorted(set(found) if found else _joint_problems(home, plans)))


def renew(folder: str | os.PathLike[str], number: int) -> None:
    """Write the file of a plan that was edited by hand, and its line, with the id that it has now.

    Raises InvalidInput where the plan cannot be read, is not in CHAIN, or gives no reason for an edit.
    """
    home = Path(folder)
    link = next((link for link in read_chain(home) if link.number == number), None)
    if link is None:
        raise InvalidInput.of([Problem(str(home / CHAIN), 1, 1, None, f"there is no plan {number:04}", None)])
    path = home / link.file_name
    if not path.exists():
        raise InvalidInput.of([_at(home, link, f"{link.file_name} does not exist", "restore it from git")])
    plan = load(path.read_text(encoding="utf-8"), str(path))
    new = Link(number, link.slug, plan_id(plan), plan.from_fingerprint, plan.to_fingerprint, link.line)
    if new.id != link.id and plan.edited is None:
        message, hint = "differs from what CHAIN lists", "say why on a line of its own: `edited: the reason`"
        raise InvalidInput.of([Problem(str(path), 1, 1, None, message, hint)])
    lines = (home / CHAIN).read_text(encoding="utf-8").splitlines()
    lines[link.line - 1] = _line(new)
    _write(path, dump(plan))
    _write(home / CHAIN, "\n".join([*lines, ""]))


def _line(link: Link) -> str:
    columns = (
        f"{link.number:04}",
        # The width is fixed, so that a new plan never changes the lines above it.
        f"{link.slug:<{SLUG_LENGTH}}",
        link.id,
        link.from_fingerprint,
        link.to_fingerprint,
    )
    return "  ".join(columns)


def _read(home: Path) -> tuple[tuple[Link, ...], tuple[Problem, ...]]:
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
            links.append(Link(int(match[1]), match[2], match[3], match[4], match[5], number))
        elif not _CONFLICT.match(text):
            hint = "a line has number, slug, id, from and to"
            problems.append(Problem(str(path), number, 1, None, "this is not a line of a chain", hint))
        elif not has_conflict:
            has_conflict = True
            message = "a merge conflict is not resolved: two plans start from one state"
            problems.append(Problem(str(path), number, 1, None, message, _CONFLICT_HINT))
    return tuple(links), tuple(problems)


def _at(home: Path, link: Link, message: str, hint: str | None = None) -> Problem:
    return Problem(str(home / CHAIN), link.line, 1, None, message, hint)


def _number_problems(home: Path, links: tuple[Link, ...]) -> Iterator[Problem]:
    # 0000 is where an adopted database starts.
    expected = min((link.number for link in links), default=1)
    expected = min(expected, 1)
    seen: set[int] = set()
    for link in links:
        if link.number in seen:
            yield _at(home, link, f"plan {link.number:04} is listed twice", _CONFLICT_HINT)
            continue
        if link.number != expected:
            message = f"plan {link.number:04} stands where {expected:04} belongs"
            yield _at(home, link, message, "restore the lines that are missing from git")
        seen.add(link.number)
        expected = link.number + 1


def _unlisted(home: Path, links: tuple[Link, ...]) -> Iterator[Problem]:
    listed = {link.file_name for link in links}
    for path in sorted(home.glob(f"*{SUFFIX}")):
        if path.name not in listed:
            hint = "remove the file, then plan again"
            yield Problem(str(path), 1, 1, None, "CHAIN does not list this plan", hint)


def _link_problems(home: Path, link: Link, plan: Plan) -> Iterator[Problem]:
    if link.id != plan_id(plan):
        hint = "restore the file from git, or plan again"
        if plan.edited is not None:
            hint = "the edit gives a reason: prove it, and CHAIN gets the new id"
        yield _at(home, link, f"{link.file_name} has another id: {plan_id(plan)}", hint)
    elif (link.from_fingerprint, link.to_fingerprint) != (plan.from_fingerprint, plan.to_fingerprint):
        yield _at(home, link, f"{link.file_name} has other fingerprints", "restore the line from git")


def _joint_problems(home: Path, plans: list[tuple[Link, Plan]]) -> Iterator[Problem]:
    """Plans that expect an object in another state than the plans before them leave it in.

    Two plans that were made from one state can stand in good order after a merge. Majors are not compared:
    each spells the same state in its own way.
    """
    left: dict[ObjectId, tuple[Link, int, Touch]] = {}
    for link, plan in plans:
        for id, touch in plan.touches.items():
            earlier = left.get(id)
            if earlier and earlier[1] == plan.server_major and earlier[2].after != touch.before:
                message = f"{link.file_name} expects {id} as it was before plan {earlier[0].number:04}"
                yield _at(home, link, message, "remove this plan and plan again")
                break
        left |= {id: (link, plan.server_major, touch) for id, touch in plan.touches.items()}


def _write(path: Path, text: str) -> None:
    """Replace a file in one go: nobody ever sees half of it."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
