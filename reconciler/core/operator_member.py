"""The members of operator classes and families, as text and as SQL.

An operator: `1 app.<(app.money,app.money)`, with ` FOR ORDER BY app.family` where it orders; a function:
`1 (app.money, app.money) app.compare(app.money,app.money)`: the support number, the types it is for, and the
function. Types and names are as regoperator and regprocedure write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import LiteralString

from reconciler.core.ident import ObjectId, in_schema, split_name, written_name

_KEY = re.compile(r"(?P<name>.*?)(?:\s+using\s+(?P<method>\S+))?\s*\Z", re.IGNORECASE | re.DOTALL)
_OPERATOR = re.compile(r"(?P<number>\d+)\s+[^(]+\((?P<types>.*?)\)")
_FUNCTION = re.compile(r"(?P<number>\d+)\s+\((?P<types>.*?)\)\s")

_CLASS: LiteralString = """
                        SELECT d.refobjid FROM pg_catalog.pg_depend d
                        WHERE d.objid = a.oid AND d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass
                            AND d.classid = """

OPERATORS: LiteralString = (
    """
                SELECT x.family, x.class, array_agg(x.word ORDER BY x.number, x.word COLLATE "C") AS words,
                    array_agg('pg_amop/' || x.oid || '/0') AS addresses
                FROM (
                    SELECT a.oid, a.amopfamily AS family, a.amopstrategy AS number, coalesce(("""
    + _CLASS
    + """'pg_catalog.pg_amop'::pg_catalog.regclass), 0) AS class,
                        a.amopstrategy || ' ' || a.amopopr::pg_catalog.regoperator::text || CASE a.amoppurpose
                            WHEN 'o' THEN ' FOR ORDER BY ' || pg_catalog.quote_ident(sn.nspname) || '.'
                                || pg_catalog.quote_ident(s.opfname) ELSE '' END AS word
                    FROM pg_catalog.pg_amop a
                    LEFT JOIN pg_catalog.pg_opfamily s ON s.oid = a.amopsortfamily
                    LEFT JOIN pg_catalog.pg_namespace sn ON sn.oid = s.opfnamespace
                    WHERE a.oid >= 16384) AS x
                GROUP BY 1, 2"""
)
"""Family, class (0: none), words and addresses of the operators."""

FUNCTIONS: LiteralString = (
    """
                SELECT x.family, x.class, array_agg(x.word ORDER BY x.number, x.word COLLATE "C") AS words,
                    array_agg('pg_amproc/' || x.oid || '/0') AS addresses
                FROM (
                    SELECT a.oid, a.amprocfamily AS family, a.amprocnum AS number, coalesce(("""
    + _CLASS
    + """'pg_catalog.pg_amproc'::pg_catalog.regclass), 0) AS class,
                        a.amprocnum || ' (' || pg_catalog.format_type(a.amproclefttype, NULL) || ', '
                            || pg_catalog.format_type(a.amprocrighttype, NULL) || ') '
                            || a.amproc::pg_catalog.regprocedure::text AS word
                    FROM pg_catalog.pg_amproc a
                    WHERE a.oid >= 16384) AS x
                GROUP BY 1, 2"""
)
"""The same of the support functions."""


def words(operators: Iterable[str], functions: Iterable[str]) -> list[str]:
    """The members as CREATE OPERATOR CLASS and ALTER OPERATOR FAMILY ... ADD take them."""
    return [f"OPERATOR {said}" for said in operators] + [f"FUNCTION {said}" for said in functions]


def slot(word: str) -> str:
    """The member as ALTER OPERATOR FAMILY ... DROP takes it: number and types. Raises ValueError."""
    what, _, said = word.partition(" ")
    match = (_OPERATOR if what == "OPERATOR" else _FUNCTION).match(said)
    if match is None:
        raise ValueError(f"{said!r} is not a member, such as `1 <(integer,integer)`")
    return f"{what} {match['number']} ({match['types']})"


def read_key(kind: str, key: str, home: str) -> ObjectId:
    """The id behind `name using method`; without a method: btree. Raises ValueError."""
    match = _KEY.match(key)
    assert match is not None
    return ObjectId(kind, (*in_schema(match["name"], home), match["method"] or "btree"))


def written_key(id: ObjectId, home: str) -> str:
    """The inverse of `read_key`; the method is always said."""
    schema, name, method = id.path
    return f"{written_name(schema, name, home)} using {method}"


def rewritten(name: str | None, home: str) -> str | None:
    """A qualified SQL name as a file of that schema writes it."""
    if name is None:
        return None
    schema, own = split_name(name)
    return written_name(schema, own, home)
