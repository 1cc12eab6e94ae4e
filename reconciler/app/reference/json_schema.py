"""One JSON Schema for schema files, made of the kinds' documents: completion and errors in an editor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.core.kind import Kind
from reconciler.engine.declaration.written import HOME

if TYPE_CHECKING:
    from pydantic.json_schema import GenerateJsonSchema

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

    made = TypeAdapter(kind.document).json_schema(
        ref_template=f"#/$defs/{kind.name}.{{model}}", schema_generator=_generator()
    )
    inner = {f"{kind.name}.{name}": value for name, value in made.pop("$defs", {}).items()}
    definitions = {kind.name: made, **inner}
    nested = {section: _section(child) for section, child in registry().under(kind.name).items()}
    mappings = list(_mappings(made, definitions))
    for mapping in mappings:
        mapping["properties"] = {**nested, **mapping["properties"]}
    if nested and not mappings:
        sections = {"type": "object", "additionalProperties": False, "properties": nested}
        definitions[kind.name] = {"anyOf": [made, sections]}
    return definitions


def _mappings(form: dict[str, Any], definitions: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The forms of a document that are mappings of named keys: those that sections may stand beside."""
    if "$ref" in form:
        form = definitions[form["$ref"].removeprefix("#/$defs/")]
    if form.get("type") == "object" and "properties" in form:
        yield form
    for inner in form.get("anyOf", ()):
        yield from _mappings(inner, definitions)


def _generator() -> type[GenerateJsonSchema]:
    from pydantic.json_schema import GenerateJsonSchema

    class WithShortForms(GenerateJsonSchema):
        """Adds what a validator before the type turns into the type: a bare string, a list, a number."""

        def function_before_schema(self, schema: Any) -> dict[str, Any]:
            made = super().function_before_schema(schema)
            validate = schema["function"]["function"]
            forms = [form for sample, form in _SHORT_FORMS if _is_taken(validate, sample)]
            forms = [form for form in forms if form["type"] != made.get("type")]
            return {"anyOf": [made, *forms]} if forms else made

    return WithShortForms


_SHORT_FORMS: tuple[tuple[Any, dict[str, Any]], ...] = (
    ("x", {"type": "string"}),
    (["x"], {"type": "array", "items": {"type": "string"}}),
    (1, {"type": "number"}),
    (True, {"type": "boolean"}),
)


def _is_taken(validate: Callable[[Any], Any], sample: Any) -> bool:
    """Whether a validator makes something else of the sample: what it does not know it leaves alone."""
    try:
        made = validate(sample)
    except (ValueError, TypeError, AssertionError):
        return False
    return type(made) is not type(sample)


def _first_line(kind: Kind[Any]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
