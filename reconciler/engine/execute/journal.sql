-- The journal of reconcile: what was run on this database, and how far it came.
-- Format 1. Carried out once, under the lease, by the first run; also by hand: psql -1 -f journal.sql
-- Needs CREATE on the database, or a schema _reconcile that the role owns or may create in.

DO $$
BEGIN
    IF pg_catalog.to_regnamespace('_reconcile') IS NULL THEN
        CREATE SCHEMA _reconcile;
        REVOKE ALL ON SCHEMA _reconcile FROM PUBLIC;
        COMMENT ON SCHEMA _reconcile IS 'Journal of reconcile: plans, runs and steps. Not part of any schema.';
    END IF;
END
$$;

-- One row. The fence rises with each run that takes the lease: a run whose number is no longer here has lost it.
CREATE TABLE _reconcile.lease (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    format integer NOT NULL,
    fence bigint NOT NULL
);
INSERT INTO _reconcile.lease (format, fence) VALUES (1, 0);

CREATE TABLE _reconcile.plan (
    id text PRIMARY KEY,
    from_fingerprint text NOT NULL,
    to_fingerprint text NOT NULL,
    step_count integer NOT NULL,
    body text NOT NULL,                      -- the plan file as it was applied
    stored_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

CREATE TABLE _reconcile.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id text NOT NULL REFERENCES _reconcile.plan,
    resumes bigint REFERENCES _reconcile.run, -- the first run of those that this one goes on with
    fence bigint NOT NULL,
    tool_version text NOT NULL,
    role_name name NOT NULL DEFAULT CURRENT_USER,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz,
    outcome text NOT NULL DEFAULT 'running'
        CHECK (outcome IN ('running', 'applied', 'adopted', 'failed', 'busy', 'stopped', 'not converged')),
    error_sqlstate text,
    error_message text                       -- never a row's values
);
CREATE INDEX run_plan_id_idx ON _reconcile.run (plan_id, id);

CREATE TABLE _reconcile.step (
    run_id bigint NOT NULL REFERENCES _reconcile.run,
    number integer NOT NULL,
    status text NOT NULL CHECK (status IN ('running', 'done', 'failed')),
    label text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    error_sqlstate text,
    PRIMARY KEY (run_id, number)
);

-- What the plan's objects looked like after the last committed transaction: proof for a later resume.
CREATE TABLE _reconcile.checkpoint (
    run_id bigint PRIMARY KEY REFERENCES _reconcile.run,
    done integer[] NOT NULL,                 -- the steps done when this was read
    digests jsonb NOT NULL                   -- object id -> digest; what does not exist is missing
);

REVOKE ALL ON ALL TABLES IN SCHEMA _reconcile FROM PUBLIC;
