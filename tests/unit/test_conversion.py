"""What another data type does to values that are there, told from the names of the types."""

from __future__ import annotations

import pytest

from reconciler.core.conversion import keeps_bytes, may_lose, widens


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("numeric(10,2)", "numeric(10,0)"),
        ("numeric(10,2)", "numeric(20,1)"),
        ("numeric", "numeric(10,2)"),
        ("double precision", "integer"),
        ("timestamp without time zone", "date"),
        ("integer[]", "integer"),
        ("numeric(10,2)[]", "numeric(10,0)[]"),
        ("integer", "boolean"),
        ("bigint", "double precision"),
        ("inet", "cidr"),
        ("character varying", "name"),
        ("text", '"char"'),
        ("text", "date"),
        ("text", "timestamp without time zone"),
        ("text", "numeric(5,2)"),
        ("interval", "interval(0)"),
        ("interval", "time without time zone"),
        ("time with time zone", "time without time zone"),
        ("timestamp without time zone", "timestamp(0) without time zone"),
        ("time without time zone", "time(0) without time zone"),
        ("circle", "point"),
        ("box", "point"),
        ("jsonb", "integer"),
        ("json", "jsonb"),
        ("text", "jsonb"),
        ("text", "tsvector"),
        ("text", "integer"),
        ("integer", "bit(4)"),
        ("bigint", "bit(32)"),
        ("xid8", "xid"),
        ("vector(3)", "halfvec(3)"),
    ],
)
def test_what_may_lose_part_of_a_value_without_an_error(old: str, new: str) -> None:
    assert may_lose(old, new)
    assert not widens(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("numeric(10,2)", "numeric(12,4)"),
        ("numeric(10,2)", "numeric"),
        ("character varying(20)", "character varying(21)"),
        ("smallint", "bigint"),
        ("smallint[]", "bigint[]"),
    ],
)
def test_what_holds_every_value(old: str, new: str) -> None:
    assert widens(old, new)
    assert not may_lose(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("numeric(12,2)", "numeric(8,2)"),
        ("character varying(20)", "character varying(5)"),
        ("text", "json"),
        ("text", "uuid"),
        ("text", "timestamp with time zone"),
        ("bigint", "smallint"),
        ("boolean", "integer"),
        ("cidr", "inet"),
        ("date", "timestamp with time zone"),
        ("timestamp with time zone", "timestamp without time zone"),
        ("timestamp(3) without time zone", "timestamp without time zone"),
        ("time without time zone", "interval"),
        ("box", "polygon"),
        ("jsonb", "json"),
    ],
)
def test_what_fails_rather_than_loses(old: str, new: str) -> None:
    assert not widens(old, new)
    assert not may_lose(old, new)
    assert not keeps_bytes(old, new)
