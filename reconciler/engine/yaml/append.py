"""One more item in a list of a YAML file, with every other byte of the file as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from reconciler.core.errors import InvalidInput
from reconciler.engine.yaml.reader import read

__all__ = ["with_items"]


def with_items(text: str, path: Sequence[str], items: Sequence[str]) -> str:
    """The text with `items`, each in flow style, at the end of the list at `path`, which is made where it is
    missing: in a mapping of the file, or at its end.

    Raises InvalidInput where the file is laid out in a way that this cannot follow. The text that is returned
    was read back, and says what it should.
    """
    before = _data(text)
    for form in _forms(text, tuple(path), items):
        try:
            if _data(form) == _wanted(before, tuple(path), [yaml.safe_load(item) for item in items]):
                return form
        except InvalidInput:
            continue
    raise InvalidInput(f"`{'.'.join(path)}` is written in a way that cannot be added to by a program")


def _data(text: str) -> Any:
    found = read(text, "")
    if found.problems:
        raise InvalidInput.of(found.problems)
    return found.root.data if found.root is not None else {}


def _wanted(data: Any, path: tuple[str, ...], items: list[Any]) -> Any:
    if not path:
        return [*(data or []), *items]
    head, *rest = path
    within = data if isinstance(data, dict) else {}
    return {**within, head: _wanted(within.get(head), tuple(rest), items)}


def _forms(text: str, path: tuple[str, ...], items: Sequence[str]) -> list[str]:
    """Ways to write it, of which one that reads back right is taken."""
    newline = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, yaml.SafeLoader)
    depth, node, column = 0, root, 0
    while depth < len(path) and (found := _value(node, path[depth])) is not None:
        column, node, depth = found[0].start_mark.column, found[1], depth + 1
    if depth == len(path):
        return _in_list(text, node, items, newline)
    lines = _new(path[depth:], items)
    ended = text if not text or text.endswith("\n") else text + newline
    if depth == 0 or node is None:
        gap = newline if ended.strip() else ""
        return [ended + gap + newline.join(lines) + newline]
    if _is_flow(node):
        inner = f"{path[depth]}: [{', '.join(items)}]"
        return [_inserted(text, node.end_mark.index - 1, inner, bool(node.value))]
    if isinstance(node, yaml.MappingNode) and node.value:
        first = node.value[0][0].start_mark
        pad = " " * first.column
        start = first.index - first.column
        return [text[:start] + newline.join(pad + line for line in lines) + newline + text[start:]]
    # A key without a value, with or without comments below it.
    end = text.find("\n", node.end_mark.index)
    at = len(ended) if end < 0 else end + 1
    pad = " " * (column + 2)
    return [ended[:at] + newline.join(pad + line for line in lines) + newline + ended[at:]]


def _in_list(text: str, node: yaml.Node | None, items: Sequence[str], newline: str) -> list[str]:
    if not isinstance(node, yaml.SequenceNode):
        return []
    if _is_flow(node):
        return [_inserted(text, node.end_mark.index - 1, ", ".join(items), bool(node.value))]
    last = node.value[-1]
    # A block value ends where the next token begins, behind blank lines and comments.
    end = last.start_mark.index + len(text[last.start_mark.index : last.end_mark.index].rstrip())
    at = text.find("\n", end)
    ended = text if at >= 0 else text + newline
    at = len(ended) if at < 0 else at + 1
    dash = " " * node.start_mark.column + "- "
    return [ended[:at] + "".join(f"{dash}{item}{newline}" for item in items) + ended[at:]]


def _new(path: Sequence[str], items: Sequence[str]) -> list[str]:
    """The lines of keys that are not there yet, and of their list."""
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(path)]
    return [*lines, *(f"{'  ' * len(path)}- {item}" for item in items)]


def _inserted(text: str, at: int, inner: str, has_others: bool) -> str:
    front = text[:at]
    comma = ", " if has_others and not front.rstrip().endswith(",") else ""
    return (front.rstrip(" ") if comma else front) + comma + inner + text[at:]


def _value(node: yaml.Node | None, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((name, value) for name, value in node.value if name.value == key), None)


def _is_flow(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)
