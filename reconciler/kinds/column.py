"""Columns (manual: CREATE TABLE, ALTER TABLE)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core.catalog import Entry
from reconciler.core.fragment import (
    Document,
    Fragment,
    Names,
    Option,
    option_names,
    options_from,
    options_sql,
    options_to,
    without_defaults,
)
from reconciler.core.ident import ObjectId, bare_name, literal, qualified, quote, split_name, written_bare
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, LockMode, Statement, data_loss, on


@dataclass(frozen=True, slots=True)
class ColumnState:
    """A column; its default is an entry of its own."""

    type: str
    """As format_type writes it, with its modifier."""
    not_null: bool = False
    not_null_name: str | None = None
    """PostgreSQL 18 names the constraint; None is the name that it chooses by itself."""
    not_null_flags: tuple[str, ...] = ()
    """`no inherit`, `not valid` (18)."""
    collation: str | None = None
    """None is the type's own."""
    identity: str | None = None
    """`always` or `by default`."""
    identity_options: tuple[str, ...] = ()
    """Sequence options that differ from PostgreSQL's choice: `INCREMENT BY 2`."""
    generated: str | None = None
    """`stored` or `virtual`."""
    expression: str | None = None
    storage: str | None = None
    """None is the type's own."""
    compression: str | None = None
    statistics: int | None = None
    options: tuple[str, ...] = ()
    position: int = dataclasses.field(default=0, compare=False)
    type_storage: str = dataclasses.field(default="extended", compare=False)
    """What the type has by itself; SET STORAGE DEFAULT came only with 16."""
    using: str | None = dataclasses.field(default=None, compare=False)
    """How old values become new ones when the type changes: declared, or found by `enquire`."""


class IdentityDocument(Document):
    """`identity: {generation: always, options: [INCREMENT BY 2]}`"""

    generation: Literal["always", "by default"]
    options: Names = ()


class GeneratedDocument(Document):
    """`generated: {expression: price * quantity, stored: true}`"""

    expression: Fragment
    stored: bool = True


class ColumnTransition(Document):
    """How to get there from what was: inert once the database is there."""

    rename_from: str | Names = ()
    not_renamed: bool = False
    using: Fragment | None = None


class NotNullDocument(Document):
    """A NOT NULL constraint with a name or state of its own (PostgreSQL 18)."""

    name: str | None = None
    no_inherit: bool = False
    not_valid: bool = False


class ColumnDocument(Document):
    """`email: {type: text, not_null: true}`; a bare string is the type."""

    type: Fragment
    not_null: bool | NotNullDocument = False
    collation: str | None = None
    identity: Literal["always", "by default"] | IdentityDocument | None = None
    generated: GeneratedDocument | None = None
    storage: Literal["plain", "external", "extended", "main"] | None = None
    compression: Literal["pglz", "lz4"] | None = None
    statistics: int | None = None
    options: dict[str, Option] = Field(default_factory=dict)
    transition: ColumnTransition | None = None


def _short(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


def _relation(entry: Entry) -> str:
    return qualified(*entry.id.path[:2])


def _alter(entry: Entry, action: str, mode: LockMode = LockMode.ACCESS_EXCLUSIVE, **more: Any) -> Statement:
    relation = _relation(entry)
    sql = f"ALTER TABLE {relation} ALTER COLUMN {quote(entry.id.path[2])} {action}"
    return Statement(sql, on(relation, mode), **more)


def _without_identity(old: Entry, new: Entry) -> Iterable[Statement]:
    """An identity that goes must be gone before the type or NOT NULL that it insists on."""
    if old.state.identity and not new.state.identity:
        yield _alter(new, "DROP IDENTITY")


def _retype(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = old.state, new.state
    yield from _without_identity(old, new)
    collation = f" COLLATE {after.collation}" if after.collation else ""
    using = f" USING {after.using}" if after.using else ""
    message = f"values are converted from {before.type} to {after.type}"
    code = HazardCode.DATA_LOSS if _may_lose(before.type, after.type) else HazardCode.TABLE_REWRITE
    hazards = [Hazard(code, new.id, message)]
    if not _widens(before.type, after.type):
        hazards.append(Hazard(HazardCode.MAY_FAIL, new.id, "a value that does not convert makes it fail"))
    yield _alter(new, f"TYPE {after.type}{collation}{using}", hazards=tuple(hazards), cost=Cost.REWRITE)


def _collation(old: Entry, new: Entry) -> Iterable[Statement]:
    return _retype(old, new) if old.state.type == new.state.type else ()


_WIDENING = (
    ("smallint", "integer", "bigint", "numeric"),
    ("real", "double precision"),
    ("date", "timestamp without time zone"),
)
_TEXTUAL = ("text", "character varying", "citext", "public.citext")


def _widens(old: str, new: str) -> bool:
    """Whether every value of the old type is a value of the new one."""
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    for ladder in _WIDENING:
        if base_old in ladder and new in ladder:
            return ladder.index(base_old) <= ladder.index(new)
    if new in _TEXTUAL:
        return True
    if base_old == base_new and "(" in old:
        return "(" not in new or _modifier(new) >= _modifier(old)
    return False


def _modifier(type_name: str) -> tuple[int, int]:
    """(digits before the point or length, scale), so that a larger pair holds every value of a smaller."""
    inside = type_name.partition("(")[2].partition(")")[0].split(",")
    numbers = [int(part) for part in inside if part.strip().lstrip("-").isdecimal()]
    scale = numbers[1] if len(numbers) > 1 else 0
    return (numbers[0] - scale, scale) if numbers else (0, 0)


_LOSSY = {
    "integral": ("smallint", "integer", "bigint"),
    "fractional": ("numeric", "real", "double precision", "money"),
    "temporal": ("timestamp without time zone", "timestamp with time zone"),
}


def _may_lose(old: str, new: str) -> bool:
    """Whether the cast can drop part of a value without an error."""
    if _widens(old, new):
        return False
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    if base_old in _LOSSY["fractional"]:
        return base_new not in (*_TEXTUAL, base_old) or "(" in new
    if base_old.startswith("timestamp"):
        return not base_new.startswith("timestamp") and new not in _TEXTUAL or "(" in new
    return base_old in ("jsonb", "json") and base_new not in ("json", "jsonb") or "[]" in old


def _not_null(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = old.state, new.state
    renamed_only = before.not_null and after.not_null and before.not_null_flags == after.not_null_flags
    yield from _without_identity(old, new)
    if not after.not_null:
        yield _alter(new, "DROP NOT NULL")
    elif renamed_only:
        if before.not_null_name != after.not_null_name:
            action = f"RENAME CONSTRAINT {quote(_not_null_constraint(old))} TO {quote(_not_null_constraint(new))}"
            yield Statement(f"ALTER TABLE {_relation(new)} {action}", on(_relation(new)))
    elif after.not_null_name or after.not_null_flags or before.not_null:
        if before.not_null:
            yield _alter(new, "DROP NOT NULL")
        yield Statement(f"ALTER TABLE {_relation(new)} ADD {_not_null_clause(new, standalone=True)}", on(_relation(new)))
    else:
        hazards = (Hazard(HazardCode.MAY_FAIL, new.id, "a null in the column makes it fail"),)
        yield _alter(new, "SET NOT NULL", hazards=hazards, cost=Cost.SCAN)


def _not_null_name_or_flags(old: Entry, new: Entry) -> Iterable[Statement]:
    return _not_null(old, new) if old.state.not_null == new.state.not_null and new.state.not_null else ()


def _not_null_constraint(entry: Entry) -> str:
    return entry.state.not_null_name or f"{entry.id.path[1]}_{entry.id.path[2]}_not_null"


def _not_null_clause(entry: Entry, standalone: bool = False) -> str:
    state = entry.state
    text = f"CONSTRAINT {quote(_not_null_constraint(entry))} " if state.not_null_name or standalone else ""
    text += f"NOT NULL {quote(entry.id.path[2])}" if standalone else "NOT NULL"
    return text + "".join(f" {flag.upper()}" for flag in state.not_null_flags if standalone or flag != "not valid")


def _identity(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = old.state, new.state
    yield from _without_identity(old, new)
    if after.identity and not before.identity:
        yield _alter(new, f"ADD {_identity_clause(after)}")
        sequence = f"pg_catalog.pg_get_serial_sequence({literal(_relation(new))}, {literal(new.id.path[2])})"
        highest = f"pg_catalog.max({quote(new.id.path[2])})"
        # An identity sequence starts at 1 whatever the rows hold; setval() of no rows (NULL) does nothing.
        yield Statement(f"SELECT pg_catalog.setval({sequence}, {highest}) FROM {_relation(new)}", cost=Cost.SCAN)
    elif after.identity and before.identity != after.identity:
        yield _alter(new, f"SET GENERATED {after.identity.upper()}")


_SEQUENCE_DEFAULTS = {
    "INCREMENT": "INCREMENT BY 1", "MINVALUE": "NO MINVALUE", "MAXVALUE": "NO MAXVALUE", "START": "START WITH 1",
    "CACHE": "CACHE 1", "CYCLE": "NO CYCLE",
}  # fmt: skip


def _identity_options(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = old.state, new.state
    if not (before.identity and after.identity):
        return
    had = {option.split()[0]: option for option in before.identity_options}
    has = {option.split()[0]: option for option in after.identity_options}
    for word in sorted({*had, *has}):
        if had.get(word) == has.get(word):
            continue
        if word == "SEQUENCE":
            target = has.get(word, f"SEQUENCE NAME {qualified(new.id.path[0], _sequence_name(new))}").split(" ", 2)[2]
            source = had.get(word, f"SEQUENCE NAME {qualified(new.id.path[0], _sequence_name(new))}").split(" ", 2)[2]
            yield Statement(f"ALTER SEQUENCE {source} RENAME TO {quote(split_name(target)[-1])}")
        else:
            yield _alter(new, f"SET {has.get(word) or _SEQUENCE_DEFAULTS[word]}")


def _sequence_name(entry: Entry) -> str:
    return f"{entry.id.path[1]}_{entry.id.path[2]}_seq"


def _identity_clause(state: ColumnState) -> str:
    options = f" ({' '.join(state.identity_options)})" if state.identity_options else ""
    return f"GENERATED {(state.identity or '').upper()} AS IDENTITY{options}"


def _generated(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, "DROP EXPRESSION")


def _generated_unless(old: ColumnState, new: ColumnState) -> str | None:
    if old.generated == "stored" and new.generated is None:
        return None
    return "a generated column's expression cannot be altered"


def _storage(old: Entry | None, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"SET STORAGE {(new.state.storage or new.state.type_storage).upper()}")


def _compression(old: Entry | None, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"SET COMPRESSION {new.state.compression or 'default'}")


def _statistics(old: Entry | None, new: Entry) -> Iterable[Statement]:
    target = -1 if new.state.statistics is None else new.state.statistics
    yield _alter(new, f"SET STATISTICS {target}", LockMode.SHARE_UPDATE_EXCLUSIVE)


def _options(old: Entry | None, new: Entry) -> Iterable[Statement]:
    before = old.state.options if old else ()
    gone = sorted(option_names(before) - option_names(new.state.options))
    changed = [option for option in new.state.options if option not in before]
    if gone:
        yield _alter(new, f"RESET ({', '.join(map(quote, gone))})", LockMode.SHARE_UPDATE_EXCLUSIVE)
    if changed:
        yield _alter(new, f"SET ({options_sql(changed)})", LockMode.SHARE_UPDATE_EXCLUSIVE)


class Column(Kind[ColumnState]):
    """A column of a table."""

    name = "column"
    section = "columns"
    parents = ("table",)
    state = ColumnState
    document = Annotated[ColumnDocument, BeforeValidator(_short)]
    rank = 31
    folds_into = ("table",)
    is_structural = True
    holds_data = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "type": InPlace(_retype, Disturbance.RETYPED),
        "collation": InPlace(_collation, Disturbance.RETYPED),
        "generated": InPlace(_generated, unless=_generated_unless),
        "expression": InPlace(lambda old, new: (), unless=_generated_unless),
        "not_null": InPlace(_not_null),
        "not_null_name": InPlace(_not_null_name_or_flags),
        "not_null_flags": InPlace(_not_null_name_or_flags),
        "identity": InPlace(_identity),
        "identity_options": InPlace(_identity_options),
        "storage": InPlace(_storage),
        "compression": InPlace(_compression),
        "statistics": InPlace(_statistics),
        "options": InPlace(_options),
        "position": Ignored("the order of existing columns is never rebuilt"),
        "type_storage": Ignored("a fact about the type"),
        "using": Ignored("how to get there, not where to be"),
    }

    def brought(self, entry: Entry, carrier: Entry) -> Entry:
        # An inherited NOT NULL has the parent's name, and an identity stays the parent's.
        name = entry.state.not_null_name
        state = dataclasses.replace(carrier.state, not_null_name=name, identity=None, identity_options=())
        return dataclasses.replace(entry, state=state)

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_class/' || c.oid || '/' || a.attnum AS address,
                ARRAY[n.nspname, c.relname, a.attname]::text[] AS path,
                CASE WHEN a.attgenerated <> '' THEN ARRAY['pg_attrdef/' || d.oid || '/0'] ELSE '{}' END
                    || CASE WHEN nn.oid IS NULL THEN '{}' ELSE ARRAY['pg_constraint/' || nn.oid || '/0'] END
                    || CASE WHEN q.seqrelid IS NULL THEN '{}' ELSE ARRAY['pg_class/' || q.seqrelid || '/0'] END AS also,
                'pg_class/' || c.oid || '/0' AS parent,
                CASE WHEN NOT a.attislocal THEN (
                    SELECT 'pg_class/' || pa.attrelid || '/' || pa.attnum
                    FROM pg_catalog.pg_inherits i
                    JOIN pg_catalog.pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname
                    WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1)
                END AS carrier,
                pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
                a.attnotnull AS not_null,
                nullif(nn.conname, c.relname || '_' || a.attname || '_not_null') AS not_null_name,
                array_remove(ARRAY[CASE WHEN nn.connoinherit THEN 'no inherit' END,
                    CASE WHEN NOT nn.convalidated THEN 'not valid' END], NULL) AS not_null_flags,
                CASE WHEN a.attcollation <> t.typcollation THEN (
                    SELECT pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)
                    FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                    WHERE co.oid = a.attcollation)
                END AS collation,
                CASE WHEN a.attislocal THEN
                    CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END END AS identity,
                CASE WHEN q.seqrelid IS NULL THEN '{}' ELSE array_remove(ARRAY[
                    CASE WHEN qc.relname <> c.relname || '_' || a.attname || '_seq' THEN
                        'SEQUENCE NAME ' || pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(qc.relname) END,
                    CASE WHEN q.seqincrement <> 1 THEN 'INCREMENT BY ' || q.seqincrement END,
                    CASE WHEN q.seqmin <> CASE WHEN q.seqincrement > 0 THEN 1
                        WHEN q.seqtypid = 21 THEN -32768 WHEN q.seqtypid = 23 THEN -2147483648
                        ELSE -9223372036854775808 END THEN 'MINVALUE ' || q.seqmin END,
                    CASE WHEN q.seqmax <> CASE WHEN q.seqincrement < 0 THEN -1
                        WHEN q.seqtypid = 21 THEN 32767 WHEN q.seqtypid = 23 THEN 2147483647
                        ELSE 9223372036854775807 END THEN 'MAXVALUE ' || q.seqmax END,
                    CASE WHEN q.seqstart <> CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END
                        THEN 'START WITH ' || q.seqstart END,
                    CASE WHEN q.seqcache <> 1 THEN 'CACHE ' || q.seqcache END,
                    CASE WHEN q.seqcycle THEN 'CYCLE' END], NULL)
                END AS identity_options,
                CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END AS generated,
                CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression,
                CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain'
                    WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' ELSE 'main' END END AS storage,
                CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
                CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::integer END AS statistics,
                ARRAY(SELECT o FROM pg_catalog.unnest(a.attoptions) AS o ORDER BY o COLLATE "C") AS options,
                a.attnum::integer AS position,
                CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended'
                    ELSE 'main' END AS type_storage
            FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_catalog.pg_attrdef d
                ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated <> ''
            LEFT JOIN pg_catalog.pg_constraint nn
                ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum]
            LEFT JOIN pg_catalog.pg_depend qd
                ON a.attidentity <> '' AND qd.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                AND qd.refobjid = a.attrelid AND qd.refobjsubid = a.attnum AND qd.deptype = 'i'
                AND qd.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            LEFT JOIN pg_catalog.pg_sequence q ON q.seqrelid = qd.objid
            LEFT JOIN pg_catalog.pg_class qc ON qc.oid = q.seqrelid
            WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
                AND c.reloftype = 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname, a.attnum"""

    def declare(self, name: str, document: ColumnDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        transition = document.transition or ColumnTransition()
        former = transition.rename_from
        yield Declared(
            nest.parent.child("column", bare_name(name)),
            dataclasses.replace(_declared_state(document, transition), position=nest.position),
            nest.parent,
            former_names=(former,) if isinstance(former, str) else tuple(former),
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ColumnState = entry.state
        data = without_defaults(
            {
                "type": state.type,
                "not_null": _written_not_null(state),
                "collation": state.collation,
                "identity": _written_identity(state),
                "generated": _written_generated(state),
                "storage": state.storage,
                "compression": state.compression,
                "statistics": state.statistics,
                "options": options_to(state.options),
            }
        )
        return written_bare(entry.id.path[2]), state.type if list(data) == ["type"] else data

    def in_full(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"type": short}

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        state: ColumnState = entry.state
        parts = [quote(entry.id.path[2]), state.type]
        if state.collation:
            parts.append(f"COLLATE {state.collation}")
        if state.generated:
            parts.append(f"GENERATED ALWAYS AS ({state.expression}) {state.generated.upper()}")
        if state.identity:
            parts.append(_identity_clause(state))
        parts.extend(clauses)
        if state.not_null and "not valid" not in state.not_null_flags:
            parts.append(_not_null_clause(entry))
        return " ".join(parts)

    def settle(self, entry: Entry) -> Iterable[Statement]:
        state: ColumnState = entry.state
        if "not valid" in state.not_null_flags:
            relation = _relation(entry)
            yield Statement(f"ALTER TABLE {relation} ADD {_not_null_clause(entry, standalone=True)}", on(relation))
        if state.storage:
            yield from _storage(None, entry)
        if state.compression:
            yield from _compression(None, entry)
        if state.statistics is not None:
            yield from _statistics(None, entry)
        if state.options:
            yield from _options(None, entry)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: ColumnState = entry.state
        relation = _relation(entry)
        hazards: tuple[Hazard, ...] = ()
        if state.not_null and not clauses and not state.identity and not state.generated:
            message = "there is no default for existing rows: it fails on a table that holds any"
            hazards = (Hazard(HazardCode.MAY_FAIL, entry.id, message),)
        cost = Cost.REWRITE if state.identity or state.generated == "stored" else Cost.INSTANT
        yield Statement(f"ALTER TABLE {relation} ADD COLUMN {self.clause(entry, clauses)}", on(relation), hazards, cost=cost)
        yield from self.settle(entry)

    def comes_with(self, field: str, new: Entry) -> bool:
        # A partition can hold a NOT NULL of its own, which outlives the parent's.
        return field != "not_null" or new.state.not_null

    def rereads(self, entry: Entry) -> bool:
        return entry.state.generated is not None

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = _relation(entry)
        name = ".".join(entry.id.path)
        hazards = () if entry.state.generated else data_loss(entry.id, f"drops column {name} and its values")
        yield Statement(f"ALTER TABLE {relation} DROP COLUMN {quote(entry.id.path[2])}", on(relation), hazards)

    def resemblance(self, entry: Entry) -> object | None:
        return None if entry.state.generated else (entry.parent, entry.state.type)

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        relation = _relation(old)
        message = f"statements that say {old.id.path[2]} fail from now on"
        hazards = (Hazard(HazardCode.APPLICATION_BREAK, old.id, message),)
        sql = f"ALTER TABLE {relation} RENAME COLUMN {quote(old.id.path[2])} TO {quote(name)}"
        yield Statement(sql, on(relation), hazards)

    def follow(self, old: Entry, new: Entry, replaced: ObjectId) -> Iterable[Statement] | None:
        if old.state.type.removesuffix("[]") == new.state.type.removesuffix("[]") and new.state.using is None:
            text = "text[]" if new.state.type.endswith("[]") else "text"
            using = f"{quote(new.id.path[2])}::{text}::{new.state.type}"
            new = dataclasses.replace(new, state=dataclasses.replace(new.state, using=using))
        return _retype(old, new)

    def enquire(self, old: Entry, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        if old.state.type == new.state.type or new.state.using:
            return None
        return _CAST_PATH, {"old": old.state.type, "new": new.state.type}

    def informed(self, new: Entry, answer: str | None) -> Entry:
        if not answer:
            return new
        using = quote(new.id.path[2]) + answer
        return dataclasses.replace(new, state=dataclasses.replace(new.state, using=using))


_CAST_PATH: LiteralString = """
    WITH pair AS (
        SELECT o.oid AS old, n.oid AS new, o.typcategory AS old_category, n.typcategory AS new_category
        FROM (SELECT 1) AS one
        LEFT JOIN pg_catalog.pg_type o ON o.oid = pg_catalog.to_regtype(%(old)s)
        LEFT JOIN pg_catalog.pg_type n ON n.oid = pg_catalog.to_regtype(%(new)s)),
    ways AS (
        SELECT CASE WHEN c.castcontext IN ('i', 'a') THEN '' ELSE '::' || %(new)s END AS path, 1 AS rank
        FROM pair p JOIN pg_catalog.pg_cast c ON c.castsource = p.old AND c.casttarget = p.new
        UNION ALL SELECT '', 0 FROM pair p WHERE p.old = p.new OR p.new_category = 'S'
        UNION ALL SELECT '::' || %(new)s, 2 FROM pair p WHERE p.old_category = 'S' AND p.new IS NOT NULL
        UNION ALL SELECT '::' || pg_catalog.format_type(a.casttarget, NULL) || '::' || %(new)s, 3
        FROM pair p
        JOIN pg_catalog.pg_cast a ON a.castsource = p.old
        JOIN pg_catalog.pg_type t ON t.oid = a.casttarget AND t.typcategory = p.old_category
        JOIN pg_catalog.pg_cast b ON b.castsource = a.casttarget AND b.casttarget = p.new
        WHERE a.casttarget NOT IN (p.old, p.new))
    SELECT coalesce((SELECT path FROM ways ORDER BY rank, path LIMIT 1), '::text::' || %(new)s)"""
"""An assignment needs nothing; then an explicit cast, then one over a type of the same category (smallint to
integer to boolean), at last text, which every type reads and writes (manual: CREATE CAST)."""


def _declared_state(document: ColumnDocument, transition: ColumnTransition) -> ColumnState:
    not_null = document.not_null
    named = not_null if isinstance(not_null, NotNullDocument) else NotNullDocument()
    flags = [word for word, said in (("no inherit", named.no_inherit), ("not valid", named.not_valid)) if said]
    identity = document.identity
    generated = document.generated
    return ColumnState(
        type=document.type,
        not_null=bool(not_null),
        not_null_name=named.name,
        not_null_flags=tuple(flags),
        collation=document.collation,
        identity=identity.generation if isinstance(identity, IdentityDocument) else identity,
        identity_options=identity.options if isinstance(identity, IdentityDocument) else (),
        generated=("stored" if generated.stored else "virtual") if generated else None,
        expression=generated.expression if generated else None,
        storage=document.storage,
        compression=document.compression,
        statistics=document.statistics,
        options=options_from(document.options),
        using=transition.using,
    )


def _written_not_null(state: ColumnState) -> Any:
    if not state.not_null_name and not state.not_null_flags:
        return state.not_null
    flags = {flag.replace(" ", "_"): True for flag in state.not_null_flags}
    return without_defaults({"name": state.not_null_name, **flags})


def _written_identity(state: ColumnState) -> Any:
    if not state.identity_options:
        return state.identity
    return {"generation": state.identity, "options": list(state.identity_options)}


def _written_generated(state: ColumnState) -> Any:
    if not state.generated:
        return None
    return {"expression": state.expression, **({"stored": False} if state.generated == "virtual" else {})}
