"""Writing YAML in one canonical layout that any reader of YAML 1.1 or 1.2 reads back as the same data.

Mappings keep their order. Small mappings and lists of scalars stand on one line; text of several lines
stands as a literal block; a scalar is quoted wherever a reader could take it for something else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from reconciler.engine.yaml.scalars import means_itself

WIDTH = 100
"""A flow mapping or list that would make its line longer than this many characters is written as a block."""
_INDENT = "  "
_LONGEST_KEY = 1000
"""YAML allows a key on the line of its value 1024 characters, quotes included."""
_MUST_ESCAPE = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ud800-\udfff\ufeff\ufff0-\uffff]"
)
"""Controls, and characters that cannot be seen or that reorder what is seen."""
_NOT_IN_BLOCK = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff0-\ufffb\ufffe\uffff]"
)
"""What a literal block cannot hold, having no escapes, or must not hide from a reviewer."""
_NOT_PLAIN = re.compile(r"[-?:,\[\]{}#&*!|>'\"%@` ]|\.\.\.|.*(?:: |:$| #| $)")
_NOT_PLAIN_IN_FLOW = re.compile(r"[,\[\]{}:#?]")
_NOT_IN_FLOW = re.compile(r"[,\[\]{}]")
_ESCAPES = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def dump(
    data: Mapping[str, Any],
    header_comment: str | None = None,
    *,
    block_keys: Collection[str] = (),
    spaced: bool = True,
) -> str:
    """The data (str, int, float, bool, None, mappings with string keys, sequences) as YAML.

    `block_keys` are the keys whose mapping is written one entry a line even where it would fit on one, such
    as the sections. `spaced` puts a blank line between the entries of the first two levels that take more
    than one line. Raises TypeError for other types of values or keys, ValueError for what YAML cannot hold:
    lone surrogates, infinity.
    """
    lines = [f"# {line}".rstrip() for line in header_comment.splitlines()] if header_comment else []
    if lines:
        lines.append("")
    writer = Writer(block_keys)
    if not data:
        body = ["{}"]
    elif spaced:
        body = spread(writer.section(key, value) for key, value in data.items())
    else:
        body = [line for key, value in data.items() for line in writer.entry(key, value, 0)]
    return "\n".join([*lines, *body, ""])


def spread(groups: Iterable[Sequence[str]]) -> list[str]:
    """The groups of lines one after another, with a blank line beside each that has more than one."""
    lines: list[str] = []
    previous = 0
    for group in groups:
        # A blank last line belongs to a text that ends in newlines; one more would become part of it.
        if previous and max(previous, len(group)) > 1 and lines[-1] != "":
            lines.append("")
        lines.extend(group)
        previous = len(group)
    return lines


def canonical(data: Any) -> str:
    """A text that is equal exactly for equal data of equal types; the order of mappings' keys is left out."""
    if isinstance(data, Mapping):
        return "{" + ",".join(f"{quoted(key)}:{canonical(data[key])}" for key in sorted(data)) + "}"
    if isinstance(data, list | tuple):
        return "[" + ",".join(canonical(item) for item in data) + "]"
    return quoted(data) if isinstance(data, str) else _scalar(data)


class Writer:
    """Lays out values as lines, relative to where the value stands; `depth` is how many levels in that is."""

    def __init__(self, block_keys: Collection[str] = ()) -> None:
        self.block_keys = frozenset(block_keys)

    def section(self, key: str, value: Any) -> list[str]:
        """A top-level entry with blank lines between its own entries."""
        if not isinstance(value, Mapping) or not value:
            return self.entry(key, value, 0)
        return [
            *_key_lines(key),
            *_indented(spread(self.entry(name, item, 1) for name, item in value.items())),
        ]

    def entry(self, key: str, value: Any, depth: int) -> list[str]:
        """`key: value`, on one line or as a block. A top-level mapping is always a block."""
        block = isinstance(value, Mapping) and (depth == 0 or key in self.block_keys)
        return self._after(_key_lines(key), value, depth, block)

    def _after(self, lead: list[str], value: Any, depth: int, block: bool) -> list[str]:
        *above, last = lead
        if isinstance(value, str) and _fits_block(value):
            header, body = _literal(value)
            return [*above, f"{last} {header}", *_indented(body)]
        if not isinstance(value, Mapping | list | tuple):
            return [*above, f"{last} {_scalar(value)}"]
        inline = None if block and value else _flow(value)
        if inline is not None and depth * len(_INDENT) + len(last) + 1 + len(inline) <= WIDTH:
            return [*above, f"{last} {inline}"]
        if not value:
            return [*above, f"{last} {inline}"]
        body = self._block(value, depth + 1)
        if last == "-":
            return [f"- {body[0]}", *_indented(body[1:])]
        return [*lead, *_indented(body)]

    def _block(self, value: Any, depth: int) -> list[str]:
        if isinstance(value, Mapping):
            return [line for key, item in value.items() for line in self.entry(key, item, depth)]
        return [line for item in value for line in self._after(["-"], item, depth, False)]


def _indented(lines: Iterable[str]) -> list[str]:
    return [_INDENT + line if line else "" for line in lines]


def _key_lines(key: str) -> list[str]:
    if not isinstance(key, str):
        raise TypeError(f"a key of type {type(key).__name__} cannot be written; keys are strings")
    text = _text(key, False)
    return [f"{text}:"] if len(text) <= _LONGEST_KEY else [f"? {text}", ":"]


def _flow(value: Any, nested: bool = False) -> str | None:
    """The value on one line, or None where it holds more than scalars and lists of scalars, or text that
    would be hard to read there."""
    if isinstance(value, str):
        return None if _NOT_IN_FLOW.search(value) or _MUST_ESCAPE.search(value) else _text(value, True)
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        pairs = [] if nested else [(_flow(key), _flow(item, True)) for key, item in value.items()]
        if not pairs or any(key is None or item is None or len(key) > _LONGEST_KEY for key, item in pairs):
            return None
        return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    if isinstance(value, list | tuple):
        if any(isinstance(item, Mapping | list | tuple) for item in value):
            return None
        items = [_flow(item) for item in value]
        return None if None in items else "[" + ", ".join(item or "" for item in items) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written as YAML")
        # YAML 1.1 knows an exponent only after a decimal point.
        return re.sub(r"^(-?[0-9]+)e", r"\1.0e", repr(value))
    if isinstance(value, str):
        return _text(value, False)
    raise TypeError(f"a value of type {type(value).__name__} cannot be written as YAML")


def _text(text: str, flow: bool) -> str:
    """A string on one line: plain where that is safe, else in the quotes that need the fewest escapes."""
    text = str(text)
    if text and means_itself(text) and not (_NOT_PLAIN.match(text) or _MUST_ESCAPE.search(text)):
        balanced = text.count("(") == text.count(")")
        if not flow or (balanced and not _NOT_PLAIN_IN_FLOW.search(text)):
            return text
    if ('"' in text or "\\" in text) and not _MUST_ESCAPE.search(text):
        return "'" + text.replace("'", "''") + "'"
    return quoted(text)


def quoted(text: str) -> str:
    """A string in double quotes. Raises ValueError for a lone surrogate."""
    return '"' + re.sub(f'["\\\\]|{_MUST_ESCAPE.pattern}', lambda found: _escape(found.group()), text) + '"'


def _escape(char: str) -> str:
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"the lone surrogate U+{code:04X} cannot be written as YAML")
    return _ESCAPES.get(char) or (f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}")


def _fits_block(text: str) -> bool:
    return "\n" in text and bool(text.strip()) and _NOT_IN_BLOCK.search(text) is None


def _literal(text: str) -> tuple[str, list[str]]:
    """Header and lines of a literal block.

    `|` ends in one newline, `|-` in none, `|+` keeps them all. A digit says the indentation where the first
    line of text starts with a blank, which would be taken for more of it.
    """
    chomping = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
    lines = text.removesuffix("\n").split("\n")
    first = next(line for line in lines if line)
    indicator = str(len(_INDENT)) if first[0] in " \t" else ""
    return f"|{indicator}{chomping}", lines
