"""What a file of YAML says and where: plain data with a side table of places.

The data is made of dict, list, str, int, float, bool and None. Positions stand beside it, so that whatever
reads the data (pydantic, a kind) needs to know nothing of files, and a fault can still be placed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reconciler.core.dataclass import dataclass

Path = tuple[str | int, ...]
"""The way from the root of a file to a value: `("tables", "users", "columns", "id")`."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. Line and column count from 1, the column in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Spot(NamedTuple):
    """Where one value stands and how it was written. A tuple because a large schema has 100,000 of them."""

    line: int
    column: int
    key_line: int
    """0 where no key leads to the value: the root and the items of a list."""
    key_column: int
    text: str | None
    """A plain scalar as written, where the data is not that very string: `1.50`, `null`, ``; else None."""
    inside: dict[str, Spot] | list[Spot] | None
    """The spots of what a mapping or list holds."""
    refused: bool
    """True where the reader has already complained about the value."""


class WrittenFloat(float):
    """A float that remembers its spelling: as SQL, `1.50` and 25 digits must not become something else."""

    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.text,)

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a file with the places of everything in it."""

    data: Any
    file: str
    spot: Spot

    def at(self, *path: str | int) -> Node | None:
        """The value at that path below this one, or None."""
        data, spot = self.data, self.spot
        for part in path:
            inner = _step(spot, part)
            if inner is None:
                return None
            data, spot = data[part], inner
        return Node(data, self.file, spot)

    def items(self) -> Iterator[tuple[str, Node]]:
        """Key and value of each entry of a mapping, in the order of the file; nothing for other values."""
        if isinstance(self.spot.inside, dict):
            for key, spot in self.spot.inside.items():
                yield key, Node(self.data[key], self.file, spot)

    def elements(self) -> Iterator[Node]:
        """The items of a list; nothing for other values."""
        if isinstance(self.spot.inside, list):
            for value, spot in zip(self.data, self.spot.inside, strict=True):
                yield Node(value, self.file, spot)

    def nearest(self, path: Sequence[str | int]) -> Spot:
        """The spot at that path, or that of the closest ancestor that exists."""
        spot = self.spot
        for part in path:
            inner = _step(spot, part)
            if inner is None:
                break
            spot = inner
        return spot

    def value_position(self, path: Sequence[str | int] = ()) -> Position:
        """Where the value at that path stands, or its closest ancestor."""
        spot = self.nearest(path)
        return Position(self.file, spot.line, spot.column)

    def key_position(self, path: Sequence[str | int] = ()) -> Position:
        """Where the key that leads to that value stands; the value's own place where there is no key."""
        spot = self.nearest(path)
        if not spot.key_line:
            return Position(self.file, spot.line, spot.column)
        return Position(self.file, spot.key_line, spot.key_column)

    def text(self, path: Sequence[str | int] = ()) -> str | None:
        """The scalar at that path as text: a string itself, another plain scalar as written (`0`, `1.50`,
        `null`); None for mappings, lists and paths that do not exist."""
        node = self.at(*path)
        if node is None:
            return None
        return node.data if isinstance(node.data, str) else node.spot.text


def _step(spot: Spot, part: str | int) -> Spot | None:
    inside = spot.inside
    found: Spot | None = None
    if isinstance(inside, dict):
        found = inside.get(part) if isinstance(part, str) else None
    elif isinstance(inside, list) and isinstance(part, int) and 0 <= part < len(inside):
        found = inside[part]
    return found
