"""The declared state with what it refers to outside of management: an auth schema that a platform brings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.declared import Declared
from reconciler.core.document import Position
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.scope import Scope, managed
from reconciler.engine.catalog.text_names import said
from reconciler.engine.catalog.unmanaged import stood_on
from reconciler.engine.declaration.written import Located, Written
from reconciler.engine.elaborate.partial_build import differing, texts_of
from reconciler.engine.registry import Registry


def with_given(written: Written, live: Catalog, scope: Scope, registry: Registry) -> Written:
    """What is declared, and beside it what of `live` is not managed and the declared objects refer to.

    The server must have both to understand the declared ones; what is given is never planned or compared.
    """
    ours = managed(live, scope, registry)
    if len(ours) == len(live):
        return written
    declared = written.objects.keys() | written.unread
    given = stood_on(
        live, _referred_to(written, live, ours, registry), ours.entries.keys() | declared, registry
    )
    if not given:
        return written
    objects = {entry.id: _as_given(entry) for entry in live if entry.id in given}
    files = {**written.files, "": live.only(given).fingerprint()}
    return dataclasses.replace(written, objects={**written.objects, **objects}, files=files)


def _as_given(entry: Entry) -> Located:
    return Located(Declared(entry.id, entry.state, entry.parent, entry.needs), None, Position("", 1, 1))


def _referred_to(written: Written, live: Catalog, ours: Catalog, registry: Registry) -> Iterator[ObjectId]:
    """What the declared objects need by name, by what the live ones need, and by what their texts may say."""
    for id, item in written.objects.items():
        if registry.of(id).elaborated:
            yield from item.declared.needs
            if (there := live.get(id)) is not None:
                yield from there.needs
    changed = differing(written, live, registry)
    text = said([texts_of(changed, written)]) if changed else ""
    homes = {id.path[0] for id in changed}
    for entry in live if changed else ():
        if entry.parent is None and entry.id not in ours and _is_said(entry.id, text, homes, registry):
            yield entry.id


def _is_said(id: ObjectId, text: str, homes: set[str], registry: Registry) -> bool:
    if len(id.path) < 2:
        return False
    name = registry.of(id).name_in_text(id) or id.path[-1]
    return name.casefold() in text and (id.path[0] in homes or id.path[0].casefold() in text)
