"""The search_path of what is built on a scratch server."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from reconciler.core.catalog import Catalog
from reconciler.core.ident import quote
from reconciler.engine.plan.model import Step
from reconciler.engine.registry import Registry


def search_path(schema: str | None, of_step: str | None = None) -> str:
    """SQL fragments are read in their file's schema, then in public: extensions usually live there. What runs
    functions looks into the path `of_step` too."""
    own = () if schema is None else (quote(schema), "public")
    path = ", ".join(dict.fromkeys((*own, *((of_step,) if of_step else ()))))
    return f"SET search_path = {path};\n" if path else "SET search_path = '';\n"


def everywhere(catalog: Catalog) -> str:
    """All schemas: which of them a target's sessions look into does not matter to what is built here."""
    names = sorted({entry.id.path[0] for entry in catalog if len(entry.id.path) > 1})
    return ", ".join(dict.fromkeys(("public", *map(quote, names))))


def looking_everywhere(steps: Sequence[Step], catalog: Catalog, registry: Registry) -> list[Step]:
    """The steps; those that may run functions find what these name. What they need is not known yet."""
    path = everywhere(catalog)
    return [
        dataclasses.replace(step, search_path=path)
        if (entry := catalog.get(step.object)) is not None and registry.of(entry).evaluates(None, entry)
        else step
        for step in steps
    ]
