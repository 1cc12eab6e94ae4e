"""What a kind of object is: one file says how it is read, written, created, changed and dropped.

The engine works through this class alone. Kinds do not know one another; what one kind must know of
another's doings is a word here (`Disturbance`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, LiteralString, TypeVar

from reconciler.core.catalog import Entry
from reconciler.core.declared import Declared, Destination, Nest
from reconciler.core.descent import Descent
from reconciler.core.ident import ObjectId
from reconciler.core.rule import Disturbance, Ignored, InPlace, Recreate, Rule
from reconciler.core.statement import Statement

__all__ = [
    "Declared",
    "Destination",
    "Disturbance",
    "Ignored",
    "InPlace",
    "Kind",
    "Nest",
    "Recreate",
    "Rule",
]

S = TypeVar("S")


class Kind(Descent, ABC, Generic[S]):
    """One kind of object.

    The query's result columns are the fields of the state, and these:
    `address` (text `pg_class/16384/0`: classid's name, objid, objsubid as pg_depend has them), `path`
    (text[]; for facets `suffix` text[], appended to the parent's kind and path), `parent` (an address, may
    be null), optional `also` (text[] of further addresses that mean this object: a view's rewrite rule, a
    constraint's index), optional `carrier` (an address), optional `needs` (text[] of addresses that
    pg_depend does not know of).
    Arrays arrive as tuples. Objects of extensions, of PostgreSQL itself and temporary ones are left out.
    """

    name: ClassVar[str]
    """The word in ids: `table`."""
    section: ClassVar[str]
    """The YAML key: `tables`."""
    parents: ClassVar[tuple[str, ...]] = ()
    """The kinds under which the section nests; none: at the top of the file."""
    nested_section: ClassVar[str | None] = None
    """The YAML key under an object of this same kind: `partitions` under a table."""
    singleton: ClassVar[bool] = False
    """The section holds one document, not a mapping from names to documents."""
    state: ClassVar[type[Any]]
    document: ClassVar[Any]
    """A type that pydantic can validate: a model, or an annotated type for short forms."""
    rules: ClassVar[Mapping[str, Rule]]
    """One per compared field."""
    recreated_on: ClassVar[frozenset[Disturbance]] = frozenset()
    rank: ClassVar[int] = 50
    """Among objects that do not depend on one another the lower rank is created first."""
    folds_into: ClassVar[tuple[str, ...]] = ()
    """The kinds whose CREATE can hold this one as a clause."""
    is_facet: ClassVar[bool] = False
    """True where it is an attribute of another object rather than one of its own (comment, owner, grants)."""
    managed_with_ownership: ClassVar[bool] = False
    """True where only `--ownership` takes it under management in full."""
    ignores: ClassVar[frozenset[str]] = frozenset()
    """Kinds that never count among what this kind needs, whatever pg_depend says (an owned sequence does not
    need its column: the column's default needs the sequence)."""
    elaborated: ClassVar[bool] = True
    """False where what is written is already what the catalogs say, so that no scratch server is asked."""
    reparsed: ClassVar[bool] = False
    """True where PostgreSQL's text of the object, read once more, can come out as another text."""
    resolve: ClassVar[LiteralString | None] = None
    """SQL with %(schema)s and %(name)s (the id's path) that answers the canonical last part of the path, or
    null: asked on the scratch server where a person may write a name in several ways (argument types)."""
    is_local: ClassVar[bool] = False
    """True where SQL fragments of an object can only name columns of its own table, and functions, types,
    operators and sequences: expressions that may not hold a query."""
    is_ambient: ClassVar[bool] = False
    """True for what an expression anywhere can name: functions, types, operators, sequences, schemas."""
    is_bound_to_database: ClassVar[bool] = False
    """True for what a server can refuse to make in any database but the target (extensions)."""
    enquires_when_new: ClassVar[bool] = False
    """True where `server_query` is to be asked even if the parent is new."""
    unusual: ClassVar[LiteralString | None] = None
    """SQL for the paths of entries that a pull says though they are built in: they are not as a new database
    would have them (an extension's older version). Their state has a field `usual`."""
    is_namespace: ClassVar[bool] = False
    """True for what other objects live in: its name is the first of theirs."""
    text_name_parts: ClassVar[int] = 0
    """How many of the last parts of its path a text says that means it: 1 for a table, 2 for a column; 0 for
    what no text means."""
    shapes_new_objects: ClassVar[bool] = False
    """True for what decides on things that come with whatever is made later (default privileges)."""
    is_shared: ClassVar[bool] = False
    """True for what all databases of a server share (roles): never made on a scratch server."""
    opaque_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that PostgreSQL reads as they are written, and that name what only the target has (roles)."""
    needs_module: ClassVar[bool] = False
    """True for what only a server can have that has loaded something for it (security labels): clones go
    without, and take it from what they are made of."""
    is_opt_in: ClassVar[bool] = False
    """True for what is left as it is unless it is declared, and for what hangs on it (the database)."""
    server_names: ClassVar[LiteralString | None] = None
    """Where it is shared: a query for the names of all on the server, also of those that nobody declares."""
    guarantee: ClassVar[frozenset[str]] = frozenset()
    """Fields that say which rows are refused."""
    is_structural: ClassVar[bool] = False
    """True for what its parent cannot be made without (columns): it is folded whenever it can be, and where
    an ancestor brings it along, what differs is altered afterwards."""
    drops_with_parent: ClassVar[bool] = True
    """False where PostgreSQL refuses to drop the parent before it (user mappings of a server)."""
    holds_data: ClassVar[bool] = False
    """True where dropping and creating loses rows."""

    @abstractmethod
    def query(self, major: int) -> LiteralString:
        """The SQL that reads every object of the kind on that major version."""

    @abstractmethod
    def declare(self, name: str, document: Any, nest: Nest) -> Iterable[Declared]:
        """The objects that a document declares. Raises ValueError with a plain sentence for nonsense."""

    @abstractmethod
    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        """The YAML key and plain data that `declare` turns into this very state; `home` is the file's schema.
        A singleton's key is ignored."""

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        """The mapping that a short form (`email: text`) stands for, so that sections can nest beside it."""
        if not isinstance(short, Mapping):
            raise ValueError(f"{self.name} has no short form")
        return short

    @abstractmethod
    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        """Statements that make the object; `clauses` are what was folded into it."""

    @abstractmethod
    def drop(self, entry: Entry) -> Iterable[Statement]:
        """Statements that remove the object, never with CASCADE."""

    def create_shell(self, entry: Entry) -> Iterable[Statement]:
        """Statements that come before `create` and make what those can be made with that this object needs
        and that need it themselves (a shell type, for the functions of a base type). What is so entangled
        with an object goes when that is dropped."""
        return ()

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        """The text inside the CREATE of the kind that it folds into."""
        raise ValueError(f"{self.name} is never a clause")

    def after_clause(self, entry: Entry) -> Iterable[Statement]:
        """What a clause cannot say and must follow it."""
        return ()

    def foldable(self, entry: Entry) -> bool:
        """Whether this very object may become a clause of its parent's CREATE."""
        return bool(self.folds_into)

    def merges_with(self, entry: Entry, other: Entry) -> bool:
        """Whether PostgreSQL makes only the other of these two where both are clauses of one CREATE."""
        return False

    def reparses(self, entry: Entry) -> bool:
        """Whether this very object's text may change when PostgreSQL reads its own words."""
        return self.reparsed

    def is_recreated_on(self, entry: Entry, disturbance: Disturbance) -> bool:
        """Whether this very object must be dropped and made again around such a change of what it needs."""
        return disturbance in self.recreated_on

    def built_in(self, entry: Entry) -> bool:
        """Whether every new database has it, so that leaving it undeclared says nothing (schema public)."""
        return False

    def concerns_database(self, entry: Entry) -> bool:
        """Whether a shared object says something about this very database although nothing in it refers to
        the object (a role has settings for it)."""
        return False

    def normalized(self, entry: Entry, destination: Destination) -> Entry | None:
        """The declared entry as the target's catalog would hold it; None where it would hold none because it
        says what holds anyway."""
        return entry

    def remaining_default(self, entry: Entry, changing: Container[ObjectId]) -> Entry | None:
        """What is read of it once it is dropped, though its parent stays: what holds by default. `changing`
        is all that the plan changes."""
        return None

    def label(self, entry: Entry) -> str:
        """How a person calls it: `table app.users`."""
        return f"{self.name.replace('_', ' ')} {'.'.join(entry.id.path)}"

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        """Names that no two objects can have at once, across kinds: `("relation", "app", "users")`."""
        return ()

    def rename_aside(self, entry: Entry) -> tuple[str, Iterable[Statement]] | None:
        """A way to keep the old object under another name while the new one is made and what cannot be
        dropped moves over (`follow`): (a name to drop later, the renaming statements). None: drop first."""
        return None

    def drop_aside(self, entry: Entry, aside_name: str) -> Iterable[Statement]:
        """Statements that remove the object that `rename_aside` renamed."""
        return ()

    def relaxes(self, old: Any, new: Any) -> bool:
        """Whether the object in the new state may accept rows that it refuses in the old one."""
        return any(getattr(old, name) != getattr(new, name) for name in self.guarantee)

    def application_use(self, entry: Entry) -> str | None:
        """What statements of an application do with the object, which fail once it is gone and nothing has
        its name (`read view app.v`). None: they do nothing with it, or its drop tells more."""
        return None

    def replaced_values(self, entry: Entry) -> Mapping[str, str]:
        """Values that the object no longer has, and what takes their place where something holds them."""
        return {}

    def is_compound(self, entry: Entry) -> bool:
        """Whether a value of this type has values of other types inside it, so that comparing its text with
        theirs finds nothing."""
        return False

    def says_how(self, entry: Entry) -> bool:
        """Whether the declaration says how values of the old type become values of the new one."""
        return False

    def narrowing(self, old: Entry, new: Entry) -> str | None:
        """What values may lose, without an error, that move from the object set aside to the new one. None:
        nothing."""
        return None

    def stale_content(self, entry: Entry) -> str | None:
        """What of the object stays as a function made it that is defined anew, and the way on; None: nothing
        is stored of what the function gives."""
        return None

    def move_to_type(
        self, old: Entry, new: Entry, replaced: ObjectId, stand_ins: Mapping[str, str]
    ) -> Iterable[Statement] | None:
        """Statements that move this object from a replaced type (renamed aside) to the new one of the same
        name; None where it can only be dropped and created."""
        return None

    def rename_signature(self, entry: Entry) -> object | None:
        """What two objects share when one may be the other renamed; None: renames cost nothing here."""
        return None

    def server_query(self, old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        """A question that only the server can answer before this alteration is planned, or that `new` is made
        (`old` is None) below what is there: SQL with its named parameters, one row with one text. None:
        nothing to ask."""
        return None

    def with_server_answer(self, new: Entry, answer: str | None) -> Entry:
        """The desired entry with the server's answer in an uncompared field. Raises Blocked where the answer
        says that the server would refuse."""
        return new

    def counter(self, entry: Entry) -> tuple[str, ...] | None:
        """Schema and name of the sequence that the object is or has inside it; None: neither."""
        return None

    def keeping_position(self, entry: Entry, store: str) -> Entry:
        """The entry that loses or gets a counter while another object gets or loses one: `store` is a
        sequence, as SQL writes it, that keeps the position in between."""
        return entry

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        """Statements that give the object another name (its last path part) and keep all else."""
        raise ValueError(f"{self.name.replace('_', ' ')} cannot be renamed")

    def inner_renames(self, old: Entry, new: Entry) -> Iterable[tuple[str, Statement]]:
        """What is renamed (`label low → mid`), and the statement that does it, for parts of the object that
        have no entries of their own, as `new` declares. PostgreSQL carries the names into everything that
        uses them. Raises Blocked if the declared renames do not fit what exists."""
        return ()

    def rename_with_parent(
        self, old: Entry, table: str, declared: Container[ObjectId]
    ) -> Iterable[Statement]:
        """Statements that come before `old`'s parent is called `table`, and give what has a name that
        PostgreSQL derived from the parent's and the YAML need not say the name that it would have there."""
        return ()

    def name_in_text(self, id: ObjectId) -> str | None:
        """The name, as SQL writes it, without which no text means the object of an ambient kind, or a part of
        that name; None where a text can mean it unsaid, as it does an operator or a cast."""
        return None

    def body_text(self, entry: Entry) -> str | None:
        """Text of the object that PostgreSQL looks into when it runs, not before; None where it has none."""
        return None

    def calls_by_name(self, entry: Entry) -> bool:
        """Whether what it calls is looked up by name when it runs, so that no catalog knows of it."""
        return self.body_text(entry) is not None

    def evaluates(self, old: Entry | None, new: Entry) -> bool:
        """Whether making the object, or altering `old` into it, runs or plans its expressions: a check over
        the rows that are there."""
        return False

    def reads_indexes(self, old: Entry | None, new: Entry) -> bool:
        """Whether that is done by a query or a rewrite of the tables, for which PostgreSQL plans the
        expressions of their indexes too."""
        return False

    def body_check(self, entry: Entry) -> str | None:
        """A statement to run on the scratch server once all is there: where the text inside of what was built
        is no grammar, it fails with syntax_error. None where building proves that."""
        return None

    def implied_entries(self, created: Entry, givers: Iterable[Entry]) -> Iterable[Entry]:
        """Entries of this kind that come into being by themselves when `created` is made: privileges from
        default privileges. `givers` are the entries that decide on such."""
        return ()

    def as_live(self, cloned: Entry, live: Entry) -> Entry:
        """The object of a clone with what the live one has of its own past."""
        return cloned

    def save_properties(self, holder: ObjectId) -> Iterable[Statement]:
        """Statements that come before an object goes that comes back, where no entry of this kind says what
        is to hang on it: what it has shall not depend on who brings it back."""
        return ()

    def restore_properties(self, holder: ObjectId) -> Iterable[Statement]:
        """Statements that give such an object back what was kept."""
        return ()

    def before_create(self, entry: Entry) -> Iterable[Statement]:
        """Statements that come before it is made where something that it needs is there already, and may be
        another role's."""
        return ()

    def beside_ancestors(self, entry: Entry, above: Sequence[Entry]) -> Entry:
        """The entry as CREATE of an heir is to say it, where the table's ancestors have these too."""
        return entry

    def is_inherited(self, entry: Entry) -> bool:
        """Whether the YAML says that an ancestor of the table brings this object along, and that it stands
        there only for what differs. What a partition declares always is."""
        return False

    def attach(self, entry: Entry, carrier: Entry) -> Iterable[Statement]:
        """Statements that make this object of a partition part of the partitioned table's, which was just
        made, where that does not come about by itself."""
        return ()

    def altered_along(self, entry: Entry, carrier: Entry) -> Entry:
        """The inherited object with all that an alteration of its carrier can give it."""
        return self.inherited_form(entry, carrier)
