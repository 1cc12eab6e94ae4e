"""Throwaway PostgreSQL servers of one major version, each gone with the process that started it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reconciler.embedded import Installation, find_installations
from reconciler.embedded import Server as EmbeddedServer

_SETTINGS = {
    # publications and subscriptions of the corpus
    "wal_level": "logical",
    "max_wal_senders": "4",
    "max_connections": "40",
    "log_min_messages": "panic",
}


class NoServer(Exception):
    """No PostgreSQL of the wanted major is on this machine."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    running: EmbeddedServer
    major: int
    binaries: Path
    """Its programs, pg_dump among them."""

    def url(self, database: str = "postgres") -> str:
        """How its superuser reaches a database of it."""
        return self.running.url(database)

    def stop(self) -> None:
        """Stop at once and remove everything."""
        self.running.stop()


@dataclass(slots=True)
class ServerSource:
    """Starts servers of one major version. Raises NoServer where there is none."""

    major: int
    _installation: Installation = field(init=False)
    _started: list[Server] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        fitting = [one for one in find_installations() if one.major == self.major]
        if not fitting:
            raise NoServer(f"no PostgreSQL {self.major} is on this machine")
        # Where there are two of a major, the one that loads more of the corpus: a distribution's own has ICU
        # and every library that an extension needs.
        self._installation = max(fitting, key=lambda one: (one.source == "system", len(one.extensions)))

    def start(self) -> Server:
        """A fresh server, ready for connections."""
        running = EmbeddedServer.start(self._installation, settings=_SETTINGS)
        self._started.append(Server(running, self.major, self._installation.bin_dir))
        return self._started[-1]

    def close(self) -> None:
        """Stop what was started here."""
        for server in self._started:
            server.stop()
