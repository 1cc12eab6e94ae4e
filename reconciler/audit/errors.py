"""What can go wrong while asking for a second opinion."""

from __future__ import annotations

from reconciler.core.errors import ReconcileError


class AuditError(ReconcileError):
    """An auditor is missing, too old, or could not finish; says what to do about it."""
