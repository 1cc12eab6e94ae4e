"""Documents that do not validate: what pydantic found, in plain words, with the place and the way out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.errors import Problem

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from reconciler.core.document import Node, Path

_SENSITIVE = re.compile(r"pass|secret|token|credential|conninfo|connection|url", re.I)
_PRIVATE_SECTION = "rows"
_MOST_NAMES = 12
"""Names that a message lists."""


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that was probably meant, or None where nothing is close."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(candidates)}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def known_names(word: str, known: Iterable[str]) -> str:
    """The names that could stand there: all where they are few, else those that are most like the word."""
    names = sorted(known)
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)

    def likeness(name: str) -> float:
        return difflib.SequenceMatcher(None, word.lower(), name.lower()).ratio()

    by_likeness = sorted(names, key=likeness, reverse=True)
    return f"{', '.join(by_likeness[:_MOST_NAMES])} … and {len(names) - _MOST_NAMES} more"


def is_sensitive(key: str) -> bool:
    """Whether a value under this key may be a secret and must not be repeated in a message."""
    return _SENSITIVE.search(key) is not None


_EXPECTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "none_required": "nothing",
}


class _Fault:
    """One of pydantic's errors, its `loc` split into a path in the data and the tags of unions."""

    def __init__(self, details: Mapping[str, Any], node: Node, base_path: Path) -> None:
        self.details = details
        self.kind: str = details["type"]
        self.loc: tuple[str | int, ...] = tuple(details["loc"])
        self.at_key = bool(self.loc) and self.loc[-1] == "[key]"
        if self.at_key:
            self.loc = self.loc[:-1]
        self.path: Path = base_path
        self.tags: list[tuple[Path, str]] = []
        inner = node.at(*base_path)
        parts = self.loc[:-1] if self.kind == "missing" else self.loc
        for part in parts:
            deeper = None if inner is None else inner.at(part)
            if deeper is None:
                self.tags.append((self.path, str(part)))
            else:
                inner, self.path = deeper, (*self.path, part)

    @property
    def expected(self) -> str | None:
        return _EXPECTED.get(self.kind)


class Sectioned(NamedTuple):
    """A model with the sections that may stand beside its fields in the file."""

    model: Any
    sections: Iterable[str]


def problems_of(
    error: ValidationError, base_path: Path, node: Node, model: Any = None, object_name: str | None = None
) -> tuple[Problem, ...]:
    """Every fault that pydantic found, where it stands in the file and in plain words.

    `base_path` leads from `node` to the value that was validated. `model` is the type it was validated
    against, perhaps with sections beside it: with it, unknown keys are compared with those that exist. Values
    that the reader has already complained about are left out.
    """
    raw = error.errors(include_url=False, include_input=False)
    faults = [_Fault(details, node, base_path) for details in raw]
    problems = []
    for settled, expected in _settle(faults, 0):
        spot = node.nearest(settled.path)
        if spot.refused:
            continue
        message, hint = _worded(settled, expected, node, model)
        at_key = settled.at_key or settled.kind in ("extra_forbidden", "missing")
        line, column = (
            (spot.key_line, spot.key_column) if at_key and spot.key_line else (spot.line, spot.column)
        )
        problems.append(Problem(node.file, line, column, object_name, message, hint))
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.place))


def _settle(faults: Sequence[_Fault], level: int) -> Iterator[tuple[_Fault, str | None]]:
    """Of a union's branches keep the one that was meant: pydantic reports what each of them holds against the
    value. Where none fits, one fault stands for all, with what any of them would have expected."""
    groups: dict[Path, dict[str, list[_Fault]]] = {}
    for fault in faults:
        if len(fault.tags) <= level:
            yield fault, fault.expected
        else:
            path, tag = fault.tags[level]
            groups.setdefault(path, {}).setdefault(tag, []).append(fault)
    for path, branches in groups.items():
        meant = [
            found for found in branches.values() if not all(f.expected and f.path == path for f in found)
        ]
        if meant:
            yield from _settle(min(meant, key=len), level + 1)
        else:
            every = [fault for found in branches.values() for fault in found]
            yield every[0], " or ".join(dict.fromkeys(fault.expected or "" for fault in every))


def _worded(fault: _Fault, expected: str | None, node: Node, model: Any) -> tuple[str, str | None]:
    context = fault.details.get("ctx", {})
    if fault.kind == "extra_forbidden":
        key, known = str(fault.loc[-1]), sorted(_known_keys(model, fault.loc[:-1]))
        guess = did_you_mean(key, known)
        others = f"known here: {known_names(key, known)}" if known else None
        hint = f"did you mean `{guess}`?" if guess else others
        return f"unknown key `{key}`", hint
    if fault.kind == "missing":
        return f"`{fault.loc[-1]}` is missing", None
    if expected is not None:
        said = _said(fault.path, node)
        text = node.text(fault.path)
        quote = (
            "a string" in expected and text and not isinstance(node.nearest(fault.path).inside, dict | list)
        )
        return f"said {said}, expected {expected}", f"quote it: {_shown(fault.path, text)}" if quote else None
    if fault.kind in ("literal_error", "enum", "union_tag_invalid"):
        choices = str(context.get("expected") or context.get("expected_tags"))
        text = node.text(fault.path)
        guess = did_you_mean(text, re.findall(r"'([^']*)'", choices)) if text else None
        said = _said(fault.path, node)
        return f"said {said}, expected {choices}", f"did you mean `{guess}`?" if guess else None
    message = str(fault.details["msg"])
    if "error" in context:
        return str(context["error"]), None
    message = message.removeprefix("Input should ").removeprefix("Value ")
    return f"the value should {message}" if message != fault.details["msg"] else message, None


def _is_private(path: Path) -> bool:
    return _PRIVATE_SECTION in path or any(isinstance(part, str) and is_sensitive(part) for part in path)


def _said(path: Path, node: Node) -> str:
    found = node.at(*path)
    data = None if found is None else found.data
    if isinstance(data, dict):
        return "a mapping"
    if isinstance(data, list):
        return "a list"
    if data is None:
        return "nothing"
    if _is_private(path):
        return {str: "a string", bool: "true or false"}.get(type(data), "a number")
    text = node.text(path) or ""
    return f"`{text}`" if len(text) <= 40 and "\n" not in text else "a long string"


def _shown(path: Path, text: str | None) -> str:
    return '"..."' if _is_private(path) else f'"{text}"'


def _known_keys(annotation: Any, loc: Sequence[str | int]) -> set[str]:
    if isinstance(annotation, Sectioned):
        beside = annotation.sections if not loc else ()
        return _known_keys(annotation.model, loc) | set(beside)
    return {
        field.alias or name
        for found in _models_at(annotation, tuple(loc))
        for name, field in found.model_fields.items()
    }


def _models_at(annotation: Any, loc: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """The models that a validation error's `loc` leads to, through fields, items and the tags of unions."""
    import types
    from typing import Annotated, Union, get_args, get_origin

    from pydantic import BaseModel

    annotation = getattr(annotation, "__value__", annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _models_at(arguments[0], loc)
    if origin in (Union, types.UnionType):
        tagged = [argument for argument in arguments if loc and getattr(argument, "__name__", None) == loc[0]]
        return [found for argument in tagged or arguments for found in _models_at(argument, loc)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return [annotation]
        for name, field in annotation.model_fields.items():
            if loc[0] in (name, field.alias):
                return _models_at(field.annotation, loc[1:])
        return _models_at(annotation, loc[1:])
    if arguments and loc:
        inner = arguments[-1] if isinstance(origin, type) and issubclass(origin, Mapping) else arguments[0]
        return _models_at(inner, loc[1:])
    return []
