"""What another data type does to the values that are there: whether they stay as they are, fit, or lose."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["depends_on_settings", "keeps_bytes", "may_lose", "widens"]

_WIDENING = (
    ("smallint", "integer", "bigint", "numeric"),
    ("real", "double precision"),
    ("date", "timestamp without time zone"),
)
_TEXTUAL = ("text", "character varying", "citext", "public.citext")
_FRACTIONAL = ("numeric", "real", "double precision", "money")


def widens(old: str, new: str) -> bool:
    """Whether every value of the old type is a value of the new one."""
    old, new = _elements(old, new)
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    for ladder in _WIDENING:
        if base_old in ladder and new in ladder:
            return ladder.index(base_old) <= ladder.index(new)
    if new in _TEXTUAL:
        return True
    if base_old == base_new and "(" in old:
        return "(" not in new or all(a >= b for a, b in zip(_modifier(new), _modifier(old), strict=True))
    return False


def _elements(old: str, new: str) -> tuple[str, str]:
    """An array is converted element by element."""
    if old.endswith("[]") and new.endswith("[]"):
        return old.removesuffix("[]"), new.removesuffix("[]")
    return old, new


def _modifier(type_name: str) -> tuple[int, int]:
    """(digits before the point or length, scale): a type holds every value of another where it has no less of
    either."""
    inside = type_name.partition("(")[2].partition(")")[0].split(",")
    numbers = [int(part) for part in inside if part.strip().lstrip("-").isdecimal()]
    scale = numbers[1] if len(numbers) > 1 else 0
    return (numbers[0] - scale, scale) if numbers else (0, 0)


def keeps_bytes(old: str, new: str) -> bool:
    """Whether stored values serve as they are, so that nothing is written anew (manual: ALTER TABLE, notes:
    binary coercible types; the length of varchar and the precision of numeric may grow)."""
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    if base_old not in _BINARY or base_new not in _BINARY[base_old]:
        return False
    if "(" not in new:
        return True
    return "(" in old and _modifier(new)[0] >= _modifier(old)[0] and _modifier(new)[1] == _modifier(old)[1]


_BINARY = {
    "text": ("text", "character varying"),
    "character varying": ("text", "character varying"),
    "numeric": ("numeric",),
}


def may_lose(old: str, new: str) -> bool:
    """Whether the cast can drop part of a value without an error."""
    old, new = _elements(old, new)
    if old == new or widens(old, new):
        return False
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    if base_new in _SHORT:
        return base_old not in _SHORT
    if base_old == base_new == "numeric" and "(" in old and "(" in new:
        return _modifier(new)[1] < _modifier(old)[1]  # too many digits before the point make it fail
    if base_old in _FRACTIONAL:
        return base_new not in (*_TEXTUAL, base_old) or "(" in new
    if base_old in _WHOLE:
        is_cut = base_new == "bit" and _modifier(new)[0] < _BITS[base_old]
        return is_cut or base_new == "boolean" or base_new in _INEXACT.get(base_old, ())
    if base_old in (*_TEXTUAL, "character", "name"):
        return base_new in _READ_ANEW or new.startswith(_READ_WITH_LOSS)
    if base_old == "bytea":
        return base_new in _WHOLE  # 18: leading zeros are gone
    if base_old.startswith(_TEMPORAL):
        return _drops_time(old, new)
    if base_old in _SHAPES and base_new in _SHAPES:
        return (base_old, base_new) not in _SAME_SHAPES
    if (base_old, base_new) == ("inet", "cidr"):
        return True  # what is right of the netmask becomes zero
    if (base_old, base_new) in _NARROWER:
        return True
    return (base_old in ("jsonb", "json") and base_new not in ("json", "jsonb")) or "[]" in old


def depends_on_settings(old: str, new: str) -> bool:
    """Whether TimeZone, DateStyle or IntervalStyle decides which value comes out (manual, 8.5)."""
    old, new = _elements(old, new)
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    if base_old in (*_TEXTUAL, "character"):
        return base_new.startswith(_TEMPORAL)
    if base_new in (*_TEXTUAL, "character"):
        return base_old.startswith(_TEMPORAL)
    is_temporal = base_old.startswith(_TEMPORAL) and base_new.startswith(_TEMPORAL)
    return is_temporal and old.endswith("with time zone") != new.endswith("with time zone")


_SHORT = ("name", '"char"')
"""They cut whatever is longer (manual: Character Types, special ones)."""
_WHOLE = ("smallint", "integer", "bigint")
_BITS: Mapping[str, int] = {"smallint": 32, "integer": 32, "bigint": 64}
"""How many bits a cast to bit(n) starts from; it keeps the last n."""
_READ_ANEW = (
    *_WHOLE,
    "numeric",
    "money",
    "interval",
    "jsonb",
    "tsvector",
    "bytea",
    "bit",
    "bit varying",
    "cidr",
)
"""Types that keep no text as it was: no leading zeros, no key twice, no order of words."""
_NARROWER = (("json", "jsonb"), ("xid8", "xid"), ("vector", "halfvec"), ("public.vector", "public.halfvec"))
_INEXACT: Mapping[str, tuple[str, ...]] = {"integer": ("real",), "bigint": ("real", "double precision")}
_READ_WITH_LOSS = (
    *("numeric(", "real", "double precision", "date", "time without", "time with", "time("),
    *("timestamp without", "timestamp(", "interval(", "interval "),
)
"""Types whose input rounds, or passes over what it has no place for: a time of day, a time zone."""
_TEMPORAL = ("timestamp", "time", "interval", "date")
_SHAPES = ("point", "line", "lseg", "box", "path", "polygon", "circle")
_SAME_SHAPES = (("point", "box"), ("box", "polygon"), ("polygon", "path"))


def _drops_time(old: str, new: str) -> bool:
    """Whether a date or time type has no place for what another says; `(` gives the digits of a second."""
    if new in _TEXTUAL:
        return False
    family_old, family_new = (name.split("(")[0].split(" ")[0] for name in (old, new))
    if family_old == "time" and old.endswith("with time zone") and not new.endswith("with time zone"):
        return True
    return family_new not in _KEEPING.get(family_old, ()) or "(" in new or new.startswith("interval ")


_KEEPING: Mapping[str, tuple[str, ...]] = {
    "timestamp": ("timestamp",),
    "time": ("time", "interval"),
    "date": ("timestamp", "date"),
    "interval": ("interval",),
}
