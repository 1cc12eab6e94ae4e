"""What functions, procedures and aggregates have in common: signatures, bodies, settings.

The last part of a routine's path is SQL that follows the schema in ALTER, DROP, COMMENT and GRANT:
`add(integer, integer)`. Its types, as format_type writes them, are what PostgreSQL tells routines apart by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import Any

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names, Option, options_to
from reconciler.core.ident import dollar_quoted, in_schema, literal, quote
from reconciler.core.kind import Nest
from reconciler.core.setting import setting_sql
from reconciler.core.viewtext import closed

_NAME = re.compile(r'(?:"(?:[^"]|"")*"|[^"(])+')
_EMPTY = '""'
"""An empty value as pg_proc.proconfig holds it."""
_PLAIN_PART = re.compile(r'[^\s."()](?:[^."()]*[^\s."()])?\Z')


@dataclass(frozen=True, slots=True)
class RoutineState:
    """What a function and a procedure have in common."""

    arguments: str = ""
    """As pg_get_function_arguments writes them: `a integer, b integer DEFAULT 0`."""
    language: str = "sql"
    body: str | None = None
    """The source text exactly as the catalog holds it; for `internal` the name of the C function."""
    sql_body: str | None = None
    """`BEGIN ATOMIC ... END` or `RETURN ...`; names in it are resolved when the routine is made."""
    object_file: str | None = None
    """The library of a C function."""
    link_symbol: str | None = None
    security_definer: bool = False
    settings: tuple[str, ...] = ()
    """`name=value` as pg_proc.proconfig has them, in its order."""
    transforms: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = field(default=None, compare=False)
    """`mode name` of each input parameter (i, b or v); None where the catalogs were not asked."""
    outputs: tuple[str, ...] | None = field(default=None, compare=False)
    """`mode name type` of each output parameter or result column (o, b or t)."""
    defaults: int = field(default=0, compare=False)
    """How many parameters have a default."""


class RoutineDocument(Document):
    """The part that functions and procedures share; the parameters' types stand in the key."""

    arguments: str | None = None
    language: str | None = None
    body: str | None = None
    body_file: str | None = None
    sql_body: str | None = None
    object_file: str | None = None
    link_symbol: str | None = None
    security_definer: bool = False
    set: dict[str, Option] = Field(default_factory=dict)
    transforms: Names = ()


def signature(key: str, schema: str, arguments: str | None = None) -> tuple[str, str, str]:
    """(schema, last path part, text between the parentheses) of a YAML key such as `app.add(integer)`.

    A key without parentheses takes them from `arguments`. Raises ValueError for what is no signature.
    """
    match = _NAME.match(key)
    if match is None:
        raise ValueError(f"{key!r} is not a name with the types of the parameters, such as add(integer)")
    rest = key[match.end() :].strip()
    if rest and not rest.endswith(")"):
        raise ValueError(f"{key!r} does not end with the closing parenthesis of its parameters")
    namespace, name = in_schema(match.group().strip(), schema)
    inside = rest[1:-1].strip() if rest else (arguments or "").strip()
    return namespace, f"{quote(name)}({inside})", inside


def split_path(path: tuple[str, ...]) -> tuple[str, str]:
    """(name as SQL, text between the parentheses) of a routine's path."""
    match = _NAME.match(path[1])
    if match is None:
        raise ValueError(f"{path[1]!r} is not a routine's signature")
    return match.group(), path[1][match.end() + 1 : -1]


def written_key(path: tuple[str, ...], home: str) -> str:
    """The inverse of `signature`: the YAML key in a file whose namespace is `home`."""
    name, inside = split_path(path)
    bare = name[1:-1].replace('""', '"') if name.startswith('"') else name
    return f"{written_name(path[0], bare, home)}({inside})"


def written_name(schema: str, name: str, home: str) -> str:
    """A routine's name before its parentheses, as a file whose namespace is `home` writes it."""
    own = _written_part(name)
    return own if schema == home else f"{_written_part(schema)}.{own}"


def _written_part(name: str) -> str:
    return name if _PLAIN_PART.match(name) else '"' + name.replace('"', '""') + '"'


def target(entry: Entry) -> str:
    """The routine as DROP and ALTER name it: `app.add(integer, integer)`."""
    return f"{quote(entry.id.path[0])}.{entry.id.path[1]}"


def definition_name(entry: Entry) -> str:
    """The routine as CREATE names it, with the parameters' names, modes and defaults."""
    return f"{quote(entry.id.path[0])}.{split_path(entry.id.path)[0]}({entry.state.arguments})"


def common_fields(document: RoutineDocument, inside: str, nest: Nest) -> dict[str, Any]:
    """The fields of RoutineState that a document says. Raises ValueError where it contradicts itself."""
    body = _body(document, nest)
    said = [word for word, value in (("body", body), ("sql_body", document.sql_body)) if value is not None]
    if document.object_file is not None:
        said.append("object_file")
    if len(said) != 1:
        found = f"found {' and '.join(said)}" if said else "found none"
        raise ValueError(f"a routine has one of body, body_file, sql_body and object_file; {found}")
    if document.language is None and document.sql_body is None:
        raise ValueError("say the language, such as `language: plpgsql`")
    settings = tuple(f"{name}={value if value else _EMPTY}" for name, value in document.set.items())
    return {
        "arguments": inside if document.arguments is None else document.arguments.strip(),
        "language": document.language or "sql",
        "body": body,
        "sql_body": None if document.sql_body is None else document.sql_body.strip(),
        "object_file": document.object_file,
        "link_symbol": document.link_symbol,
        "security_definer": document.security_definer,
        "settings": settings,
        "transforms": tuple(document.transforms),
    }


def _body(document: RoutineDocument, nest: Nest) -> str | None:
    if document.body_file is None:
        return document.body
    if document.body is not None:
        raise ValueError("body and body_file exclude one another")
    folder = Path(nest.folder or ".").resolve()
    path = (folder / document.body_file).resolve()
    if not path.is_relative_to(folder):
        raise ValueError(f"body_file {document.body_file!r} lies outside the folder of the YAML file")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"body_file {document.body_file!r} is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"body_file {document.body_file!r} cannot be read: {error.strerror}") from None


def body_data(state: RoutineState) -> dict[str, Any]:
    """The YAML keys that hold the source; an empty body is a body."""
    source = {"body": state.body, "sql_body": block(state.sql_body), "object_file": state.object_file}
    return {key: value for key, value in source.items() if value is not None}


def settings_data(state: RoutineState) -> dict[str, Any]:
    """The inverse of how `set` is read: an empty list of names is an empty string."""
    return {name: "" if value == _EMPTY else value for name, value in options_to(state.settings).items()}


def block(text: str | None) -> str | None:
    """Text of several lines with a final line break, so that YAML shows it as a block; `strip` undoes it."""
    return f"{text}\n" if text is not None and "\n" in text else text


def attributes_sql(state: RoutineState) -> Iterable[str]:
    """The clauses between LANGUAGE and the body that functions and procedures share."""
    if state.transforms:
        yield "TRANSFORM " + ", ".join(f"FOR TYPE {name}" for name in state.transforms)
    if state.security_definer:
        yield "SECURITY DEFINER"
    for setting in state.settings:
        yield "SET " + setting_sql(setting)


def body_sql(state: RoutineState) -> str:
    """The last clause of CREATE FUNCTION and CREATE PROCEDURE."""
    if state.sql_body is not None:
        return closed(state.sql_body)
    if state.object_file is not None:
        symbol = f", {literal(state.link_symbol)}" if state.link_symbol is not None else ""
        return f"AS {literal(state.object_file)}{symbol}"
    return f"AS {dollar_quoted(state.body or '')}"


def not_replaceable(old: RoutineState, new: RoutineState) -> str | None:
    """Why CREATE OR REPLACE refuses these parameters; None where it does not (manual: CREATE FUNCTION)."""
    if old.inputs is None or new.inputs is None:
        return "its parameters are not known"
    if len(old.inputs) != len(new.inputs) or old.outputs != new.outputs:
        return "output parameters cannot be altered"
    for before, after in zip(old.inputs, new.inputs, strict=True):
        old_mode, _, old_name = before.partition(" ")
        new_mode, _, new_name = after.partition(" ")
        if old_mode != new_mode:
            return "the mode of a parameter cannot be altered"
        if old_name and old_name != new_name:
            return f"the name of input parameter {old_name} cannot be altered"
    return "defaults of parameters cannot be removed" if new.defaults < old.defaults else None


def occupied(path: tuple[str, ...]) -> tuple[str, ...]:
    """The name that no two routines of any sort share: name and types, an aggregate's like a function's."""
    name, inside = split_path(path)
    types = [part.strip() for part in inside.split("ORDER BY ") if part.strip() not in ("", "*")]
    return ("routine", path[0], f"{name}({', '.join(types)})")
