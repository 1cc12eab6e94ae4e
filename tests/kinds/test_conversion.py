"""Which casts lose something without an error: PostgreSQL converts sample values there and back."""

from __future__ import annotations

from itertools import product
from typing import Any

import psycopg
import pytest

from reconciler.core.conversion import may_lose
from tests.kinds.constraints_schema import Database

SAMPLES: dict[str, tuple[str, ...]] = {
    "smallint": ("0", "-7", "32767"),
    "integer": ("0", "255", "-2147483648", "16777217"),
    "bigint": ("1", "9007199254740993"),
    "numeric": ("1.50", "12345678901234567890.5"),
    "numeric(12,4)": ("1.2345", "-99999999.9999"),
    "numeric(10,2)": ("1.25", "-0.10"),
    "real": ("1.5", "0.1"),
    "double precision": ("0.1", "1e15"),
    "money": ("12.34",),
    "text": ("01234", "2024-05-01 10:00:00.25+00", '{"a": 1, "a": 2}', "b a b", "x", "1.50", "true"),
    "character varying(40)": ("01234", "abc  "),
    "boolean": ("t", "f"),
    "json": ('{"b":1, "a":2,"a":3}', "[1]"),
    "jsonb": ('{"a": 1}', "7", '"x"'),
    "date": ("2024-05-01",),
    "timestamp without time zone": ("2024-05-01 10:00:00.123456",),
    "timestamp with time zone": ("2024-05-01 10:00:00.123456+00",),
    "timestamp(0) without time zone": ("2024-05-01 10:00:01",),
    "time without time zone": ("10:00:00.5",),
    "time with time zone": ("10:00:00.5+02",),
    "interval": ("1 year 2 days 03:04:05.6",),
    "interval(0)": ("00:00:01",),
    "bit(4)": ("1010",),
    "bit varying": ("10101",),
    "inet": ("192.168.0.1/24",),
    "cidr": ("192.168.0.0/24",),
    "name": ("short",),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",),
    "bytea": ("\\xdeadbeef",),
    "tsvector": ("'a':1 'b':2",),
    "integer[]": ("{1,2}",),
    "numeric(10,2)[]": ("{1.25,2.00}",),
    "bigint[]": ("{1,9007199254740993}",),
}
"""Values by type, as text that the type's own output repeats."""

_FAILS_WHEN_ASSIGNED = ("bit varying", "bit(4)")
"""An explicit cast cuts, the assignment that ALTER COLUMN makes fails."""


@pytest.mark.matrix
@pytest.mark.parametrize("old", SAMPLES)
def test_no_cast_loses_a_value_without_the_hazard(old: str, database: Database) -> None:
    connection = database()
    connection.execute("SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET lc_monetary = 'C'")
    silent = [
        (new, value)
        for new, value in product(SAMPLES, SAMPLES[old])
        if not may_lose(old, new)
        and (old, new) != _FAILS_WHEN_ASSIGNED
        and _is_lost(connection, old, new, value)
    ]
    assert not silent


def _is_lost(connection: psycopg.Connection[Any], old: str, new: str, value: str) -> bool:
    """Whether the value is another one after it was of the new type; a cast that fails loses nothing, and
    where there is no cast back, nothing can be told."""
    query = f"""
        SELECT v::{old} IS NOT DISTINCT FROM b.back AND v::text = b.back::text
        FROM (SELECT %(value)s::{old} AS v) AS s,
            LATERAL (SELECT s.v::{new}::{old} AS back) AS b"""
    if old in ("json", "point"):  # without an equality operator
        query = f"SELECT %(value)s::{old}::text = (%(value)s::{old}::{new}::{old})::text"
    try:
        ((is_kept,),) = connection.execute(query.encode(), {"value": value}).fetchall()
    except psycopg.Error:
        return False
    return not is_kept
