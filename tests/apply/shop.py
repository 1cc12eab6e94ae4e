"""A small plan made by hand, and an observer for its objects: what the tests of apply work with."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from reconciler.core.ident import ObjectId
from reconciler.core.statement import Mode
from reconciler.engine.execute.progress import GroupCommitted
from reconciler.engine.plan.model import Action, Plan, Step, Touch

ITEMS = ObjectId("table", ("public", "items"))
ORDERS = ObjectId("table", ("public", "orders"))
ITEMS_IDX = ObjectId("index", ("public", "items_name_idx"))

SETUP = """
    CREATE TABLE public.items (id int PRIMARY KEY, name text);
    INSERT INTO public.items SELECT n, 'item ' || n FROM pg_catalog.generate_series(1, 100) AS n;
    CREATE TABLE public.ran (step int NOT NULL);
"""

_OBJECTS = """
    SELECT 'table', c.relname, pg_catalog.string_agg(a.attname, ',' ORDER BY a.attnum)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::pg_catalog.regnamespace GROUP BY c.relname
    UNION ALL
    SELECT 'index', c.relname, CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
    WHERE c.relnamespace = 'public'::pg_catalog.regnamespace"""


def observe(connection: psycopg.Connection[Any]) -> Mapping[ObjectId, str]:
    """The digests of all tables (their columns) and indexes (their validity) in public."""
    return {ObjectId(kind, ("public", name)): said for kind, name, said in connection.execute(_OBJECTS)}


def step(number: int, group: int, object: ObjectId, *sql: str, **more: Any) -> Step:
    """A step that also notes in public.ran that it ran, unless it runs alone."""
    note = () if more.get("mode") is Mode.ALONE else (f"INSERT INTO public.ran VALUES ({number})",)
    chosen = {"action": Action.ALTER, **more}
    return Step(
        number=number, group=group, object=object, label=str(object), sql=(*sql, *note), why=(), **chosen
    )


def shop_plan() -> Plan:
    """Five steps in four groups: two of them in one transaction, a concurrent index build alone, a backfill
    that no digest shows, and a new column."""
    return Plan(
        server_major=15,
        schema_digest="sha256:" + "0" * 64,
        steps=(
            step(1, 1, ITEMS, "ALTER TABLE public.items ADD COLUMN price numeric"),
            step(2, 1, ORDERS, "CREATE TABLE public.orders (id int)", action=Action.CREATE),
            step(
                3,
                2,
                ITEMS_IDX,
                "CREATE INDEX CONCURRENTLY items_name_idx ON public.items (name)",
                action=Action.CREATE,
                mode=Mode.ALONE,
            ),
            step(4, 3, ITEMS, "ALTER TABLE public.items ADD COLUMN stock int"),
            step(5, 4, ITEMS, "UPDATE public.items SET price = coalesce(price, 0) + 1"),
        ),
        touches={
            ITEMS_IDX: Touch(None, "valid"),
            ITEMS: Touch("id,name", "id,name,price,stock"),
            ORDERS: Touch(None, "id"),
        },
    )


def one_step_plan(sql: str, touch: Touch, **more: Any) -> Plan:
    """A plan of one step on public.items."""
    return dataclasses.replace(shop_plan(), steps=(step(1, 1, ITEMS, sql, **more),), touches={ITEMS: touch})


def steps_that_ran(url: str) -> list[int]:
    """The notes of the transactional steps, one for each time that one was committed."""
    return [row[0] for row in rows(url, "SELECT step FROM public.ran ORDER BY step")]


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query says on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def run(url: str, *statements: str) -> None:
    """Run statements on a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


Report = Callable[[Any], None]


def at(kind: type[Any], number: int, act: Callable[[], None]) -> Report:
    """A report that acts once, when an event of that kind comes about that step (its group's last, where the
    event is about a group)."""
    acted: list[bool] = []

    def report(event: Any) -> None:
        if type(event) is not kind or acted:
            return
        about: Step = event.steps[-1] if isinstance(event, GroupCommitted) else event.step
        if about.number == number:
            acted.append(True)
            act()

    return report
