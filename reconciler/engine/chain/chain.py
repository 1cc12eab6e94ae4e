"""The chain of plans of one target: a folder of plan files and CHAIN, a line for each in order.

Beside them stand snapshots: of the state after the last plan, and of the one before the first where that is
not an empty database.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.core.errors import InvalidInput, Problem
from reconciler.core.ident import ObjectId
from reconciler.engine.chain import snapshot
from reconciler.engine.chain.chain_file import (
    CHAIN,
    CONFLICT_HINT,
    HEADER,
    Link,
    parsed,
    read_chain,
    read_history,
    text_of,
    write,
)
from reconciler.engine.plan import signature
from reconciler.engine.plan.model import Plan, Touch
from reconciler.engine.plan.plan_file import SUFFIX, dump, load, plan_id
from reconciler.engine.plan.title import as_slug, next_slug

__all__ = [
    "CHAIN",
    "Link",
    "append",
    "joint_problem",
    "next_slug",
    "read_chain",
    "read_history",
    "renew",
    "squash",
    "verify_chain",
]


def append(
    folder: str | os.PathLike[str], plan: Plan, slug: str, files: Sequence[tuple[str, str]] = ()
) -> Path:
    """Save the plan as the chain's next, and return its path. The folder is made where it is missing.

    Each file is complete or not there at all; `files` (names and texts, such as the snapshot) and the plan
    come first, so that a crash in between leaves what `verify_chain` names. Raises InvalidInput where CHAIN
    cannot be read or the file exists already.
    """
    home = Path(folder)
    links = read_history(home)
    home.mkdir(parents=True, exist_ok=True)
    number = max((link.number for link in links), default=0) + 1
    link = _link(number, as_slug(slug), plan)
    path = home / link.file_name
    if taken := sorted(home.glob(f"{number:04}_*{SUFFIX}")):
        message = f"a plan {number:04} is there, and CHAIN does not list it"
        raise InvalidInput.of(
            [Problem(str(taken[0]), 1, 1, None, message, "remove the file, then plan again")]
        )
    chain = home / CHAIN
    before = chain.read_text(encoding="utf-8") if chain.exists() else HEADER
    write(path, dump(plan))
    for name, text in files:
        write(home / name, text)
    write(chain, before.rstrip("\n") + f"\n{link}\n")
    return path


def squash(
    folder: str | os.PathLike[str], plan: Plan, through: int, slug: str, files: Sequence[tuple[str, str]] = ()
) -> Path:
    """Put one plan in the place of all up to the number `through`; their lines stay, their files go.

    Raises InvalidInput where CHAIN cannot be read or has no such plan.
    """
    home = Path(folder)
    links = read_history(home)
    if through not in {link.number for link in links if link.squashed_into is None}:
        raise InvalidInput.of([Problem(str(home / CHAIN), 1, 1, None, f"there is no plan {through:04}")])
    link = _link(through, as_slug(slug), plan)
    old = [dataclasses.replace(one, squashed_into=through) for one in links if one.number <= through]
    later = [one for one in links if one.number > through]
    gone = [home / one.file_name for one in links if one.number <= through and one.squashed_into is None]
    path = home / link.file_name
    write(path, dump(plan))
    for name, text in files:
        write(home / name, text)
    write(home / CHAIN, text_of([*old, link, *later]))
    for file in gone:
        if file != path:
            file.unlink(missing_ok=True)
        # What was signed is no longer what is there.
        file.with_name(file.name + signature.SUFFIX).unlink(missing_ok=True)
    return path


def verify_chain(folder: str | os.PathLike[str]) -> tuple[Problem, ...]:
    """Whatever is wrong with a folder of plans, sorted by place.

    Lines that are no links, gaps, duplicates; files missing, unreadable, changed or not listed; plans that do
    not start where the plans before them end; a snapshot of another state than the last.
    """
    home = Path(folder)
    history, problems = parsed(home)
    links = tuple(link for link in history if link.squashed_into is None)
    found = [*problems, *_number_problems(home, history), *map(_unlisted_problem, _unlisted(home, links))]
    found += [] if problems else _snapshot_problems(home, links)
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
    return tuple(sorted(set(found) if found else _joint_problems(home, plans), key=_place))


def renew(folder: str | os.PathLike[str], number: int) -> None:
    """Write the file of a plan that was edited by hand, and its line, with the id that it has now.

    Raises InvalidInput where the plan cannot be read, is not in CHAIN, or gives no reason for an edit.
    """
    home = Path(folder)
    links = read_chain(home)
    link = next((link for link in links if link.number == number), None)
    if link is None:
        raise InvalidInput.of([Problem(str(home / CHAIN), 1, 1, None, f"there is no plan {number:04}", None)])
    path = home / link.file_name
    if not path.exists():
        raise InvalidInput.of([_at(home, link, f"{link.file_name} does not exist", "restore it from git")])
    plan = load(path.read_text(encoding="utf-8"), str(path))
    new = dataclasses.replace(_link(number, link.slug, plan), line=link.line)
    if new.id != link.id and plan.edited is None:
        message, hint = "differs from what CHAIN lists", "say why on a line of its own: `edited: the reason`"
        raise InvalidInput.of([Problem(str(path), 1, 1, None, message, hint)])
    lines = (home / CHAIN).read_text(encoding="utf-8").splitlines()
    lines[link.line - 1] = str(new)
    write(path, dump(plan))
    state = home / snapshot.NAME
    if link == links[-1] and state.exists():
        text = state.read_text(encoding="utf-8")
        write(state, text.replace(f"  after: {link.id}", f"  after: {new.id}", 1))
    write(home / CHAIN, "\n".join([*lines, ""]))


def joint_problem(plans: Sequence[tuple[Link, Plan]], plan: Plan) -> tuple[ObjectId, Link] | None:
    """The first object that the plan expects in another state than the plans before it leave it in, with the
    plan that does. Majors are not compared: each spells the same state in its own way."""
    left: _Left = {}
    for link, earlier in plans:
        left |= _leaves(link, earlier)
    return _unjoined(left, plan)


_Left = dict[ObjectId, tuple[Link, int, Touch]]
"""Which plan touched an object last, on which major, and how."""


def _leaves(link: Link, plan: Plan) -> _Left:
    return {id: (link, plan.server_major, touch) for id, touch in plan.touches.items()}


def _unjoined(left: _Left, plan: Plan) -> tuple[ObjectId, Link] | None:
    for id, touch in plan.touches.items():
        earlier = left.get(id)
        if earlier and earlier[1] == plan.server_major and earlier[2].after != touch.before:
            return id, earlier[0]
    return None


def _link(number: int, slug: str, plan: Plan) -> Link:
    return Link(number, slug, plan_id(plan), plan.from_fingerprint, plan.to_fingerprint, 0)


def _place(problem: Problem) -> tuple[str, int, int, str]:
    return (*problem.place, problem.message)


def _at(home: Path, link: Link, message: str, hint: str | None = None) -> Problem:
    return Problem(str(home / CHAIN), link.line, 1, None, message, hint)


def _number_problems(home: Path, history: tuple[Link, ...]) -> Iterator[Problem]:
    links = [link for link in history if link.squashed_into is None]
    squashed = [link for link in history if link.squashed_into is not None]
    numbers = {link.number for link in links}
    for link in squashed:
        if link.squashed_into not in numbers:
            message = f"plan {link.number:04} was squashed into {link.squashed_into:04}, which is not there"
            yield _at(home, link, message, "restore the lines that are missing from git")
    # 0000 is where an adopted database starts.
    expected = min((link.number for link in links), default=1)
    expected = max((link.squashed_into or 0 for link in squashed), default=min(expected, 1))
    seen: set[int] = set()
    for link in links:
        if link.number in seen:
            yield _at(home, link, f"plan {link.number:04} is listed twice", CONFLICT_HINT)
            continue
        if link.number != expected:
            message = f"plan {link.number:04} stands where {expected:04} belongs"
            yield _at(home, link, message, "restore the lines that are missing from git")
        seen.add(link.number)
        expected = link.number + 1


def _unlisted(home: Path, links: tuple[Link, ...]) -> list[Path]:
    listed = {link.file_name for link in links}
    return [path for path in sorted(home.glob(f"*{SUFFIX}")) if path.name not in listed]


def _unlisted_problem(path: Path) -> Problem:
    hint = "remove the file, then plan again"
    return Problem(str(path), 1, 1, None, "CHAIN does not list this plan", hint)


def _link_problems(home: Path, link: Link, plan: Plan) -> Iterator[Problem]:
    if link.id != plan_id(plan):
        hint = "restore the file from git, or plan again"
        if plan.edited is not None:
            hint = f"to prove the edit and renew the id: reconcile plan --renew {link.number}"
        yield _at(home, link, f"{link.file_name} has another id: {plan_id(plan)}", hint)
    elif (link.from_fingerprint, link.to_fingerprint) != (plan.from_fingerprint, plan.to_fingerprint):
        yield _at(home, link, f"{link.file_name} has other fingerprints", "restore the line from git")


def _joint_problems(home: Path, plans: list[tuple[Link, Plan]]) -> Iterator[Problem]:
    """Plans that expect an object in another state than the plans before them leave it in.

    Two plans that were made from one state can stand in good order after a merge. Majors are not compared:
    each spells the same state in its own way.
    """
    left: _Left = {}
    for link, plan in plans:
        if (found := _unjoined(left, plan)) is not None:
            message = f"{link.file_name} expects {found[0]} as it was before plan {found[1].number:04}"
            yield _at(home, link, message, f"remove this plan and its line, then plan again: {_AGAIN}")
        left |= _leaves(link, plan)


def _snapshot_problems(home: Path, links: tuple[Link, ...]) -> Iterator[Problem]:
    """A snapshot that is of another plan than the last."""
    path = home / snapshot.NAME
    if not path.exists() or not links:
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    if snapshot.CONFLICT.search(text):
        message = "a merge conflict is not resolved: two plans were made from one state"
        yield Problem(str(path), 1, 1, None, message, CONFLICT_HINT)
    elif (after := snapshot.after_of(text)) != links[-1].id:
        message = f"this is not the state after the chain's last plan, {links[-1].file_name}"
        cut_off = next((file for file in _unlisted(home, links) if _id_in(file) == after), None)
        hint = CONFLICT_HINT if cut_off is None else _CUT_OFF.format(cut_off.name)
        yield Problem(str(path), 1, 1, None, message, hint)


def _id_in(file: Path) -> str | None:
    """The id of a plan file; None where it is none."""
    try:
        return plan_id(load(file.read_text(encoding="utf-8"), str(file)))
    except InvalidInput:
        return None


_CUT_OFF = (
    "saving {} was cut off: remove that file and this one, then plan again; the snapshot is made anew from "
    "the plans before it"
)


_AGAIN = "reconcile plan --from chain --save"
