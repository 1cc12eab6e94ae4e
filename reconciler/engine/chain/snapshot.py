"""The snapshot file: a whole state as YAML, so that it can be planned from where no database is.

Under `snapshot:` stands what no schema file says; the rest is the language of schema files with every name
written in full. The same state gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.document import Node
from reconciler.core.errors import InvalidInput, Problem
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.scope import Scope, managed
from reconciler.engine.catalog.shared_objects import of_this_database
from reconciler.engine.catalog.unmanaged import stood_on
from reconciler.engine.chain.chain_file import CONFLICT_HINT
from reconciler.engine.declaration.unfold import load_read
from reconciler.engine.declaration.written import Written
from reconciler.engine.registry import Registry
from reconciler.engine.yaml.reader import Read, read

FORMAT = 1
NAME = "snapshot.yaml"
"""The file beside CHAIN: the state after the chain's last plan."""
BASELINE = "baseline.yaml"
"""The file beside CHAIN: the state before its first plan, where that is not an empty database."""
_KEY = "snapshot"
_COMMENT = "A state of a database, written by reconcile. Not for the schema folder, and not to be edited."
CONFLICT = re.compile(r"^(<{7}|>{7}|\|{7})( |$)", re.MULTILINE)
"""The marks that git leaves where two branches changed the same lines."""
_CHANGED_HINT = "restore it from git; beside CHAIN it may be removed, and is made anew with the next plan"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a state beside its objects."""

    server: int
    """PostgreSQL's major version, whose words the state is written in."""
    owner: str
    """The owner of the database, whom no object names."""
    after: str | None = None
    """The id of the plan that leads to this state; None where it is of no chain."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot file as read."""

    file: str
    facts: Facts
    fingerprint: str
    built_in: frozenset[ObjectId]
    unknown: tuple[str, ...]
    written: Written


def _id(value: object) -> ObjectId:
    if not isinstance(value, str):
        raise ValueError("expected an object id such as schema:public")
    return ObjectId.parse(value)


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: int
    server: int
    owner: str
    fingerprint: str
    after: str | None = None
    built_in: list[Annotated[ObjectId, PlainValidator(_id)]] = Field(default_factory=list)
    unknown: list[str] = Field(default_factory=list)


def whole(catalog: Catalog, scope: Scope, registry: Registry) -> Catalog:
    """The managed part of a catalog with what that cannot be built without."""
    ours = of_this_database(managed(catalog, scope, registry), registry).entries
    referred = {id for entry in ours.values() for id in (*entry.needs, entry.parent) if id is not None}
    kept = ours.keys() | stood_on(catalog, referred, ours.keys(), registry)
    ordered = {entry.id: entry for entry in catalog if entry.id in kept}
    return dataclasses.replace(catalog, entries=ordered)


def dump(catalog: Catalog, facts: Facts, registry: Registry, block_keys: Collection[str]) -> str:
    """The text of the file. `block_keys` are the keys of sections (`engine.yamlwrite.dump`)."""
    from reconciler.engine.catalog.files import document
    from reconciler.engine.yaml.writer import dump as as_yaml

    catalog = of_this_database(_in_order(catalog, registry), registry)
    built_in = sorted(str(id) for id in _built_in(catalog, registry))
    header: dict[str, Any] = {
        "format": FORMAT,
        **{key: value for key, value in dataclasses.asdict(facts).items() if value is not None},
        "fingerprint": _fingerprint(catalog, registry),
    }
    header |= {"built_in": built_in} if built_in else {}
    header |= {"unknown": sorted(catalog.unknown)} if catalog.unknown else {}
    content = {_KEY: header, **document(catalog, registry)}
    return as_yaml(content, _COMMENT, block_keys={*block_keys, _KEY})


def load(text: str, file: str, registry: Registry) -> Snapshot:
    """Read the text of a snapshot file; `file` is the name that problems carry.

    Raises InvalidInput with every problem.
    """
    from pydantic import ValidationError

    from reconciler.engine.yaml.validation_errors import problems_of

    if CONFLICT.search(text):
        message = "a merge conflict is not resolved: two plans were made from one state"
        raise InvalidInput.of([Problem(file, 1, 1, None, message, CONFLICT_HINT)])
    found = read(text, file)
    if found.problems:
        raise InvalidInput.of(found.problems)
    head = found.root.at(_KEY) if found.root is not None and isinstance(found.root.data, dict) else None
    if found.root is None or head is None or not isinstance(head.data, dict):
        hint = "write one with: reconcile pull --snapshot FILE"
        raise InvalidInput.of([Problem(file, 1, 1, None, f"this is no snapshot: `{_KEY}:` is missing", hint)])
    try:
        header = _Header.model_validate(head.data)
    except ValidationError as error:
        raise InvalidInput.of(problems_of(error, (), head, _Header)) from None
    if header.format != FORMAT:
        message = f"said format {header.format}, and this version reads format {FORMAT}"
        raise InvalidInput.of([Problem(file, 1, 1, None, message, "write it anew with this version")])
    written = load_read([Read(file, _without_head(found.root))], registry)
    facts = Facts(header.server, header.owner, header.after)
    return Snapshot(
        file, facts, header.fingerprint, frozenset(header.built_in), tuple(header.unknown), written
    )


def after_of(text: str) -> str | None:
    """The plan that a snapshot says it is after, without reading it in full; None where it says none."""
    match = re.search(r"^  after: (\S+)$", text, re.MULTILINE)
    return match[1] if match else None


def state_of(snapshot: Snapshot, elaborated: Catalog, registry: Registry) -> Catalog:
    """The state that the snapshot was written from; `elaborated` is what a server made of it.

    What is written is just what the catalogs said, so that another spelling by the scratch server does not
    count. Raises InvalidInput where it is not the state that the file says it is.
    """
    lacking = {id for id in _built_in(elaborated, registry) if id not in snapshot.built_in}
    entries: dict[ObjectId, Entry] = {}
    for entry in elaborated:
        if not _hangs_on(entry, lacking, elaborated):
            item = snapshot.written.objects.get(entry.id)
            same = item is None or item.declared.state == entry.state
            entries[entry.id] = (
                entry if same or item is None else dataclasses.replace(entry, state=item.declared.state)
            )
    catalog = Catalog(entries, unknown=snapshot.unknown)
    found = _fingerprint(of_this_database(catalog, registry), registry)
    if found != snapshot.fingerprint:
        message = (
            f"it reads as {found} and says {snapshot.fingerprint}: the file was changed after it was "
            "written, or this server does not say the same of it"
        )
        raise InvalidInput.of([Problem(snapshot.file, 1, 1, None, message, _CHANGED_HINT)])
    return catalog


def _without_head(root: Node) -> Node:
    assert isinstance(root.spot.inside, dict)
    data = {key: value for key, value in root.data.items() if key != _KEY}
    inside = {key: spot for key, spot in root.spot.inside.items() if key != _KEY}
    return Node(data, root.file, root.spot._replace(inside=inside))


def _in_order(catalog: Catalog, registry: Registry) -> Catalog:
    """Sorted by id, but for what stands in an order of its own (columns)."""
    structural = [entry for entry in catalog if registry.of(entry).is_structural]
    others = sorted(
        (entry for entry in catalog if not registry.of(entry).is_structural), key=lambda entry: entry.id
    )
    return dataclasses.replace(catalog, entries={entry.id: entry for entry in (*structural, *others)})


def _built_in(catalog: Iterable[Entry], registry: Registry) -> Iterable[ObjectId]:
    """The objects that every new database has and this one has too."""
    for entry in catalog:
        kind = registry.of(entry)
        if entry.parent is None and not kind.is_shared and kind.built_in(entry):
            yield entry.id


def _hangs_on(entry: Entry | None, ids: Collection[ObjectId], catalog: Catalog) -> bool:
    while entry is not None:
        if entry.id in ids:
            return True
        entry = catalog.get(entry.parent)
    return False


def _fingerprint(catalog: Catalog, registry: Registry) -> str:
    kept: Mapping[ObjectId, Entry] = {
        entry.id: entry
        for entry in catalog
        if registry.of(entry).is_shared or not registry.of(entry).built_in(entry)
    }
    return dataclasses.replace(catalog, entries=kept).fingerprint()
