"""What moved, in words: of an object at neither end of a plan, what was expected and what is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.app.planning.comparison import live_catalog
from reconciler.core.catalog import EMPTY, Catalog, Entry
from reconciler.core.errors import ReconcileError
from reconciler.core.ident import ObjectId

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.connection.retry import Stop
    from reconciler.engine.plan.model import Plan, Touch

__all__ = ["Witness"]


@dataclass
class Witness:
    """Looks at the objects of a plan, and remembers what it saw."""

    plan: Plan
    folder: Path | None = None
    """Where the plan's file is, with the chain's snapshots beside it; None where it has no file."""
    stop: Stop | None = None
    seen: Catalog = EMPTY
    """All that was there when it looked last."""

    def observe(self, connection: Connection[Any]) -> Mapping[ObjectId, str]:
        """The digests of what the plan touches; what does not exist is missing."""
        self.seen = live_catalog(connection, self.stop)
        return {id: self.seen[id].digest() for id in self.plan.touches if id in self.seen}

    def told(self, id: ObjectId, touch: Touch) -> str:
        """A line about an object of the plan as it was seen last."""
        found = self.seen.get(id)
        return f"{self._label(id)}: {self._said(id, touch, found)}"

    def _said(self, id: ObjectId, touch: Touch, found: Entry | None) -> str:
        digest = found.digest() if found is not None else None
        if touch.before != touch.after and digest in (touch.before, touch.after):
            return "is as before the plan" if digest == touch.before else "is as the plan makes it"
        if found is None:
            return "is gone: the plan needs it as it was before"
        known = self._by_digest(id)
        if touch.before in known:
            return f"changed by someone else: {_difference(known[touch.before], found)}"
        whose = self._left_by(id, digest)
        if whose is not None:
            return f"is as {whose} leaves it"
        if touch.before is None:
            if touch.after in known:
                return f"is there already, and otherwise: {_difference(known[touch.after], found)}"
            return f"is there already, and not as the plan makes it: {_shown(found)}"
        return f"is neither as before the plan nor as after it; it is now {_shown(found)}"

    def _label(self, id: ObjectId) -> str:
        for entry in (self.seen.get(id), *self._by_digest(id).values()):
            if entry is not None:
                return registry().of(entry).label(entry)
        return next((step.label for step in self.plan.steps if step.object == id), str(id))

    def _by_digest(self, id: ObjectId) -> dict[str | None, Entry]:
        return {state[id].digest(): state[id] for state in self._snapshots if id in state}

    @cached_property
    def _snapshots(self) -> tuple[Catalog, ...]:
        """The states that are written down beside the plan, as far as they can be read."""
        return tuple(self._read()) if self.folder is not None else ()

    def _read(self) -> Iterator[Catalog]:
        from reconciler.engine.chain import snapshot

        assert self.folder is not None
        for name in (snapshot.NAME, snapshot.BASELINE):
            path = self.folder / name
            # What cannot be read helps nobody; who applies the plan need not hear of it.
            with suppress(ReconcileError, OSError, UnicodeDecodeError):
                read = snapshot.load(path.read_text(encoding="utf-8"), str(path), registry())
                yield read.written.catalog(registry())

    def _left_by(self, id: ObjectId, digest: str | None) -> str | None:
        """The plan of the chain that leaves the object as it was found."""
        from reconciler.app.plans.target_chain import read_plans

        if self.folder is None:
            return None
        with suppress(ReconcileError, OSError):
            for one in reversed(read_plans(self.folder)):
                touch = one.plan.touches.get(id)
                if touch is not None and touch.before != touch.after and touch.after == digest:
                    return f"plan {one.link.number:04}"
        return None


def _difference(old: Entry, new: Entry) -> str:
    from reconciler.engine.plan.step import differing_fields, worded

    return "; ".join(worded(old, new, differing_fields(old, new))) or "it hangs on another object"


def _shown(entry: Entry) -> str:
    """An object in the words of the YAML."""
    _, data = registry().of(entry).write(entry, "")
    return _flat(data)


def _flat(data: Any) -> str:
    if isinstance(data, bool):
        return "yes" if data else "no"
    if not isinstance(data, Mapping):
        return " ".join(str(data).split())
    return ", ".join(f"{key}: {_flat(value)}" for key, value in data.items())
