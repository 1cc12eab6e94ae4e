"""Columns as YAML says them: read and written."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from reconciler.core.fragment import (
    Document,
    Fragment,
    Option,
    options_from,
    options_to,
    without_defaults,
)
from reconciler.core.ident import in_schema, qualified
from reconciler.core.transition import RenameTransition
from reconciler.kinds.column.identity_options import IDENTITY_WORDS, SEQUENCE_NAME, written_options
from reconciler.kinds.column.state import ColumnState


class IdentityOptionsDocument(Document):
    """The name of the sequence behind an identity, and how it counts in the words of `sequences:`."""

    increment: int = 1
    min: int | None = None
    max: int | None = None
    start: int | None = None
    cache: int = Field(default=1, ge=1)
    cycle: bool = False
    name: str | None = None


def _no_phrases(value: object) -> object:
    """Refuse a list of SQL phrases with the mapping to write instead."""
    if not isinstance(value, list):
        return value
    mapping = written_options(tuple(str(phrase) for phrase in value), "")
    said = ", ".join(f"{name}: {str(each).lower()}" for name, each in mapping.items())
    raise ValueError(f"options are a mapping, not a list of SQL phrases: write `options: {{{said}}}`")


class IdentityDocument(Document):
    """`identity: {generation: always, options: {increment: 2}}`"""

    generation: Literal["always", "by default"]
    options: Annotated[IdentityOptionsDocument, BeforeValidator(_no_phrases)] = Field(
        default_factory=cache(IdentityOptionsDocument)
    )


class GeneratedDocument(Document):
    """`generated: {expression: price * quantity, stored: true}`"""

    expression: Fragment
    stored: bool = True


class ColumnTransition(RenameTransition):
    """How to get there from what was: inert once the database is there."""

    using: Fragment | None = None


class NotNullDocument(Document):
    """A NOT NULL constraint with a name or state of its own (PostgreSQL 18)."""

    name: str | None = None
    no_inherit: bool = False
    not_valid: bool = False


class ColumnDocument(Document):
    """`email: {type: text, not_null: true}`; a bare string is the type."""

    type: Fragment
    not_null: bool | NotNullDocument = False
    collation: str | None = None
    identity: Literal["always", "by default"] | IdentityDocument | None = None
    generated: GeneratedDocument | None = None
    storage: Literal["plain", "external", "extended", "main"] | None = None
    compression: Literal["pglz", "lz4"] | None = None
    statistics: int | None = None
    options: dict[str, Option] = Field(default_factory=dict)
    inherited: bool = False
    transition: ColumnTransition = Field(default_factory=cache(ColumnTransition))


def _phrases(options: IdentityOptionsDocument, schema: str) -> tuple[str, ...]:
    """The options as SQL phrases, in the order in which they are read; the usual ones are left out."""
    usual = IdentityOptionsDocument()
    name = options.name
    phrases = [SEQUENCE_NAME + qualified(*in_schema(name, schema))] if name is not None else []
    for words, field in IDENTITY_WORDS.items():
        if (value := getattr(options, field)) != getattr(usual, field):
            phrases.append(words if value is True else f"{words} {value}")
    return tuple(phrases)


def in_full(value: object) -> object:
    """A bare string is the type."""
    return {"type": value} if isinstance(value, str) else value


def declared_state(document: ColumnDocument, schema: str, position: int) -> ColumnState:
    """The state that a document declares in a table of that schema, at that place among its siblings."""
    not_null = document.not_null
    named = not_null if isinstance(not_null, NotNullDocument) else None
    flags = (("no inherit", named.no_inherit), ("not valid", named.not_valid)) if named else ()
    identity = document.identity
    generated = document.generated
    return ColumnState(
        type=document.type,
        not_null=bool(not_null),
        not_null_name=named.name if named else None,
        not_null_flags=tuple(flag for flag, is_said in flags if is_said),
        collation=document.collation,
        identity=identity.generation if isinstance(identity, IdentityDocument) else identity,
        identity_options=_phrases(identity.options, schema) if isinstance(identity, IdentityDocument) else (),
        generated=("stored" if generated.stored else "virtual") if generated else None,
        expression=generated.expression if generated else None,
        storage=document.storage,
        compression=document.compression,
        statistics=document.statistics,
        options=options_from(document.options),
        inherited=document.inherited,
        position=position,
        using=document.transition.using,
    )


def written(state: ColumnState, schema: str) -> Any:
    """The document that declares the state in a table of that schema; the bare type where it says it all."""
    data = without_defaults(
        {
            "type": state.type,
            "not_null": _written_not_null(state),
            "collation": state.collation,
            "identity": _written_identity(state, schema),
            "generated": _written_generated(state),
            "storage": state.storage,
            "compression": state.compression,
            "statistics": state.statistics,
            "options": options_to(state.options),
            "inherited": state.inherited,
        }
    )
    return state.type if list(data) == ["type"] else data


def _written_not_null(state: ColumnState) -> Any:
    if not state.not_null_name and not state.not_null_flags:
        return state.not_null
    flags = {flag.replace(" ", "_"): True for flag in state.not_null_flags}
    return without_defaults({"name": state.not_null_name, **flags})


def _written_identity(state: ColumnState, schema: str) -> Any:
    if not state.identity_options:
        return state.identity
    return {"generation": state.identity, "options": written_options(state.identity_options, schema)}


def _written_generated(state: ColumnState) -> Any:
    if not state.generated:
        return None
    return {"expression": state.expression, **({"stored": False} if state.generated == "virtual" else {})}
