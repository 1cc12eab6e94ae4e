"""A plan's facts in plain words, alike in every report."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from reconciler.core import counting
from reconciler.core.dataclass import dataclass
from reconciler.core.size import Size
from reconciler.core.statement import BLOCKING, Cost, Hazard, HazardCode, LockMode, Mode
from reconciler.engine.plan.model import Action, Plan, Step

SYMBOLS = {Action.CREATE: "+", Action.ALTER: "~", Action.DROP: "-", Action.RENAME: "→"}
COUNTED = {
    Action.CREATE: "to create",
    Action.ALTER: "to change",
    Action.DROP: "to drop",
    Action.RENAME: "to rename",
}

HARM = {
    HazardCode.DATA_LOSS: "deletes data",
    HazardCode.POSSIBLE_RENAME: "may be a rename",
    HazardCode.TABLE_REWRITE: "rewrites the table",
    HazardCode.TABLE_SCAN: "reads the whole table",
    HazardCode.MAY_FAIL: "can fail",
    HazardCode.ACCESS_CHANGE: "changes who has access",
    HazardCode.APPLICATION_BREAK: "can break applications",
    HazardCode.VALIDATION_LOST: "stops checking rows",
    HazardCode.OUTDATED: "leaves stored values as they were",
    HazardCode.SETTINGS_DEPENDENT: "depends on the time zone or date style",
}
"""What a hazard does, to be read after "step 4"."""

_WRITES = "blocks writes to"
_EFFECTS = {
    LockMode.ACCESS_EXCLUSIVE: "blocks reads and writes of",
    LockMode.EXCLUSIVE: _WRITES,
    LockMode.SHARE_ROW_EXCLUSIVE: _WRITES,
    LockMode.SHARE: _WRITES,
}
"""The manual, 13.3.1: only access exclusive conflicts with SELECT; row exclusive, which writes take,
conflicts with share and all that is stronger."""
_WHILE = {
    Cost.INSTANT: "for a moment",
    Cost.SCAN: "while the table is read",
    Cost.BUILD: "while it is built",
    Cost.REWRITE: "while the table is written anew",
}


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive steps that one transaction holds, or one step that must run outside any."""

    steps: tuple[Step, ...]
    is_transaction: bool


def runs(plan: Plan) -> tuple[Run, ...]:
    """The plan's steps as they are committed, in order."""
    found: list[list[Step]] = []
    for step in plan.steps:
        last = found[-1][-1] if found else None
        joins = last is not None and last.group == step.group
        if joins and last is not None and Mode.TRANSACTION is last.mode and step.mode is not Mode.ALONE:
            found[-1].append(step)
        else:
            found.append([step])
    return tuple(Run(tuple(steps), steps[0].mode is not Mode.ALONE) for steps in found)


def visible(text: str) -> str:
    """The text on one line with nothing in it that a terminal or a browser obeys: what cannot be seen is
    written as an escape, spaces and line ends become one space."""
    return _shown(" ".join(text.split()))


def visible_sql(sql: str) -> str:
    """SQL as it is, in its lines, but for characters that a terminal obeys or that reorder what is seen."""
    return "\n".join(_shown(line) for line in sql.replace("\r\n", "\n").split("\n"))


def _shown(line: str) -> str:
    return line if line.isprintable() else "".join(_seen(char) for char in line)


def _seen(char: str) -> str:
    if char == "\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def ended(sql: str) -> str:
    """The statement with its semicolon, out of reach of a comment at its end."""
    return sql + ("\n;" if "--" in sql.rpartition("\n")[2] else ";")


counted = counting.counted


def tally(plan: Plan) -> tuple[tuple[Action, str], ...]:
    """`+2`, `~1`, `-1` with what they count, for the actions that occur."""
    counts = plan.counts()
    return tuple((action, f"{SYMBOLS[action]}{counts[action]}") for action in Action if counts.get(action))


def extent(plan: Plan) -> str:
    """`12 steps in 2 transactions, 1 outside`."""
    parts = runs(plan)
    transactions = sum(part.is_transaction for part in parts)
    outside = len(parts) - transactions
    steps = counted(len(plan.steps), "step")
    if not transactions:
        return f"{steps} outside a transaction"
    return f"{steps} in {counted(transactions, 'transaction')}" + (f", {outside} outside" if outside else "")


def blocking_hazards(plan: Plan) -> tuple[tuple[Step, Hazard], ...]:
    """The hazards that need consent, whether they have it or not."""
    return tuple((step, hazard) for step, hazard in plan.hazards if hazard.code in BLOCKING)


def other_hazards(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What else can hurt: the harm, and the steps that do it."""
    found: dict[HazardCode, dict[int, None]] = {}
    for step, hazard in plan.hazards:
        if hazard.code not in BLOCKING:
            found.setdefault(hazard.code, {})[step.number] = None
    return tuple((HARM[code], steps_named(found[code])) for code in HazardCode if code in found)


def steps_named(numbers: Iterable[int]) -> str:
    """`step 3`, `steps 1, 4-6`."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    text = ", ".join(str(a) if a == b else f"{a}, {b}" if b == a + 1 else f"{a}-{b}" for a, b in spans)
    return ("step " if len(spans) == 1 and spans[0][0] == spans[0][1] else "steps ") + text


def allow_flag(hazard: Hazard) -> str:
    """The argument that consents to just this hazard, as a shell reads it."""
    return "--allow " + shlex.quote(f"{hazard.code}:{hazard.object}")


def lock_lines(step: Step, run: Run, sizes: Mapping[str, Size] | None = None) -> tuple[str, ...]:
    """What other sessions notice of a step, a line for each sort of lock, with sizes where they are known.

    `run` is the one that the step is in: a lock is held until its transaction ends (manual, 13.3.1).
    """
    known = sizes or {}
    relations: dict[str, list[str]] = {}
    for lock in step.locks:
        relations.setdefault(_EFFECTS.get(lock.mode, ""), []).append(lock.relation)
    lines = []
    for effect, names in relations.items():
        listed = _listed([
            f"{visible(name)} ({known[name]})" if name in known else visible(name)
            for name in dict.fromkeys(names)
        ])  # fmt: skip
        lines.append(
            f"{effect} {listed} {_duration(step, run)}" if effect else f"reads and writes of {listed} go on"
        )
    return tuple(lines)


def _duration(step: Step, run: Run) -> str:
    lasting = [other for other in run.steps if other.number > step.number and other.cost is not Cost.INSTANT]
    if not lasting or not run.is_transaction:
        return _WHILE[step.cost]
    return f"until step {lasting[-1].number} is through"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
