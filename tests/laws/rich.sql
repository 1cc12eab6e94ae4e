-- A database with something of every kind, and most of what each kind can say.
-- Lines `-- from NN` begin a part for that major version and later; `-- until NN` one for earlier versions.
-- The roles law_owner, law_member and "Law, Reader" exist.

CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema" AUTHORIZATION law_owner;
COMMENT ON SCHEMA app IS 'It''s the application.';
GRANT USAGE ON SCHEMA app TO "Law, Reader" WITH GRANT OPTION;
GRANT law_owner TO law_member;
ALTER ROLE law_member SET statement_timeout = '5s';

DO $$
DECLARE found text := (SELECT name FROM pg_catalog.pg_available_extensions WHERE name <> 'plpgsql' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_available_extension_versions v WHERE v.name = pg_available_extensions.name
        AND (v.requires <> '{}' OR NOT v.relocatable)) ORDER BY name = 'hstore' DESC, name LIMIT 1);
BEGIN
    IF found IS NOT NULL THEN
        EXECUTE format('CREATE EXTENSION %I SCHEMA "Odd.Schema"', found);
        EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || (
            SELECT d.objid::regprocedure FROM pg_catalog.pg_depend d
            WHERE d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
                AND d.refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = found)
            ORDER BY 1 LIMIT 1) || ' FROM PUBLIC';
    END IF;
END
$$;

-- Types
CREATE TYPE app.mood AS ENUM ('sad', 'it''s', 'ok', 'Äh');
CREATE TYPE app.nothing AS ENUM ();
COMMENT ON TYPE app.mood IS 'How it is.';
CREATE DOMAIN app.amount AS numeric(12, 2) DEFAULT 0.50 NOT NULL CONSTRAINT positive CHECK (VALUE > 0);
CREATE DOMAIN app.code AS text COLLATE "C";
ALTER DOMAIN app.code ADD CONSTRAINT long CHECK (length(VALUE) > 2) NOT VALID;
COMMENT ON CONSTRAINT positive ON DOMAIN app.amount IS 'Nothing is free.';
CREATE TYPE app.point AS (x integer, "y, z" text COLLATE "C", at timestamptz(3));
COMMENT ON COLUMN app.point.x IS 'Across.';
CREATE FUNCTION app.distance(double precision, double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1 - $2';
CREATE TYPE app.span AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = app.distance);
ALTER TYPE app.span OWNER TO law_owner;
CREATE TYPE app.shell;
CREATE TYPE app.raw;
CREATE FUNCTION app.raw_in(cstring) RETURNS app.raw LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.raw_out(app.raw) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE app.raw (INPUT = app.raw_in, OUTPUT = app.raw_out, INTERNALLENGTH = 4, PASSEDBYVALUE, CATEGORY = 'N', DEFAULT = '0');
GRANT USAGE ON TYPE app.mood TO "Law, Reader";
REVOKE USAGE ON TYPE app.amount FROM PUBLIC;

-- Collation, conversion, text search
CREATE COLLATION app.plain (LOCALE = 'C');
CREATE CONVERSION app.odd FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY app.words (TEMPLATE = pg_catalog.simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION app.search (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION app.search ADD MAPPING FOR asciiword, word WITH app.words, pg_catalog.english_stem;
CREATE TEXT SEARCH TEMPLATE app.template (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE TEXT SEARCH PARSER app.parser (
    START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);

-- Routines
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, public
    SET work_mem = '8MB' AS $_$
begin
  -- $$ is nothing here
  return new;
end
$_$;
CREATE FUNCTION app.add(a integer, b integer DEFAULT 1, VARIADIC rest integer[] DEFAULT '{}') RETURNS integer
    LANGUAGE sql IMMUTABLE LEAKPROOF COST 7 PARALLEL RESTRICTED RETURN a + b;
CREATE FUNCTION app.rows_of(OUT id integer, OUT "na me" text) RETURNS SETOF record
    LANGUAGE sql STABLE ROWS 5 AS 'SELECT 1, ''x''';
CREATE FUNCTION app.table_of("least" integer) RETURNS TABLE (id integer, word text)
    LANGUAGE sql BEGIN ATOMIC SELECT 1, 'x'; END;
CREATE PROCEDURE app.tidy(INOUT done integer) LANGUAGE plpgsql AS 'begin commit; end';
CREATE AGGREGATE app.total(integer) (SFUNC = int4_sum, STYPE = bigint, INITCOND = '0', PARALLEL = SAFE);
COMMENT ON FUNCTION app.touch() IS 'Two
lines';
ALTER FUNCTION app.touch() OWNER TO law_owner;
REVOKE EXECUTE ON FUNCTION app.touch() FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE app.tidy(integer) TO "Law, Reader";

-- Operators, casts, access methods, languages
CREATE FUNCTION app.same(app.point, app.point) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.x = $2.x';
CREATE FUNCTION app.differs(app.point, app.point) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.x <> $2.x';
CREATE FUNCTION app.hash(app.point) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.x';
CREATE OPERATOR app.=== (
    LEFTARG = app.point, RIGHTARG = app.point, FUNCTION = app.same, COMMUTATOR = OPERATOR(app.===),
    NEGATOR = OPERATOR(app.!==), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES);
CREATE OPERATOR app.!== (
    LEFTARG = app.point, RIGHTARG = app.point, FUNCTION = app.differs, COMMUTATOR = OPERATOR(app.!==),
    NEGATOR = OPERATOR(app.===), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR FAMILY app.point_hashing USING hash;
CREATE OPERATOR CLASS app.point_hash FOR TYPE app.point USING hash FAMILY app.point_hashing AS
    OPERATOR 1 app.===, FUNCTION 1 app.hash(app.point);
CREATE FUNCTION app.as_point(integer) RETURNS app.point LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, NULL, NULL)::app.point';
CREATE CAST (integer AS app.point) WITH FUNCTION app.as_point(integer) AS ASSIGNMENT;
CREATE ACCESS METHOD law_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TRUSTED LANGUAGE law_language HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;

-- Sequences
CREATE SEQUENCE app.numbers AS integer INCREMENT BY -5 MINVALUE -500 MAXVALUE 100 START WITH 50 CACHE 3 CYCLE;
CREATE SEQUENCE app.owned;
GRANT USAGE ON SEQUENCE app.numbers TO "Law, Reader";

-- Tables
CREATE TABLE app.orgs (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 10) PRIMARY KEY,
    code text COLLATE "C" NOT NULL,
    CONSTRAINT orgs_code_key UNIQUE (code) DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 70, toast.autovacuum_enabled = false);
CREATE TABLE app."Odd, ""table""" (
    "id." integer GENERATED BY DEFAULT AS IDENTITY,
    org_id bigint NOT NULL DEFAULT 1,
    "user" varchar(20)[] DEFAULT '{a,"b c"}'::varchar[],
    mood app.mood DEFAULT 'it''s'::app.mood,
    paid app.amount,
    during tstzrange,
    spot app.point,
    doubled bigint GENERATED ALWAYS AS (org_id * 2) STORED,
    words tsvector,
    CONSTRAINT "Odd.pkey" PRIMARY KEY ("id.") INCLUDE (org_id) WITH (fillfactor = 90),
    CONSTRAINT odd_check CHECK (org_id > 0 AND mood <> 'sad'::app.mood) NO INHERIT,
    CONSTRAINT odd_excl EXCLUDE USING gist (during WITH &&) WHERE (org_id > 5),
    CONSTRAINT odd_org_fkey FOREIGN KEY (org_id) REFERENCES app.orgs ON DELETE CASCADE ON UPDATE RESTRICT DEFERRABLE
);
ALTER TABLE app."Odd, ""table""" ADD CONSTRAINT odd_late_check CHECK (paid < 1000) NOT VALID;
ALTER TABLE app."Odd, ""table""" ALTER COLUMN words SET STATISTICS 500;
ALTER TABLE app."Odd, ""table""" ALTER COLUMN words SET STORAGE EXTERNAL;
ALTER TABLE app."Odd, ""table""" ALTER COLUMN org_id SET (n_distinct = -0.5);
ALTER TABLE app."Odd, ""table""" ENABLE ROW LEVEL SECURITY;
ALTER TABLE app."Odd, ""table""" FORCE ROW LEVEL SECURITY;
COMMENT ON TABLE app."Odd, ""table""" IS E'tab\there';
COMMENT ON COLUMN app."Odd, ""table"""."user" IS '# not a comment of YAML: really';
COMMENT ON CONSTRAINT odd_check ON app."Odd, ""table""" IS 'null';
COMMENT ON INDEX app."Odd.pkey" IS 'Small.';
GRANT SELECT, UPDATE (mood, "user") ON app."Odd, ""table""" TO "Law, Reader";
GRANT ALL ON app.orgs TO PUBLIC;
ALTER SEQUENCE app.owned OWNED BY app.orgs.code;
CREATE INDEX "Odd idx" ON app."Odd, ""table""" USING btree (org_id DESC NULLS LAST, lower("user"[1]) COLLATE "C" text_pattern_ops)
    INCLUDE (mood) WITH (fillfactor = 60) WHERE mood IS NOT NULL;
ALTER INDEX app."Odd idx" ALTER COLUMN 2 SET STATISTICS 200;
CREATE INDEX odd_words_idx ON app."Odd, ""table""" USING gin (words) WITH (fastupdate = off);
CREATE UNIQUE INDEX orgs_code_idx ON app.orgs (code);
ALTER TABLE app.orgs REPLICA IDENTITY USING INDEX orgs_code_idx;
ALTER TABLE app.orgs CLUSTER ON orgs_pkey;
CREATE STATISTICS app.odd_statistics (ndistinct, mcv) ON org_id, mood FROM app."Odd, ""table""";
ALTER STATISTICS app.odd_statistics SET STATISTICS 77;
CREATE STATISTICS app.odd_expression ON (org_id % 7), mood FROM app."Odd, ""table""";
CREATE POLICY "see own" ON app."Odd, ""table""" AS RESTRICTIVE FOR UPDATE TO "Law, Reader", law_owner
    USING (org_id = 1) WITH CHECK (org_id = 2);
CREATE POLICY everyone ON app."Odd, ""table""" USING (true);
COMMENT ON POLICY everyone ON app."Odd, ""table""" IS 'All of it.';
CREATE TRIGGER noted BEFORE INSERT OR UPDATE OF mood ON app."Odd, ""table""" FOR EACH ROW
    WHEN (new.mood IS NOT NULL) EXECUTE FUNCTION app.touch('an argument', '2');
CREATE TRIGGER counted AFTER UPDATE ON app.orgs REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON app.orgs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION app.touch();
ALTER TABLE app.orgs DISABLE TRIGGER counted;
CREATE RULE quiet AS ON DELETE TO app.orgs WHERE old.id > 5 DO INSTEAD NOTHING;
CREATE UNLOGGED TABLE app.unlogged (id integer) USING law_heap;
CREATE TABLE app.empty ();
CREATE TABLE app.typed OF app.point (x NOT NULL, at NOT NULL DEFAULT now(), PRIMARY KEY (x));
COMMENT ON COLUMN app.typed.x IS 'typed';
CREATE TABLE app.parent (id integer NOT NULL DEFAULT 7, note text, CHECK (id > 0));
CREATE TABLE app.child (more integer, note text) INHERITS (app.parent);
ALTER TABLE app.child ALTER COLUMN id SET DEFAULT 8;

-- Partitions
CREATE TABLE app.events (at date NOT NULL, kind text NOT NULL DEFAULT 'x', org_id bigint REFERENCES app.orgs, PRIMARY KEY (at, kind))
    PARTITION BY RANGE (at);
CREATE INDEX events_kind_idx ON app.events (kind);
CREATE TABLE app.events_2025 PARTITION OF app.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
    PARTITION BY LIST (kind);
CREATE TABLE app.events_2025_a PARTITION OF app.events_2025 FOR VALUES IN ('a', 'it''s') WITH (fillfactor = 50);
CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT;
CREATE INDEX events_rest_own_idx ON app.events_rest (org_id);
CREATE TRIGGER events_noted BEFORE UPDATE ON app.events FOR EACH ROW EXECUTE FUNCTION app.touch();

-- Views
CREATE VIEW app.shown WITH (security_barrier) AS
    SELECT o."id.", o."user"[1] AS first, g.code FROM app."Odd, ""table""" o JOIN app.orgs g ON g.id = o.org_id;
CREATE VIEW app.own (key) WITH (check_option = cascaded) AS SELECT id FROM app.orgs WHERE id > 0;
ALTER VIEW app.own ALTER COLUMN key SET DEFAULT 5;
CREATE RECURSIVE VIEW app.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 3;
CREATE TRIGGER insteadly INSTEAD OF INSERT ON app.own FOR EACH ROW EXECUTE FUNCTION app.touch();
COMMENT ON VIEW app.shown IS 'Shown.';
COMMENT ON COLUMN app.shown.code IS 'Of the org.';
ALTER VIEW app.shown OWNER TO law_owner;
GRANT SELECT ON app.shown TO "Law, Reader";
CREATE MATERIALIZED VIEW app.totals WITH (fillfactor = 80) AS SELECT org_id, count(*) AS number FROM app."Odd, ""table""" GROUP BY 1
    WITH NO DATA;
CREATE UNIQUE INDEX totals_org_idx ON app.totals (org_id);
ALTER MATERIALIZED VIEW app.totals ALTER COLUMN number SET STATISTICS 50;

-- Foreign data
CREATE FOREIGN DATA WRAPPER law_wrapper OPTIONS (debug 'true');
CREATE SERVER law_server TYPE 'a' VERSION '1.0' FOREIGN DATA WRAPPER law_wrapper OPTIONS (host 'h', "Odd" 'it''s');
CREATE USER MAPPING FOR law_member SERVER law_server OPTIONS (user 'u');
CREATE FOREIGN TABLE app.far (
    id integer OPTIONS (column_name 'ID') NOT NULL, note text DEFAULT 'x', CONSTRAINT far_check CHECK (id > 0)
) SERVER law_server OPTIONS (table_name 'T');
GRANT USAGE ON FOREIGN SERVER law_server TO "Law, Reader";

-- The whole database
CREATE PUBLICATION law_publication FOR TABLE app.orgs WITH (publish = 'insert, update');
CREATE PUBLICATION law_everything FOR ALL TABLES WITH (publish_via_partition_root = true);
CREATE SUBSCRIPTION law_subscription CONNECTION 'host=nowhere dbname=nothing' PUBLICATION p
    WITH (connect = false, enabled = false, slot_name = NONE, create_slot = false);
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end';
CREATE EVENT TRIGGER law_ddl ON ddl_command_end WHEN TAG IN ('CREATE VIEW', 'DROP VIEW') EXECUTE FUNCTION app.on_ddl();
ALTER EVENT TRIGGER law_ddl DISABLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO "Law, Reader";
ALTER DEFAULT PRIVILEGES FOR ROLE law_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE FUNCTION app.to_point(internal) RETURNS app.point LANGUAGE internal IMMUTABLE AS 'record_in';
CREATE TRANSFORM FOR app.point LANGUAGE law_language (TO SQL WITH FUNCTION app.to_point(internal));

GRANT USAGE ON LANGUAGE law_language TO "Law, Reader";
DO $$BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path TO app, "Odd.Schema"', current_database());
    EXECUTE format('ALTER DATABASE %I SET "law.Tenant" TO ''50%% of "it"''', current_database());
    EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 99', current_database());
    EXECUTE format('COMMENT ON DATABASE %I IS ''Of laws.''', current_database());
    EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO law_owner WITH GRANT OPTION', current_database());
END$$;

-- No provider is loaded: what SECURITY LABEL would write.
SET allow_system_table_mods = on;
INSERT INTO pg_seclabel (objoid, classoid, objsubid, provider, label)
SELECT 'app.orgs'::regclass::oid, 'pg_class'::regclass::oid, n, 'law "provider"', 'it''s ' || n FROM generate_series(0, 1) AS n
UNION ALL SELECT 'app.touch()'::regprocedure::oid, 'pg_proc'::regclass, 0, 'law', 'touched'
UNION ALL SELECT 'app.mood'::regtype::oid, 'pg_type'::regclass, 0, 'law', 'moody';
RESET allow_system_table_mods;

-- from 15
CREATE TABLE app.fifteen (id integer CONSTRAINT fifteen_key UNIQUE NULLS NOT DISTINCT, a integer, b integer);
ALTER TABLE app.fifteen ADD PRIMARY KEY (a, b);
CREATE TABLE app.fifteen_more (
    a integer, b integer,
    CONSTRAINT fifteen_fkey FOREIGN KEY (a, b) REFERENCES app.fifteen (a, b) MATCH FULL ON DELETE SET NULL (b));
CREATE VIEW app.invoked WITH (security_invoker = true) AS SELECT 1 AS one;
CREATE PUBLICATION law_columns FOR TABLE app.fifteen (a, b);
CREATE PUBLICATION law_part FOR TABLE app.fifteen WHERE (a > 5), TABLES IN SCHEMA "Odd.Schema";

-- from 18
CREATE TABLE app.eighteen (
    id integer,
    half integer GENERATED ALWAYS AS (id / 2) VIRTUAL,
    room int4range,
    during daterange,
    a integer CONSTRAINT named_not_null NOT NULL,
    b integer,
    CONSTRAINT eighteen_pkey PRIMARY KEY (room, during WITHOUT OVERLAPS),
    CONSTRAINT eighteen_check CHECK (id > 0) NOT ENFORCED);
ALTER TABLE app.eighteen ADD CONSTRAINT b_not_null NOT NULL b NOT VALID;

-- from 17
COMMENT ON CONSTRAINT amount_not_null ON DOMAIN app.amount IS 'Nothing is unknown.';
