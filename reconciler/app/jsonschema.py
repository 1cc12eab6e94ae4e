"""One JSON Schema for schema files, made of the kinds' documents: completion and errors in an editor."""

from __future__ import annotations

from typing import Any

from reconciler.app.discovery import registry
from reconciler.core.kind import Kind
from reconciler.engine.load import HOME

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of one file. Each kind is a definition; sections that nest under it are properties."""
    definitions: dict[str, Any] = {}
    for kind in registry():
        definitions |= _definitions(kind)
    home = {"type": "string", "default": "public", "description": "The namespace of unqualified names."}
    sections = {section: _section(kind) for section, kind in sorted(registry().top.items())}
    return {
        "$schema": DIALECT,
        "title": "reconcile: a file of the declared PostgreSQL schema",
        "type": "object",
        "additionalProperties": False,
        "properties": {HOME: home, **sections},
        "$defs": dict(sorted(definitions.items())),
    }


def _section(kind: Kind[Any]) -> dict[str, Any]:
    """What stands under a section's key."""
    reference = {"anyOf": [{"$ref": f"#/$defs/{kind.name}"}, {"type": "null"}]}
    if kind.singleton:
        return reference
    said = {"description": _first_line(kind)} if kind.__doc__ else {}
    return {**said, "type": ["object", "null"], "additionalProperties": reference}


def _definitions(kind: Kind[Any]) -> dict[str, Any]:
    """A kind's document, with the definitions that it refers to under names of their own."""
    from pydantic import TypeAdapter

    made = TypeAdapter(kind.document).json_schema(ref_template=f"#/$defs/{kind.name}.{{model}}")
    inner = {f"{kind.name}.{name}": value for name, value in made.pop("$defs", {}).items()}
    definitions = {kind.name: made, **inner}
    nested = {section: _section(child) for section, child in registry().under(kind.name).items()}
    if nested:
        _open(made, definitions, nested)
    return definitions


def _open(document: dict[str, Any], definitions: dict[str, Any], nested: dict[str, Any]) -> None:
    """Let every form of a document that is a mapping hold the nested sections too."""
    forms = [document, *document.get("anyOf", ()), *document.get("oneOf", ())]
    opened = False
    for form in forms:
        target = definitions.get(form["$ref"].removeprefix("#/$defs/"), form) if "$ref" in form else form
        if target.get("type") == "object" and "properties" in target:
            target["properties"] = {**nested, **target["properties"]}
            opened = True
    if not opened:
        document.setdefault("anyOf", [{key: document.pop(key) for key in tuple(document)}])
        document["anyOf"].append({"type": "object", "additionalProperties": False, "properties": nested})


def _first_line(kind: Kind[Any]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
