"""From the parser's events to data, positions and problems.

PyYAML's loaders keep the last of two equal keys, forget positions and read YAML 1.1. Here its parser only
supplies events; what they mean is decided in this file and in `yamlscalar`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.core.document import Node, Spot
from reconciler.core.errors import Problem
from reconciler.engine.yaml.scalars import Scalar, plain_scalar
from reconciler.engine.yaml.validation_errors import is_sensitive

MOST_ALIASED = 100_000
"""How many values the aliases of one file may stand for."""
MOST_NESTED = 50
"""How deep mappings and lists may nest, aliases followed."""


class _Anchored(NamedTuple):
    data: Any
    spot: Spot
    size: int
    """How many values it stands for, itself included."""
    height: int
    """How many levels of mappings and lists it has."""


class Builder:
    """Turns one stream of events into data, spots and problems."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self.anchors: dict[str, _Anchored | None] = {}
        self.scalars: dict[str, Scalar] = {}
        self.key = ""
        """The key that was read last: it decides whether a value may be repeated in a message."""
        self.count = self.aliased = self.deepest = 0
        self.next: Any = None

    def document(self, get_event: Any) -> None:
        """Build the one document of the stream. Raises yaml.YAMLError for broken syntax."""
        self.next = get_event
        self.next()
        if type(self.next()) is StreamEndEvent:
            return
        event = self.next()
        data, spot = self._node(event, None, 1, False)
        self.next()
        after = self.next()
        if type(after) is DocumentStartEvent:
            self._problem(
                after.start_mark,
                "a second document starts here",
                "one file holds one document: use two files",
            )
        if data is not None or spot.text:
            self.root = Node(data, self.file, spot)

    def _problem(self, mark: Any, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, None, message, hint))

    def _node(self, event: Any, key_mark: Any, depth: int, flow: bool) -> tuple[Any, Spot]:
        kind = type(event)
        mark = event.start_mark
        text: str | None = None
        inside: dict[str, Spot] | list[Spot] | None = None
        before, deepest = self.count, self.deepest
        refused = False
        if kind is ScalarEvent:
            data, text, refused = self._scalar(event, flow)
        elif kind is AliasEvent:
            data, text, inside, refused = self._alias(event, depth)
        else:
            self.deepest = depth
            if event.anchor is not None:
                self.anchors[event.anchor] = None
            if depth > MOST_NESTED:
                data, refused = None, True
                self._too_deep(mark)
                self._skip(event)
            elif kind is MappingStartEvent:
                data, inside = self._mapping(event, depth)
            else:
                data, inside = self._sequence(event, depth)
        self.count += 1
        key_line, key_column = (0, 0) if key_mark is None else (key_mark.line + 1, key_mark.column + 1)
        spot = Spot(mark.line + 1, mark.column + 1, key_line, key_column, text, inside, refused)
        if kind is not AliasEvent:
            if event.tag is not None:
                self._tag(event)
                spot = spot._replace(refused=True)
            if event.anchor is not None:
                height = 0 if kind is ScalarEvent else self.deepest - depth + 1
                self.anchors[event.anchor] = _Anchored(data, spot, self.count - before, height)
        self.deepest = max(self.deepest, deepest)
        return data, spot

    def _scalar(self, event: Any, flow: bool) -> tuple[Any, str | None, bool]:
        text: str = event.value
        if not event.implicit[0]:
            return text, None, self._has_nul(text, event.start_mark)
        found = self.scalars.get(text)
        if found is None:
            found = self.scalars[text] = plain_scalar(text)
        if found.trap is not None:
            hint = 'quote it, "..."' if is_sensitive(self.key) else found.hint
            self._problem(event.start_mark, f"{self._said(text)} {found.trap}", hint)
            return text, text, True
        if flow and text.count("(") != text.count(")"):
            self._problem(
                event.start_mark,
                f"{self._said(text)} has a parenthesis without its partner:"
                " inside {} and [] a comma ends a value",
                "quote the whole value, or write it on a line of its own",
            )
            return text, text, True
        return found.value, None if found.value is text else text, False

    def _has_nul(self, text: str, mark: Any) -> bool:
        if "\0" not in text:
            return False
        self._problem(
            mark, "the text holds the character NUL, which PostgreSQL cannot hold", "remove the `\\0`"
        )
        return True

    def _said(self, text: str) -> str:
        return "the value" if is_sensitive(self.key) else f"`{text}`"

    def _alias(self, event: Any, depth: int) -> tuple[Any, str | None, Any, bool]:
        name = event.anchor
        anchored = self.anchors.get(name)
        if anchored is None:
            why = "is used inside the value that it names" if name in self.anchors else "is not defined above"
            self._problem(event.start_mark, f"`*{name}` {why}", f'if this is text, quote it: "*{name}"')
            return None, None, None, True
        if self.aliased + anchored.size > MOST_ALIASED:
            if self.aliased <= MOST_ALIASED:
                self._problem(
                    event.start_mark, f"aliases stand for more than {MOST_ALIASED} values", "write it out"
                )
            self.aliased = MOST_ALIASED + 1
            return None, None, None, True
        if depth + anchored.height - 1 > MOST_NESTED:
            self._too_deep(event.start_mark)
            return None, None, None, True
        self.aliased += anchored.size
        self.count += anchored.size
        self.deepest = depth + anchored.height - 1
        return anchored.data, anchored.spot.text, anchored.spot.inside, anchored.spot.refused

    def _too_deep(self, mark: Any) -> None:
        self._problem(mark, f"more than {MOST_NESTED} levels of nesting")

    def _tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        hint = "remove it" if tag.startswith("!!") else "a value that starts with `!` needs quotes"
        self._problem(event.start_mark, f"`{tag}` is a tag; tags are not read", hint)

    def _skip(self, event: Any) -> None:
        """Pass over the rest of a mapping or list whose start has been read."""
        level = 0 if type(event) in (ScalarEvent, AliasEvent) else 1
        while level:
            kind = type(self.next())
            level += (kind in (MappingStartEvent, SequenceStartEvent)) - (
                kind in (MappingEndEvent, SequenceEndEvent)
            )

    def _sequence(self, event: Any, depth: int) -> tuple[list[Any], list[Spot]]:
        data: list[Any] = []
        spots: list[Spot] = []
        flow = bool(event.flow_style)
        while type(item := self.next()) is not SequenceEndEvent:
            value, spot = self._node(item, None, depth + 1, flow)
            data.append(value)
            spots.append(spot)
        return data, spots

    def _mapping(self, event: Any, depth: int) -> tuple[dict[str, Any], dict[str, Spot]]:
        data: dict[str, Any] = {}
        spots: dict[str, Spot] = {}
        flow = bool(event.flow_style)
        was_split = False
        while type(key_event := self.next()) is not MappingEndEvent:
            key = self._key(key_event)
            if key is not None:
                self.key = key
            mark = key_event.start_mark
            value, spot = self._node(self.next(), mark, depth + 1, flow)
            if key is None:
                continue
            if key in spots:
                first = spots[key]
                self._problem(
                    mark,
                    f"`{key}` is given twice: first at {self.file}:{first.key_line}:{first.key_column}",
                    "remove or rename one of the two",
                )
                continue
            if flow and spot.text == "":
                if not was_split:
                    self._problem(
                        mark,
                        f"`{key}` has no value: inside {{}} a comma ends a value",
                        "quote the value that holds the comma, or write it on a line of its own",
                    )
                spot = spot._replace(refused=True)
            data[key] = value
            spots[key] = spot
            was_split = spot.refused
        return data, spots

    def _key(self, event: Any) -> str | None:
        if type(event) is not ScalarEvent:
            hint = "text such as `{{ name }}` needs quotes" if type(event) is MappingStartEvent else None
            self._problem(event.start_mark, "a key must be plain text", hint)
            self._skip(event)
            return None
        if event.tag is not None:
            self._tag(event)
        key: str = event.value
        if self._has_nul(key, event.start_mark):
            return None
        if event.anchor is not None:
            mark: Any = event.start_mark
            spot = Spot(mark.line + 1, mark.column + 1, 0, 0, None, None, False)
            self.anchors[event.anchor] = _Anchored(key, spot, 1, 0)
        if event.implicit[0] and key == "<<":
            self._problem(
                event.start_mark, "`<<` (merge) is not read", "write the keys out, or quote it as a name"
            )
            return None
        if event.implicit[0] and key == "":
            self._problem(event.start_mark, "a key is missing before `:`")
            return None
        return key
