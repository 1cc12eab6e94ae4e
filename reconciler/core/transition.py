"""How an object came to its present name: what stands under `transition` in the YAML."""

from __future__ import annotations

from functools import cache

from reconciler.core.fragment import Document, Names


class RenameTransition(Document):
    """`transition: {rename_from: old_name}`: inert once the database is there."""

    rename_from: str | Names = ()
    not_renamed: bool = False

    @property
    def former_names(self) -> tuple[str, ...]:
        """The names that it had, the latest last or in any order."""
        return (self.rename_from,) if isinstance(self.rename_from, str) else self.rename_from


no_transition = cache(RenameTransition)
"""Where none is declared: made when it is first asked for, since a model takes long to be made ready."""
