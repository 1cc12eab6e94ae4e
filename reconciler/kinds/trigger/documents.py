"""Triggers as YAML says them."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import Field

from reconciler.core.fragment import Document, Fragment, Names


class ReferencingDocument(Document):
    """`referencing: {old_table: before, new_table: after}`"""

    old_table: str | None = None
    new_table: str | None = None


class TriggerDocument(Document):
    """`triggers: {users_touch: {timing: before, events: [update], for_each: row, function: touch()}}`"""

    timing: Literal["before", "after", "instead of"]
    events: Names
    function: str
    for_each: Literal["row", "statement"] = "statement"
    when: Fragment | None = None
    constraint: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    from_table: str | None = None
    referencing: ReferencingDocument = Field(default_factory=cache(ReferencingDocument))
    enabled: Literal["origin", "disabled", "replica", "always"] = "origin"
