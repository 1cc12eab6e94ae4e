"""Our `dataclass` beside the standard library's: no difference is to be seen."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

import reconciler
from reconciler.core.dataclass import dataclass

pytestmark = pytest.mark.quick

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    sizes: tuple[int, ...] = ()
    notes: list[str] = dataclasses.field(default_factory=list)
    seen: bool = dataclasses.field(default=False, compare=False)
    secret: str = dataclasses.field(default="", repr=False)

    @property
    def total(self) -> int:
        return sum(self.sizes)


@dataclass(frozen=True, slots=True)
class Whole(Part):
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Single(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class Nothing:
    def __repr__(self) -> str:
        return "nothing"


@dataclasses.dataclass(frozen=True, slots=True)
class Usual:
    name: str
    sizes: tuple[int, ...] = ()
    notes: list[str] = dataclasses.field(default_factory=list)
    seen: bool = dataclasses.field(default=False, compare=False)
    secret: str = dataclasses.field(default="", repr=False)


def test_construction() -> None:
    whole = Whole("a", (1, 2), parts=(Part("b"),))
    assert (whole.name, whole.sizes, whole.total, whole.notes) == ("a", (1, 2), 3, [])
    assert whole.parts == (Part(name="b", notes=[]),)
    assert Part("a").notes is not Part("a").notes


@pytest.mark.parametrize("arguments", [(), ("a", (), [], False, "", 1)])
def test_wrong_arguments_are_told_as_usual(arguments: tuple[Any, ...]) -> None:
    for _ in range(2):  # the first call writes the constructor
        with pytest.raises(TypeError) as ours:
            Part(*arguments)
        with pytest.raises(TypeError) as usual:
            Usual(*arguments)
        assert str(ours.value) == str(usual.value).replace("Usual", "Part")


def test_a_field_that_is_not_there() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'nome'"):
        Part(nome="a")  # type: ignore[call-arg]


def test_equality_and_hash() -> None:
    assert Part("a", seen=True) == Part("a")
    assert Part("a") != Part("b")
    assert Part("a") != Whole("a")
    other: object = "a"
    assert Part("a") != other
    assert Single(1) == Single(1)
    assert hash(Single("a")) == hash(Single("a"))
    assert len({Nothing(), Nothing()}) == 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(Part("a"))


def test_what_is_shown() -> None:
    assert repr(Part("a", secret="s")) == repr(Usual("a", secret="s")).replace("Usual", "Part")
    assert repr(Nothing()) == "nothing"


def test_it_is_frozen() -> None:
    part = Part("a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'name'"):
        part.name = "b"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'name'"):
        del part.name
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.more = 1  # type: ignore[attr-defined]
    assert not hasattr(part, "__dict__")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies(again: Callable[[Any], Any]) -> None:
    for value in (Whole("a", (1,), ["b"], True, "c", (Part("d"),)), Single(None), Nothing()):
        copied = again(value)
        assert copied == value
        assert type(copied) is type(value)
    assert again(Part("a", seen=True)).seen


def test_what_dataclasses_offers() -> None:
    part = Part("a", (1,))
    assert dataclasses.replace(part, name="b") == Part("b", (1,))
    assert dataclasses.asdict(part) == dataclasses.asdict(Usual("a", (1,)))
    assert [field.name for field in dataclasses.fields(Whole)][-1] == "parts"
    match part:
        case Part(name, sizes):
            assert (name, sizes) == ("a", (1,))
        case _:
            pytest.fail("no match")


@dataclass(frozen=True, slots=True, order=True)
class Ordered:
    first: int
    second: str = dataclasses.field(compare=False)


def test_order() -> None:
    small, equal, large = Ordered(1, "c"), Ordered(1, "b"), Ordered(2, "a")
    assert sorted([large, small, equal]) == [small, equal, large]
    assert small < large
    assert small <= equal <= large
    assert large > small
    assert large >= equal >= small
    with pytest.raises(TypeError, match="not supported"):
        assert small < 1  # type: ignore[operator]
    with pytest.raises(TypeError, match="not supported"):
        assert Part("a") < Part("b")  # type: ignore[operator]
    assert pickle.loads(pickle.dumps(small)) == small


def test_other_options_are_the_standard_library_s() -> None:
    @dataclass
    class Open:
        value: int

    opened = Open(1)
    opened.value = 2
    assert opened == Open(2)


def test_no_class_asks_for_more() -> None:
    """What ours does not know: fields that are keywords alone or are no arguments, and __post_init__."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = [made for made in _subclasses(object) if "_functions" in repr(vars(made).get("__reduce__"))]
    assert len(ours) > 150
    for made in ours:
        assert not hasattr(made, "__post_init__"), made
        assert all(field.init and not field.kw_only for field in dataclasses.fields(made)), made
        assert all(field.hash is None for field in dataclasses.fields(made)), made


def _subclasses(of: type) -> set[type]:
    own: set[type] = set(type.__subclasses__(of))
    return own.union(*map(_subclasses, own))
