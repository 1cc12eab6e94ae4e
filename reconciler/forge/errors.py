"""Errors of requests to a forge."""

from __future__ import annotations

from reconciler.core.errors import ReconcileError


class ForgeFailed(ReconcileError):
    """The forge refused a request or could not be reached, or there is no request or token to use."""


class Refused(ForgeFailed):
    """The forge answered and refused the request."""


class Gone(Refused):
    """The object of the request does not exist, for example because another run deleted it."""


class Unsure(ForgeFailed):
    """A request that must not be sent twice ended without an answer. Read its object to learn whether the
    forge carried it out."""
