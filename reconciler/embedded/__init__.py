"""Find, start, share and stop a local PostgreSQL server.

Importing this package raises EmbeddedUnavailable on Windows, because it requires unix sockets, flock(2) and
signals.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from reconciler.core.errors import EmbeddedUnavailable

    raise EmbeddedUnavailable(
        "a local PostgreSQL server is not offered on Windows",
        hint="work inside WSL, or point --scratch-url at a server",
    )

from reconciler.embedded.installations import Choice, Installation, choose, find_installations
from reconciler.embedded.server import Server, stop_at
from reconciler.embedded.shared_server import shared_scratch, stop_shared

__all__ = [
    "Choice",
    "Installation",
    "Server",
    "choose",
    "find_installations",
    "shared_scratch",
    "stop_at",
    "stop_shared",
]
