"""What can go wrong between us and a forge."""

from __future__ import annotations

from reconciler.core.errors import ReconcileError


class ForgeFailed(ReconcileError):
    """The forge refused a request, could not be reached, or is not there to be asked."""


class Refused(ForgeFailed):
    """The forge answered, and will not do it."""


class Gone(Refused):
    """What was to be changed is not there any more: somebody else was quicker."""


class Unsure(ForgeFailed):
    """A request that must not be sent twice ended without an answer: only a look tells if it was done."""
