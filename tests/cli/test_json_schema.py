"""The JSON Schema of schema files accepts what the reader accepts, in short forms too, and refuses slips."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.app import json_schema
from tests.cli.conftest import ROOT, SHOP

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}


@cache
def whole() -> dict[str, Any]:
    return json_schema()


def accepts(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value fits; the part of JSON Schema that ours is made of."""
    if "$ref" in schema and not accepts(whole()["$defs"][schema["$ref"].removeprefix("#/$defs/")], value):
        return False
    if "anyOf" in schema and not any(accepts(inner, value) for inner in schema["anyOf"]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    wanted = schema.get("type")
    names = wanted if isinstance(wanted, list) else [wanted] if wanted else list(TYPES)
    if not any(
        isinstance(value, TYPES[name]) and (type(value) is not bool or name == "boolean") for name in names
    ):
        return False
    if isinstance(value, list):
        return all(accepts(schema.get("items", {}), item) for item in value)
    return not isinstance(value, dict) or all(_fits(schema, key, item) for key, item in value.items())


def _fits(schema: Mapping[str, Any], key: str, value: Any) -> bool:
    known = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    if key in known:
        return accepts(known[key], value)
    return accepts(rest, value) if isinstance(rest, dict) else bool(rest)


@pytest.mark.parametrize("file", sorted((ROOT / "schema").glob("*.yaml")), ids=lambda path: path.name)
def test_the_example_fits(file: Path) -> None:
    assert accepts(whole(), yaml.safe_load(file.read_text()))


def test_short_forms_fit() -> None:
    assert accepts(whole(), yaml.safe_load(SHOP))


@pytest.mark.parametrize(
    "slip",
    [
        "nonsense: {}",
        "tables: []",
        "tables: {a: {colums: {}}}",
        "tables: {a: {columns: {b: {type: text, not_nul: true}}}}",
        "tables: {a: {columns: {b: {not_null: maybe}}}}",
        "enums: {e: 5}",
        "schema: [a]",
    ],
)
def test_slips_are_refused(slip: str) -> None:
    assert not accepts(whole(), yaml.safe_load(slip))
