"""What queries of the catalogs answered, before entries are made of it: rows, addresses, dependencies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the values of a query's rows stand."""

    kind: Kind[Any]
    places: Mapping[str, int]
    state: tuple[tuple[str, int], ...]
    """The fields of the state that the query answers."""

    @classmethod
    def of(cls, kind: Kind[Any], names: Sequence[str]) -> Columns:
        fields = {field.name for field in dataclasses.fields(kind.state)}
        state = tuple((name, at) for at, name in enumerate(names) if name in fields)
        return cls(kind, {name: at for at, name in enumerate(names)}, state)

    def value(self, row: tuple[Any, ...], name: str) -> Any:
        """The value of a column; None where the query has no such column."""
        at = self.places.get(name)
        return None if at is None else row[at]


class Row:
    """One object as a query tells it. Most of its values wait until the state is made of them."""

    __slots__ = ("address", "columns", "id", "parent", "path", "values")

    def __init__(self, columns: Columns, values: tuple[Any, ...]) -> None:
        self.columns, self.values = columns, values
        self.address: str = columns.value(values, "address")
        self.parent: str | None = columns.value(values, "parent")
        self.path: Sequence[str] | None = columns.value(values, "path")
        self.id: ObjectId | None = None

    @property
    def kind(self) -> Kind[Any]:
        return self.columns.kind

    def get(self, name: str) -> Any:
        """The value of a rarer column; None where the query has none."""
        return self.columns.value(self.values, name)

    def state(self) -> Any:
        """The state that the values are of."""
        values = self.values
        said = {}
        for name, at in self.columns.state:
            value = values[at]
            said[name] = _frozen(value) if type(value) is list else value
        return self.columns.kind.state(**said)


@dataclass(slots=True)
class Reading:
    """What one snapshot says, before it becomes a catalog."""

    rows: list[Row] = field(default_factory=list)
    ids: dict[str, ObjectId] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    """Address of an extension's member -> address of the extension."""
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
            found = self.ids.get(address.rpartition("/")[0] + "/0")
        return found

    def resolve(self, address: str) -> ObjectId | None:
        """The id behind an address, through wholes and extensions."""
        for _ in range(4):
            found = self.known(address)
            if found is not None:
                return found
            whole = address if address.endswith("/0") else address.rpartition("/")[0] + "/0"
            following = self.members.get(whole) or self.whole.get(whole)
            if following is None:
                return None
            address = following
        return None


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
