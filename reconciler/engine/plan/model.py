"""A plan as a value: numbered steps from one fingerprint to another, in the order in which they run."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.core.statement import BLOCKING, BLOCKS_WRITES, Cost, Hazard, HazardCode, Lock, Mode


class Action(StrEnum):
    """What a step does to its object."""

    CREATE = "create"
    ALTER = "alter"
    DROP = "drop"
    RENAME = "rename"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, with all that a reviewer asks about it."""

    number: int
    """From 1, in the order of execution."""
    action: Action
    object: ObjectId
    label: str
    """As a person says it: `column app.users.email`."""
    sql: tuple[str, ...]
    """Statements without their semicolons, executed in this order."""
    why: tuple[str, ...]
    """Plain sentences: declared, no longer declared, type: text -> citext, gives way to ... ."""
    source: str | None = None
    """Where the YAML says so: `schema/users.yaml:12`."""
    requires: tuple[int, ...] = ()
    """Numbers of the steps that must come first, without what follows by transitivity where known."""
    locks: tuple[Lock, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    cost: Cost = Cost.INSTANT
    mode: Mode = Mode.TRANSACTION
    group: int = 1
    """Steps of one group run in one transaction; groups run in ascending order."""
    folded: tuple[str, ...] = ()
    """Labels of the objects that this statement makes along with its own: the columns of a new table."""
    search_path: str | None = None
    """Where functions that the statements run find what their text names without a schema."""

    @property
    def consentable(self) -> frozenset[HazardCode]:
        """What can be consented to: the hazards, and the work under locks that a policy may hold back."""
        codes = {hazard.code for hazard in self.hazards}
        if self.cost is not Cost.INSTANT and any(lock.mode in BLOCKS_WRITES for lock in self.locks):
            codes.add(HazardCode.TABLE_REWRITE if self.cost is Cost.REWRITE else HazardCode.TABLE_SCAN)
        return frozenset(codes)


@dataclass(frozen=True, slots=True)
class Touch:
    """The state of one object that the plan reads or changes, as digests; None where it does not exist."""

    before: str | None
    after: str | None

    @classmethod
    def between(cls, before: Entry | None, after: Entry | None) -> Touch:
        """The touch of an object that is `before` and shall be `after`."""
        return cls(before.digest() if before else None, after.digest() if after else None)


@dataclass(frozen=True, slots=True)
class Ack:
    """A person's consent to a hazard of a step, with the reason."""

    step: int
    code: HazardCode
    reason: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """From one state to another. Binds a transition, not a URL."""

    server_major: int
    schema_digest: str
    """Digest of the declared state's source: `sha256:` and 64 hexadecimal digits."""
    steps: tuple[Step, ...]
    touches: Mapping[ObjectId, Touch]
    """Every object whose state the plan changes or relies on, sorted by id."""
    ownership: bool = False
    unknown: tuple[str, ...] = ()
    """Objects in scope that no kind models."""
    notes: tuple[str, ...] = ()
    """What was seen and left: column order, drift of what is not managed."""
    acks: tuple[Ack, ...] = field(default=(), compare=False)
    edited: str | None = None
    """The reason why the SQL was edited by hand; None where it was not."""

    @property
    def from_fingerprint(self) -> str:
        """The digest of what is touched, before: `fp1:` and 32 hexadecimal digits."""
        return fingerprint((id, touch.before) for id, touch in self.touches.items())

    @property
    def to_fingerprint(self) -> str:
        """The digest of what is touched, after."""
        return fingerprint((id, touch.after) for id, touch in self.touches.items())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps

    @property
    def hazards(self) -> tuple[tuple[Step, Hazard], ...]:
        """Every hazard with the step that carries it."""
        return tuple((step, hazard) for step in self.steps for hazard in step.hazards)

    @property
    def blocking(self) -> tuple[tuple[Step, Hazard], ...]:
        """The hazards that need consent and have none in `acks`."""
        consented = {(ack.step, ack.code) for ack in self.acks}
        return tuple(
            (step, hazard)
            for step, hazard in self.hazards
            if hazard.code in BLOCKING and (step.number, hazard.code) not in consented
        )

    def counts(self) -> Mapping[Action, int]:
        """How many objects are created, altered, dropped and renamed."""
        return Counter(step.action for step in self.steps)


def fingerprint(digests: Iterable[tuple[ObjectId, str | None]]) -> str:
    """One digest over the digests of objects: `fp1:` and 32 hexadecimal digits."""
    lines = sorted(f"{id}\t{value or '-'}" for id, value in digests)
    return "fp1:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def is_fingerprint(text: str) -> bool:
    """Whether it has the form of one."""
    return re.fullmatch("fp1:[0-9a-f]{32}", text) is not None
