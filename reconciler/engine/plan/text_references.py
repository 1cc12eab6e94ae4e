"""Whose text still says a name that a plan takes away. What the body of a function means PostgreSQL looks up
when it runs: no catalog knows of it, and nothing is refused."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind
from reconciler.engine.plan.model import Action, Plan, Step
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from reconciler.engine.compare.rename_search import Renaming

_MOST_NAMED: Final = 5


def has_text(id: ObjectId, registry: Registry) -> bool:
    """Whether objects of that kind can have such a text."""
    return type(registry.of(id)).body_text is not Kind.body_text


def may_be_said(plan: Plan, entries: Iterable[Entry], registry: Registry) -> bool:
    """Whether `with_mentions` could tell of these objects, were they in the declared state."""
    names = [_names(step.object, registry) for step in _taking(plan, registry)]
    texts = _texts(entries, registry).values() if names else ()
    return any(all(_is_in(text, name) for name in said) for text in texts for said in names)


def with_mentions(
    plan: Plan, renames: Sequence[Renaming], before: Catalog, wanted: Catalog, registry: Registry
) -> Plan:
    """The plan, in which steps that take a name away tell whose text says it in the declared state."""
    taking = list(_taking(plan, registry))
    if not taking:
        return plan
    search = _Search(
        _texts(wanted, registry), {one.id: one.old.id for one in renames}, before, wanted, registry
    )
    told = {step.number: tuple(search.reasons(step)) for step in taking}
    steps = tuple(dataclasses.replace(step, why=step.why + told.get(step.number, ())) for step in plan.steps)
    return dataclasses.replace(plan, steps=steps)


def _taking(plan: Plan, registry: Registry) -> Iterator[Step]:
    """The steps that take away a name that a text can say."""
    for step in plan.steps:
        if step.action in (Action.DROP, Action.RENAME) and registry.of(step.object).text_name_parts > 0:
            yield step


def _texts(entries: Iterable[Entry], registry: Registry) -> dict[ObjectId, str]:
    texts = {entry.id: registry.of(entry).body_text(entry) for entry in entries}
    return {id: text.casefold() for id, text in texts.items() if text}


def _names(id: ObjectId, registry: Registry) -> list[str]:
    """The object's own name, which comes last, and of a column its table's."""
    kind = registry.of(id)
    *around, own = id.path[-kind.text_name_parts :]
    return [*around, kind.name_in_text(id) or own]


@dataclass(frozen=True, slots=True)
class _Search:
    texts: Mapping[ObjectId, str]
    former: Mapping[ObjectId, ObjectId]
    before: Catalog
    wanted: Catalog
    registry: Registry

    def reasons(self, step: Step) -> Iterator[str]:
        id = self.former.get(step.object, step.object) if step.action is Action.RENAME else step.object
        if id in self.wanted:
            return  # it comes back
        found = sorted(sayer for sayer in self.texts if self._says(sayer, id))
        if found:
            names = [self.registry.of(one).label(self.wanted[one]) for one in found[:_MOST_NAMED]]
            more = [f"{len(found) - _MOST_NAMED} more"] if len(found) > _MOST_NAMED else []
            yield f"still named in the text of {', '.join(names + more)}, which is looked into when it runs"

    def _says(self, sayer: ObjectId, id: ObjectId) -> bool:
        """Whether the text says the name, and of a column its table's, unless something of the table calls
        it, as a trigger does."""
        *around, own = (_is_in(self.texts[sayer], name) for name in _names(id, self.registry))
        return own and (all(around) or sayer in self._called_around(id))

    def _called_around(self, id: ObjectId) -> set[ObjectId]:
        entry = self.before.get(id)
        if entry is None or entry.parent is None:
            return set()
        now = next((new for new, old in self.former.items() if old == entry.parent), entry.parent)
        return {needed for child in self.wanted.children.get(now, ()) for needed in child.needs}


def _is_in(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(name.casefold())}(?![\w$])", text) is not None
