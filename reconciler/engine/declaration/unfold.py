"""From files of YAML to what they declare: nesting in the file is nesting of kinds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from reconciler.core.catalog import State
from reconciler.core.dataclass import dataclass
from reconciler.core.document import Node, Position
from reconciler.core.errors import InvalidInput, Problem
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Kind, Nest
from reconciler.engine.declaration.written import HOME, Located, Written
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from reconciler.engine.yaml.reader import Read


@dataclass
class _Loading:
    registry: Registry
    objects: dict[ObjectId, Located] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)
    """Those of the file that is being read."""
    problems: list[Problem] = field(default_factory=list)

    def complain(self, position: Position, object: str | None, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(position.file, position.line, position.column, object, message, hint))


def load_read(reads: Iterable[Read], registry: Registry) -> Written:
    """What files declare that were read already. Raises InvalidInput with every problem of every file."""
    loading = _Loading(registry)
    for read in reads:
        loading.problems.extend(read.problems)
        if read.root is not None:
            loading.states.clear()
            _load_file(loading, read.root)
            # What files beside the YAML say stands in the declared states.
            text = repr((read.root.data, loading.states))
            loading.files[read.file] = hashlib.sha256(text.encode()).hexdigest()
    if loading.problems:
        raise InvalidInput.of(sorted(loading.problems, key=attrgetter("place")))
    return Written(loading.objects, loading.files)


def _load_file(loading: _Loading, root: Node) -> None:
    if not isinstance(root.data, dict):
        loading.complain(
            root.value_position(), None, "a schema file holds a mapping of sections", "start with `tables:`"
        )
        return
    home = root.data.get(HOME, "public")
    if not isinstance(home, str):
        loading.complain(
            root.value_position((HOME,)), None, "`schema` is the name of one schema", "write `schema: app`"
        )
        return
    nest = Nest(home, folder=str(Path(root.file).parent))
    for section, node in root.items():
        if section == HOME:
            continue
        kind = loading.registry.top.get(section)
        if kind is None:
            _unknown_section(loading, root, section)
        elif node.data is not None:
            _load_section(loading, kind, section, node, nest)


def _unknown_section(loading: _Loading, root: Node, section: str) -> None:
    from reconciler.engine.yaml.validation_errors import did_you_mean, known_names

    known = [HOME, *loading.registry.top]
    near = did_you_mean(section, known)
    hint = f"did you mean `{near}`?" if near else f"known sections: {known_names(section, known)}"
    loading.complain(root.key_position((section,)), None, f"unknown section `{section}`", hint)


def _load_section(loading: _Loading, kind: Kind[Any], section: str, node: Node, nest: Nest) -> None:
    if kind.singleton:
        _load_object(loading, kind, section, node, nest)
        return
    if not isinstance(node.data, dict):
        message = f"`{section}` is a mapping from names to definitions"
        loading.complain(node.value_position(), None, message, f"write `{section}: {{name: ...}}`")
        return
    for position, (name, inner) in enumerate(node.items(), start=1):
        _load_object(loading, kind, name, inner, nest.at(position))


def _load_object(loading: _Loading, kind: Kind[Any], name: str, node: Node, nest: Nest) -> None:
    position = node.key_position() if node.spot.key_line else node.value_position()
    sections = loading.registry.under(kind.name)
    own, nested = _split(kind, node, sections)
    document = _validate(loading, kind, name, own, node)
    if document is None:
        return
    try:
        declared = list(kind.declare(name, document, nest))
    except ValueError as error:
        loading.complain(position, f"{kind.name} {name}", str(error))
        return
    for item in declared:
        _add(loading, item, nest.schema, position)
    if declared:
        main = declared[0].id
        inner = Nest(nest.schema, main, (*nest.lineage, main), nest.folder, document)
        for section, child in nested:
            _load_section(loading, sections[section], section, child, inner)


def _split(
    kind: Kind[Any], node: Node, sections: Mapping[str, Kind[Any]]
) -> tuple[Any, list[tuple[str, Node]]]:
    """A document's own part, and the sections of what nests under it."""
    if not isinstance(node.data, dict):
        return node.data, []
    fields = _own_fields(kind)
    taken = {key for key in node.data if key in sections and key not in fields}
    if not taken:
        return node.data, []
    own = {key: value for key, value in node.data.items() if key not in taken}
    return own, [(key, child) for key, child in node.items() if key in taken and child.data is not None]


def _validate(loading: _Loading, kind: Kind[Any], name: str, own: Any, node: Node) -> Any:
    try:
        return _adapter(kind).validate_python({} if own is None else own)
    except ValidationError as error:
        from reconciler.engine.yaml.validation_errors import Sectioned, problems_of

        model = Sectioned(kind.document, loading.registry.under(kind.name))
        loading.problems.extend(problems_of(error, (), node, model, f"{kind.name} {name}"))
        return None


def _add(loading: _Loading, declared: Declared, schema: str, position: Position) -> None:
    earlier = loading.objects.get(declared.id)
    if earlier is not None:
        message = f"declared twice; the other place is {earlier.position}"
        loading.complain(position, str(declared.id), message, "remove one of the two")
        return
    loading.objects[declared.id] = Located(declared, schema, position)
    loading.states.append(declared.state)


@cache
def _adapter(kind: Kind[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind.document)


@cache
def _own_fields(kind: Kind[Any]) -> frozenset[str]:
    return frozenset(_model_fields(kind.document))


def _model_fields(document: Any) -> Iterable[str]:
    """The keys of the models in a document type, through Annotated and unions."""
    from typing import get_args

    fields = getattr(document, "model_fields", None)
    if fields is not None:
        return list(fields)
    return [name for inner in get_args(document) for name in _model_fields(inner)]
