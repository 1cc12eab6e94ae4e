"""A database becomes what was pulled of another: pg_dump sees no difference, and nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.app import Application, Request, apply_plan, make_plan, pull_into
from reconciler.audit import pg_dump
from reconciler.core.errors import Blocked
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan
from tests.audit.conftest import NewDatabase
from tests.conftest import AnyServer

HEIRS = {
    "a default of its own": (
        "CREATE TABLE n (a int, k int DEFAULT 0)",
        """; CREATE TABLE n4 (CHECK (k = 4)) INHERITS (n);
        ALTER TABLE ONLY n4 ALTER k SET DEFAULT 4""",
    ),
    "no default where the ancestor has one": (
        "CREATE TABLE n (a int DEFAULT 1, k int DEFAULT 0)",
        """; CREATE TABLE n4 (a int DEFAULT NULL) INHERITS (n); ALTER TABLE n4 ALTER k DROP DEFAULT;
        CREATE TABLE n5 () INHERITS (n4)""",
    ),
    "columns of both, and of the ancestors alone": (
        "CREATE TABLE p1 (z int, a int, CHECK (z > 0)); CREATE TABLE p2 (z int)",
        """; CREATE TABLE c (z int) INHERITS (p1, p2); CREATE TABLE d () INHERITS (p1, p2);
        ALTER TABLE d ALTER z SET STATISTICS 7; COMMENT ON COLUMN d.a IS 'x';
        COMMENT ON CONSTRAINT p1_z_check ON d IS 'y'""",
    ),
    "a statistics target like the ancestor's": (
        "CREATE TABLE p (a int); ALTER TABLE p ALTER a SET STATISTICS 100",
        """; CREATE TABLE c () INHERITS (p); CREATE TABLE d () INHERITS (p);
        ALTER TABLE d ALTER a SET STATISTICS 100""",
    ),
    "a generated column": (
        "CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        """; CREATE TABLE c (b int) INHERITS (g); CREATE TABLE d () INHERITS (g);
        ALTER TABLE d ALTER b SET STATISTICS 7;
        CREATE TABLE e (x int GENERATED ALWAYS AS (a * 3) STORED) INHERITS (g)""",
    ),
    "a partition without the default": (
        "CREATE TABLE p (z int DEFAULT 3, w int DEFAULT 1) PARTITION BY LIST (w)",
        """; CREATE TABLE c PARTITION OF p FOR VALUES IN (1); ALTER TABLE c ALTER z DROP DEFAULT;
        CREATE TABLE d PARTITION OF p FOR VALUES IN (2); ALTER TABLE d ALTER z SET DEFAULT 4""",
    ),
    "a foreign heir without the default": (
        """CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE TABLE p (a int NOT NULL, b text DEFAULT 'x', CONSTRAINT ac CHECK (a > 0))""",
        """; CREATE FOREIGN TABLE f (c int) INHERITS (p) SERVER s;
        ALTER FOREIGN TABLE f ALTER b DROP DEFAULT""",
    ),
}
"""What there is, and what is added to that."""

ALTERED = {
    "a default that stays away": (
        """CREATE TABLE p (z int DEFAULT 3, w int) PARTITION BY LIST (w);
        CREATE TABLE c PARTITION OF p FOR VALUES IN (1)""",
        "; ALTER TABLE ONLY c ALTER z DROP DEFAULT",
    ),
    "a default that stays away while the ancestor's changes": (
        "CREATE TABLE p (z int DEFAULT 3, w int); CREATE TABLE c () INHERITS (p);"
        "ALTER TABLE c ALTER z DROP DEFAULT",
        "; ALTER TABLE ONLY p ALTER z SET DEFAULT 4",
    ),
    "a default that goes with those below it": (
        "CREATE TABLE p (z int DEFAULT 3); CREATE TABLE c () INHERITS (p); CREATE TABLE g () INHERITS (c)",
        "; ALTER TABLE c ALTER z DROP DEFAULT",
    ),
    "a target that the ancestor loses and the heir keeps": (
        """CREATE TABLE p (a int, b int); ALTER TABLE p ALTER a SET STATISTICS 100;
        CREATE TABLE c (a int) INHERITS (p); ALTER TABLE c ALTER a SET STATISTICS 50""",
        "; ALTER TABLE ONLY p ALTER a SET STATISTICS -1",
    ),
    "a default that goes from a foreign heir": (
        """CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE TABLE p (a int NOT NULL, b text DEFAULT 'x', CONSTRAINT ac CHECK (a > 0));
        CREATE FOREIGN TABLE f () INHERITS (p) SERVER s""",
        "; ALTER TABLE p ALTER b SET DEFAULT 'y', ADD d int; ALTER FOREIGN TABLE f ALTER b DROP DEFAULT",
    ),
}

PARTITIONED = """CREATE TABLE t (a int, b int) PARTITION BY LIST (a);
    CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1) PARTITION BY LIST (b);
    CREATE TABLE t11 PARTITION OF t1 FOR VALUES IN (1);
    CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2)"""

PARTS = {
    "of two indexes that are alike": """; CREATE INDEX i1 ON t2 (b); CREATE INDEX j1 ON t2 (b);
        CREATE INDEX k1 ON t1 (b); CREATE INDEX ii ON ONLY t (b); CREATE INDEX jj ON ONLY t (b);
        ALTER INDEX ii ATTACH PARTITION j1; ALTER INDEX jj ATTACH PARTITION i1;
        ALTER INDEX ii ATTACH PARTITION k1""",
    "of an index that lacks one": """; CREATE INDEX ti ON ONLY t (b); CREATE INDEX t2i ON t2 (b);
        ALTER INDEX ti ATTACH PARTITION t2i""",
    "of an index one level below": """; CREATE INDEX ti ON ONLY t (b); CREATE INDEX t1i ON ONLY t1 (b);
        CREATE INDEX t11i ON t11 (b); ALTER INDEX t1i ATTACH PARTITION t11i""",
    "with names of their own": """; CREATE INDEX own ON t2 (b); CREATE INDEX ti ON t (b)""",
}
"""Which indexes are parts of the partitioned table's."""

NAMED = {
    "comments on NOT NULL": (
        18,
        """CREATE TABLE t (a int CONSTRAINT a_nn NOT NULL, b int NOT NULL) PARTITION BY LIST (a);
        CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1)""",
        """; COMMENT ON CONSTRAINT a_nn ON t IS 'x'; COMMENT ON CONSTRAINT a_nn ON t1 IS 'y';
        COMMENT ON CONSTRAINT t_b_not_null ON t IS 'z'""",
    ),
    "NOT NULL of domains": (
        17,
        "CREATE DOMAIN d AS int CONSTRAINT dnn NOT NULL; CREATE DOMAIN e AS int NOT NULL",
        """; COMMENT ON CONSTRAINT dnn ON DOMAIN d IS 'x'; CREATE DOMAIN f AS int CONSTRAINT ff NOT NULL;
        ALTER DOMAIN e RENAME CONSTRAINT e_not_null TO ee""",
    ),
    "NOT NULL of a partition": (
        18,
        """CREATE TABLE p (a int, b int) PARTITION BY LIST (a);
        CREATE TABLE c PARTITION OF p FOR VALUES IN (1)""",
        """; ALTER TABLE c ADD CONSTRAINT cnn NOT NULL a NOT VALID, ADD CONSTRAINT cbn NOT NULL b""",
    ),
    "the access method of a partitioned table": (
        17,
        """CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
        CREATE TABLE p (a int) PARTITION BY LIST (a)""",
        "; ALTER TABLE p SET ACCESS METHOD heap2",
    ),
    "a publication of an ancestor alone": (
        14,
        "CREATE TABLE p (a int); CREATE TABLE c () INHERITS (p); CREATE PUBLICATION pub FOR TABLE p",
        "; ALTER PUBLICATION pub DROP TABLE ONLY c",
    ),
}
"""The first major that has it, what there is, and what is added to that."""

CANONICAL = """CREATE TYPE cr; CREATE FUNCTION canon(cr) RETURNS cr LANGUAGE internal IMMUTABLE
    AS 'int4range_canonical'; CREATE TYPE cr AS RANGE (SUBTYPE = int4, CANONICAL = canon)"""

OPTIONS = """; CREATE TABLE t (a text) WITH (fillfactor = 70, autovacuum_enabled = off,
        toast.vacuum_truncate = off, toast.autovacuum_enabled = off);
    CREATE INDEX t_a_idx ON t (a) WITH (fillfactor = 70, deduplicate_items = on);
    CREATE TABLE u (a int CONSTRAINT u_pkey PRIMARY KEY WITH (fillfactor = 60, deduplicate_items = off),
        b int UNIQUE WITH (fillfactor = 61, deduplicate_items = on));
    CREATE TABLE x (r int4range, CONSTRAINT xx EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 70));
    CREATE MATERIALIZED VIEW m WITH (fillfactor = 70, autovacuum_enabled = off) AS SELECT 1 AS one;
    CREATE VIEW v WITH (security_invoker = on, check_option = local, security_barrier = on)
        AS SELECT a FROM t"""

Follow = Callable[[str, str], Plan]
"""Plays a database with the first text to what the second makes, and returns the plan."""


@pytest.fixture
def follow(server: AnyServer, loaded: NewDatabase, tmp_path: Path) -> Follow:
    def played(old: str, new: str) -> Plan:
        ours, wanted = loaded(old), loaded(new)
        folder = tmp_path / f"of {len(list(tmp_path.iterdir()))}"
        pull_into(folder, Request(wanted, folder))
        request = Request(ours, folder, scratch_url=server.url(), base=folder)
        plan = make_plan(request)
        apply_plan(plan, Application(ours, Consent(everything=True)))
        assert pg_dump.differences(ours, wanted) == ()
        assert [sql for step in make_plan(request).steps for sql in step.sql] == []
        return plan

    return played


@pytest.mark.matrix
@pytest.mark.parametrize("name", HEIRS)
def test_heirs_are_made(name: str, follow: Follow) -> None:
    before, more = HEIRS[name]
    assert follow(before, before + more).steps
    assert follow("", before + more).steps
    assert follow(before + more, before).steps


@pytest.mark.matrix
@pytest.mark.parametrize("name", ALTERED)
def test_heirs_are_altered(name: str, follow: Follow) -> None:
    before, more = ALTERED[name]
    assert follow(before, before + more).steps
    assert follow(before + more, before).steps


def test_an_inherited_expression_is_altered_or_refused(follow: Follow, server: AnyServer) -> None:
    before = """CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED) PARTITION BY LIST (a);
        CREATE TABLE c PARTITION OF g"""
    own = before + " (b GENERATED ALWAYS AS (a * 3) STORED) FOR VALUES IN (1)"
    if server.major >= 17:
        assert follow(before + " FOR VALUES IN (1)", own).steps
    elif server.major == 16:
        with pytest.raises(Blocked, match="PostgreSQL drops no column that is inherited"):
            follow(own, before + " FOR VALUES IN (1)")


def test_storage_parameters_keep_their_order(follow: Follow, server: AnyServer) -> None:
    options = OPTIONS if server.major >= 15 else OPTIONS.replace("security_invoker = on, ", "")
    assert follow("CREATE TABLE t0 ()", "CREATE TABLE t0 ()" + options).steps
    reordered = options.replace(
        "fillfactor = 70, deduplicate_items = on", "deduplicate_items = on, fillfactor = 70"
    )
    assert "WITH (deduplicate_items=on, fillfactor=70)" in str(follow("", reordered[2:]))


@pytest.mark.matrix
@pytest.mark.parametrize("name", PARTS)
def test_parts_of_indexes_stay_with_their_own(name: str, follow: Follow) -> None:
    assert follow(PARTITIONED, PARTITIONED + PARTS[name]).steps
    assert follow("", PARTITIONED + PARTS[name]).steps


@pytest.mark.matrix
@pytest.mark.parametrize("name", NAMED)
def test_what_newer_majors_have(name: str, follow: Follow, server: AnyServer) -> None:
    since, before, more = NAMED[name]
    if server.major < since:
        pytest.skip(f"it came with {since}")
    assert follow(before, before + more).steps
    assert follow("", before + more).steps
    assert follow(before + more, before).steps


@pytest.mark.matrix
def test_a_range_with_a_canonical_function_is_made_and_not_dropped(follow: Follow) -> None:
    assert follow("", CANONICAL).steps
    with pytest.raises(Blocked, match="only go together with CASCADE"):
        follow(CANONICAL, "")
