"""How large relations are, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.core.dataclass import dataclass
from reconciler.core.statement import Lock

_BYTE_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_ROW_UNITS = ("", " k", " M", " G")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a relation is, with its indexes and partitions."""

    size_bytes: int
    rows: int | None = None
    """As the server's statistics estimate; None where there are none yet."""

    @property
    def space(self) -> str:
        """`41 MB`."""
        return _scaled(self.size_bytes, 1024, [f" {unit}" for unit in _BYTE_UNITS])

    def __str__(self) -> str:
        """`about 1.2 M rows, 41 MB`."""
        if self.rows is None:
            return self.space
        return f"about {_scaled(self.rows, 1000, _ROW_UNITS)} rows, {self.space}"


def sizes_of(locks: Iterable[Lock], sizes: Mapping[str, Size]) -> dict[str, Size]:
    """The known sizes of the locked relations, by name."""
    return {lock.relation: sizes[lock.relation] for lock in locks if lock.relation in sizes}


def _scaled(number: float, base: int, units: Iterable[str]) -> str:
    *smaller, largest = units
    for unit in smaller:
        if round(number, 1) < base:
            return f"{number:.0f}{unit}" if number >= 10 or number == int(number) else f"{number:.1f}{unit}"
        number /= base
    return f"{number:.1f}{largest}"
