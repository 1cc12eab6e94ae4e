"""What is true for every kind, present and future, and needs no server."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.app import json_schema, registry
from reconciler.core.kind import Ignored, InPlace, Kind, Recreate
from reconciler.engine.declaration.written import HOME
from reconciler.engine.registry import ANYWHERE
from tests.laws.json_schema import KNOWN, faults, keywords

MAJORS = (14, 15, 16, 17, 18)
KINDS = tuple(registry())
NAMES = frozenset(kind.name for kind in KINDS)

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def _fields(kind: Kind[Any]) -> dict[str, dataclasses.Field[Any]]:
    return {field.name: field for field in dataclasses.fields(kind.state)}


@every_kind
def test_each_field_has_exactly_one_rule(kind: Kind[Any]) -> None:
    assert set(kind.rules) == set(_fields(kind))
    assert all(isinstance(rule, InPlace | Recreate | Ignored) for rule in kind.rules.values())


@every_kind
def test_a_field_that_is_compared_is_never_ignored(kind: Kind[Any]) -> None:
    for name, field in _fields(kind).items():
        assert field.compare is not isinstance(kind.rules[name], Ignored), name


@every_kind
def test_a_reason_is_given_where_nothing_is_altered(kind: Kind[Any]) -> None:
    for name, rule in kind.rules.items():
        if isinstance(rule, Recreate | Ignored):
            assert len(rule.why.split()) > 1, name
            assert not rule.why.endswith("."), name


@every_kind
def test_digests_in_saved_plans_stay(kind: Kind[Any]) -> None:
    """A field that a state gets later is marked as such (core/catalog.py, ADDED): only then do
    objects that say nothing about it keep their digests, and saved plans stay applicable."""
    known = json.loads((Path(__file__).parent / "digested_fields.json").read_text())
    unmarked = [
        name for name, field in _fields(kind).items() if field.compare and not field.metadata.get("added")
    ]
    assert unmarked == known.get(kind.name, unmarked)


@every_kind
def test_a_state_is_a_frozen_value(kind: Kind[Any]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        object.__new__(kind.state).anything = None
    assert "__eq__" in vars(kind.state)
    assert "__slots__" in vars(kind.state)
    for name, field in _fields(kind).items():
        assert not str(field.type).startswith(("list", "dict", "set")), name


@every_kind
def test_references_to_kinds_are_to_kinds(kind: Kind[Any]) -> None:
    assert set(kind.parents) - {ANYWHERE} <= NAMES
    assert set(kind.folds_into) <= set(kind.parents)
    assert kind.ignores <= NAMES
    assert 0 <= kind.rank <= 100


@every_kind
def test_a_kind_that_folds_is_made_after_what_it_folds_into(kind: Kind[Any]) -> None:
    for outer in kind.folds_into:
        assert registry()[outer].rank <= kind.rank


@every_kind
def test_a_query_reads_every_field_in_every_major(kind: Kind[Any]) -> None:
    for major in MAJORS:
        text = kind.query(major)
        assert text.strip().upper().startswith(("SELECT", "WITH"))
        assert "ORDER BY" in text.upper(), major


@every_kind
def test_a_document_is_strict_and_has_a_schema(kind: Kind[Any]) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind.document)
    described = adapter.json_schema()
    assert described
    for model in [described, *described.get("$defs", {}).values()]:
        if model.get("type") == "object" and "properties" in model:
            assert model.get("additionalProperties") is False, model.get("title")


@every_kind
def test_a_kind_is_described(kind: Kind[Any]) -> None:
    assert kind.__doc__
    assert kind.__doc__.strip().splitlines()[0].endswith("."), "the first line stands in the JSON Schema"
    assert kind.state.__doc__
    assert not kind.state.__doc__.startswith(f"{kind.state.__name__}("), (
        "the dataclass has a docstring of its own"
    )
    module = inspect.getmodule(type(kind))
    assert module is not None
    assert module.__doc__


def test_a_section_is_one_kind_under_each_parent() -> None:
    top = Counter(kind.section for kind in KINDS if not kind.parents)
    assert not [section for section, count in top.items() if count > 1]
    assert HOME not in top
    for parent in NAMES:
        under = Counter(kind.section for kind in KINDS if {parent, ANYWHERE} & set(kind.parents))
        under.update([section] if (section := registry()[parent].nested_section) else [])
        assert not [section for section, count in under.items() if count > 1], parent


@every_kind
def test_a_section_does_not_hide_a_field_of_what_it_nests_in(kind: Kind[Any]) -> None:
    properties = set(_properties(kind))
    nested = set(registry().under(kind.name))
    # A document may read a nested section too (`default` on a domain), but then nothing nests there.
    assert not properties & nested


def test_a_kind_is_called_as_its_file() -> None:
    for kind in KINDS:
        module = type(kind).__module__.removeprefix("reconciler.kinds.")
        assert module.partition(".")[0] == kind.name


def test_the_json_schema_says_only_what_editors_know() -> None:
    schema = json_schema()
    assert not set(keywords(schema)) - KNOWN
    assert not list(
        faults({"schema": "app", "tables": {"users": {"columns": {"id": "bigint"}}}}, schema, schema)
    )
    assert list(faults({"tables": {"users": {"colums": {}}}}, schema, schema))
    assert list(faults({"tabels": {}}, schema, schema))


def test_the_json_schema_refers_to_what_it_defines() -> None:
    schema = json_schema()
    missing = {ref for ref in _references(schema) if ref.removeprefix("#/$defs/") not in schema["$defs"]}
    assert not missing


def _references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def _properties(kind: Kind[Any]) -> set[str]:
    """The keys that the document itself reads, in any of its forms."""
    schema = TypeAdapter(kind.document).json_schema()
    forms = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    found: set[str] = set()
    for form in forms:
        target = schema["$defs"][form["$ref"].removeprefix("#/$defs/")] if "$ref" in form else form
        found |= set(target.get("properties", ()))
    return found


def test_a_file_of_kinds_is_found_by_looking() -> None:
    import reconciler.kinds

    folder = Path(reconciler.kinds.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert modules - {"__init__"} == {type(kind).__module__.split(".")[2] for kind in KINDS}


def test_a_query_stands_in_the_file_of_its_kind() -> None:
    """Only kinds and the parts that kinds share say what the catalogs are called; the engine asks kinds."""
    import reconciler.kinds

    folder = Path(reconciler.kinds.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "execute":
                pytest.fail(f"{path.name}:{node.lineno} executes: kinds say what to ask, the engine asks")
