"""What a change of one field of an object takes: ALTER, DROP and CREATE, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, Generic, TypeVar

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.statement import Statement

S = TypeVar("S")


class Disturbance(Enum):
    """What can happen to an object that makes some of its dependents give way and come back."""

    RETYPED = "retyped"
    """The data type of a column or attribute changes, or the values of a type do."""
    RESHAPED = "reshaped"
    """The columns of a relation that others select from change their order or names."""
    DEFAULTED = "defaulted"
    """What is taken from the object where nothing is said changes (whether a role's memberships inherit)."""
    REDEFINED = "redefined"
    """What a function gives for the same arguments may be another."""
    RELOGGED = "relogged"
    """A table becomes logged or unlogged, and what its columns own would become so with it."""

    @property
    def changes_meaning(self) -> bool:
        """Whether the same words may say something else about the object then (`b <> 'x'` gets a cast)."""
        return self not in (Disturbance.REDEFINED, Disturbance.RELOGGED)


@dataclass(frozen=True, slots=True)
class InPlace(Generic[S]):
    """A field that ALTER can change. `render(old, new)` takes the two entries."""

    render: Callable[[Entry, Entry], Iterable[Statement]]
    disturbs: Disturbance | None = None
    unless: Callable[[S, S], str | None] | None = None
    """Says why this very change cannot be made in place; None where it can."""


@dataclass(frozen=True, slots=True)
class Recreate:
    """A field that only DROP and CREATE can change."""

    why: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A field that never leads to a statement."""

    why: str


Rule = InPlace[Any] | Recreate | Ignored
