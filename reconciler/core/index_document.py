"""The part of a document that every index has, whether CREATE INDEX or a constraint made it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reconciler.core.constraint import bare_names
from reconciler.core.fragment import (
    Document,
    Names,
    Option,
    as_given,
    options_from,
    options_in_order,
    options_to,
)
from reconciler.core.index_attributes import statistics_from, statistics_to
from reconciler.core.transition import RenameTransition, no_transition


class IndexedDocument(Document):
    """Attributes of an index whose columns have plain names."""

    include: Names = ()
    options: dict[str, Option] = Field(default_factory=dict)
    tablespace: str | None = None
    clustered: bool = False
    replica_identity: bool = False
    only: bool = False
    transition: RenameTransition = Field(default_factory=no_transition)


class ExpressionIndexedDocument(IndexedDocument):
    """Attributes of an index that can have expressions, for which statistics are kept."""

    statistics: dict[str, int] = Field(default_factory=dict)


def attributes_from(document: IndexedDocument) -> dict[str, Any]:
    """The fields of a state that the document says. Raises ValueError for wrong keys of `statistics`."""
    fields: dict[str, Any] = {
        "include": bare_names(document.include),
        "options": options_from(document.options),
        "options_order": options_in_order(document.options),
        "tablespace": document.tablespace,
        "clustered": document.clustered,
        "replica_identity": document.replica_identity,
        "only": document.only,
    }
    if isinstance(document, ExpressionIndexedDocument):
        fields["statistics"] = statistics_from(document.statistics)
    return fields


def attributes_to(state: Any) -> dict[str, Any]:
    """The inverse of `attributes_from`, without `include`, which stands beside the columns."""
    return {
        "options": options_to(as_given(state)),
        "tablespace": state.tablespace,
        "statistics": statistics_to(getattr(state, "statistics", ())),
        "clustered": state.clustered,
        "replica_identity": state.replica_identity,
        "only": state.only,
    }
