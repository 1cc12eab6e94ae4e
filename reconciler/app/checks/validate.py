"""Validating the declared state: as files, or for certain, by building it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.app.files import schema_files
from reconciler.app.kind_discovery import registry
from reconciler.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Checked:
    """A declared state without problems."""

    files: int
    counts: Mapping[str, int]
    """How many objects of each kind are written down."""
    digest: str
    server: str | None
    """Where it was built, if it was."""

    @property
    def objects(self) -> int:
        """How many objects are written down."""
        return sum(self.counts.values())


def check(schema: Path, build: bool = False, scratch_url: str | None = None) -> Checked:
    """Read the declared state and, with `build`, make it in a scratch database.

    Raises InvalidInput with every problem, EmbeddedUnavailable and ConnectionFailed where it cannot be built.
    """
    from reconciler.engine.declaration.load import load

    written = load(schema, registry())
    counts = Counter(id.kind for id in written.objects)
    files = len(schema_files(schema)) if schema.is_dir() else 1
    server = _built(written, scratch_url) if build else None
    return Checked(files, dict(sorted(counts.items())), written.digest, server)


def _built(written: Any, scratch_url: str | None) -> str:
    from reconciler.engine.elaborate.scratch import elaborate, scratch_database

    with scratch_database(scratch_url or _embedded(written)) as connection:
        major = connection.info.server_version // 10000
        elaborate(written, connection, registry())
    return f"PostgreSQL {major}"


def _embedded(written: Any) -> str:
    from reconciler.embedded import shared_scratch

    extensions = {id.path[0] for id in written.objects if id.kind == "extension"} - {"plpgsql"}
    return shared_scratch(None, extensions).url()
