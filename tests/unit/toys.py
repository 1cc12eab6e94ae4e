"""Kinds that exist for tests of the engine alone: boxes with parts, labels on anything, glass that must be
taken away before what is under it changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.fragment import Document, Names
from reconciler.core.ident import ObjectId, in_schema, written_path
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, Mode, Statement, data_loss, on
from reconciler.engine.registry import Registry


def _name(entry: Entry) -> str:
    return ".".join(entry.id.path)


def _alter(word: str) -> InPlace[Any]:
    return InPlace(lambda old, new: (Statement(f"ALTER {new.id.kind} {_name(new)} {word}", on(_name(new))),))


class Toy(Kind[Any]):
    """What all toys have in common."""

    rules: ClassVar[Mapping[str, Rule]] = {}
    document: ClassVar[Any] = Document

    def query(self, major: int) -> LiteralString:
        return "SELECT 1"

    def declare(self, name: str, document: Any, nest: Nest) -> Iterable[Declared]:
        top = ObjectId(self.name, in_schema(name, nest.schema))
        id = nest.parent.child(self.name, name) if nest.parent else top
        yield Declared(id, self.state(), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return (entry.id.path[-1] if entry.parent else written_path(entry.id.path, home)), {}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        inside = f" ({', '.join(clauses)})" if clauses else ""
        yield Statement(f"CREATE {self.name} {_name(entry)}{inside}", on(_name(entry)))

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP {self.name} {_name(entry)}", on(_name(entry)))

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        return entry.id.path[-1] + "".join(f" {clause}" for clause in clauses)


@dataclasses.dataclass(frozen=True, slots=True)
class BoxState:
    """A box."""

    size: int = 1
    colour: str = "plain"
    wood: str = "oak"
    weight: int = dataclasses.field(default=0, compare=False)


class BoxDocument(Document):
    """`boxes: {chest: {size: 2}}`"""

    size: int = 1
    colour: str = "plain"
    on_top_of: Names = ()


class Box(Toy):
    """A box holds parts; its size changes in place, up to 9; its wood never does."""

    name = "box"
    section = "boxes"
    nested_section = "inner_boxes"
    state = BoxState
    document = BoxDocument
    rank = 30
    holds_data = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "size": InPlace(
            lambda old, new: (Statement(f"ALTER box {_name(new)} SIZE {new.state.size}", on(_name(new))),),
            disturbs=Disturbance.RESHAPED,
            unless=lambda old, new: "no box grows beyond 9" if new.size > 9 else None,
        ),
        "colour": _alter("PAINT"),
        "wood": Recreate("wood cannot be altered"),
        "weight": Ignored("a fact about the box"),
    }

    def declare(self, name: str, document: BoxDocument, nest: Nest) -> Iterable[Declared]:
        if document.size < 0:
            raise ValueError("a box is not smaller than nothing")
        id = ObjectId("box", in_schema(name, nest.schema))
        needs = frozenset(ObjectId("box", in_schema(other, nest.schema)) for other in document.on_top_of)
        yield Declared(id, BoxState(document.size, document.colour), nest.parent, needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_path(entry.id.path, home), {"size": entry.state.size}

    def drop(self, entry: Entry) -> Iterable[Statement]:
        lost = data_loss(entry.id, f"what is in {_name(entry)} is lost")
        yield Statement(f"DROP box {_name(entry)}", on(_name(entry)), lost)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("place", *entry.id.path)

    def rename_signature(self, entry: Entry) -> object | None:
        return "box"

    def built_in(self, entry: Entry) -> bool:
        return entry.id.path[-1] == "default"


@dataclasses.dataclass(frozen=True, slots=True)
class PartState:
    """A part."""

    shape: str = "round"
    position: int = dataclasses.field(default=0, compare=False)


class PartDocument(Document):
    """`parts: {lid: {shape: round}}`"""

    shape: str = "round"


class Part(Toy):
    """A part of a box, which the box is made with."""

    name = "part"
    section = "parts"
    parents = ("box",)
    state = PartState
    document = PartDocument
    rank = 31
    folds_into = ("box",)
    is_structural = True
    holds_data = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "shape": InPlace(
            lambda old, new: (Statement(f"ALTER part {_name(new)} {new.state.shape}", on(_name(new))),),
            disturbs=Disturbance.RETYPED,
        ),
        "position": Ignored("parts stay where they are"),
    }

    def declare(self, name: str, document: PartDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        yield Declared(nest.parent.child("part", name), PartState(document.shape, nest.position), nest.parent)

    def move_to_type(
        self, old: Entry, new: Entry, replaced: ObjectId, stand_ins: Mapping[str, str]
    ) -> Iterable[Statement] | None:
        return [Statement(f"MOVE part {_name(new)} to the new {replaced}")]

    def rename_signature(self, entry: Entry) -> object | None:
        return (entry.parent, entry.state.shape)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        lost = data_loss(entry.id, f"{_name(entry)} is thrown away")
        yield Statement(f"DROP part {_name(entry)}", (), lost)


@dataclasses.dataclass(frozen=True, slots=True)
class LinkState:
    """What a link points at."""

    target: str = ""


class Link(Toy):
    """A tie from one box to another: a clause where it can be, a statement where it must."""

    name = "link"
    section = "links"
    parents = ("box",)
    state = LinkState
    rank = 50
    folds_into = ("box",)
    rules: ClassVar[Mapping[str, Rule]] = {"target": Recreate("a link cannot point elsewhere")}

    def drop(self, entry: Entry) -> Iterable[Statement]:
        hazard = Hazard(HazardCode.VALIDATION_LOST, entry.id, "nothing is held any more")
        yield Statement(f"DROP link {_name(entry)}", on(_name(entry)), (hazard,))


@dataclasses.dataclass(frozen=True, slots=True)
class GlassState:
    """A sheet of glass."""

    tint: str = "clear"


class Glass(Toy):
    """Lies on parts and boxes, and must be taken away before they change."""

    name = "glass"
    section = "glasses"
    state = GlassState
    rank = 55
    recreated_on = frozenset({Disturbance.RETYPED, Disturbance.RESHAPED})
    rules: ClassVar[Mapping[str, Rule]] = {"tint": _alter("TINT")}


@dataclasses.dataclass(frozen=True, slots=True)
class MouldState:
    """What a mould makes."""

    forms: tuple[str, ...] = ()


class Mould(Toy):
    """Parts are made from it. A mould that loses a form is set aside until its parts have moved."""

    name = "mould"
    section = "moulds"
    state = MouldState
    rank = 10
    rules: ClassVar[Mapping[str, Rule]] = {
        "forms": InPlace(
            lambda old, new: (Statement(f"ALTER mould {_name(new)} ADD", mode=Mode.COMMIT_AFTER),),
            unless=lambda old, new: "a form cannot be taken out" if set(old.forms) - set(new.forms) else None,
        )
    }

    def rename_aside(self, entry: Entry) -> tuple[str, Iterable[Statement]] | None:
        return "old", [Statement(f"RENAME mould {_name(entry)}")]

    def drop_aside(self, entry: Entry, aside_name: str) -> Iterable[Statement]:
        yield Statement(f"DROP mould {_name(entry)} {aside_name}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("place", *entry.id.path)


@dataclasses.dataclass(frozen=True, slots=True)
class LabelState:
    """What a label says."""

    text: str = ""


class Label(Toy):
    """A facet of anything."""

    name = "label"
    section = "label"
    parents = ("*",)
    singleton = True
    state = LabelState
    document = str
    rank = 80
    is_facet = True
    rules: ClassVar[Mapping[str, Rule]] = {"text": _alter("SAY")}

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        yield Declared(nest.parent.facet("label"), LabelState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "label", entry.state.text

    def implied_entries(self, created: Entry, givers: Iterable[Entry]) -> Iterable[Entry]:
        for entry in givers:
            if created.id.kind == "box":
                yield label(created, entry.state.text)


@dataclasses.dataclass(frozen=True, slots=True)
class HouseRuleState:
    """What every new box is labelled with."""

    text: str = ""


class HouseRule(Toy):
    """Makes boxes come with a label."""

    name = "rule_of_house"
    shapes_new_objects = True
    section = "rules_of_house"
    state = HouseRuleState
    rank = 95
    rules: ClassVar[Mapping[str, Rule]] = {"text": _alter("RULE")}


@dataclasses.dataclass(frozen=True, slots=True)
class SealState:
    """Who sealed it."""

    by: str = ""


class Seal(Toy):
    """A facet that counts only under ownership."""

    name = "seal"
    section = "seal"
    parents = ("box",)
    singleton = True
    state = SealState
    document = str
    rank = 82
    is_facet = True
    managed_with_ownership = True
    rules: ClassVar[Mapping[str, Rule]] = {"by": _alter("SEAL")}


REGISTRY = Registry([Box(), Part(), Link(), Glass(), Mould(), Label(), HouseRule(), Seal()])


def box(name: str = "chest", *needs: Entry, parent: Entry | None = None, **state: Any) -> Entry:
    """A box in the schema `app`."""
    carrier = parent.id if parent else None
    return Entry(ObjectId("box", ("app", name)), BoxState(**state), carrier, _ids(needs))


def part(holder: Entry, name: str, *needs: Entry, carrier: Entry | None = None, **state: Any) -> Entry:
    """A part of a box."""
    id = holder.id.child("part", name)
    return Entry(id, PartState(**state), holder.id, _ids((holder, *needs)), carrier.id if carrier else None)


def link(holder: Entry, name: str, target: Entry) -> Entry:
    """A link from one box to another."""
    return Entry(holder.id.child("link", name), LinkState(str(target.id)), holder.id, _ids((holder, target)))


def glass(name: str, *needs: Entry, **state: Any) -> Entry:
    """A sheet of glass over something."""
    return Entry(ObjectId("glass", ("app", name)), GlassState(**state), None, _ids(needs))


def mould(name: str, *forms: str) -> Entry:
    """A mould with forms."""
    return Entry(ObjectId("mould", ("app", name)), MouldState(forms))


def label(holder: Entry, text: str) -> Entry:
    """A label on anything."""
    return Entry(holder.id.facet("label"), LabelState(text), holder.id, _ids((holder,)))


def seal(holder: Entry, by: str) -> Entry:
    """A seal on a box."""
    return Entry(holder.id.facet("seal"), SealState(by), holder.id, _ids((holder,)))


def house_rule(text: str) -> Entry:
    """Every new box gets this label."""
    return Entry(ObjectId("rule_of_house", ("app", "labels")), HouseRuleState(text))


def catalog(*entries: Entry) -> Catalog:
    """The entries as a catalog."""
    return Catalog({entry.id: entry for entry in entries})


def _ids(entries: Iterable[Entry]) -> frozenset[ObjectId]:
    return frozenset(entry.id for entry in entries)


__all__ = [
    "REGISTRY",
    "box",
    "catalog",
    "glass",
    "house_rule",
    "label",
    "link",
    "mould",
    "part",
    "seal",
]
