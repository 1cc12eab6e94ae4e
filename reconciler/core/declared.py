"""What the YAML declares, and where it stands in it."""

from __future__ import annotations

from typing import Any

from reconciler.core.catalog import State
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId


@dataclass(frozen=True, slots=True)
class Nest:
    """Where in the YAML a document stands."""

    schema: str
    """The namespace of unqualified names in this file."""
    parent: ObjectId | None = None
    lineage: tuple[ObjectId, ...] = ()
    """All ancestors from the top; the last is the parent."""
    folder: str | None = None
    """The folder of the YAML file, for files that stand beside it."""
    parent_document: Any = None
    """The document that this one nests in."""
    position: int = 0
    """The place among its siblings in the file, from 1."""

    def at(self, position: int) -> Nest:
        """The same for the sibling at that place."""
        return Nest(self.schema, self.parent, self.lineage, self.folder, self.parent_document, position)


@dataclass(frozen=True, slots=True)
class Declared:
    """An object as the YAML declares it: names are resolved, SQL fragments are as written.

    `needs` are objects known by name alone; what stands in SQL fragments is found by the scratch server.
    """

    id: ObjectId
    state: State
    parent: ObjectId | None = None
    needs: frozenset[ObjectId] = frozenset()
    former_names: tuple[str, ...] = ()
    """Names that this object had before (`transition: {rename_from: ...}`)."""
    not_renamed: bool = False
    """True where a person says that nothing that disappears is this object under a former name."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The database that shall become what is declared."""

    owner: str
    """Its owner, whom nobody need name."""
    major: int
    """The server's major version."""
