"""The kinds that a run knows, looked up by name and by the YAML section under which they stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from typing import Any

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind

ANYWHERE = "*"
"""The parent of a facet that every kind can have."""


class Registry:
    """An ordered set of kinds: by rank, then name."""

    def __init__(self, kinds: Iterable[Kind[Any]]) -> None:
        self._kinds = {kind.name: kind for kind in sorted(kinds, key=lambda kind: (kind.rank, kind.name))}

    def __iter__(self) -> Iterator[Kind[Any]]:
        return iter(self._kinds.values())

    def __getitem__(self, name: str) -> Kind[Any]:
        return self._kinds[name]

    def of(self, item: Entry | ObjectId) -> Kind[Any]:
        """The kind of an entry or id."""
        return self._kinds[item.kind if isinstance(item, ObjectId) else item.id.kind]

    def is_shared(self, entry: Entry) -> bool:
        """Whether all databases of a server share it or what it hangs on (a comment on a role)."""
        return self.of(entry).is_shared or (entry.parent is not None and self.of(entry.parent).is_shared)

    @cached_property
    def top(self) -> dict[str, Kind[Any]]:
        """The sections at the top of a file."""
        return {kind.section: kind for kind in self if not kind.parents}

    @cache  # noqa: B019  one registry lives as long as the process
    def under(self, parent: str) -> dict[str, Kind[Any]]:
        """The sections that may stand under an object of the kind `parent`."""
        found = {kind.section: kind for kind in self if parent in kind.parents or ANYWHERE in kind.parents}
        nested = self._kinds[parent].nested_section
        if nested:
            found[nested] = self._kinds[parent]
        return found
