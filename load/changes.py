"""The changes that are measured: each as YAML for reconcile, and as the plain SQL that people write."""

from __future__ import annotations

from dataclasses import dataclass

_TABLES = """\
schema: public

tables:
  customers:
    columns:
      id: {{type: bigint, not_null: true}}
      name: {{type: text, not_null: true}}
    primary_key: [id]
  orders:
    columns:
      id: {{type: bigint, not_null: true}}
      customer_id: {{type: bigint, not_null: true}}
      number: {{type: bigint, not_null: true}}
      quantity: {{type: integer, not_null: true}}
      status: {status}
      amount: {amount}
      note: text
{columns}    primary_key: [id]
{rest}"""

FILL = (
    "INSERT INTO public.customers SELECT i, 'customer ' || i FROM generate_series(1, 1000) AS i",
    "INSERT INTO public.orders (id, customer_id, number, quantity, status, amount, note)"
    " SELECT i, 1 + i % 1000, i, i % 100, 'open', i % 5000, md5(i::text)"
    " FROM generate_series(1, current_setting('load.rows')::bigint) AS i",
    "VACUUM ANALYZE public.customers, public.orders",
)
"""The rows before the change."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the table `orders`."""

    name: str
    sql: str
    """As people write it by hand."""
    before: str
    after: str


def _yaml(
    columns: str = "",
    rest: str = "",
    status: str = "text",
    amount: str = "integer",
    *,
    is_required: bool = False,
) -> str:
    return _TABLES.format(
        columns=columns,
        rest=rest,
        status=f"{{type: {status}, not_null: true}}" if is_required else status,
        amount=amount,
    )


_PLAIN = _yaml()

CHANGES = (
    Change(
        "new index",
        "CREATE INDEX orders_amount_idx ON public.orders (amount)",
        _PLAIN,
        _yaml(rest="    indexes:\n      orders_amount_idx: [amount]\n"),
    ),
    Change(
        "new foreign key",
        "ALTER TABLE public.orders ADD CONSTRAINT orders_customer_id_fkey"
        " FOREIGN KEY (customer_id) REFERENCES public.customers (id)",
        _PLAIN,
        _yaml(
            rest="    foreign_keys:\n"
            "      orders_customer_id_fkey: {columns: [customer_id], references: customers(id)}\n"
        ),
    ),
    Change(
        "new unique constraint",
        "ALTER TABLE public.orders ADD CONSTRAINT orders_number_key UNIQUE (number)",
        _PLAIN,
        _yaml(rest="    unique:\n      orders_number_key: [number]\n"),
    ),
    Change(
        "SET NOT NULL",
        "ALTER TABLE public.orders ALTER COLUMN status SET NOT NULL",
        _PLAIN,
        _yaml(is_required=True),
    ),
    Change(
        "new check",
        "ALTER TABLE public.orders ADD CONSTRAINT orders_amount_check CHECK (amount >= 0)",
        _PLAIN,
        _yaml(rest="    checks:\n      orders_amount_check: amount >= 0\n"),
    ),
    Change(
        "integer to bigint",
        "ALTER TABLE public.orders ALTER COLUMN amount TYPE bigint",
        _PLAIN,
        _yaml(amount="bigint"),
    ),
    Change(
        "new column with a volatile default",
        "ALTER TABLE public.orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
        _PLAIN,
        _yaml(columns="      token: {type: uuid, not_null: true, default: gen_random_uuid()}\n"),
    ),
    Change(
        "dropped index",
        "DROP INDEX public.orders_amount_idx",
        _yaml(rest="    indexes:\n      orders_amount_idx: [amount]\n"),
        _PLAIN,
    ),
)
