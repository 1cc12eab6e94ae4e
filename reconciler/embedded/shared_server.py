"""The scratch server that keeps running between commands, so that the next one finds it in milliseconds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from reconciler.core.errors import EmbeddedUnavailable
from reconciler.embedded import cluster
from reconciler.embedded.installations import choose
from reconciler.embedded.server import Server, stop_at

IDLE_STOP_S = 600.0


def shared_scratch(
    major: int | None = None, extensions: Iterable[str] = (), needs_all: bool = False
) -> Server:
    """Return the scratch server of the best matching installation (see `choose`).

    All commands of this user share it. It stops ten minutes after its last use. Its contents are not
    durable, so create a database for each task. Raises EmbeddedUnavailable if no server is available; with
    `needs_all` also if that installation lacks one of the extensions.
    """
    wanted = frozenset(extensions)
    if (folder := _running(major, wanted)) is not None:
        return Server.attach_or_start(folder, idle_stop_s=IDLE_STOP_S)
    choice = choose(major, wanted)
    if needs_all and choice.missing_extensions:
        raise EmbeddedUnavailable(choice.why)
    installation = choice.installation
    folder = _home() / f"{installation.source}-{installation.version}".replace("/", "_")
    server = Server.attach_or_start(folder, installation, idle_stop_s=IDLE_STOP_S)
    folder.with_name(f"{folder.name}.extensions").write_text("\n".join(sorted(installation.extensions)))
    return server


def stop_shared() -> int:
    """Stop every shared server of this user. Return how many were running."""
    return sum(stop_at(lock.with_suffix("")) for lock in _home().glob("*.lock"))


def _home() -> Path:
    return cluster.cache_dir() / "shared"


def _running(major: int | None, extensions: frozenset[str]) -> Path | None:
    """Return the folder of a running server of the wanted major with the extensions, because searching for
    installations takes longer. Returns None without a wanted major or with an explicit folder: only `choose`
    can decide then."""
    if major is None or os.environ.get("RECONCILE_POSTGRES_BIN"):
        return None
    for record in sorted(_home().glob("*.extensions")):
        folder = record.with_suffix("")
        fits = cluster.major_of(folder) == major and extensions <= set(record.read_text().split("\n"))
        if fits and cluster.running(folder) is not None:
            return folder
    return None
