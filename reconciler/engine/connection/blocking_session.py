"""A session of the server that others wait for, as pg_stat_activity shows it."""

from __future__ import annotations

from reconciler.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """A server session that is in the way. What the role may not see is None."""

    pid: int
    """Process id on the server; 0 stands for a prepared transaction."""
    application_name: str | None = None
    state: str | None = None
    """As in pg_stat_activity: active, idle in transaction, ... ."""
    backend_type: str | None = None
    since_seconds: float | None = None
    """Age of its transaction, or of the session where it is in none."""

    def __str__(self) -> str:
        if self.pid == 0:
            return "a prepared transaction (see pg_prepared_xacts)"
        said = [f"pid {self.pid}", self.application_name, self.state]
        if self.backend_type not in (None, "client backend"):
            said.append(self.backend_type)
        if self.since_seconds is not None:
            said.append(f"for {self.since_seconds:.0f} s")
        return ", ".join(part for part in said if part)
