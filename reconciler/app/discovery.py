"""Which kinds there are: every file of `reconciler.kinds`, found by looking."""

from __future__ import annotations

from functools import cache

from reconciler.engine.registry import Registry


@cache
def registry() -> Registry:
    """Every kind in `reconciler.kinds`, found by looking."""
    import importlib
    import inspect
    import pkgutil

    from reconciler import kinds
    from reconciler.core.kind import Kind

    found = []
    for module in pkgutil.iter_modules(kinds.__path__):
        loaded = importlib.import_module(f"{kinds.__name__}.{module.name}")
        for _, member in inspect.getmembers(loaded, inspect.isclass):
            if (
                issubclass(member, Kind)
                and not inspect.isabstract(member)
                and member.__module__ == loaded.__name__
            ):
                found.append(member())
    return Registry(found)
