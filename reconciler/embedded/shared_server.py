"""The scratch server that stays between commands, so that the next one finds it within milliseconds."""

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
    """The scratch server of the best fitting installation (see `choose`), shared by all commands of this
    user. It stops by itself ten minutes after its last use. Nothing in it is kept: make a database of
    your own.

    Raises EmbeddedUnavailable, with `needs_all` also where that installation lacks one of the extensions.
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
    """Stop every shared server of this user; how many there were."""
    return sum(stop_at(lock.with_suffix("")) for lock in _home().glob("*.lock"))


def _home() -> Path:
    return cluster.cache_dir() / "shared"


def _running(major: int | None, extensions: frozenset[str]) -> Path | None:
    """A server that already runs and is what `choose` would find: looking for installations takes longer.
    Which major is the best when none is wanted, and what an explicit folder holds, only `choose`
    knows."""
    if major is None or os.environ.get("RECONCILE_POSTGRES_BIN"):
        return None
    for record in sorted(_home().glob("*.extensions")):
        folder = record.with_suffix("")
        fits = cluster.major_of(folder) == major and extensions <= set(record.read_text().split("\n"))
        if fits and cluster.running(folder) is not None:
            return folder
    return None
