"""Which majors of PostgreSQL are served."""

from __future__ import annotations

from typing import Final

from reconciler.core.errors import Unsupported

OLDEST_MAJOR: Final = 14
NEWEST_MAJOR: Final = 18
"""A later one may say in its catalogs what nothing here reads: a plan would lack it without a word."""


def served(major: int) -> int:
    """The major version itself. Raises Unsupported for those that are not served."""
    if major < OLDEST_MAJOR:
        raise Unsupported(
            f"the server is PostgreSQL {major}; {OLDEST_MAJOR} or newer is needed",
            hint=f"upgrade the server to PostgreSQL {OLDEST_MAJOR} or newer",
        )
    if major > NEWEST_MAJOR:
        raise Unsupported(
            f"the server is PostgreSQL {major}; this reconcile knows {OLDEST_MAJOR} to {NEWEST_MAJOR}",
            hint=f"upgrade reconcile to a version that knows PostgreSQL {major}",
        )
    return major
