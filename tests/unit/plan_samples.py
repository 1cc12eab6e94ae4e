"""A plan as a real one looks, one with nothing to do, and one whose names try to break out."""

from __future__ import annotations

import dataclasses

from reconciler.core.ident import ObjectId
from reconciler.core.statement import Cost, Hazard, HazardCode, LockMode, Mode, on
from reconciler.engine.plan.model import Ack, Action, Plan, Step, Touch

DECLARED = ("declared, and not in the database",)
GONE = ("in the database, and not declared",)
EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
USERS = ObjectId("table", ("app", "users"))
ORDERS = ObjectId("table", ("app", "orders"))
EMAIL = USERS.child("column", "email")
LEGACY = USERS.child("column", "legacy_id")
BALANCE = USERS.child("column", "balance")
TOUCH_BODY = """CREATE OR REPLACE FUNCTION app.touch()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- Every write is a touch.
  new.updated_at := now();
  return new;
end
$function$"""
CREATE_ORDERS = """CREATE TABLE app.orders (
  id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
  user_id uuid NOT NULL,
  total numeric(12,2) DEFAULT 0 NOT NULL,
  CONSTRAINT orders_pkey PRIMARY KEY (id)
)"""


def _tables() -> tuple[Step, ...]:
    return (
        Step(
            number=1,
            action=Action.ALTER,
            object=ObjectId("enum", ("app", "user_type")),
            label="enum app.user_type",
            sql=("ALTER TYPE app.user_type ADD VALUE 'partner' AFTER 'customer'",),
            why=("labels: customer, staff → customer, partner, staff",),
            source="schema/types.yaml:4",
            mode=Mode.COMMIT_AFTER,
        ),
        Step(
            number=2,
            action=Action.CREATE,
            object=ORDERS,
            label="table app.orders",
            sql=(CREATE_ORDERS,),
            why=DECLARED,
            source="schema/orders.yaml:3",
            group=2,
            folded=(
                "column app.orders.id",
                "column app.orders.user_id",
                "column app.orders.total",
                "constraint app.orders.orders_pkey",
            ),
        ),
        Step(
            number=3,
            action=Action.CREATE,
            object=ORDERS.facet("comment"),
            label="comment on table app.orders",
            sql=("COMMENT ON TABLE app.orders IS 'What people''ve bought: one row an order.'",),
            why=DECLARED,
            source="schema/orders.yaml:4",
            requires=(2,),
            group=2,
        ),
    )


def _columns() -> tuple[Step, ...]:
    retyped = (
        Hazard(HazardCode.TABLE_REWRITE, BALANCE, "the table is written anew"),
        Hazard(HazardCode.MAY_FAIL, BALANCE, "a value that does not convert makes it fail"),
    )
    lost = (Hazard(HazardCode.DATA_LOSS, LEGACY, "every value of the column is gone for good"),)
    return (
        Step(
            number=4,
            action=Action.CREATE,
            object=EMAIL,
            label="column app.users.email",
            sql=("ALTER TABLE app.users ADD COLUMN email extensions.citext",),
            why=DECLARED,
            source="schema/users.yaml:12",
            locks=on("app.users"),
            group=2,
        ),
        Step(
            number=5,
            action=Action.ALTER,
            object=BALANCE,
            label="column app.users.balance",
            sql=(
                "ALTER TABLE app.users ALTER COLUMN balance DROP DEFAULT",
                "ALTER TABLE app.users ALTER COLUMN balance TYPE numeric(12,2) USING balance::numeric(12,2)",
                "ALTER TABLE app.users ALTER COLUMN balance SET DEFAULT 0",
            ),
            why=("type: text → numeric(12,2)", "default: '0'::text → 0"),
            source="schema/users.yaml:19",
            locks=on("app.users"),
            hazards=retyped,
            cost=Cost.REWRITE,
            group=2,
        ),
        Step(
            number=6,
            action=Action.DROP,
            object=LEGACY,
            label="column app.users.legacy_id",
            sql=("ALTER TABLE app.users DROP COLUMN legacy_id",),
            why=GONE,
            source="schema/users.yaml:3",
            requires=(5,),
            locks=on("app.users"),
            hazards=lost,
            group=2,
        ),
    )


def _constraints() -> tuple[Step, ...]:
    check = USERS.child("constraint", "users_phone_check")
    key = ORDERS.child("constraint", "orders_user_id_fkey")
    fails = (Hazard(HazardCode.MAY_FAIL, check, "a row that breaks the rule makes it fail"),)
    both = on("app.orders", LockMode.SHARE_ROW_EXCLUSIVE) + on("app.users", LockMode.SHARE_ROW_EXCLUSIVE)
    return (
        Step(
            number=7,
            action=Action.CREATE,
            object=key,
            label="constraint app.orders.orders_user_id_fkey",
            sql=(
                "ALTER TABLE app.orders ADD CONSTRAINT orders_user_id_fkey"
                " FOREIGN KEY (user_id) REFERENCES app.users(id) ON DELETE CASCADE",
            ),
            why=DECLARED,
            source="schema/orders.yaml:12",
            requires=(2,),
            locks=both,
            group=2,
        ),
        Step(
            number=8,
            action=Action.CREATE,
            object=check,
            label="constraint app.users.users_phone_check",
            sql=(
                r"ALTER TABLE app.users ADD CONSTRAINT users_phone_check CHECK (phone ~ '^[+0-9 ]+$'::text)",
            ),
            why=DECLARED,
            source="schema/users.yaml:31",
            locks=on("app.users"),
            hazards=fails,
            cost=Cost.SCAN,
            group=2,
        ),
        Step(
            number=9,
            action=Action.ALTER,
            object=ObjectId("function", ("app", "touch()")),
            label="function app.touch()",
            sql=(TOUCH_BODY,),
            why=("body differs",),
            source="schema/functions/touch.yaml:2",
            group=2,
        ),
    )


def _rest() -> tuple[Step, ...]:
    index = ObjectId("index", ("app", "users", "users_created_at_idx"))
    access = (Hazard(HazardCode.ACCESS_CHANGE, USERS, "the role app_ro may read the table"),)
    renamed = USERS.child("column", "given_name")
    broken = (Hazard(HazardCode.APPLICATION_BREAK, renamed, "statements that use the old name fail"),)
    return (
        Step(
            number=10,
            action=Action.RENAME,
            object=renamed,
            label="column app.users.given_name",
            sql=("ALTER TABLE app.users RENAME COLUMN first_name TO given_name",),
            why=("declared as a rename from first_name",),
            source="schema/users.yaml:15",
            locks=on("app.users"),
            hazards=broken,
            group=2,
        ),
        Step(
            number=11,
            action=Action.CREATE,
            object=USERS.facet("privilege", "app_ro"),
            label="privilege of app_ro on table app.users",
            sql=("GRANT SELECT ON TABLE app.users TO app_ro",),
            why=DECLARED,
            source="schema/users.yaml:40",
            hazards=access,
            group=2,
        ),
        Step(
            number=12,
            action=Action.CREATE,
            object=index,
            label="index app.users_created_at_idx",
            sql=(
                "CREATE INDEX CONCURRENTLY users_created_at_idx ON app.users USING btree (created_at DESC)"
                " WHERE (deleted_at IS NULL)",
            ),
            why=DECLARED,
            source="schema/users.yaml:36",
            locks=on("app.users", LockMode.SHARE_UPDATE_EXCLUSIVE),
            cost=Cost.BUILD,
            mode=Mode.ALONE,
            group=3,
        ),
    )


def sample() -> Plan:
    """A plan of twelve steps in three transactions' worth of groups, one of which deletes data."""
    steps = (*_tables(), *_columns(), *_constraints(), *_rest())
    made = {Action.CREATE: (None, "b"), Action.DROP: ("a", None)}
    touches = {USERS: Touch("5f0c8a3e11d2b907", "5f0c8a3e11d2b907")}
    for step in steps:
        before, after = made.get(step.action, ("a", "b"))
        digest = f"{step.number:015x}"
        touches[step.object] = Touch(before and before + digest, after and after + digest)
    return Plan(
        server_major=18,
        schema_digest="sha256:" + "0123456789abcdef" * 4,
        steps=steps,
        touches=dict(sorted(touches.items())),
        unknown=("cast (app.money_like AS numeric)",),
        notes=("app.users: the columns stand in another order in the database; order is left as it is",),
    )


def empty() -> Plan:
    """A plan with nothing to do."""
    return Plan(server_major=18, schema_digest="sha256:" + "0" * 64, steps=(), touches={})


def nasty() -> Plan:
    """A plan whose names try to break out of whatever they are written in."""
    name = "</details>-->|`x`\n```\n# @octocat <img src=x onerror=alert(1)> \x1b[31m\u202e**b** $(rm) ![i](u)"
    id = ObjectId("table", ("app", name))
    hazards = (
        Hazard(
            HazardCode.DATA_LOSS, id, f"all rows of {name} are lost, says @octocat #1 https://example.org"
        ),
        Hazard(HazardCode.MAY_FAIL, id, name),
    )
    step = Step(1, Action.DROP, id, f"table app.{name}", (f'DROP TABLE app."{name}" -- ````{name}',), (name,))
    bad = Step(
        step.number,
        step.action,
        id,
        step.label,
        step.sql,
        step.why,
        f"schema/{name}.yaml:1",
        hazards=hazards,
        locks=on(f'app."{name}"'),
    )
    plan = empty()
    return Plan(18, plan.schema_digest, (bad,), {id: Touch("a", None)}, unknown=(name,), notes=(name,))


def acked() -> Plan:
    """The sample with consent to what it deletes."""
    return dataclasses.replace(sample(), acks=(Ack(6, HazardCode.DATA_LOSS, "copied to s3", "ann"),))


def drops(number: int) -> Plan:
    """A plan that deletes the data of so many tables."""
    steps = []
    for index in range(1, number + 1):
        id = ObjectId("table", ("app", f"table_{index}"))
        hazard = Hazard(HazardCode.DATA_LOSS, id, f"all rows of table_{index} are gone")
        sql = f"DROP TABLE app.table_{index} /* {'x' * 50} */"
        steps.append(Step(index, Action.DROP, id, f"table app.table_{index}", (sql,), (), hazards=(hazard,)))
    return dataclasses.replace(empty(), steps=tuple(steps))
