"""What queries of the catalogs answered, before entries are made of it: rows, addresses, dependencies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind


class Columns:
    """Where the values of a query's rows stand."""

    __slots__ = ("_defaults", "_state", "kind", "place", "places")

    def __init__(self, kind: Kind[Any], names: Sequence[str]) -> None:
        self.kind = kind
        self.places: Mapping[str, int] = {name: at for at, name in enumerate(names)}
        fields = dataclasses.fields(kind.state)
        unsaid = [field for field in fields if field.name not in self.places]
        assert all(field.default is not dataclasses.MISSING for field in unsaid), kind.name
        self._defaults = tuple(field.default for field in unsaid)
        places = {**self.places, **{field.name: at for at, field in enumerate(unsaid, len(names))}}
        # What a query does not have is taken from behind its last column, where None stands.
        self.place = itemgetter(*(self.places.get(name, -1) for name in ("address", "parent", "path")))
        self._state = _picker([places[field.name] for field in fields])

    def value(self, row: tuple[Any, ...], name: str) -> Any:
        """The value of a column; None where the query has no such column."""
        at = self.places.get(name)
        return None if at is None else row[at]

    def state(self, row: tuple[Any, ...]) -> Any:
        """The state that the values are of; fields that the query does not answer have their defaults."""
        values = self._state(row + self._defaults)
        return self.kind.state(*_frozen(values))


class Row:
    """One object as a query tells it. Most of its values wait until the state is made of them."""

    __slots__ = ("address", "columns", "id", "parent", "path", "values")

    def __init__(self, columns: Columns, values: tuple[Any, ...]) -> None:
        self.columns, self.values = columns, values
        self.address: str
        self.parent: str | None
        self.path: Sequence[str] | None
        self.address, self.parent, self.path = columns.place((*values, None))
        self.id: ObjectId | None = None

    @property
    def kind(self) -> Kind[Any]:
        return self.columns.kind

    def get(self, name: str) -> Any:
        """The value of a rarer column; None where the query has none."""
        return self.columns.value(self.values, name)

    def state(self) -> Any:
        """The state that the values are of."""
        return self.columns.state(self.values)


@dataclass(slots=True)
class Reading:
    """What one snapshot says, before it becomes a catalog."""

    rows: list[Row] = field(default_factory=list)
    ids: dict[str, ObjectId] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    """Address of an extension's member, or of what stands under one -> address of the extension."""
    whole: dict[str, str] = field(default_factory=dict)
    """Address of a part -> address of what it is a part of."""
    edges: list[tuple[str, str, str]] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    """What no kind models, in words."""

    def known(self, address: str | None) -> ObjectId | None:
        """The id behind an address; a column that is no entry means its relation."""
        if address is None:
            return None
        found = self.ids.get(address)
        if found is None and not address.endswith("/0"):
            found = self.ids.get(_relation(address))
        return found

    def extension_of(self, address: str) -> str | None:
        """The address of the extension that has an object; a column that is no member means its relation."""
        return self.members.get(address) or self.members.get(_relation(address))

    def resolve(self, address: str) -> ObjectId | None:
        """The id behind an address, through wholes and extensions."""
        for _ in range(4):
            found = self.known(address)
            if found is not None:
                return found
            following = self.extension_of(address) or self.whole.get(_relation(address))
            if following is None:
                return None
            address = following
        return None


def _relation(address: str) -> str:
    """The address of the relation that a column is of; of anything else its own."""
    return address if address.endswith("/0") else address.rpartition("/")[0] + "/0"


def _picker(places: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """A function that takes the values at these places, in this order."""
    if len(places) == 1:
        return lambda values: (values[places[0]],)
    return itemgetter(*places) if places else lambda values: ()


def _frozen(values: Iterable[Any]) -> tuple[Any, ...]:
    """With tuples for lists, all the way down."""
    return tuple([_frozen(value) if type(value) is list else value for value in values])
