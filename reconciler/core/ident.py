"""Names: how objects are identified, and the one way in which names and literals enter SQL."""

from __future__ import annotations

import re
from typing import NamedTuple

from reconciler.core.keywords import QUOTED_KEYWORDS

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_BARE_PART = re.compile(r"[^.\"\s:][^.\":]*\Z")
_NAME_PART = re.compile(r'\s*(?:"((?:[^"]|"")+)"|([^".]+))\s*(\.|\Z)')


def quote(name: str) -> str:
    """Return `name` as an SQL identifier, quoted only where PostgreSQL would misread it bare.

    Follows quote_ident(): lower-case letters, digits and underscores stay bare unless they are a keyword
    that is reserved in some position (manual, appendix C).
    """
    if _PLAIN.match(name) and name not in QUOTED_KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(*names: str) -> str:
    """Return a dotted SQL name; each part is quoted on its own."""
    return ".".join(quote(name) for name in names)


def literal(text: str) -> str:
    """Return `text` as an SQL string constant that reads alike whatever standard_conforming_strings says."""
    doubled = text.replace("'", "''")
    if "\\" in text:
        return "E'" + doubled.replace("\\", "\\\\") + "'"
    return "'" + doubled + "'"


def dollar_quoted(text: str) -> str:
    """Return `text` between dollar quotes whose tag does not occur in it."""
    tag, number = "$$", 0
    while tag in text or (text.endswith("$") and tag == "$$"):
        number += 1
        tag = f"$body{number if number > 1 else ''}$"
    return f"{tag}{text}{tag}"


def split_name(text: str) -> tuple[str, ...]:
    """Split a name as a person writes it (`users`, `app.users`, `app."odd.name"`) into its parts.

    Raises ValueError where quotes are unbalanced or a part is empty. Case is kept as written: a key in YAML
    is the name itself, not an SQL token.
    """
    parts: list[str] = []
    position = 0
    while True:
        match = _NAME_PART.match(text, position)
        if match is None:
            raise ValueError(f"not a name: {text!r}")
        quoted_part, bare = match.group(1), match.group(2)
        parts.append(quoted_part.replace('""', '"') if quoted_part is not None else bare.strip())
        position = match.end()
        if match.group(3) != ".":
            return tuple(parts)


def bare_name(text: str) -> str:
    """A single name as YAML writes it. Raises ValueError for an unbalanced quote or a qualified name."""
    if '"' not in text:
        return text
    parts = split_name(text)
    if len(parts) != 1:
        raise ValueError(f"{text!r} has {len(parts)} parts; expected one name")
    return parts[0]


def written_bare(name: str) -> str:
    """The inverse of `bare_name`."""
    return '"' + name.replace('"', '""') + '"' if '"' in name else name


def in_schema(text: str, schema: str) -> tuple[str, str]:
    """Return (schema, name) of a name that may be qualified. Raises ValueError for more than two parts."""
    parts = split_name(text)
    if len(parts) > 2:
        raise ValueError(f"{text!r} has {len(parts)} parts; expected name or schema.name")
    return (parts[0], parts[1]) if len(parts) == 2 else (schema, parts[0])


def written_name(schema: str, name: str, home: str) -> str:
    """The inverse of `in_schema`: how a file whose namespace is `home` writes an object's name."""
    own = name if _is_plain_part(name) else '"' + name.replace('"', '""') + '"'
    if schema == home:
        return own
    return (schema if _is_plain_part(schema) else '"' + schema.replace('"', '""') + '"') + "." + own


def written_path(path: tuple[str, ...], home: str) -> str:
    """`written_name` of (schema, name). Raises ValueError for a path of another length."""
    schema, name = path
    return written_name(schema, name, home)


def _is_plain_part(part: str) -> bool:
    return '"' not in part and "." not in part and part == part.strip() and part != ""


class ObjectId(NamedTuple):
    """What an object is called: its kind and the path of names that leads to it; never an OID.

    `str()` gives the one encoding (`table:app.users`); `ObjectId.parse` reads it back. A part that holds a
    dot, a colon or a quote, or starts with a space, stands in double quotes. A tuple because a comparison
    looks ids up a million times.
    """

    kind: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:" + ".".join(_encode(part) for part in self.path)

    @classmethod
    def parse(cls, text: str) -> ObjectId:
        """Read the encoding. Raises ValueError for text that has no kind or an unbalanced quote."""
        kind, colon, rest = text.partition(":")
        if not colon or not kind:
            raise ValueError(f"{text!r} is not an object id; expected kind:name, such as table:app.users")
        return cls(kind, split_name(rest))

    def child(self, kind: str, *names: str) -> ObjectId:
        """The id of something that lives inside this object, such as a column of a table."""
        return ObjectId(kind, (*self.path, *names))

    def facet(self, kind: str, *names: str) -> ObjectId:
        """The id of a facet (comment, owner, privilege) of this object."""
        return ObjectId(kind, (self.kind, *self.path, *names))


def _encode(part: str) -> str:
    if _BARE_PART.match(part) and part == part.strip():
        return part
    return '"' + part.replace('"', '""') + '"'
