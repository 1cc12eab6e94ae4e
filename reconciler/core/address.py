"""How SQL names an object that is known by its id: the words of COMMENT ON, ALTER and GRANT ... ON."""

from __future__ import annotations

from reconciler.core import current_database
from reconciler.core.ident import ObjectId, qualified, quote

_WORDS = {
    "base_type": "TYPE",
    "composite": "TYPE",
    "enum": "TYPE",
    "range": "TYPE",
    "check": "CONSTRAINT",
    "exclusion": "CONSTRAINT",
    "foreign_key": "CONSTRAINT",
    "primary_key": "CONSTRAINT",
    "unique": "CONSTRAINT",
}
"""Kinds that SQL calls by another word than their own."""

_ON_RELATION = frozenset(
    {"check", "exclusion", "foreign_key", "policy", "primary_key", "rule", "trigger", "unique"}
)
"""Kinds whose names are unique within a relation only: `name ON relation`."""

ROUTINES = frozenset({"aggregate", "function", "procedure"})
"""Kinds whose last path part is already SQL: `add(integer, integer)`."""


def words(kind: str) -> str:
    """The words that SQL has for a kind: `MATERIALIZED VIEW`, `CONSTRAINT`."""
    return _WORDS.get(kind, kind.replace("_", " ").upper())


def named(id: ObjectId, on_domain: bool = False) -> str:
    """The object without the words for its kind: `app.users`, `app.add(integer)`, `a_check ON app.users`."""
    if id.kind in ROUTINES or id.kind == "operator":
        return f"{quote(id.path[0])}.{id.path[1]}"
    if id.kind in ("operator_class", "operator_family"):
        return f"{qualified(*id.path[:2])} USING {quote(id.path[2])}"
    if id.kind == "cast":
        return f"({id.path[0]})"
    if id.kind == "transform":
        return f"FOR {id.path[0]}"
    if id.kind in _ON_RELATION:
        holder = qualified(*id.path[:-1])
        return f"{quote(id.path[-1])} ON {'DOMAIN ' if on_domain else ''}{holder}"
    return qualified(*id.path)


def address(id: ObjectId, on_domain: bool = False) -> str:
    """The object as COMMENT ON and ALTER name it: `TABLE app.users`, `CONSTRAINT c ON DOMAIN app.amount`."""
    return f"{words(id.kind)} {named(id, on_domain)}"


def saying(id: ObjectId, before: str, after: str, on_domain: bool = False) -> str:
    """The statement `before`, the object, `after`: `COMMENT ON TABLE app.users IS 'People.'`."""
    if id.kind == current_database.KIND:
        return current_database.with_name(f"{before} DATABASE", after)
    return f"{before} {address(id, on_domain)} {after}"


def grant_target(id: ObjectId) -> str:
    """The object as GRANT ... ON names it: views are tables, domains are types, aggregates are functions."""
    if id.kind in ("table", "view", "materialized_view", "foreign_table"):
        return f"TABLE {named(id)}"
    if id.kind in ("enum", "domain", "composite", "range"):
        return f"TYPE {named(id)}"
    if id.kind == "server":
        return f"FOREIGN SERVER {named(id)}"
    if id.kind == "aggregate":
        # GRANT knows no ORDER BY between an aggregate's arguments and no asterisk for none.
        return f"FUNCTION {named(id).replace(' ORDER BY ', ', ').replace('(*)', '()')}"
    return address(id)


def facet_of(id: ObjectId) -> ObjectId:
    """The object that a facet without a name of its own hangs on."""
    return ObjectId(id.path[0], id.path[1:])
