"""What is known of a trigger."""

from __future__ import annotations

from reconciler.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class TriggerState:
    """A trigger."""

    timing: str
    """`before`, `after` or `instead of`."""
    events: tuple[str, ...]
    """`insert`, `delete`, `update`, `update of a, b`, `truncate`, in this order."""
    function: str
    """The call as SQL writes it: `app.touch('x')`."""
    for_each: str = "statement"
    when: str | None = None
    constraint: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    referenced: str | None = None
    """The other table of a constraint trigger, as SQL writes it."""
    old_table: str | None = None
    """The name of the transition table of old rows."""
    new_table: str | None = None
    enabled: str = "origin"
    """When it fires: `origin`, `disabled`, `replica` or `always` (session_replication_role)."""
