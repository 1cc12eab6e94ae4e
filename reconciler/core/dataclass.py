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
    import operator
    from dataclasses import MISSING, FrozenInstanceError

    _FROZEN = {"frozen": True, "slots": True}
    _ORDER = {
        "__lt__": operator.lt,
        "__le__": operator.le,
        "__gt__": operator.gt,
        "__ge__": operator.ge,
    }

    def dataclass(cls=None, /, *, order=False, **options):
        """The decorator of the standard library: what it promises of a class is true of this one."""
        if options != _FROZEN:
            return dataclasses.dataclass(cls, order=order, **options)
        return lambda cls: _frozen(cls, order)

    def _frozen(cls, order):
        written = vars(cls).keys()
        cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
        for name, function in (_SHARED | _functions(cls, order)).items():
            if name not in written:
                setattr(cls, name, function)
        return cls

    def _functions(cls, order):
        """Those that know the class's fields."""
        fields = dataclasses.fields(cls)
        names = [field.name for field in fields]
        shown = [field.name for field in fields if field.repr]
        compared = [field.name for field in fields if field.compare]
        values = operator.attrgetter(*compared) if compared else lambda self: ()

        def construct(self, /, *arguments, **named):
            cls.__init__ = _constructor(cls, fields)
            cls.__init__(self, *arguments, **named)

        def comparison(compare):
            def answer(self, other):
                return compare(values(self), values(other)) if type(other) is type(self) else NotImplemented

            return answer

        def hashed(self):
            return hash(values(self))

        def shown_as(self):
            return f"{cls.__qualname__}({', '.join([f'{name}={getattr(self, name)!r}' for name in shown])})"

        def reduced(self):
            return cls, tuple([getattr(self, name) for name in names])

        functions = {"__init__": construct, "__hash__": hashed, "__repr__": shown_as, "__reduce__": reduced}
        compares = {"__eq__": operator.eq} | (_ORDER if order else {})
        return functions | {name: comparison(compare) for name, compare in compares.items()}

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

    def _not_set(self, name, value):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _not_deleted(self, name):
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    _SHARED = {"__setattr__": _not_set, "__delattr__": _not_deleted}
