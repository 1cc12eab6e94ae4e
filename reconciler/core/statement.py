"""What is said to the server: a statement with the locks it takes and the harm it can do."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId


class LockMode(StrEnum):
    """Table-level lock modes, in the words of the manual (chapter 13.3)."""

    ACCESS_SHARE = "access share"
    ROW_SHARE = "row share"
    ROW_EXCLUSIVE = "row exclusive"
    SHARE_UPDATE_EXCLUSIVE = "share update exclusive"
    SHARE = "share"
    SHARE_ROW_EXCLUSIVE = "share row exclusive"
    EXCLUSIVE = "exclusive"
    ACCESS_EXCLUSIVE = "access exclusive"


class Mode(StrEnum):
    """Where a statement may run."""

    TRANSACTION = "transaction"
    """Together with its neighbours in one transaction."""
    COMMIT_AFTER = "commit after"
    """In a transaction that must be committed before the next statement (ALTER TYPE ... ADD VALUE)."""
    ALONE = "alone"
    """Outside any transaction block (CREATE INDEX CONCURRENTLY)."""


class Cost(StrEnum):
    """How the work grows with the table's size."""

    INSTANT = "instant"
    SCAN = "scan"
    BUILD = "build"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True, order=True)
class Lock:
    """A lock on a relation that exists before the statement runs; what it creates is seen by nobody."""

    relation: str
    """The relation as SQL writes it: `app.users`."""
    mode: LockMode


class HazardCode(StrEnum):
    """The harm a step can do. Codes are stable: consent, policies and scripts name them."""

    DATA_LOSS = "data_loss"
    """Rows or values are gone for good."""
    POSSIBLE_RENAME = "possible_rename"
    """A drop and a create of something alike: the YAML must say whether it is a rename."""
    TABLE_REWRITE = "table_rewrite"
    """The table is written anew under an access exclusive lock."""
    TABLE_SCAN = "table_scan"
    """The table is read in full while writers wait."""
    MAY_FAIL = "may_fail"
    """Existing rows can make the statement fail; nothing is lost then."""
    ACCESS_CHANGE = "access_change"
    """Who may read or write what is different afterwards."""
    APPLICATION_BREAK = "application_break"
    """Statements of a running application can start to fail."""
    VALIDATION_LOST = "validation_lost"
    """Rows that the database guaranteed so far are no longer checked."""
    OUTDATED = "outdated"
    """What a function gave before is stored, and does not follow."""
    SETTINGS_DEPENDENT = "settings_dependent"
    """The values that come out depend on the TimeZone or DateStyle of the session."""


BLOCKS_WRITES: frozenset[LockMode] = frozenset(
    {LockMode.SHARE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE}
)
"""The lock modes that conflict with row exclusive, which INSERT, UPDATE and DELETE take (manual, 13.3.1)."""

BLOCKING: frozenset[HazardCode] = frozenset({HazardCode.DATA_LOSS, HazardCode.POSSIBLE_RENAME})
"""Hazards that need a person's consent by name before apply goes on."""


@dataclass(frozen=True, slots=True, order=True)
class Hazard:
    """One way in which a statement can hurt, with the object that is hurt."""

    code: HazardCode
    object: ObjectId
    message: str


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with everything that the reader of a plan must know about it."""

    sql: str
    locks: tuple[Lock, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    mode: Mode = Mode.TRANSACTION
    cost: Cost = Cost.INSTANT
    head: str | None = None
    """What it begins with, where several that begin alike can be said in one: a table is written once."""


def joined(statements: Sequence[Statement]) -> Statement:
    """Several statements of one head as one."""
    head = statements[0].head or ""
    actions = ",\n    ".join(statement.sql.removeprefix(head).lstrip() for statement in statements)
    return Statement(
        f"{head}\n    {actions}",
        locks=tuple(dict.fromkeys(lock for statement in statements for lock in statement.locks)),
        hazards=tuple(hazard for statement in statements for hazard in statement.hazards),
        cost=max((statement.cost for statement in statements), key=list(Cost).index),
        head=head,
    )


def on(relation: str, mode: LockMode = LockMode.ACCESS_EXCLUSIVE) -> tuple[Lock, ...]:
    """The locks of a statement that locks one relation."""
    return (Lock(relation, mode),)


def data_loss(target: ObjectId, message: str) -> tuple[Hazard, ...]:
    """The hazards of a statement that destroys what `target` holds."""
    return (Hazard(HazardCode.DATA_LOSS, target, message),)


def application_break(target: ObjectId, who: str) -> tuple[Hazard, ...]:
    """The hazards of a statement after which those fail that `who` (`say users`, `use the operator +`)."""
    return (Hazard(HazardCode.APPLICATION_BREAK, target, f"statements that {who} fail from now on"),)
