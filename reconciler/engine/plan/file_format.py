"""The plan file as pydantic reads it: what each key holds, strictly. What the keys mean together is
checked in `planfile`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from reconciler.core.ident import ObjectId
from reconciler.core.statement import Cost, Hazard, HazardCode, Lock, LockMode, Mode
from reconciler.engine.plan.model import Ack, Action, Plan, Step, Touch


def _object_id(value: object) -> ObjectId:
    if not isinstance(value, str):
        raise ValueError("expected an object id such as table:app.users")
    return ObjectId.parse(value)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _reason(value: str) -> str:
    if not value.strip():
        raise ValueError("a reason in words is missing")
    return value


Id = Annotated[ObjectId, PlainValidator(_object_id)]
OneOrMany = Annotated[list[str], BeforeValidator(_as_list)]
Reason = Annotated[str, AfterValidator(_reason)]
Loose = Field(strict=False)
"""Makes an enum of its text, which strict mode would refuse."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LockModel(_Model):
    """A lock of a step."""

    relation: str
    mode: Annotated[LockMode, Loose]


class HazardModel(_Model):
    """A hazard of a step."""

    code: Annotated[HazardCode, Loose]
    object: Id
    message: str


class StepModel(_Model):
    """One entry of `steps`."""

    number: int
    action: Annotated[Action, Loose]
    object: Id
    label: str
    sql: OneOrMany = []
    why: OneOrMany = []
    source: str | None = None
    requires: list[int] = []
    locks: list[LockModel] = []
    hazards: list[HazardModel] = []
    cost: Annotated[Cost, Loose] = Cost.INSTANT
    mode: Annotated[Mode, Loose] = Mode.TRANSACTION
    group: int = 1
    folded: list[str] = []
    search_path: str | None = None

    def step(self) -> Step:
        """The step that this entry writes down. A statement's last newline belongs to the file."""
        return Step(
            number=self.number,
            action=self.action,
            object=self.object,
            label=self.label,
            sql=tuple(statement.removesuffix("\n") for statement in self.sql),
            why=tuple(self.why),
            source=self.source,
            requires=tuple(self.requires),
            locks=tuple(Lock(lock.relation, lock.mode) for lock in self.locks),
            hazards=tuple(Hazard(hazard.code, hazard.object, hazard.message) for hazard in self.hazards),
            cost=self.cost,
            mode=self.mode,
            group=self.group,
            folded=tuple(self.folded),
            search_path=self.search_path,
        )


class TouchModel(_Model):
    """One entry of `touches`; a side is left out where the object does not exist on it."""

    before: str | None = None
    after: str | None = None

    def touch(self) -> Touch:
        """The touch that this entry writes down."""
        return Touch(self.before, self.after)


class AckModel(_Model):
    """One entry of `acks`, which people write."""

    step: int
    code: Annotated[HazardCode, Loose]
    reason: Reason
    by: str | None = None


class SummaryModel(_Model):
    """What the steps add up to. Derived: it must say what the steps say."""

    create: int = 0
    alter: int = 0
    drop: int = 0
    rename: int = 0
    needs_consent: list[str] = []


class PlanModel(_Model):
    """The whole file."""

    format: int
    id: str
    from_: str = Field(alias="from")
    to: str
    server: int
    schema_: str = Field(alias="schema")
    ownership: bool = False
    edited: Reason | None = None
    summary: SummaryModel
    steps: list[StepModel]
    touches: dict[Id, TouchModel]
    unknown: list[str] = []
    notes: list[str] = []
    acks: list[AckModel] = []

    def plan(self) -> Plan:
        """The plan that this file writes down."""
        return Plan(
            server_major=self.server,
            schema_digest=self.schema_,
            steps=tuple(step.step() for step in self.steps),
            touches={id: self.touches[id].touch() for id in sorted(self.touches)},
            ownership=self.ownership,
            unknown=tuple(self.unknown),
            notes=tuple(self.notes),
            acks=tuple(Ack(ack.step, ack.code, ack.reason, ack.by) for ack in self.acks),
            edited=self.edited,
        )
