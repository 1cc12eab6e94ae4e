"""The owner of an object that is dropped and made again, whoever carries that out: read before it goes, and
given back when it is there again.

No plan can name it: a plan is for any database that is in its first state, and owners that nobody declares
differ from one to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from reconciler.core.address import ROUTINES, address, named
from reconciler.core.ident import ObjectId, dollar_quoted, literal
from reconciler.core.statement import Statement

__all__ = ["given_back", "kept"]

_CATALOGS = {
    ("table", "view", "materialized_view", "foreign_table"): ("pg_class", "relowner", "regclass"),
    tuple(sorted(ROUTINES)): ("pg_proc", "proowner", "regprocedure"),
    ("enum", "domain", "composite", "range"): ("pg_type", "typowner", "regtype"),
}
"""Kinds that come back; where the owner of each stands, and the type that takes its name."""
_BY_KIND = {kind: where for kinds, where in _CATALOGS.items() for kind in kinds}


def kept(id: ObjectId) -> Iterable[Statement]:
    """Before the object goes: its owner into a setting of the session."""
    if (where := _BY_KIND.get(id.kind)) is None:
        return
    catalog, column, taking = where
    name = named(id)
    if id.kind in ROUTINES:
        # The type knows no ORDER BY between an aggregate's arguments and no asterisk for none.
        name = name.replace(" ORDER BY ", ", ").replace("(*)", "()")
    yield Statement(
        f"SELECT pg_catalog.set_config('{_setting(id)}', {column}::pg_catalog.regrole::text, false)\n"
        f"FROM pg_catalog.{catalog} WHERE oid = {literal(name)}::pg_catalog.{taking}"
    )


def given_back(id: ObjectId) -> Iterable[Statement]:
    """When it is there again; nothing happens where it has that owner already."""
    if id.kind not in _BY_KIND:
        return
    give = literal(f"ALTER {address(id)} OWNER TO ")
    # Where it went along with another, nobody asked.
    owner = f"coalesce(pg_catalog.current_setting('{_setting(id)}', true), 'CURRENT_USER')"
    block = f"BEGIN EXECUTE {give} || {owner}; END"
    yield Statement(f"DO {dollar_quoted(block)}")


def _setting(id: ObjectId) -> str:
    return f"reconcile.owner_{hashlib.sha256(str(id).encode()).hexdigest()[:8]}"
