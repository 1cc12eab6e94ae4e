"""Primary keys, on a real server."""

from __future__ import annotations

from reconciler.core.ident import ObjectId
from reconciler.kinds.primary_key import PrimaryKey
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of, tables
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, declare, of_kind, read, run

KIND = PrimaryKey()
KINDS = (Table(), KIND)
LONG = "t" * 40 + "é" * 11

OBJECTS = f"""
ALTER TABLE app.orgs ADD CONSTRAINT "The Key" PRIMARY KEY (id, x) INCLUDE (note) WITH (fillfactor = 70)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE app.orgs CLUSTER ON "The Key";
ALTER TABLE app.users ADD PRIMARY KEY (id);
ALTER TABLE app.users REPLICA IDENTITY USING INDEX users_pkey;
ALTER TABLE "Odd.Schema"."Odd(Table" ADD PRIMARY KEY ("a ""b", id);
CREATE TABLE app.{LONG} (id integer PRIMARY KEY);
"""
