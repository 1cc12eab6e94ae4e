"""Writing into a file that exists: what did not change keeps its lines, comments and layout.

The grain is an entry of a mapping, at any depth: its lines stay where its data is the same; where it is not,
a block is gone into, and anything else is written anew. What this finds too odd to edit is written anew as a
whole, so the result always says what it should.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import dropwhile, takewhile
from typing import Any

from reconciler.core.dataclass import dataclass
from reconciler.core.document import Node
from reconciler.engine.yaml.reader import read
from reconciler.engine.yaml.writer import Writer, canonical, dump

Same = Callable[[tuple[str, ...], Any, Any], bool]
"""Whether the old and the new data at a path mean the same, so that the old lines may stay."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """The lines of one entry."""

    key: str
    node: Node
    lead: list[str]
    """The comments right above its key."""
    first: int
    """The index of its key's line in the file."""
    body: list[str]
    gap: list[str]
    """Blank lines and comments that belong to no entry."""


def merge_into_existing(
    existing_text: str,
    new_data: Mapping[str, Any],
    *,
    block_keys: Collection[str] = (),
    same: Same | None = None,
) -> str:
    """The text of a file whose data is `new_data`, with as much of the existing text as still holds.

    Changed entries are rewritten in place, removed ones dropped with the comments right above them, new ones
    appended to their section. Without `same`, entries mean the same when their data is equal, whatever the
    order of keys. A text that cannot be read keeps only the comments at its top.
    """
    text = existing_text.removeprefix("\ufeff").replace("\r\n", "\n")
    merge = _Merge(Writer(block_keys), same or _equal)
    merged = merge.file(text, new_data)
    if merged is None or not merge.holds(merged, new_data):
        head = _head(text.split("\n"))
        merged = "\n".join([*head, *([""] if head else []), dump(new_data, block_keys=block_keys)])
    return merged.replace("\n", "\r\n") if "\r\n" in existing_text else merged


def _equal(_path: tuple[str, ...], old: Any, new: Any) -> bool:
    return canonical(old) == canonical(new)


@dataclass(frozen=True, slots=True)
class _Merge:
    writer: Writer
    same: Same

    def holds(self, merged: str, data: Mapping[str, Any]) -> bool:
        """Whether the merged text reads back as the data that it should say."""
        found = read(merged, "")
        if found.problems or found.root is None:
            return False
        return isinstance(found.root.data, dict) and self._agree((), found.root.data, data)

    def _agree(self, path: tuple[str, ...], old: Any, new: Any) -> bool:
        if canonical(old) == canonical(new) or (path and self.same(path, old, new)):
            return True
        if not isinstance(old, dict) or not isinstance(new, Mapping) or old.keys() != new.keys():
            return False
        return all(self._agree((*path, key), old[key], new[key]) for key in old)

    def file(self, text: str, data: Mapping[str, Any]) -> str | None:
        """The merged text, or None where the file's layout is not one of block mappings."""
        found = read(text, "")
        if found.problems or found.root is None:
            return None
        lines = text.split("\n")
        pieces = _pieces(found.root, lines, 0, len(lines))
        if pieces is None:
            return None
        out = lines[: pieces[0].first - len(pieces[0].lead)]
        self._mapping(out, pieces, lines, (), data)
        return "\n".join(out if out and out[-1] == "" else [*out, ""])

    def _mapping(
        self,
        out: list[str],
        pieces: list[_Piece],
        lines: list[str],
        path: tuple[str, ...],
        new: Mapping[str, Any],
    ) -> None:
        """The entries that stay, each where it stands, and the new ones."""
        pad = " " * (pieces[0].node.spot.key_column - 1)
        there = {piece.key for piece in pieces}
        fresh = [key for key in new if key not in there]
        is_within = len(path) >= _WITHIN
        if is_within:
            pieces = _in_order(pieces, list(new), len(path) > _WITHIN)
            self._add(out, _leading(fresh, new, pieces), path, new, pad)
        for piece in pieces:
            self._piece(out, piece, lines, path, new)
            if is_within and piece.key in new:
                self._add(out, _following(piece.key, fresh, new), path, new, pad)
        if not is_within:
            self._add(out, fresh, path, new, pad)

    def _add(
        self, out: list[str], keys: Iterable[str], path: tuple[str, ...], new: Mapping[str, Any], pad: str
    ) -> None:
        for key in keys:
            _append(out, _padded(pad, self._written(key, new[key], len(path))), len(path) < _WITHIN)

    def _written(self, key: str, value: Any, depth: int) -> list[str]:
        return self.writer.entry(key, value, depth) if depth else self.writer.section(key, value)

    def _piece(
        self, out: list[str], piece: _Piece, lines: list[str], path: tuple[str, ...], new: Mapping[str, Any]
    ) -> None:
        if piece.key not in new:
            out.extend(_comments_only(piece.gap))
            return
        own, value = (*path, piece.key), new[piece.key]
        out.extend(piece.lead)
        if self.same(own, piece.node.data, value):
            out.extend(piece.body)
        elif inner := _inner(piece, lines, value):
            out.extend(lines[piece.first : inner[0].first - len(inner[0].lead)])
            self._mapping(out, inner, lines, own, value)
        else:
            pad = " " * (piece.node.spot.key_column - 1)
            out.extend(_with_remark(_padded(pad, self._written(piece.key, value, len(path))), piece.body))
        out.extend(piece.gap)


_WITHIN = 2
"""So many levels in are the attributes of an object: further out, what is new comes last."""


def _inner(piece: _Piece, lines: list[str], value: Any) -> list[_Piece] | None:
    """The entries of a mapping that remains one, where it is laid out as a block and some of them stay."""
    if not isinstance(value, Mapping) or not value:
        return None
    inner = _pieces(piece.node, lines, piece.first + 1, piece.first + len(piece.body))
    return inner if inner and any(entry.key in value for entry in inner) else None


def _in_order(pieces: list[_Piece], keys: list[str], counts: bool) -> list[_Piece]:
    """The pieces as they stand, or in the order of the new keys where that counts: it may be of columns."""
    place = {key: n for n, key in enumerate(keys)}
    staying = [place[piece.key] for piece in pieces if piece.key in place]
    if not counts or staying == sorted(staying):
        return pieces
    return sorted(pieces, key=lambda piece: place.get(piece.key, -1))


def _leading(fresh: Collection[str], new: Mapping[str, Any], pieces: list[_Piece]) -> list[str]:
    """The new keys that come before all that stay."""
    staying = {piece.key for piece in pieces}
    return [key for key in takewhile(lambda key: key not in staying, new) if key in fresh]


def _following(key: str, fresh: Collection[str], new: Mapping[str, Any]) -> list[str]:
    """The new keys that come right after this one."""
    after = dropwhile(lambda other: other != key, new)
    next(after)
    return list(takewhile(lambda other: other in fresh, after))


def _with_remark(written: list[str], before: list[str]) -> list[str]:
    """One line for one line: the comment at its end stays."""
    remark = _remark(before[0]) if len(before) == len(written) == 1 else ""
    return [written[0] + remark] if remark else written


def _remark(line: str) -> str:
    """The comment at the end of a line of YAML, with the blanks before it."""
    import yaml

    try:
        tokens = [token for token in yaml.scan(line) if token.end_mark.index > token.start_mark.index]
    except yaml.YAMLError:
        return ""
    rest = line[max(token.end_mark.column for token in tokens) :]
    return rest if rest.lstrip().startswith("#") else ""


def _pieces(node: Node, lines: list[str], start: int, end: int) -> list[_Piece] | None:
    """The entries of a block mapping that fills lines[start:end]; None for any other value or layout."""
    entries = list(node.items())
    if not entries:
        return None
    firsts = [entry.spot.key_line - 1 for _, entry in entries]
    columns = {entry.spot.key_column - 1 for _, entry in entries}
    column = min(columns)
    in_rows = len(columns) == 1 and firsts == sorted(set(firsts)) and firsts[0] >= start
    if not in_rows or any(lines[first][:column].strip() for first in firsts):
        return None
    made = []
    lead = _lead(lines[start : firsts[0]], column)
    for (key, entry), first, stop in zip(entries, firsts, [*firsts[1:], end], strict=True):
        body_end = max(
            index for index in range(first, stop) if index == first or _is_content(lines[index], column)
        )
        tail = lines[body_end + 1 : stop]
        following = [] if stop == end else _lead(tail, column)
        gap = tail[: len(tail) - len(following)]
        made.append(_Piece(key, entry, lead, first, lines[first : body_end + 1], gap))
        lead = following
    return made


def _lead(lines: list[str], column: int) -> list[str]:
    """The comments at the end of these lines that stand in the column of the key below them."""
    start = len(lines)
    while start and lines[start - 1].startswith(" " * column + "#"):
        start -= 1
    return lines[start:]


def _is_content(line: str, column: int) -> bool:
    bare = line.lstrip(" ")
    if bare.startswith("#"):
        return len(line) - len(bare) > column
    return bool(bare.strip())


def _append(out: list[str], lines: list[str], spaced: bool) -> None:
    if spaced and out and out[-1] != "" and len(lines) > 1:
        out.append("")
    out.extend(lines)


def _padded(pad: str, lines: Iterable[str]) -> list[str]:
    return [pad + line if line else "" for line in lines]


def _comments_only(lines: list[str]) -> list[str]:
    return lines if any(line.strip() for line in lines) else []


def _head(lines: list[str]) -> list[str]:
    """The comments at the top of a file."""
    count = next((index for index, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return lines[:count]
