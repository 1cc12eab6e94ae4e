"""Plain SQL with tables for every attribute that a constraint or index can have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg import Connection

Database = Callable[[], Connection[Any]]
"""Makes a new database and opens a connection to it (autocommit)."""

TABLES = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema";
CREATE FUNCTION app.backwards(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT CASE WHEN $1 < $2 THEN 1 WHEN $1 > $2 THEN -1 ELSE 0 END';
CREATE OPERATOR CLASS app.backwards_ops FOR TYPE integer USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <,
    FUNCTION 1 app.backwards(integer, integer);
CREATE FUNCTION app.same(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 = $2';
CREATE DOMAIN app.code AS text;
CREATE TABLE app.orgs (id integer NOT NULL, x integer NOT NULL, label text NOT NULL, note text);
CREATE TABLE app.users (
    id integer NOT NULL, org_id integer, org_x integer, email text, "Odd, name" text, said "char",
    score integer NOT NULL,
    created_at timestamptz, during tsrange, place point, words tsvector,
    native text COLLATE "C", code app.code);
CREATE TABLE "Odd.Schema"."Odd(Table" (id integer NOT NULL, "a ""b" integer NOT NULL);
CREATE TABLE public.events (id integer NOT NULL, day integer NOT NULL, kind text) PARTITION BY RANGE (day);
CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (1) TO (10);
CREATE TABLE public.events_2 PARTITION OF public.events FOR VALUES FROM (10) TO (20);
CREATE TABLE app.base (id integer NOT NULL, n integer);
CREATE TABLE app.derived (extra text) INHERITS (app.base);
"""

ONLY_18 = """
CREATE TABLE app.terms (id int4range NOT NULL, valid_at daterange NOT NULL);
CREATE TABLE app.uses (id int4range, valid_at daterange, n integer);
"""


def tables(major: int) -> str:
    """The tables alone, as that major understands them."""
    return TABLES + (ONLY_18 if major >= 18 else "")


def major_of(connection: Connection[Any]) -> int:
    """The server's major version."""
    return connection.info.server_version // 10000
