"""What a step is about, to people, and what to call a plan.

A facet is about its object, a part about the relation that holds it.
"""

from __future__ import annotations

import re

from reconciler.core.ident import ObjectId
from reconciler.engine.plan.model import Action, Plan

SLUG_LENGTH = 40
"""The most characters that a plan's short name has."""
_VERBS = {Action.CREATE: "create", Action.ALTER: "alter", Action.DROP: "drop", Action.RENAME: "rename"}


class Subjects:
    """Tells facets from parts within one plan. Ids alone do not: this looks at what else the plan knows."""

    def __init__(self, plan: Plan) -> None:
        ids = {*plan.touches, *(step.object for step in plan.steps)}
        self._ids = frozenset(ids)
        self._kinds = frozenset(id.kind for id in ids)
        self._at = {id.path: id for id in sorted(ids, reverse=True)}

    def described(self, id: ObjectId) -> ObjectId | None:
        """The object that a facet (comment, owner, privilege) belongs to; None for what stands for itself.

        A privilege's path goes on after the object's, with the role, so that longer paths are tried first.
        """
        if len(id.path) < 2 or id.path[0] == id.kind:
            return None
        for end in range(len(id.path), 1, -1):
            inner = ObjectId(id.path[0], id.path[1:end])
            if inner in self._ids:
                return inner
        return ObjectId(id.path[0], id.path[1:]) if id.path[0] in self._kinds else None

    def home(self, id: ObjectId) -> ObjectId:
        """The object under which people look for this one: a column's table; itself where it stands alone."""
        own = self.described(id) or id
        if len(own.path) < 3:
            return own
        return self._at.get(own.path[:2]) or ObjectId("", own.path[:2])

    def name(self, id: ObjectId) -> tuple[str, ...]:
        """The shortest names that say it: without the schema where there is one."""
        own = self.described(id) or id
        return own.path[1:] if len(own.path) > 1 else own.path


def next_slug(plan: Plan) -> str:
    """A short name for a plan, from its main change: `add_users_email`, `create_orders_and_3_more`."""
    if plan.is_empty:
        return "no_changes"
    subjects = Subjects(plan)
    order = (Action.CREATE, Action.DROP, Action.RENAME, Action.ALTER)

    def rank(index: int) -> tuple[bool, int, int, int]:
        step = plan.steps[index]
        is_facet = subjects.described(step.object) is not None
        return (is_facet, min(len(step.object.path), 3), order.index(step.action), index)

    main = plan.steps[min(range(len(plan.steps)), key=rank)]
    about = subjects.described(main.object)
    verb = "alter" if about else _VERBS[main.action]
    if verb == "create" and len(main.object.path) > 2:
        verb = "add"
    words = [verb, *subjects.name(main.object), *([main.object.kind] if about else [])]
    others = len({step.object for step in plan.steps}) - 1
    tail = f"_and_{others}_more" if others else ""
    return as_slug("_".join(words), SLUG_LENGTH - len(tail)) + tail


def as_slug(text: str, length: int = SLUG_LENGTH) -> str:
    """The text as a part of a file name: lower-case letters, digits and underscores."""
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return words[:length].rstrip("_") or "change"
