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
        for member in vars(loaded).values():
            # issubclass with an abstract class would ask all its subclasses.
            if (
                isinstance(member, type)
                and member.__module__ == loaded.__name__
                and Kind in member.__mro__
                and not inspect.isabstract(member)
            ):
                found.append(member())
    return Registry(found)
