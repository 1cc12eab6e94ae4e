"""Whose the roles are: they belong to the server; a database knows them by what they own and may do in it."""

from __future__ import annotations

from typing import LiteralString

OWN: LiteralString = """
    database AS (
        SELECT oid, datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
    own AS (
        SELECT r.oid
        FROM pg_catalog.pg_roles r CROSS JOIN database d
        WHERE r.rolname !~ '^pg_' AND r.oid <> 10 AND r.oid <> d.datdba AND r.rolname <> CURRENT_USER
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_shdepend s
                WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
                    AND s.dbid <> d.oid
                    AND s.classid <> 'pg_catalog.pg_auth_members'::pg_catalog.regclass)
            AND EXISTS (
                SELECT FROM pg_catalog.pg_shdepend s
                WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
                    AND s.dbid = d.oid))"""
"""Common table expressions; `own` are the oids of roles that are this database's alone.

That is: something here refers to the role (owner, privilege, policy), and nothing in another database or
on the server does; and it is neither the superuser that initdb made, nor the database's owner, nor who asks.
A role that nothing refers to may be anybody's.
"""
