"""docs/kinds.md, generated from the kinds: `python -m reconciler.app.reference.kind_table > docs/kinds.md`.

Every kind with its place in the YAML, its keys, and how each of its attributes can be changed: a new kind, or
a change of what one can do, is seen in review.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.app.kind_discovery import registry
from reconciler.core.kind import Ignored, InPlace, Kind, Recreate
from reconciler.engine.registry import ANYWHERE

COMMAND = "python -m reconciler.app.reference.kind_table > docs/kinds.md"
_HEAD = f"""<!-- Made by `{COMMAND}`. -->
# Kinds

Every kind of object that a schema file can declare. The words are PostgreSQL's, and what is left out has its
default. An attribute is changed *in place* by ALTER or CREATE OR REPLACE; otherwise the object is dropped and
made again, with everything that depends on it, and the plan says why. How sections nest, and what else a file
may hold, is in [format.md](format.md). `reconcile schema json-schema` tells an editor the same. The kinds
stand in the order in which objects that do not need one another are made.
"""
_WORDS = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}


def document() -> str:
    """The content of docs/kinds.md."""
    kinds = list(registry())
    lines = [_HEAD, "| kind | key | stands under | what it is |", "|---|---|---|---|"]
    lines += [_row(kind) for kind in kinds]
    for kind in kinds:
        lines += ["", f"## {_named(kind)}", "", *_about(kind)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip("\n") + "\n"


def _row(kind: Kind[Any]) -> str:
    name = _named(kind)
    return f"| [{name}](#{name.replace(' ', '-')}) | `{kind.section}` | {_home(kind)} | {_first_line(kind)} |"


def _named(kind: Kind[Any]) -> str:
    return kind.name.replace("_", " ")


def _home(kind: Kind[Any]) -> str:
    if not kind.parents:
        return "the top of a file"
    if ANYWHERE in kind.parents:
        return "anything"
    return ", ".join(parent.replace("_", " ") for parent in kind.parents)


def _first_line(kind: Kind[Any]) -> str:
    """The first sentences of the kind's docstring, up to a blank line, on one line."""
    text = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    return text.replace("|", "\\|")


def _about(kind: Kind[Any]) -> Iterator[str]:
    from pydantic import TypeAdapter

    schema = TypeAdapter(kind.document).json_schema()
    definitions = schema.get("$defs", {})
    shown = _resolved(schema, definitions)
    yield f"`{kind.section}:`, under {_home(kind)}. {_first_line(kind)}"
    if kind.nested_section:
        yield f"Objects of this kind nest in one another under `{kind.nested_section}:`."
    if example := shown.get("description"):
        yield f"\nExample: {' '.join(example.split())}"
    if kind.managed_with_ownership:
        yield "\nOnly what is declared is looked at; with `--ownership` all of them are."
    if kind.is_shared:
        yield "\nAll databases of a server share it."
    yield ""
    yield from _keys(kind, shown, definitions)
    yield from _changes(kind)


def _keys(kind: Kind[Any], shown: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    nested = [] if kind.is_facet else sorted(registry().under(kind.name))
    properties = shown.get("properties", {})
    if properties:
        yield "| key | value | default |"
        yield "|---|---|---|"
        required = shown.get("required", ())
        # What must be said comes first, how to get there last.
        order = sorted(properties, key=lambda key: (key not in required, key == "transition"))
        for key, value in ((key, properties[key]) for key in order):
            default = "needed" if key in required else _default(value)
            yield f"| `{key}` | {_value(value, definitions)} | {default} |"
        yield ""
    elif shown.get("type") != "object":
        yield f"Value: {_value(shown, definitions)}.\n"
    if nested and shown.get("type") == "object":
        yield f"Under it: {', '.join(f'`{section}`' for section in nested)}.\n"


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference stands for; of several forms, the one with the most to say."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    forms = [_resolved(form, definitions) for form in schema.get("anyOf", ())]
    return next((form for form in forms if "properties" in form), schema)


def _value(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        forms = [_value(form, definitions) for form in schema["anyOf"] if form.get("type") != "null"]
        return ", or ".join(dict.fromkeys(forms))
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_value(schema.get('items', {}), definitions)}"
    if "properties" in schema:
        return f"mapping of {', '.join(f'`{key}`' for key in schema['properties'])}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"mapping from names to {_value(inner if isinstance(inner, dict) else {}, definitions)}"
    return _WORDS.get(schema.get("type", ""), "anything")


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if default is None or default is False or default in ("", [], {}) or isinstance(default, dict):
        return ""
    return f"`{'true' if default is True else default}`"


def _changes(kind: Kind[Any]) -> Iterator[str]:
    in_place = [_attribute(name, rule) for name, rule in kind.rules.items() if isinstance(rule, InPlace)]
    if in_place:
        yield f"Changed in place: {', '.join(in_place)}.\n"
    reasons: dict[str, list[str]] = {}
    for name, rule in kind.rules.items():
        if isinstance(rule, Recreate):
            reasons.setdefault(f"dropped and made again: {rule.why}", []).append(_attribute(name, rule))
        elif isinstance(rule, Ignored):
            reasons.setdefault(f"no statement of its own: {rule.why}", []).append(_attribute(name, rule))
    for reason, names in reasons.items():
        yield f"- {', '.join(names)}: {reason}"


def _attribute(name: str, rule: object) -> str:
    limited = isinstance(rule, InPlace) and rule.unless is not None
    return f"{name.replace('_', ' ')}{' (where it can be)' if limited else ''}"


if __name__ == "__main__":
    print(document(), end="")
