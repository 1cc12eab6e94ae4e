"""What a target approves by itself (`approve:` in reconcile.yaml), and what it holds back.

`CODE: always` consents to a hazard, `CODE: never` (the default) leaves it to --allow and acks.
`lock: table < SIZE` holds back steps that block writes of a larger table while it is read or written anew;
its partitions, and the tables that inherit from it, count.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, InvalidInput
from reconciler.core.statement import BLOCKS_WRITES, Cost, Hazard, HazardCode

if TYPE_CHECKING:
    from reconciler.engine.plan.consent import Consent
    from reconciler.engine.plan.model import Plan, Step

_LOCK = re.compile(r"table\s*<\s*(\d+(?:\.\d+)?)\s*(kB|KB|MB|GB|TB)\Z")
_UNITS = {"kB": 1024, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_WORK = frozenset({HazardCode.TABLE_REWRITE, HazardCode.TABLE_SCAN})


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one target."""

    always: frozenset[HazardCode] = frozenset()
    lock_below_bytes: int | None = None
    """The size from which on a table may not be locked for long without consent; None: any may."""

    @classmethod
    def parse(cls, rules: Mapping[str, str], target: str) -> Policy:
        """Read the rules. Raises InvalidInput for words that mean nothing."""
        always: set[HazardCode] = set()
        limit: int | None = None
        known = {code.value: code for code in HazardCode}
        for key, value in rules.items():
            place = f"reconcile.yaml: targets.{target}.approve.{key}"
            if key == "lock":
                limit = _limit(value, place)
            elif key not in known:
                raise InvalidInput(
                    f"{place}: there is no such hazard", hint=f"lock, or one of: {', '.join(known)}"
                )
            elif value not in ("always", "never"):
                raise InvalidInput(f"{place}: {value!r} is neither always nor never")
            elif value == "always":
                always.add(known[key])
        return cls(frozenset(always), limit)

    def consent(self, given: Consent) -> Consent:
        """What is allowed in all: by a person, and by the rules."""
        return dataclasses.replace(given, codes=given.codes | self.always)

    def hold_back(self, plan: Plan, url: str, consent: Consent, done: Collection[int] = ()) -> None:
        """Raise Blocked where a step blocks writes of a table for longer than its size permits, or of one
        whose size cannot be had; steps that are `done` count no longer. Raises ConnectionFailed too."""
        if self.lock_below_bytes is None:
            return
        from reconciler.app.relation_sizes import measured
        from reconciler.engine.plan.consent import flags

        suspects = [one for one in _long_locks(plan, consent) if one[0].number not in done]
        found = measured(plan, {relation for _, relation in suspects}, url)
        told = {
            relation: f", {size.space}"
            for relation, size in found.sizes.items()
            if size.size_bytes >= self.lock_below_bytes
        } | {relation: f", and its size cannot be had: {why}" for relation, why in found.unknown.items()}
        held = [one for one in suspects if one[1] in told]
        if held:
            lines = (f"  step {s.number} ({s.label}) blocks writes of {r}{told[r]}" for s, r in held)
            steps = dict.fromkeys(step for step, _ in held)
            allowed = flags((step, Hazard(code, step.object, "")) for step in steps for code in _work(step))
            hint = f"to go on, pass {' '.join(allowed)}, or write it into the plan: reconcile ack"
            raise Blocked("\n".join(["locks on large tables need consent:", *lines]), hint=hint)


def _work(step: Step) -> frozenset[HazardCode]:
    return step.consentable & _WORK


def _limit(value: str, place: str) -> int:
    match = _LOCK.match(value.strip())
    if match is None:
        raise InvalidInput(f"{place}: {value!r} is not understood", hint="write it as: table < 100 MB")
    return int(float(match[1]) * _UNITS[match[2]])


def _long_locks(plan: Plan, consent: Consent) -> Iterator[tuple[Step, str]]:
    """The steps without consent that do work while they hold locks, each with the relations that wait."""
    acks = {(ack.step, ack.code) for ack in plan.acks}
    for step in plan.steps:
        work = _work(step)
        is_allowed = any(
            (step.number, code) in acks or consent.allows(Hazard(code, step.object, "")) for code in work
        )
        if step.cost is Cost.INSTANT or is_allowed:
            continue
        for lock in step.locks:
            if lock.mode in BLOCKS_WRITES:
                yield step, lock.relation
