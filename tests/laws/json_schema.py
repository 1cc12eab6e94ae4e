"""As much of JSON Schema 2020-12 as the schema for editors uses; an unknown keyword is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default", "examples"}
KNOWN = _SAYS_NOTHING | {
    "$ref", "anyOf", "oneOf", "allOf", "type", "enum", "const", "properties", "required",
    "additionalProperties", "propertyNames", "items", "prefixItems", "minItems", "maxItems", "minLength",
    "maxLength", "minimum", "maximum", "exclusiveMinimum", "pattern", "format",
}  # fmt: skip
"""The keywords that a schema may use."""

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def keywords(schema: Any) -> Iterator[str]:
    """Every keyword in a schema, at any depth."""
    if isinstance(schema, list):
        for item in schema:
            yield from keywords(item)
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        yield key
        if key in ("properties", "$defs"):
            for inner in value.values():
                yield from keywords(inner)
        elif key not in ("default", "examples", "enum", "const", "required"):
            yield from keywords(value)


def faults(value: Any, schema: Any, root: Any, at: str = "") -> Iterator[str]:
    """What is wrong with a value, each with its place; nothing where it is valid."""
    if isinstance(schema, bool):
        if not schema:
            yield f"{at}: not allowed"
        return
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found = [list(faults(value, form, root, at)) for form in schema[word]]
            if not any(not form for form in found):
                yield f"{at}: none of {len(found)} forms: {min(found, key=len)[0]}"
    for form in schema.get("allOf", ()):
        yield from faults(value, form, root, at)
    yield from _plain(value, schema, at)
    if isinstance(value, dict):
        yield from _mapping(value, schema, root, at)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from faults(item, schema.get("items", True), root, f"{at}[{number}]")


def _plain(value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    allowed = schema.get("type", list(_TYPES))
    names = [allowed] if isinstance(allowed, str) else allowed
    classes = tuple(each for name in names for each in _TYPES[name])
    if not isinstance(value, classes) or (isinstance(value, bool) and "boolean" not in names):
        yield f"{at}: {value!r} is not {' or '.join(names)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "minimum" in schema and isinstance(value, int | float) and value < schema["minimum"]:
        yield f"{at}: {value!r} is too small"


def _mapping(value: dict[str, Any], schema: dict[str, Any], root: Any, at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: {name} is missing"
    for key, inner in value.items():
        yield from faults(
            inner, known.get(key, schema.get("additionalProperties", True)), root, f"{at}.{key}"
        )
