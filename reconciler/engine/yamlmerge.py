"""Writing into a file that exists: what did not change keeps its lines, comments and layout.

The grain is an entry of a section (`tables.users`): its lines stay where its data is the same, and are
written anew where it is not. What this finds too odd to edit is written anew as a whole, so the result
always says what it should.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from reconciler.core.dataclass import dataclass
from reconciler.core.document import Node
from reconciler.engine.yamltext import read
from reconciler.engine.yamlwrite import Writer, canonical, dump

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
        if found.problems or found.root is None or not isinstance(found.root.data, dict):
            return False
        return self._agree((), found.root.data, data, 2)

    def _agree(self, path: tuple[str, ...], old: Any, new: Any, levels: int) -> bool:
        if levels and isinstance(old, dict) and isinstance(new, Mapping):
            return old.keys() == new.keys() and all(
                self._agree((*path, key), old[key], new[key], levels - 1) for key in old
            )
        return canonical(old) == canonical(new) or self.same(path, old, new)

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
        for piece in pieces:
            self._section(out, piece, lines, data)
        for key, value in data.items():
            if key not in found.root.data:
                _append(out, self.writer.section(key, value))
        return "\n".join(out if out and out[-1] == "" else [*out, ""])

    def _section(self, out: list[str], piece: _Piece, lines: list[str], data: Mapping[str, Any]) -> None:
        if piece.key not in data:
            out.extend(_comments_only(piece.gap))
            return
        old, new = piece.node.data, data[piece.key]
        out.extend(piece.lead)
        last = piece.first + len(piece.body)
        inner = (
            _pieces(piece.node, lines, piece.first + 1, last) if isinstance(new, Mapping) and new else None
        )
        if inner is not None:
            out.extend(lines[piece.first : inner[0].first - len(inner[0].lead)])
            for entry in inner:
                self._entry(out, entry, piece.key, new)
            pad = " " * (inner[0].node.spot.key_column - 1)
            for key, value in new.items():
                if key not in old:
                    _append(out, _padded(pad, self.writer.entry(key, value, 1)))
        elif self.same((piece.key,), old, new):
            out.extend(piece.body)
        else:
            out.extend(self.writer.section(piece.key, new))
        out.extend(piece.gap)

    def _entry(self, out: list[str], piece: _Piece, section: str, new: Mapping[str, Any]) -> None:
        if piece.key not in new:
            out.extend(_comments_only(piece.gap))
            return
        out.extend(piece.lead)
        if self.same((section, piece.key), piece.node.data, new[piece.key]):
            out.extend(piece.body)
        else:
            pad = " " * (piece.node.spot.key_column - 1)
            out.extend(_padded(pad, self.writer.entry(piece.key, new[piece.key], 1)))
        out.extend(piece.gap)


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


def _append(out: list[str], lines: list[str]) -> None:
    if out and out[-1] != "" and len(lines) > 1:
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
