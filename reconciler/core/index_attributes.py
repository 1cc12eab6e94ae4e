"""What every index has, whether CREATE INDEX or a constraint made it: how the catalogs say it, and how ALTER
changes it (manual: ALTER INDEX, ALTER TABLE ... CLUSTER ON, REPLICA IDENTITY)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import LiteralString

from reconciler.core.attribute_options import SAID_OPTION
from reconciler.core.catalog import Entry
from reconciler.core.constraint import name_of, relation_of
from reconciler.core.fragment import as_given, option_actions, options_sql
from reconciler.core.ident import qualified, quote
from reconciler.core.kind import Ignored, InPlace, Recreate, Rule
from reconciler.core.statement import Cost, LockMode, Statement, on

FROM_INDEX: LiteralString = """
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
            JOIN pg_catalog.pg_am am ON am.oid = ic.relam
            JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = ic.reltablespace"""
"""The rows behind every index; a constraint adds its own."""

ATTRIBUTES: LiteralString = """
                (SELECT 'pg_class/' || h.inhparent || '/0' FROM pg_catalog.pg_inherits h
                    WHERE h.inhrelid = i.indexrelid) AS carrier,
                ARRAY(SELECT a.attname::text
                    FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS u (attnum, n)
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                    WHERE u.n > i.indnkeyatts ORDER BY u.n) AS include,
                ARRAY(SELECT o FROM pg_catalog.unnest(ic.reloptions) AS o ORDER BY o COLLATE "C") AS options,
                coalesce(ic.reloptions, '{}') AS options_order,
                s.spcname::text AS tablespace,
                i.indisclustered AS clustered,
                i.indisreplident AS replica_identity,
                ic.relkind = 'I' AND NOT i.indisvalid AS "only",
                ic.relkind = 'I' AS partitioned,
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = i.indexrelid AND a.attnum > 0 ORDER BY a.attnum) AS own_columns"""
"""The fields that all index states share. A child index attached to a partitioned one is carried by it."""

_TYPE_OF_KEY: LiteralString = """CASE
                            WHEN u.attnum <> 0 THEN coalesce(nullif(kt.typbasetype, 0), kt.oid)
                            WHEN oc.opckeytype = 0 THEN ia.atttypid ELSE oc.opcintype END"""

_DEFAULT_CLASS_OF_KEY: LiteralString = f"""
                    (oc.opcdefault AND (oc.opcintype = {_TYPE_OF_KEY} OR NOT EXISTS (
                        SELECT FROM pg_catalog.pg_opclass other
                        WHERE other.opcmethod = oc.opcmethod AND other.opcdefault AND other.oid <> oc.oid
                            AND other.opcintype = {_TYPE_OF_KEY})))"""
"""A class for just the key's type is the only one of its kind: no other has to be looked for."""

ELEMENT: LiteralString = (
    """pg_catalog.pg_get_indexdef(i.indexrelid, u.n::integer, false)
                    || CASE WHEN u.coll <> 0 AND u.coll <> coalesce(ta.attcollation, 100)
                        THEN ' COLLATE ' || u.coll::pg_catalog.regcollation::text ELSE '' END
                    || CASE WHEN """
    + _DEFAULT_CLASS_OF_KEY
    + """ AND NOT EXISTS (SELECT FROM pg_catalog.unnest(ia.attoptions) AS o WHERE """
    + SAID_OPTION
    + """) THEN ''
                        ELSE ' ' || CASE WHEN ocn.nspname = 'pg_catalog' THEN ''
                            ELSE pg_catalog.quote_ident(ocn.nspname) || '.' END
                            || pg_catalog.quote_ident(oc.opcname)
                        END
                    || coalesce((SELECT ' (' || pg_catalog.string_agg(
                                pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '='
                                || pg_catalog.quote_literal(
                                    pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)),
                                ', ' ORDER BY o COLLATE "C") || ')'
                        FROM pg_catalog.unnest(ia.attoptions) AS o WHERE """
    + SAID_OPTION
    + """), '')
                    || CASE u.option & 3 WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST'
                        WHEN 3 THEN ' DESC' ELSE '' END"""
)
"""One key of an index: column or expression, collation and operator class where they are not the ones that
PostgreSQL would choose (a class is named once too often rather than once too seldom), order."""

FROM_ELEMENTS: LiteralString = """
                    FROM ROWS FROM (pg_catalog.unnest(i.indkey), pg_catalog.unnest(i.indcollation),
                        pg_catalog.unnest(i.indclass), pg_catalog.unnest(i.indoption))
                        WITH ORDINALITY AS u (attnum, coll, class, option, n)
                    JOIN pg_catalog.pg_attribute ia ON ia.attrelid = i.indexrelid AND ia.attnum = u.n
                    LEFT JOIN pg_catalog.pg_attribute ta
                        ON ta.attrelid = i.indrelid AND ta.attnum = u.attnum AND u.attnum <> 0
                    LEFT JOIN pg_catalog.pg_type kt ON kt.oid = ta.atttypid
                    JOIN pg_catalog.pg_opclass oc ON oc.oid = u.class
                    JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace
                    WHERE u.n <= i.indnkeyatts"""
"""The keys of an index `i`, without the columns that it only includes."""

IS_BOUND_TO_TYPES: LiteralString = (
    "(i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR EXISTS (SELECT"
    + FROM_ELEMENTS + " AND NOT " + _DEFAULT_CLASS_OF_KEY + "))"
)  # fmt: skip
"""Whether another type of a column may not fit: PostgreSQL builds plain indexes again by itself."""

STATISTICS: LiteralString = """
                ARRAY(SELECT ARRAY[a.attnum::integer, a.attstattarget::integer]
                    FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0
                    ORDER BY a.attnum) AS statistics"""

_CONCURRENT = frozenset({"fillfactor", "deduplicate_items"})
"""Storage parameters that change under share update exclusive; all others take access exclusive."""


def outdated_keys(entry: Entry) -> str:
    """What is said of an index on what a function gives, where that is defined anew."""
    return f"keys stay where they were: REINDEX INDEX {index_of(entry)}"


def index_of(entry: Entry) -> str:
    """The index as SQL writes it; it lives in its table's schema."""
    return qualified(entry.id.path[0], entry.id.path[-1])


def _alter(entry: Entry, action: str, mode: LockMode, cost: Cost = Cost.INSTANT) -> Statement:
    index = index_of(entry)
    return Statement(f"ALTER INDEX {index} {action}", on(index, mode), cost=cost)


def _options_mode(names: Iterable[str]) -> LockMode:
    return LockMode.SHARE_UPDATE_EXCLUSIVE if _CONCURRENT.issuperset(names) else LockMode.ACCESS_EXCLUSIVE


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    for action, names in option_actions(old.state.options, new.state.options):
        yield _alter(new, action, _options_mode(names))


def _no_options(old: object, new: object) -> str | None:
    partitioned = getattr(old, "partitioned", False) or getattr(new, "partitioned", False)
    return "a partitioned index keeps the storage parameters that it was made with" if partitioned else None


def _tablespace(old: Entry, new: Entry) -> Iterable[Statement]:
    action = f"SET TABLESPACE {quote(new.state.tablespace or 'pg_default')}"
    yield _alter(
        new, action, LockMode.ACCESS_EXCLUSIVE, Cost.INSTANT if new.state.partitioned else Cost.REWRITE
    )


def _clustered(old: Entry, new: Entry) -> Iterable[Statement]:
    relation = relation_of(new)
    action = f"CLUSTER ON {name_of(new)}" if new.state.clustered else "SET WITHOUT CLUSTER"
    yield Statement(f"ALTER TABLE {relation} {action}", on(relation, LockMode.SHARE_UPDATE_EXCLUSIVE))


def _replica_identity(old: Entry, new: Entry) -> Iterable[Statement]:
    # Turned off, the table's own field or the index that serves instead says what is to be.
    if new.state.replica_identity:
        relation = relation_of(new)
        yield Statement(f"ALTER TABLE {relation} REPLICA IDENTITY USING INDEX {name_of(new)}", on(relation))


def _statistics(old: Entry, new: Entry) -> Iterable[Statement]:
    had, has = dict(old.state.statistics), dict(new.state.statistics)
    for number in sorted({*had, *has}):
        if had.get(number) != has.get(number):
            action = f"ALTER COLUMN {number} SET STATISTICS {has.get(number, -1)}"
            yield _alter(new, action, LockMode.SHARE_UPDATE_EXCLUSIVE)


ATTRIBUTE_RULES: dict[str, Rule] = {
    "include": Recreate("the included columns of an index cannot be altered"),
    "options": InPlace(_options, unless=_no_options),
    "options_order": Ignored("the order of storage parameters says nothing"),
    "tablespace": InPlace(_tablespace),
    "clustered": InPlace(_clustered),
    "replica_identity": InPlace(_replica_identity),
    "only": Recreate("the index of the partitioned table lacks indexes of partitions"),
    "partitioned": Ignored("it follows from the table"),
    "own_columns": Ignored("PostgreSQL's names for the index's own columns lead to its default name alone"),
}
STATISTICS_RULE: Rule = InPlace(_statistics)


def statistics_from(targets: Mapping[str, int]) -> tuple[tuple[int, int], ...]:
    """`{"1": 500}` as the state keeps it. Raises ValueError for a key that is no column number."""
    wrong = [number for number in targets if not number.isdecimal()]
    if wrong:
        raise ValueError(
            f"statistics are keyed by the number of an index column (1, 2, ...), not {wrong[0]!r}"
        )
    return tuple(sorted((int(number), target) for number, target in targets.items()))


def statistics_to(statistics: Iterable[tuple[int, int]]) -> dict[str, int]:
    """The inverse of `statistics_from`."""
    return {str(number): target for number, target in statistics}


def settle_index(entry: Entry) -> Iterable[Statement]:
    """What neither CREATE INDEX nor a constraint's clause can say."""
    for number, target in getattr(entry.state, "statistics", ()):
        yield _alter(entry, f"ALTER COLUMN {number} SET STATISTICS {target}", LockMode.SHARE_UPDATE_EXCLUSIVE)
    if entry.state.clustered:
        yield from _clustered(entry, entry)
    if entry.state.replica_identity:
        yield from _replica_identity(entry, entry)


def attach_index(entry: Entry, carrier: Entry) -> Iterable[Statement]:
    """ALTER INDEX ... ATTACH PARTITION, where the partitioned table's index was made without its parts."""
    if carrier.state.only:
        whole, part = index_of(carrier), index_of(entry)
        locks = on(whole, LockMode.SHARE_UPDATE_EXCLUSIVE) + on(part)
        yield Statement(f"ALTER INDEX {whole} ATTACH PARTITION {part}", locks)


def index_roles(entry: Entry) -> Iterable[tuple[str, ...]]:
    """The names and roles that only one index can have at once."""
    assert entry.parent is not None
    yield ("relation", entry.id.path[0], entry.id.path[-1])
    if entry.state.clustered:
        yield ("clustered", *entry.parent.path)
    if entry.state.replica_identity:
        yield ("replica identity", *entry.parent.path)


def index_parameters(entry: Entry) -> str:
    """INCLUDE, WITH and USING INDEX TABLESPACE as a constraint's clause writes them, with a leading space."""
    state = entry.state
    text = f" INCLUDE ({', '.join(quote(name) for name in state.include)})" if state.include else ""
    if state.options:
        text += f" WITH ({options_sql(as_given(state))})"
    if state.tablespace:
        text += f" USING INDEX TABLESPACE {quote(state.tablespace)}"
    return text
