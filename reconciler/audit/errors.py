"""Errors of second opinions."""

from __future__ import annotations

from reconciler.core.errors import ReconcileError


class AuditError(ReconcileError):
    """An auditing tool is missing, too old, or failed. The hint names the remedy."""
