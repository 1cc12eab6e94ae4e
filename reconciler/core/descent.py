"""How objects of a kind behave in tables that inherit from others or are their partitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import ClassVar

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Statement


class Descent:
    """The part of a kind that is about ancestors and heirs: what comes from above, and what is one's own."""

    name: ClassVar[str]
    is_attachable: ClassVar[bool] = False
    """True where an object of a partition becomes part of the partitioned table's when that is made later, so
    that it can have a name of its own (indexes, keys)."""
    is_required_in_children: ClassVar[bool] = False
    """True for what a table must have before it can become an heir or a partition of one that has it
    (columns, checks)."""
    child_specific_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that an heir can have otherwise, though altering the ancestor's alters the heir's as well."""
    is_overridden_by_partitions: ClassVar[bool] = False
    """True where a partition can have one that differs from the partitioned table's, and a change of that
    reaches it (defaults)."""

    def detach(self, old: Entry, new: Entry) -> Iterable[Statement]:
        """Statements that part it from ancestors before an alteration joins it to others; what it has in
        common with either is altered in between."""
        return ()

    def drop_only(self, entry: Entry) -> Iterable[Statement]:
        """Statements that drop it from its table, and not from those that inherit: theirs stays."""
        raise ValueError(f"{self.name} is not shared with heirs")

    def after_detach(self, entry: Entry) -> Entry:
        """The inherited object once its table has left the one that it has it from."""
        return entry

    def before_attach(self, old: Entry, new: Entry, ancestor: Entry) -> Entry:
        """The object as it is to be right before its table joins the one whose `ancestor` it comes from."""
        return new

    def entries_after_detach(self, entry: Entry, table: ObjectId) -> Iterable[Entry]:
        """What a partition has of the entry as its own once it is none any more, where no catalog tells its
        part; `entry` carries it."""
        return ()

    def altered_with_carrier(self, field: str, new: Entry) -> bool:
        """Whether altering the carrier's field alters that of this inherited object as well."""
        return True

    def reaches_children(self, entry: Entry) -> bool:
        """Whether tables that inherit have it too (not a check that is NO INHERIT)."""
        return self.is_required_in_children

    def is_taken_over(self, field: str, new: Entry) -> bool:
        """Whether an ancestor's statement leaves the name of what this object, which both declare, has of the
        field already, and gives it another where it has nothing yet."""
        return False

    def is_part_of(self, entry: Entry, carrier: Entry) -> bool:
        """Whether the partitioned table's object would take this one of a partition over."""
        return bool(self.inherited_form(entry, carrier).state == entry.state)

    def would_attach(self, carrier: Entry, entry: Entry) -> bool:
        """Whether the partitioned table's object takes this one of a partition over, asked or not."""
        return False

    def attached_name(self, entry: Entry, carrier: Entry) -> str:
        """The name that PostgreSQL gives to what it makes for a partition because of the carrier."""
        return entry.id.path[-1]

    def inherited_form(self, entry: Entry, carrier: Entry) -> Entry:
        """The inherited object as its carrier makes it."""
        return dataclasses.replace(entry, state=carrier.state)

    def deviates(self, entry: Entry, carrier: Entry) -> bool:
        """Whether an inherited object must be written down: it is not just what its carrier makes it."""
        return bool(entry.state != self.inherited_form(entry, carrier).state)
