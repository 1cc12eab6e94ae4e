"""Values that a column of a given type may take, as the text that the type's input function reads.

The first candidate for a row number is the same for all types of a family, so that what refers by foreign key
finds its match, and a text reads as a number where a column is later converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from reconciler.core.dataclass import dataclass

_FIRST_DAY: Final = date(2020, 1, 1)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(?<![\w.])(-?\d+(?:\.\d+)?)(?![\w.])")
_WHOLE = re.compile(r"-?\d{1,18}\Z")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?\Z")
_LONGEST_TEXT: Final = 300
_FEW: Final = 4
_MANY: Final = 40
"""How many candidates of an element or attribute are tried: many where it has checks to satisfy."""

_INTEGERS: Final = {"int2": 32767, "int4": 2**31 - 1, "int8": 2**63 - 1, "oid": 2**32 - 1, "xid8": 2**63 - 1}
_FRACTIONS: Final = frozenset({"numeric", "float4", "float8", "money"})
_TEXTS: Final = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_DAYS: Final = {"date": "", "timestamp": " 00:00:00", "timestamptz": " 00:00:00+00"}

_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "bytea": (r"\x0{m}", r"\x", r"\x{n:032}", r"\x{n:040}", r"\x{n:064}"),
    "json": ('{{"n": {n}}}', "[]", "{{}}", '"{n}"', "{n}", "null", '["{n}"]', '[{{"n": {n}}}]'),
    "jsonb": ('{{"n": {n}}}', "[]", "{{}}", '"{n}"', "{n}", "null", '["{n}"]', '[{{"n": {n}}}]'),
    "jsonpath": ("$.a{n}",),
    "xml": ("<a>{n}</a>",),
    "uuid": ("00000000-0000-4000-8000-{n:012}",),
    "inet": ("10.0.0.{n}", "10.0.{n}.0/24", "fd00::{n}"),
    "cidr": ("10.0.{n}.0/24", "fd00:{n}::/32"),
    "macaddr": ("08:00:2b:01:02:0{m}",),
    "macaddr8": ("08:00:2b:01:02:03:04:0{m}",),
    "time": ("0{m}:00:00", "1{m}:00:00"),
    "timetz": ("0{m}:00:00+00", "1{m}:00:00+00"),
    "interval": ("{n} days", "{n} hours", "0", "-{n} days", "{n} mons"),
    "point": ("({n},{n})", "(0,0)"),
    "line": ("{{1,-1,{n}}}",),
    "lseg": ("[(0,0),({n},1)]",),
    "box": ("({n}1,1),({n}0,0)",),
    "path": ("[(0,0),({n},1)]", "((0,0),({n},1))"),
    "polygon": ("((0,0),({n},1),(1,0))",),
    "circle": ("<({n}0,0),1>",),
    "tsvector": ("'w{n}'",),
    "tsquery": ("'w{n}'",),
    "pg_lsn": ("0/{n}",),
    "xid": ("{n}",),
    "cid": ("{n}",),
    "tid": ("(0,{n})",),
    "txid_snapshot": ("{n}:{n}:",),
    "pg_snapshot": ("{n}:{n}:",),
    "refcursor": ("c{n}",),
    "int2vector": ("1 {n}",),
    "oidvector": ("1 {n}",),
    "char": ("{m}", "a", "b"),
    "regclass": ("pg_catalog.pg_class", "pg_catalog.pg_type", "-"),
    "regtype": ("pg_catalog.int4", "pg_catalog.text", "-"),
    "regproc": ("pg_catalog.now", "-"),
    "regprocedure": ("pg_catalog.abs(integer)", "-"),
    "regoper": ("pg_catalog.||/", "0"),
    "regoperator": ("pg_catalog.+(integer,integer)", "0"),
    "regrole": ("pg_monitor", "-"),
    "regnamespace": ("pg_catalog", "public", "-"),
    "regconfig": ("pg_catalog.simple", "pg_catalog.english"),
    "regdictionary": ("pg_catalog.simple",),
    "regcollation": ('pg_catalog."C"', 'pg_catalog."POSIX"'),
    "aclitem": ("=r/{owner}", "=w/{owner}"),
    "hstore": ("a=>{n}", ""),
    "ltree": ("top.n{n}", "n{n}"),
    "lquery": ("*.n{n}",),
    "cube": ("({n})",),
    "vector": ("[{n},1,1]",),
}
"""Texts by type name; {n} is the row number, {m} its last digit."""

_WORDS: Final = (
    "a{n}",
    "",
    "user{n}@example.org",
    "https://example.org/{n}",
    "abc",
    "ABC",
    "AB",
    "en",
    "en-US",
    "+3312345670{m}",
    "1.0.{n}",
    "10.0.0.{n}",
    "2020-01-0{m}",
    "00000000-0000-4000-8000-{n:012}",
    "#00000{m}",
    "{{}}",
    "{n:032}",
    "{n:040}",
    "{n:064}",
    "A-{n}",
    "a_b",
    "Word {n}",
    "/a/{n}",
    "true",
    "5 min",
)
"""What texts tend to be checked for: addresses, codes, digests of usual lengths."""

_GUESSES: Final = ("{n}", "a{n}", "({n},{n})", "[{n},{n}]", "{{{n}}}", "0", "t", "")
"""For types that nobody here knows."""


@dataclass(frozen=True, slots=True)
class DataType:
    """What values of a type are made from. Numbers are oids of pg_type."""

    name: str
    sort: str
    """pg_type.typtype; `a` for arrays proper."""
    base: int = 0
    base_modifier: int = -1
    """Of a domain: the type modifier of the type below it."""
    element: int = 0
    """Of an array: the element's type. Of a range or multirange: the bounds'."""
    labels: tuple[str, ...] = ()
    attributes: tuple[tuple[int, int], ...] = ()
    """Of a composite type: type and type modifier of each attribute."""
    checks: tuple[str, ...] = ()
    """Of a domain: its CHECK constraints as text, to find constants in."""


def constants(text: str) -> tuple[str, ...]:
    """The string and number constants in an expression or partition bound: candidates to satisfy it."""
    found = [number or string.replace("''", "'") for string, number in _LITERAL.findall(text)]
    return tuple(dict.fromkeys(found))


class Values:
    """Candidates by type, for a database whose types are known."""

    def __init__(self, types: Mapping[int, DataType], owner: str) -> None:
        self._types = types
        self._owner = owner

    def candidates(self, type_: int, modifier: int, number: int, hints: Sequence[str] = ()) -> list[str]:
        """Distinct texts for row `number` (from 1): the usual one, those that hints suggest, others."""
        first, *others = self._plain(type_, modifier, number) or [""]
        hinted = self._hinted(type_, modifier, hints)
        return list(dict.fromkeys((first, *hinted, *others)))

    def is_uncertain(self, type_: int) -> bool:
        """Whether some candidates may be refused by the type itself: it is unknown here, or has checks."""
        known = self._types[type_]
        is_guess = known.sort == "b" and not (known.name in _OTHERS or self._family(known))
        return is_guess or bool(self._checks_of(type_))

    def _checks_of(self, type_: int) -> tuple[str, ...]:
        """The CHECK constraints that a value of the type meets on the way in."""
        known = self._types[type_]
        inner = [oid for oid in (known.base, known.element, *(oid for oid, _ in known.attributes)) if oid]
        return (*known.checks, *(check for oid in inner for check in self._checks_of(oid)))

    def _plain(self, type_: int, modifier: int, number: int) -> list[str]:
        known = self._types[type_]
        match known.sort:
            case "e":
                turned = number - 1
                count = len(known.labels) or 1
                return [known.labels[(turned + shift) % count] for shift in range(len(known.labels))]
            case "d":
                hints = [constant for check in known.checks for constant in constants(check)]
                return self.candidates(known.base, known.base_modifier, number, hints)
            case "a":
                return list(self._arrays(known, modifier, number))
            case "c":
                return list(self._records(known, number))
            case "r" | "m":
                return list(self._ranges(known, number))
            case _:
                return _fitting(known, modifier, self._scalars(known, modifier, number))

    def _scalars(self, known: DataType, modifier: int, number: int) -> Iterator[str]:
        family = self._family(known)
        if family == "integer":
            yield from map(str, (number, 0, number + 100, -number, number + 2000, number * 8, 10**6 + number))
        elif family == "fraction":
            yield from map(str, (number, 0, f"0.{number}", -number, number + 100))
        elif family == "text":
            yield str(number)
            yield from (_filled(word, number) for word in _WORDS)
        elif family == "day":
            for shift in (0, 3650, 36500, -3650):
                yield f"{_FIRST_DAY + timedelta(days=number + shift)}{_DAYS[known.name]}"
        elif known.name == "bool":
            yield from ("true", "false") if number % 2 else ("false", "true")
        elif known.name in ("bit", "varbit"):
            width = modifier if modifier > 0 else 1
            yield from (f"{value % 2**width:0{width}b}" for value in (number, 0, number + 1))
        else:
            for text in _OTHERS.get(known.name, _GUESSES):
                yield _filled(text, number, self._owner)

    def _family(self, known: DataType) -> str:
        if known.name in _TEXTS:
            return "text"
        if known.name in _INTEGERS:
            return "integer"
        if known.name in _FRACTIONS:
            return "fraction"
        if known.name in _DAYS:
            return "day"
        return "other" if known.name in ("bool", "bit", "varbit") else ""

    def _arrays(self, known: DataType, modifier: int, number: int) -> Iterator[str]:
        few = _MANY if self._checks_of(known.element) else _FEW
        for element in self._plain(known.element, modifier, number)[:few]:
            yield "{" + _array_item(element) + "}"
        yield "{}"
        one, other = (self._plain(known.element, modifier, number + shift)[:1] for shift in (0, 1))
        yield "{" + ",".join(_array_item(text) for text in (*one, *other)) + "}"

    def _records(self, known: DataType, number: int) -> Iterator[str]:
        fields = [self._plain(oid, modifier, number) or [""] for oid, modifier in known.attributes]
        few = _MANY if any(self._checks_of(oid) for oid, _ in known.attributes) else _FEW
        for choice in range(min(few, max((len(field) for field in fields), default=1))):
            yield "(" + ",".join(_record_item(field[choice % len(field)]) for field in fields) + ")"
        yield "(" + "," * (len(fields) - 1) + ")"

    def _ranges(self, known: DataType, number: int) -> Iterator[str]:
        """Ranges of different rows never overlap, for the sake of exclusion constraints."""
        low, high = ((self._plain(known.element, -1, number * 10 + shift) or [""])[0] for shift in (0, 5))
        for text in (f"[{_record_item(low)},{_record_item(high)})", "empty"):
            yield text if known.sort == "r" else "{" + text.replace("empty", "") + "}"

    def _hinted(self, type_: int, modifier: int, hints: Iterable[str]) -> Iterator[str]:
        """What constants in a CHECK suggest: themselves, their neighbours, texts of that length."""
        known = self._types[type_]
        while known.sort == "d":
            type_, modifier = known.base, known.base_modifier
            known = self._types[type_]
        if known.sort == "a":
            for text in _fitting(self._types[known.element], modifier, hints):
                yield "{" + _array_item(text) + "}"
            return
        family = self._family(known)
        if family in ("integer", "fraction"):
            near = (text for hint in hints for text in _neighbours(hint, family == "integer"))
            yield from _fitting(known, modifier, near)
        elif family == "text":
            yield from _fitting(known, modifier, (text for hint in hints for text in _texts_from(hint)))
        else:
            yield from hints


def _fitting(known: DataType, modifier: int, texts: Iterable[str]) -> list[str]:
    """Texts cut to what the column's type modifier lets in."""
    if known.name in ("varchar", "bpchar") and modifier > 4:
        width = modifier - 4
        return list(dict.fromkeys(text[:width] for text in texts))
    if known.name == "numeric" and modifier > 4:
        precision, scale = (modifier - 4) >> 16 & 0xFFFF, (modifier - 4) & 0x7FF
        limit = 10.0 ** (precision - (scale - 2048 if scale > 1023 else scale))
        return [text for text in texts if _NUMBER.match(text) and abs(float(text)) < limit * 0.95] or ["0"]
    if known.name in _INTEGERS:
        return [text for text in texts if _WHOLE.match(text) and int(text) <= _INTEGERS[known.name]]
    if known.name == "name":
        return [text[:63] for text in texts]
    return list(texts)


def _filled(text: str, number: int, owner: str = "") -> str:
    return text.format(n=number, m=number % 10, owner=owner)


def _neighbours(hint: str, whole: bool) -> Iterator[str]:
    if _WHOLE.match(hint):
        yield from (hint, str(int(hint) + 1), str(int(hint) - 1))
    elif not whole and _NUMBER.match(hint):
        yield hint


def _texts_from(hint: str) -> Iterator[str]:
    yield hint
    if "%" in hint:
        yield hint.replace("%", "")
        yield hint.replace("%", "a")
    if hint.isdecimal() and int(hint) <= _LONGEST_TEXT:
        yield from ("a" * int(hint), "1" * int(hint))


def _array_item(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _record_item(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'
