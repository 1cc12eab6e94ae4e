"""Check constraints of tables and domains (manual: CREATE TABLE, CREATE DOMAIN)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core.catalog import Entry
from reconciler.core.constraint import name_of, relation_of, rename_constraint, validate_constraint
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, without_defaults
from reconciler.core.held_inside import asked_for, refused
from reconciler.core.ident import bare_name, written_bare
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement, on
from reconciler.core.transition import RenameTransition, no_transition


@dataclass(frozen=True, slots=True)
class CheckState:
    """A check constraint."""

    expression: str
    """As pg_get_expr writes it; a domain's says VALUE."""
    no_inherit: bool = False
    not_valid: bool = False
    """Holds for new rows; those from before it were never looked at."""
    not_enforced: bool = False
    """Only declared (18)."""
    inherited: bool = field(default=False, compare=False)
    """An ancestor brings it along, and the table does not declare it too. Partitions never do."""


class CheckDocument(Document):
    """`price_check: price > 0`, or a mapping where more is said."""

    expression: Fragment
    no_inherit: bool = False
    not_valid: bool = False
    not_enforced: bool = False
    inherited: bool = False
    transition: RenameTransition = Field(default_factory=no_transition)


def _short(value: object) -> object:
    return value if isinstance(value, dict | CheckDocument) else {"expression": value}


def _dropped(entry: Entry, noun: str) -> Statement:
    relation = relation_of(entry)
    message = "what it refused is accepted from now on"
    hazards = () if entry.state.not_enforced else (Hazard(HazardCode.VALIDATION_LOST, entry.id, message),)
    locks = on(relation) if _noun(entry) == "TABLE" else ()
    return Statement(f"ALTER {noun}{relation} DROP CONSTRAINT {name_of(entry)}", locks, hazards)


def _noun(entry: Entry) -> str:
    assert entry.parent is not None
    return "DOMAIN" if entry.parent.kind == "domain" else "TABLE"


def _validate(old: Entry, new: Entry) -> Iterable[Statement]:
    if not new.state.not_valid and not new.state.not_enforced:
        yield validate_constraint(new, noun=_noun(new))


def _unless_valid(old: CheckState, new: CheckState) -> str | None:
    return "a constraint that is valid cannot be made NOT VALID" if new.not_valid else None


class Check(Kind[CheckState]):
    """A condition that every row, or every value of a domain, meets."""

    name = "check"
    is_required_in_children = True
    is_local = True
    section = "checks"
    parents = ("table", "foreign_table", "domain")
    state = CheckState
    document = Annotated[CheckDocument, BeforeValidator(_short)]
    rank = 44
    folds_into = ("table", "foreign_table", "domain")
    reparsed = True
    recreated_on = frozenset({Disturbance.RETYPED})
    guarantee = frozenset({"expression", "no_inherit", "not_enforced"})
    rules: ClassVar[Mapping[str, Rule]] = {
        "expression": Recreate("the condition of a check cannot be altered"),
        "no_inherit": Recreate("whether a check is inherited cannot be altered"),
        "not_valid": InPlace(_validate, unless=_unless_valid),
        "not_enforced": Recreate("whether a check is enforced cannot be altered"),
        "inherited": Ignored("PostgreSQL decides it when the check is made, and no statement alters it"),
    }

    def reaches_children(self, entry: Entry) -> bool:
        return not entry.state.no_inherit and _noun(entry) == "TABLE"

    def is_inherited(self, entry: Entry) -> bool:
        return bool(entry.state.inherited)

    def query(self, major: int) -> LiteralString:
        enforced: LiteralString = "k.conenforced" if major >= 18 else "true"
        return (
            """
            SELECT 'pg_constraint/' || k.oid || '/0' AS address,
                ARRAY[n.nspname, coalesce(c.relname, t.typname), k.conname]::text[] AS path,
                coalesce('pg_class/' || c.oid || '/0', 'pg_type/' || t.oid || '/0') AS parent,
                CASE WHEN NOT k.conislocal THEN (
                    SELECT 'pg_constraint/' || above.oid || '/0'
                    FROM pg_catalog.pg_inherits h
                    JOIN pg_catalog.pg_constraint above
                        ON above.conrelid = h.inhparent AND above.conname = k.conname AND above.contype = 'c'
                    WHERE h.inhrelid = k.conrelid
                    ORDER BY h.inhseqno LIMIT 1)
                END AS carrier,
                pg_catalog.pg_get_expr(k.conbin, k.conrelid) AS expression,
                k.connoinherit AS no_inherit,
                NOT k.convalidated AND """ + enforced + """ AS not_valid,
                NOT """ + enforced + """ AS not_enforced,
                NOT k.conislocal AND NOT coalesce(c.relispartition AND c.relkind <> 'f', false) AS inherited
            FROM pg_catalog.pg_constraint k
            LEFT JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND k.conrelid <> 0
            LEFT JOIN pg_catalog.pg_type t ON t.oid = k.contypid AND k.contypid <> 0
            JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(c.relnamespace, t.typnamespace)
            WHERE k.contype = 'c' AND coalesce(c.relpersistence, 'p') <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, coalesce(c.relname, t.typname), k.conname"""
        )  # fmt: skip

    def declare(self, name: str, document: CheckDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if nest.parent.kind == "domain" and (document.no_inherit or document.not_enforced):
            raise ValueError("a domain's check is always inherited and enforced")
        if nest.parent.kind == "domain" and document.inherited:
            raise ValueError("`inherited` says something of a table's check only")
        state = CheckState(
            document.expression,
            document.no_inherit,
            document.not_valid and not document.not_enforced,
            document.not_enforced,
            document.inherited,
        )
        yield Declared(
            nest.parent.child("check", bare_name(name)),
            state,
            nest.parent,
            former_names=document.transition.former_names,
            not_renamed=document.transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: CheckState = entry.state
        data = without_defaults(
            {
                "expression": state.expression,
                "no_inherit": state.no_inherit,
                "not_valid": state.not_valid,
                "not_enforced": state.not_enforced,
                "inherited": state.inherited,
            }
        )
        return written_bare(entry.id.path[2]), state.expression if list(data) == ["expression"] else data

    def foldable(self, entry: Entry) -> bool:
        return not entry.state.not_valid

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        state: CheckState = entry.state
        said = " NO INHERIT" if state.no_inherit else ""
        said += " NOT VALID" if state.not_valid else " NOT ENFORCED" if state.not_enforced else ""
        return f"CONSTRAINT {name_of(entry)} CHECK ({state.expression}){said}"

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"expression": short}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: CheckState = entry.state
        is_foreign = entry.parent is not None and entry.parent.kind == "foreign_table"
        looks = not state.not_valid and not state.not_enforced and not is_foreign
        hazard = Hazard(HazardCode.MAY_FAIL, entry.id, "a value that violates it makes it fail")
        relation = relation_of(entry)
        yield Statement(
            f"ALTER {_noun(entry)} {relation} ADD {self.clause(entry)}",
            on(relation) if _noun(entry) == "TABLE" else (),
            (hazard,) if looks else (),
            cost=Cost.SCAN if looks else Cost.INSTANT,
        )

    def evaluates(self, old: Entry | None, new: Entry) -> bool:
        return not new.state.not_valid and not new.state.not_enforced

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield _dropped(entry, f"{_noun(entry)} ")

    def drop_only(self, entry: Entry) -> Iterable[Statement]:
        yield _dropped(entry, "TABLE ONLY ")

    def server_query(self, old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        looks = not new.state.not_valid and (old is None or old.state.not_valid)
        return asked_for(new.parent) if looks and new.parent and new.parent.kind == "domain" else None

    def with_server_answer(self, new: Entry, answer: str | None) -> Entry:
        if answer is not None and new.parent is not None:
            way_on = "declare it `not_valid: true`: new values are checked, and nobody looks at those there"
            raise refused(self.label(new), new.parent, answer, way_on)
        return new

    def stale_content(self, entry: Entry) -> str | None:
        return "rows that are there are not looked at again: drop it by hand, and plan again"

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        yield rename_constraint(old, name, _noun(old))

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("constraint", *entry.id.path)
