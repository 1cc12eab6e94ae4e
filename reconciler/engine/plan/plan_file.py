"""The plan file: the only serial form of a plan. The same plan gives the same bytes, and back.

The id is a digest of what the file says, not of its layout: comments and line ends may change, a word of SQL
may not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.core.document import Node
from reconciler.core.errors import InvalidInput, Problem
from reconciler.core.statement import BLOCKING, Cost, Mode
from reconciler.engine.plan.model import Action, Plan, Step, Touch
from reconciler.engine.yaml.writer import Writer, spread

if TYPE_CHECKING:
    from pydantic import ValidationError

    from reconciler.engine.plan.file_format import PlanModel

FORMAT = 1
"""The version of the file format. What an id is computed from changes only along with it."""
SUFFIX = ".plan.yaml"
_COMMENT = "# A schema plan. Review it, then carry it out: reconcile apply THIS_FILE"
_HEADER = ("from", "to", "server", "schema", "ownership", "edited")
_EDITED_HINT = "plan again, or say why it was changed by hand on a line of its own: `edited: the reason`"
_REPAIR_HINT = "restore the file from git, or plan again"
_CUT_HINT = "the file may have been cut short: restore it from git, or plan again"


def plan_id(plan: Plan) -> str:
    """The digest of everything in the plan but consents: `sha256:` and 64 hexadecimal digits."""
    text = json.dumps(_content(plan), sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def is_edited(plan: Plan) -> bool:
    """Whether a person changed the SQL by hand and stands for it with a reason."""
    return plan.edited is not None


def dump(plan: Plan) -> str:
    """The text of the plan's file. The order of `touches` does not matter."""
    content = _content(plan)
    writer = Writer()

    def entry(key: str, value: Any) -> list[str]:
        return writer.entry(key, value, 0)

    header = {"format": FORMAT, "id": plan_id(plan)}
    header |= {key: content[key] for key in _HEADER if key in content}
    steps = [entry("steps", [step])[1:] for step in content["steps"]]
    groups = [
        [line for key, value in header.items() for line in entry(key, value)],
        entry("summary", _summary(plan)),
        ["steps:", *spread(steps)] if steps else entry("steps", []),
        entry("touches", content["touches"]),
        *(entry(key, content[key]) for key in ("unknown", "notes") if key in content),
    ]
    if plan.acks:
        groups.append(entry("acks", [_without_none(dataclasses.asdict(ack)) for ack in plan.acks]))
    return "\n".join([_COMMENT, *spread(groups), ""])


def load(text: str, file: str) -> Plan:
    """Read the text of a plan file; `file` is the name that problems carry.

    Raises InvalidInput with every problem: syntax, keys and values, and whatever does not fit together, such
    as an id that is not that of the content.
    """
    from pydantic import ValidationError

    from reconciler.engine.plan.file_format import PlanModel
    from reconciler.engine.yaml.reader import read

    found = read(text, file)
    if found.problems:
        raise InvalidInput.of(found.problems)
    root = found.root
    if root is None or not isinstance(root.data, dict):
        message = "the file is empty" if root is None else "this is not a plan file"
        raise InvalidInput.of([Problem(file, 1, 1, None, message, _CUT_HINT if root is None else None)])
    if "format" not in root.data and "steps" not in root.data:
        hint = "reconcile plan --out FILE writes one"
        raise InvalidInput.of([Problem(file, 1, 1, None, "this is not a plan file", hint)])
    if root.data.get("format", FORMAT) != FORMAT:
        message = f"said {root.text(('format',))}, and this version reads format {FORMAT}"
        raise InvalidInput.of([_problem(root, "format", message, "plan again with this version")])
    try:
        model = PlanModel.model_validate(root.data)
    except ValidationError as error:
        raise InvalidInput.of(_invalid(error, root)) from None
    plan = model.plan()
    checks = (_order_problems(plan, root), _digest_problems(plan, model, root), _ack_problems(plan, root))
    if problems := [problem for check in checks for problem in check]:
        raise InvalidInput.of(problems)
    return plan


def _content(plan: Plan) -> dict[str, Any]:
    """What the id covers, as the file writes it.

    What has its default is left out: a key that a later version adds leaves the ids of other plans alone.
    """
    content: dict[str, Any] = {
        "format": FORMAT,
        "from": plan.from_fingerprint,
        "to": plan.to_fingerprint,
        "server": plan.server_major,
        "schema": plan.schema_digest,
        "ownership": plan.ownership,
    }
    if plan.edited is not None:
        content["edited"] = plan.edited
    content["steps"] = [_step(step) for step in plan.steps]
    content["touches"] = {str(id): _touch(plan.touches[id]) for id in sorted(plan.touches)}
    lists = {"unknown": list(plan.unknown), "notes": list(plan.notes)}
    return content | {key: lines for key, lines in lists.items() if lines}


def _step(step: Step) -> dict[str, Any]:
    # The added newline makes YAML write even a short statement as a block, where nothing needs escapes.
    sql = [f"{statement}\n" for statement in step.sql]
    optional: dict[str, Any] = {
        "sql": sql[0] if len(sql) == 1 else sql,
        "why": step.why[0] if len(step.why) == 1 else list(step.why),
        "source": step.source,
        "requires": list(step.requires),
        "locks": [{"relation": lock.relation, "mode": lock.mode.value} for lock in step.locks],
        "hazards": [
            {"code": hazard.code.value, "object": str(hazard.object), "message": hazard.message}
            for hazard in step.hazards
        ],
        "cost": None if step.cost is Cost.INSTANT else step.cost.value,
        "mode": None if step.mode is Mode.TRANSACTION else step.mode.value,
        "group": None if step.group == 1 else step.group,
        "folded": list(step.folded),
        "search_path": step.search_path,
    }
    head = {
        "number": step.number,
        "action": step.action.value,
        "object": str(step.object),
        "label": step.label,
    }
    return head | {key: value for key, value in optional.items() if value is not None and value != []}


def _touch(touch: Touch) -> dict[str, str]:
    return _without_none({"before": touch.before, "after": touch.after})


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}


def _summary(plan: Plan) -> dict[str, Any]:
    """Counts, and a line for each hazard that needs consent, whether it has been given or not."""
    counts = plan.counts()
    summary: dict[str, Any] = {action.value: counts[action] for action in Action if counts.get(action)}
    lines = [
        f"step {step.number}, {hazard.code} of {hazard.object}: {hazard.message}"
        for step, hazard in plan.hazards
        if hazard.code in BLOCKING
    ]
    return summary | ({"needs_consent": lines} if lines else {})


def _problem(root: Node, at: str | tuple[str | int, ...], message: str, hint: str | None = None) -> Problem:
    """A problem at a key of the header, which the message then names, or at a path."""
    place = root.value_position((at,) if isinstance(at, str) else at)
    said = f"`{at}` {message}" if isinstance(at, str) else message
    return Problem(root.file, place.line, place.column, None, said, hint)


def _invalid(error: ValidationError, root: Node) -> Iterator[Problem]:
    from reconciler.engine.plan.file_format import PlanModel
    from reconciler.engine.yaml.validation_errors import problems_of

    for problem in problems_of(error, (), root, PlanModel):
        is_missing = problem.message.endswith("is missing") and problem.hint is None
        yield dataclasses.replace(problem, hint=_CUT_HINT) if is_missing else problem


def _order_problems(plan: Plan, root: Node) -> Iterator[Problem]:
    """Steps are numbered from 1, groups ascend, and what a step requires stands before it."""
    group = 1
    for index, step in enumerate(plan.steps):
        if step.number != index + 1:
            message = f"step {step.number} stands where step {index + 1} belongs"
            yield _problem(
                root, ("steps", index, "number"), message, "steps run in the order of their numbers"
            )
        if step.group < group:
            message = f"group {step.group} comes after group {group}"
            yield _problem(root, ("steps", index, "group"), message, "steps of one group stand together")
        group = max(group, step.group)
        if any(not 1 <= number < step.number for number in step.requires):
            message = f"step {step.number} requires one that is not before it"
            yield _problem(root, ("steps", index, "requires"), message)


def _digest_problems(plan: Plan, model: PlanModel, root: Node) -> Iterator[Problem]:
    if is_edited(plan):
        # The header cannot follow a hand's edit; whoever edited stands for the content.
        return
    if model.id != plan_id(plan):
        message = "does not match the content: the file was changed after it was planned"
        yield _problem(root, "id", message, _EDITED_HINT)
        return
    ends = (("from", model.from_, plan.from_fingerprint), ("to", model.to, plan.to_fingerprint))
    for key, said, derived in ends:
        if said != derived:
            yield _problem(root, key, "is not the digest of `touches`", _REPAIR_HINT)
    if model.summary.model_dump(exclude_defaults=True) != _summary(plan):
        yield _problem(root, "summary", "does not say what the steps do", _REPAIR_HINT)


def _ack_problems(plan: Plan, root: Node) -> Iterator[Problem]:
    known = {(step.number, code) for step in plan.steps for code in step.consentable}
    for index, ack in enumerate(plan.acks):
        if (ack.step, ack.code) not in known:
            message = f"step {ack.step} has no hazard {ack.code} to consent to"
            hint = "consent is given for what the steps do now: look at them again"
            yield _problem(root, ("acks", index), message, hint)
