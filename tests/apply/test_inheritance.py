"""Tables that inherit, and partitions: one plan leads from any to any, and leaves nothing to do.

What both a table and its heir declare PostgreSQL makes one; what an heir had before it became one stays its
own too.
"""

from __future__ import annotations

import pytest

from reconciler.core.errors import Blocked
from tests.apply.conftest import Played
from tests.apply.shop import rows, run
from tests.conftest import AnyServer

CASES = {
    "a parent with a column that the child lacks": (
        """
  a: {columns: {x: integer}}
  b: {columns: {y: integer}}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "a parent with a column that the child gets too": (
        """
  a: {columns: {x: integer}}
  b: {columns: {y: integer}}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer, x: integer}}
""",
    ),
    "a parent with a column that the child has": (
        """
  a: {columns: {x: integer}}
  b: {columns: {y: integer, x: integer}}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer, x: integer}}
""",
    ),
    "a new column of both": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a], columns: {x: integer, z: text}}
""",
    ),
    "a new column of the parent": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer}}
""",
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "another type of both": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {x: bigint}}
  b: {inherits: [a], columns: {x: bigint}}
""",
    ),
    "another type of the parent's": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer}}
""",
        """
  a: {columns: {x: bigint}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "other defaults of both": (
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {x: {type: integer, default: "2"}}}
""",
        """
  a: {columns: {x: {type: integer, default: "3"}}}
  b: {inherits: [a], columns: {x: {type: integer, default: "4"}}}
""",
    ),
    "another default of the parent": (
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {x: {type: integer, default: "2"}}}
""",
        """
  a: {columns: {x: {type: integer, default: "3"}}}
  b: {inherits: [a], columns: {x: {type: integer, default: "2"}}}
""",
    ),
    "a default that the parent loses": (
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {x: {type: integer, default: "2"}}}
""",
        """
  a: {columns: {x: {type: integer}}}
  b: {inherits: [a], columns: {x: {type: integer, default: "2"}}}
""",
    ),
    "NOT NULL of both": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {x: {type: integer, not_null: true}}}
  b: {inherits: [a], columns: {x: {type: integer, not_null: true}}}
""",
    ),
    "NOT NULL that both lose": (
        """
  a: {columns: {x: {type: integer, not_null: true}}}
  b: {inherits: [a], columns: {x: {type: integer, not_null: true}}}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
    ),
    "NOT NULL of the parent": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer}}
""",
        """
  a: {columns: {x: {type: integer, not_null: true}}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "a check of both": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {x: integer}, checks: {pos: x > 0}}
  b: {inherits: [a], columns: {x: integer}, checks: {pos: x > 0}}
""",
    ),
    "a check that both lose": (
        """
  a: {columns: {x: integer}, checks: {pos: x > 0}}
  b: {inherits: [a], columns: {x: integer}, checks: {pos: x > 0}}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
    ),
    "a parent with a check": (
        """
  a: {columns: {x: integer}, checks: {pos: x > 0}}
  b: {columns: {x: integer}}
""",
        """
  a: {columns: {x: integer}, checks: {pos: x > 0}}
  b: {inherits: [a], columns: {x: integer}}
""",
    ),
    "a parent with NOT NULL": (
        """
  a: {columns: {x: {type: integer, not_null: true}}}
  b: {columns: {x: integer}}
""",
        """
  a: {columns: {x: {type: integer, not_null: true}}}
  b: {inherits: [a], columns: {x: {type: integer, not_null: true}}}
""",
    ),
    "a diamond, a new column": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [a], columns: {w: integer}}
  d: {inherits: [b, c], columns: {v: integer}}
""",
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [a], columns: {w: integer}}
  d: {inherits: [b, c], columns: {v: integer}}
""",
    ),
    "a diamond, another type": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [a], columns: {w: integer}}
  d: {inherits: [b, c], columns: {v: integer}}
""",
        """
  a: {columns: {x: bigint}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [a], columns: {w: integer}}
  d: {inherits: [b, c], columns: {v: integer}}
""",
    ),
    "three levels, a new column of all": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
  c: {inherits: [b], columns: {x: integer}}
""",
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a], columns: {x: integer, z: text}}
  c: {inherits: [b], columns: {x: integer, z: text}}
""",
    ),
    "three levels, another type of all": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
  c: {inherits: [b], columns: {x: integer}}
""",
        """
  a: {columns: {x: bigint}}
  b: {inherits: [a], columns: {x: bigint}}
  c: {inherits: [b], columns: {x: bigint}}
""",
    ),
    "two parents, a new column of both": (
        """
  a: {columns: {x: integer}}
  b: {columns: {x: integer}}
  c: {inherits: [a, b], columns: {y: integer}}
""",
        """
  a: {columns: {x: integer, z: text}}
  b: {columns: {x: integer, z: text}}
  c: {inherits: [a, b], columns: {y: integer}}
""",
    ),
    "another parent": (
        """
  a: {columns: {x: integer}}
  b: {columns: {x: integer}}
  c: {inherits: [a], columns: {y: integer}}
""",
        """
  a: {columns: {x: integer}}
  b: {columns: {x: integer}}
  c: {inherits: [b], columns: {y: integer}}
""",
    ),
    "child's column becomes the parent's": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {z: text}}
""",
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a]}
""",
    ),
    "parent's column becomes the child's": (
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a]}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {z: text}}
""",
    ),
    "the child no longer says it": (
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {y: integer, x: {type: integer, default: "1"}}}
""",
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "the child no longer says its default": (
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {y: integer, x: {type: integer, default: "2"}}}
""",
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "a parent with a default that the child lacks": (
        """
  a: {columns: {x: {type: integer, default: "1", not_null: true}}}
  b: {columns: {y: integer}}
""",
        """
  a: {columns: {x: {type: integer, default: "1", not_null: true}}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "three levels, a new column with NOT NULL and defaults": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
  c: {inherits: [b], columns: {x: integer}}
""",
        """
  a: {columns: {x: integer, z: {type: text, not_null: true, default: "'a'"}}}
  b: {inherits: [a], columns: {x: integer, z: {type: text, not_null: true, default: "'b'"}}}
  c: {inherits: [b], columns: {x: integer, z: {type: text, not_null: true, default: "'c'"}}}
""",
    ),
    "three levels, another default": (
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [b], columns: {x: {type: integer, default: "3"}}}
""",
        """
  a: {columns: {x: {type: integer, default: "4"}}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [b], columns: {x: {type: integer, default: "3"}}}
""",
    ),
    "three levels, a default goes": (
        """
  a: {columns: {x: {type: integer, default: "1"}}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [b], columns: {x: {type: integer, default: "3"}}}
""",
        """
  a: {columns: {x: {type: integer}}}
  b: {inherits: [a], columns: {y: integer}}
  c: {inherits: [b], columns: {x: {type: integer, default: "3"}}}
""",
    ),
    "a default that the partitioned table loses": (
        """
  a:
    partition_by: range (x)
    columns: {x: integer, y: {type: integer, default: "1"}}
    partitions: {a1: {for_values: "from (0) to (9)", columns: {y: {type: integer, default: "2"}}}}
""",
        """
  a:
    partition_by: range (x)
    columns: {x: integer, y: {type: integer}}
    partitions: {a1: {for_values: "from (0) to (9)", columns: {y: {type: integer, default: "2"}}}}
""",
    ),
    "other defaults of a partition and its table": (
        """
  a:
    partition_by: range (x)
    columns: {x: integer, y: {type: integer, default: "1"}}
    partitions: {a1: {for_values: "from (0) to (9)", columns: {y: {type: integer, default: "2"}}}}
""",
        """
  a:
    partition_by: range (x)
    columns: {x: integer, y: {type: integer, default: "3"}}
    partitions: {a1: {for_values: "from (0) to (9)", columns: {y: {type: integer, default: "4"}}}}
""",
    ),
    "a new name of both": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {z: {type: integer, transition: {rename_from: x}}}}
  b: {inherits: [a], columns: {z: {type: integer, transition: {rename_from: x}}}}
""",
    ),
    "a new name of the parent's": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer}}
""",
        """
  a: {columns: {z: {type: integer, transition: {rename_from: x}}}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "a column that both lose": (
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a], columns: {x: integer, z: text}}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
    ),
    "a column that the parent loses": (
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a], columns: {y: integer, z: text}}
""",
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {y: integer, z: text}}
""",
    ),
    "another type and NOT NULL of both": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {x: {type: bigint, not_null: true}}}
  b: {inherits: [a], columns: {x: {type: bigint, not_null: true}}}
""",
    ),
    "no longer an heir, and retyped": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {x: integer}}
  b: {columns: {x: bigint}}
""",
    ),
    "an heir, and retyped for it": (
        """
  a: {columns: {x: bigint}}
  b: {columns: {x: integer}}
""",
        """
  a: {columns: {x: bigint}}
  b: {inherits: [a], columns: {x: bigint}}
""",
    ),
    "a new parent": (
        """
  b: {columns: {x: integer}}
""",
        """
  a: {columns: {x: integer, z: text}}
  b: {inherits: [a], columns: {x: integer}}
""",
    ),
    "a new generated column of both": (
        """
  a: {columns: {x: integer}}
  b: {inherits: [a], columns: {x: integer}}
""",
        """
  a: {columns: {x: integer, d: {type: integer, generated: {expression: x * 2}}}}
  b: {inherits: [a], columns: {x: integer, d: {type: integer, generated: {expression: x * 2}}}}
""",
    ),
    "a check of the heir alone, named as one of the parent alone": (
        """
  a: {columns: {x: integer}, checks: {pos: {expression: x > 0, no_inherit: true}}}
  b: {inherits: [a], columns: {y: integer}, checks: {pos: {expression: x > 0, no_inherit: true}}}
""",
        """
  a: {columns: {x: integer}, checks: {pos: {expression: x > 0, no_inherit: true}}}
  b: {inherits: [a], columns: {y: integer}}
""",
    ),
    "a new parent with a check": (
        """
  b: {columns: {x: integer}}
""",
        """
  a: {columns: {x: integer, z: text}, checks: {pos: x > 0}}
  b: {inherits: [a], columns: {x: integer}, checks: {pos: x > 0}}
""",
    ),
    "a partition of a new table with a check and a column more": (
        """
  b: {columns: {x: integer}}
""",
        """
  a:
    partition_by: range (x)
    columns: {x: integer, z: text}
    checks: {pos: x > 0}
    partitions: {b: {for_values: "from (0) to (9)"}}
""",
    ),
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", CASES)
def test_one_plan_is_enough(name: str, played: Played, server: AnyServer) -> None:
    if "generated" in name and server.major < 16:
        pytest.skip("an heir's own expression came with 16")
    before, after = CASES[name]
    played(f"tables:{before}")
    assert played(f"tables:{after}").steps or name.startswith("the child no longer says it")
    assert [sql for step in played.planned().steps for sql in step.sql] == []


ROWS = {
    "the ancestor drops a column, the heir leaves and keeps it": (
        "\n  a: {columns: {x: integer, w: integer}}\n  b: {inherits: [a]}\n",
        "\n  a: {columns: {w: integer}}\n  b: {columns: {x: integer, w: integer}}\n",
    ),
    "the ancestor drops a column that the heir keeps": (
        """
  a: {columns: {x: {type: integer, not_null: true}, w: integer}}
  b: {inherits: [a]}
  c: {inherits: [a]}
""",
        "\n  a: {columns: {w: integer}}\n  b: {inherits: [a], columns: {x: integer}}\n  c: {inherits: [a]}\n",
    ),
    "the ancestor is dropped, the heir keeps its column": (
        "\n  a: {columns: {x: integer}}\n  b: {inherits: [a], columns: {w: integer}}\n",
        "\n  b: {columns: {x: integer, w: integer}}\n",
    ),
    "the ancestor drops a column, the partition leaves and keeps it": (
        """
  a:
    partition_by: range (x)
    columns: {x: integer, w: integer}
    partitions: {b: {for_values: FROM (0) TO (9)}}
""",
        "\n  a: {partition_by: range (x), columns: {x: integer}}\n  b: {columns: {x: integer, w: integer}}\n",
    ),
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", ROWS)
def test_heirs_keep_their_values(name: str, played: Played) -> None:
    before, after = ROWS[name]
    played(f"tables:{before}")
    run(played.url, "INSERT INTO public.b (x, w) VALUES (1, 2)")
    assert played(f"tables:{after}").steps
    assert [sql for step in played.planned().steps for sql in step.sql] == []
    assert rows(played.url, "SELECT x FROM public.b") == [(1,)]


PARTING = {
    "the ancestor renames": (
        """
  a: {columns: {z: {type: integer, transition: {rename_from: x}}}}
  b: {columns: {x: integer}}
""",
        "column public.a.x is renamed while table public.b leaves table public.a, and they share it",
    ),
    "the heir renames": (
        """
  a: {columns: {x: integer}}
  b: {columns: {z: {type: integer, transition: {rename_from: x}}}}
""",
        "column public.b.x is renamed while table public.b leaves table public.a, and they share it",
    ),
}


@pytest.mark.parametrize("name", PARTING)
def test_a_rename_and_a_parting_are_two_plans(name: str, played: Played) -> None:
    after, message = PARTING[name]
    played("tables:\n  a: {columns: {x: integer}}\n  b: {inherits: [a], columns: {x: integer}}\n")
    with pytest.raises(Blocked) as refused:
        played(f"tables:{after}")
    assert refused.value.message == message
