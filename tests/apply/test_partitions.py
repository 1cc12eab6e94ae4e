"""Tables that become partitions, leave, and move: one plan leads from any state to any other, and back.

What a partition has in common with its table is altered between DETACH and ATTACH, when it is its own.
"""

from __future__ import annotations

import pytest

from reconciler.core.errors import Blocked
from tests.apply.conftest import Played
from tests.apply.shop import rows, run
from tests.conftest import AnyServer

PLAIN = "\n  b: {columns: {x: integer, z: text}}\n"
PART = "{b: {for_values: FROM (0) TO (9)}}"
INT = "{type: integer, not_null: true}"
TEXT = "{type: text, not_null: true}"

CASES = {
    "columns of the partitioned table change while it leaves": (
        f"""
  p:
    partition_by: range (x)
    columns: {{x: integer, z: {{type: text, default: "'d'"}}}}
    partitions: {PART}
""",
        PLAIN
        + """
  p: {partition_by: range (x), columns: {x: {type: integer, not_null: true}, z: {type: text, not_null: true}}}
""",
    ),
    "a column of both": (
        f"""
  p: {{partition_by: range (x), columns: {{x: integer, z: text, w: integer}}, partitions: {PART}}}
""",
        PLAIN + "  p: {partition_by: range (x), columns: {x: integer, z: text}}\n",
    ),
    "a new column with a value, that must have one": (
        PLAIN + "  p: {partition_by: range (x), columns: {x: integer, z: text}}\n",
        f"""
  p:
    partition_by: range (x)
    columns: {{x: integer, z: text, w: {{type: integer, not_null: true, default: "7"}}}}
    partitions: {PART}
""",
    ),
    "NOT NULL that goes before it joins": (
        PLAIN + "  p: {partition_by: range (x), columns: {x: integer, z: {type: text, not_null: true}}}\n",
        f"""
  p: {{partition_by: range (x), columns: {{x: integer, z: text}}, partitions: {PART}}}
""",
    ),
    "from one partitioned table to another": (
        f"""
  p:
    partition_by: range (x)
    columns: {{x: integer, z: text}}
    checks: {{pos: x >= 0}}
    partitions: {PART}
  q: {{partition_by: range (x), columns: {{x: integer, z: text}}}}
""",
        f"""
  p: {{partition_by: range (x), columns: {{x: integer, z: text}}}}
  q:
    partition_by: range (x)
    columns: {{x: {{type: integer, not_null: true}}, z: text}}
    checks: {{named: z <> ''}}
    partitions: {PART}
""",
    ),
    "from one partitioned table to another, which trade NOT NULL": (
        f"""
  p: {{partition_by: range (x), columns: {{x: {INT}, z: text}}, partitions: {PART}}}
  q: {{partition_by: range (x), columns: {{x: integer, z: {{type: text, not_null: true}}}}}}
""",
        f"""
  p: {{partition_by: range (x), columns: {{x: integer, z: {{type: text, not_null: true}}}}}}
  q: {{partition_by: range (x), columns: {{x: {INT}, z: text}}, partitions: {PART}}}
""",
    ),
    "from a partitioned table to a parent": (
        f"""
  p: {{partition_by: range (x), columns: {{x: integer, z: {TEXT}}}, partitions: {PART}}}
""",
        """
  p: {partition_by: range (x), columns: {x: integer, z: text}}
  a: {columns: {x: {type: integer, default: "1"}}, checks: {pos: x >= 0}}
  b: {inherits: [a], columns: {x: {type: integer, default: "2"}, z: text}, checks: {pos: x >= 0}}
""",
    ),
    "a key and indexes of the partitioned table stay behind": (
        f"""
  p:
    partition_by: range (x)
    columns: {{x: {{type: integer, not_null: true}}, z: text}}
    primary_key: [x]
    indexes: {{p_z_idx: [z]}}
    partitions: {PART}
""",
        PLAIN + "  p: {partition_by: range (x), columns: {x: integer, z: text}}\n",
    ),
    "a foreign key that the partition keeps": (
        f"""
  r: {{columns: {{id: {{type: integer, not_null: true}}}}, primary_key: [id]}}
  p:
    partition_by: range (x)
    columns: {{x: integer, z: text}}
    foreign_keys: {{fk: {{columns: [x], references: r(id)}}}}
    partitions: {PART}
""",
        """
  r: {columns: {id: {type: integer, not_null: true}}, primary_key: [id]}
  p: {partition_by: range (x), columns: {x: integer, z: text}}
  b: {columns: {x: integer, z: text}, foreign_keys: {fk: {columns: [x], references: r(id)}}}
""",
    ),
    "a foreign key that the partition shall not keep": (
        f"""
  r: {{columns: {{id: {{type: integer, not_null: true}}}}, primary_key: [id]}}
  p:
    partition_by: range (x)
    columns: {{x: integer, z: text}}
    foreign_keys: {{fk: {{columns: [x], references: r(id)}}}}
    partitions: {PART}
""",
        PLAIN
        + """
  r: {columns: {id: {type: integer, not_null: true}}, primary_key: [id]}
  p:
    partition_by: range (x)
    columns: {x: integer, z: text}
    foreign_keys: {fk: {columns: [x], references: r(id)}}
""",
    ),
    "a foreign key that the partition shall not keep, to a key that is replaced": (
        f"""
  r: {{columns: {{id: {{type: integer, not_null: true}}, v: text}}, unique: {{r_id: [id]}}}}
  p:
    partition_by: range (x)
    columns: {{x: integer, z: text}}
    foreign_keys: {{fk: {{columns: [x], references: r(id)}}}}
    partitions: {PART}
""",
        PLAIN
        + """
  r:
    columns: {id: {type: integer, not_null: true}, v: text}
    unique: {r_id: {columns: [id], include: [v]}}
  p:
    partition_by: range (x)
    columns: {x: integer, z: text}
    foreign_keys: {fk: {columns: [x], references: r(id)}}
""",
    ),
    "a foreign key that a partition of the partition shall not keep": (
        """
  r: {columns: {id: {type: integer, not_null: true}}, primary_key: [id]}
  p:
    partition_by: range (x)
    columns: {x: integer, z: text}
    foreign_keys: {fk: {columns: [x], references: r(id)}}
    partitions:
      m:
        for_values: FROM (0) TO (20)
        partition_by: range (x)
        partitions: {b: {for_values: FROM (0) TO (9)}}
""",
        PLAIN
        + """
  r: {columns: {id: {type: integer, not_null: true}}, primary_key: [id]}
  p:
    partition_by: range (x)
    columns: {x: integer, z: text}
    foreign_keys: {fk: {columns: [x], references: r(id)}}
    partitions: {m: {for_values: FROM (0) TO (20), partition_by: range (x)}}
""",
    ),
    "its own key, lent to the index of the partitioned table": (
        """
  p:
    partition_by: range (x)
    columns: {x: integer, z: text}
    indexes: {p_xu: {columns: [x], unique: true}}
    partitions: {b: {for_values: FROM (0) TO (9), primary_key: [x]}}
""",
        PLAIN + "  p: {partition_by: range (x), columns: {x: integer, z: text}}\n",
    ),
    "a trigger of the partitioned table": (
        f"""
  p:
    partition_by: range (x)
    columns: {{x: integer, z: text}}
    triggers: {{t: {{timing: after, events: [insert], for_each: row, function: noted()}}}}
    partitions: {PART}
""",
        """
  p: {partition_by: range (x), columns: {x: integer, z: text}}
  b:
    columns: {x: integer, z: text}
    triggers: {t: {timing: after, events: [insert], for_each: row, function: noted()}}
""",
    ),
    "a default that only the partitioned table has": (
        f"""
  p:
    partition_by: range (x)
    columns: {{x: integer, z: {{type: text, default: "'e'"}}}}
    partitions: {PART}
""",
        PLAIN
        + """  p: {partition_by: range (x), columns: {x: integer, z: {type: text, default: "'d'"}}}\n""",
    ),
    "statistics and storage that the partition has otherwise": (
        f"""
  p: {{partition_by: range (x), columns: {{x: integer, z: text}}, partitions: {PART}}}
""",
        """
  p:
    partition_by: range (x)
    columns: {x: integer, z: {type: text, statistics: 20, storage: external, compression: pglz}}
    partitions: {b: {for_values: FROM (0) TO (9), columns: {z: {type: text, statistics: 10}}}}
""",
    ),
    "NOT NULL that only the partition keeps": (
        f"""
  p: {{partition_by: range (x), columns: {{x: {INT}, z: text}}, partitions: {PART}}}
""",
        """
  p:
    partition_by: range (x)
    columns: {x: integer, z: text}
    partitions: {b: {for_values: FROM (0) TO (9), primary_key: [x]}}
""",
    ),
    "other bounds, and NOT NULL": (
        f"""
  p: {{partition_by: range (x), columns: {{x: integer, z: text}}, partitions: {PART}}}
""",
        """
  p:
    partition_by: range (x)
    columns: {x: {type: integer, not_null: true}, z: text}
    partitions: {b: {for_values: DEFAULT}}
""",
    ),
}
FUNCTION = """
functions:
  noted(): {returns: trigger, language: plpgsql, body: begin return new; end}
"""


@pytest.mark.matrix
@pytest.mark.parametrize("name", CASES)
def test_one_plan_there_and_one_back(name: str, played: Played) -> None:
    before, after = (f"tables:{text}{FUNCTION}" for text in CASES[name])
    played(before)
    if "  r:" in before:
        run(played.url, "INSERT INTO public.r VALUES (1)")
    run(played.url, "INSERT INTO public.b (x, z) VALUES (1, 'kept')")
    for text in (after, before):
        assert played(text).steps
        assert [sql for step in played.planned().steps for sql in step.sql] == []
        assert rows(played.url, "SELECT x, z FROM public.b") == [(1, "kept")]


@pytest.mark.matrix
def test_a_name_that_cannot_be_altered_is_refused(played: Played, server: AnyServer) -> None:
    if server.major < 18:
        pytest.skip("NOT NULL has a name since PostgreSQL 18")
    whole = "  p: {partition_by: range (x), columns: {x: {type: integer, not_null: %s}}%s}\n"
    played("tables:\n" + whole % ("true", "") + "  b: {columns: {x: {type: integer, not_null: true}}}\n")
    attached = f", partitions: {PART}"
    run(played.url, "ALTER TABLE public.p ATTACH PARTITION public.b FOR VALUES FROM (0) TO (9)")
    assert played("tables:\n" + whole % ("true", attached)).is_empty
    with pytest.raises(Blocked) as refused:
        played("tables:\n" + whole % ("{name: named}", attached))
    assert "column public.p.x" in refused.value.message
    assert refused.value.hint == "keep the name: not_null: {name: p_x_not_null}"
    renamed = (whole % ("true", attached)).replace("  p: {", "  whole: {transition: {rename_from: p}, ")
    assert played("tables:\n" + renamed).steps
    assert [sql for step in played.planned().steps for sql in step.sql] == []


WITH_INDEX = """
  p:
    {{
      partition_by: range (x), columns: {{x: integer, z: text}}{},
      partitions: {{b: {{for_values: FROM (0) TO (9){}}}}}
    }}
"""


@pytest.mark.parametrize("is_partition", [True, False])
def test_an_index_that_would_be_taken_over_is_refused(played: Played, is_partition: bool) -> None:
    own = ", indexes: {b_own: [z]}"
    plain = f"""
  b: {{columns: {{x: integer, z: text}}{own}}}
  p: {{partition_by: range (x), columns: {{x: integer, z: text}}}}
"""
    played("tables:\n" + (WITH_INDEX.format("", own) if is_partition else plain))
    whole = ", indexes: {p_z: [z]}"
    with pytest.raises(Blocked) as refused:
        played("tables:\n" + WITH_INDEX.format(whole, own))
    assert refused.value.message == (
        "index public.b_own: PostgreSQL makes it a part of index public.p_z, which is defined alike"
    )
    said = ", indexes: {b_own: {columns: [z], attached: true}}"
    assert played("tables:\n" + WITH_INDEX.format(whole, said)).steps
    assert [sql for step in played.planned().steps for sql in step.sql] == []
