"""`dataclass`, which writes the constructor of a frozen class with slots when the first instance is made.

The standard library writes and compiles six functions for each such class, 0.4 ms in CPython 3.11. That was a
sixth of the processor time of a short plan, which makes instances of few of our many classes (ADR 0016).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from dataclasses import MISSING, FrozenInstanceError
    from operator import attrgetter

    _FROZEN = {"frozen": True, "slots": True}

    def dataclass(cls=None, /, **options):
        """The decorator of the standard library: what it promises of a class is true of this one."""
        if options != _FROZEN:
            return dataclasses.dataclass(cls, **options)
        return _frozen if cls is None else _frozen(cls)

    def _frozen(cls):
        written = vars(cls).keys()
        cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
        for name, function in (*_functions(cls).items(), *_SHARED.items()):
            if name not in written:
                setattr(cls, name, function)
        return cls

    def _functions(cls):
        """Those that know the class's fields."""
        fields = dataclasses.fields(cls)
        values = _values(fields)
        compared = _values([field for field in fields if field.compare])

        def construct(self, /, *arguments, **named):
            cls.__init__ = _constructor(cls, fields)
            cls.__init__(self, *arguments, **named)

        def equals(self, other):
            return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

        def hashed(self):
            return hash(compared(self))

        def reduced(self):
            return cls, values(self)

        return {"__init__": construct, "__eq__": equals, "__hash__": hashed, "__reduce__": reduced}

    def _values(fields):
        """A function from an instance to the tuple of its values."""
        names = [field.name for field in fields]
        if len(names) > 1:
            return attrgetter(*names)
        return lambda self: tuple([getattr(self, name) for name in names])

    def _constructor(cls, fields):
        scope = {"_object": object, "_missing": MISSING}
        parameters, body = ["self"], ["pass"]
        for number, field in enumerate(fields):
            parameter = value = field.name
            if field.default is not MISSING:
                scope[f"_default{number}"] = field.default
                parameter = f"{field.name}=_default{number}"
            elif field.default_factory is not MISSING:
                scope[f"_made{number}"] = field.default_factory
                parameter = f"{field.name}=_missing"
                value = f"_made{number}() if {field.name} is _missing else {field.name}"
            parameters.append(parameter)
            # The instance itself refuses `self.name = value`.
            body.append(f"_object.__setattr__(self, {field.name!r}, {value})")
        exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), scope)
        scope["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
        return scope["__init__"]

    def _shown(self):
        fields = [field for field in dataclasses.fields(self) if field.repr]
        shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields)
        return f"{type(self).__qualname__}({shown})"

    def _not_set(self, name, value):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _not_deleted(self, name):
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    _SHARED = {"__repr__": _shown, "__setattr__": _not_set, "__delattr__": _not_deleted}
