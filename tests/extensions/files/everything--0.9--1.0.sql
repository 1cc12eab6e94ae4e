CREATE TYPE everything.place AS (x integer, y text COLLATE "C");
COMMENT ON COLUMN everything.place.x IS 'Across.';
CREATE DOMAIN everything.code AS text DEFAULT 'none' NOT NULL CONSTRAINT long CHECK (length(VALUE) > 2);
COMMENT ON CONSTRAINT long ON DOMAIN everything.code IS 'Three letters.';
GRANT USAGE ON TYPE everything.mood TO PUBLIC;
REVOKE USAGE ON TYPE everything.code FROM PUBLIC;
CREATE FUNCTION everything.distance(double precision, double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 - $2';
CREATE TYPE everything.span AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = everything.distance);
CREATE TYPE everything.raw;
CREATE FUNCTION everything.raw_in(cstring) RETURNS everything.raw LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION everything.raw_out(everything.raw) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE TYPE everything.raw (
    INPUT = everything.raw_in, OUTPUT = everything.raw_out, INTERNALLENGTH = 4, PASSEDBYVALUE);
COMMENT ON TYPE everything.raw IS 'A number.';
CREATE COLLATION everything.plain (LOCALE = 'C');
CREATE CONVERSION everything.odd FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

CREATE FUNCTION everything.touch() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
COMMENT ON FUNCTION everything.touch() IS 'Does nothing.';
REVOKE EXECUTE ON FUNCTION everything.touch() FROM PUBLIC;
CREATE PROCEDURE everything.tidy() LANGUAGE plpgsql AS 'begin commit; end';
CREATE AGGREGATE everything.total(integer) (SFUNC = int4_sum, STYPE = bigint, INITCOND = '0');
CREATE FUNCTION everything.same(everything.place, everything.place) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS 'SELECT $1.x = $2.x';
CREATE FUNCTION everything.hash(everything.place) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.x';
CREATE OPERATOR everything.=== (
    LEFTARG = everything.place, RIGHTARG = everything.place, FUNCTION = everything.same, HASHES);
CREATE OPERATOR FAMILY everything.places USING hash;
CREATE OPERATOR CLASS everything.place_hash FOR TYPE everything.place USING hash FAMILY everything.places AS
    OPERATOR 1 everything.===, FUNCTION 1 everything.hash(everything.place);
CREATE FUNCTION everything.as_place(integer) RETURNS everything.place
    LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, NULL)::everything.place';
CREATE CAST (integer AS everything.place) WITH FUNCTION everything.as_place(integer);
CREATE ACCESS METHOD everything_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TRUSTED LANGUAGE everything_language
    HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE FUNCTION everything.from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE AS 'varchar_support';
CREATE TRANSFORM FOR everything.mood LANGUAGE everything_language (
    FROM SQL WITH FUNCTION everything.from_sql(internal));
CREATE TEXT SEARCH TEMPLATE everything.template (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE TEXT SEARCH PARSER everything.parser (
    START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH DICTIONARY everything.words (TEMPLATE = pg_catalog.simple);
CREATE TEXT SEARCH CONFIGURATION everything.search (PARSER = pg_catalog."default");
ALTER TEXT SEARCH CONFIGURATION everything.search ADD MAPPING FOR word WITH everything.words;
COMMENT ON TEXT SEARCH CONFIGURATION everything.search IS 'Words.';

CREATE SEQUENCE everything.numbers;
CREATE TABLE everything.config (
    id serial PRIMARY KEY,
    number integer GENERATED ALWAYS AS IDENTITY,
    name text DEFAULT 'x' NOT NULL,
    mood everything.mood DEFAULT 'ok',
    doubled integer GENERATED ALWAYS AS (id * 2) STORED,
    during tstzrange,
    CONSTRAINT config_name_key UNIQUE (name),
    CONSTRAINT config_check CHECK (id > 0),
    CONSTRAINT config_excl EXCLUDE USING gist (during WITH &&)
);
ALTER TABLE everything.config ALTER COLUMN name SET STATISTICS 300;
ALTER SEQUENCE everything.numbers OWNED BY everything.config.name;
COMMENT ON TABLE everything.config IS 'How it works.';
COMMENT ON COLUMN everything.config.name IS 'A name.';
COMMENT ON CONSTRAINT config_check ON everything.config IS 'From one.';
COMMENT ON INDEX everything.config_name_key IS 'Small.';
COMMENT ON SEQUENCE everything.numbers IS 'They count.';
CREATE INDEX config_mood_idx ON everything.config (mood) WHERE mood IS NOT NULL;
COMMENT ON INDEX everything.config_mood_idx IS 'By mood.';
CREATE STATISTICS everything.config_statistics (ndistinct) ON id, mood FROM everything.config;
COMMENT ON STATISTICS everything.config_statistics IS 'Both.';
CREATE RULE config_rule AS ON DELETE TO everything.config DO ALSO NOTHING;
COMMENT ON RULE config_rule ON everything.config IS 'A rule.';
CREATE TRIGGER config_trigger BEFORE UPDATE ON everything.config
    FOR EACH ROW EXECUTE FUNCTION everything.touch();
COMMENT ON TRIGGER config_trigger ON everything.config IS 'A trigger.';
ALTER TABLE everything.config ENABLE ROW LEVEL SECURITY;
CREATE POLICY config_policy ON everything.config USING (id > 0);
COMMENT ON POLICY config_policy ON everything.config IS 'A policy.';
GRANT SELECT ON everything.config TO PUBLIC;
GRANT UPDATE (name) ON everything.config TO PUBLIC;
CREATE TABLE everything.child (more integer DEFAULT 7, CHECK (more > 0)) INHERITS (everything.config);
CREATE TABLE everything.parts (id integer DEFAULT 1 PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE INDEX parts_name_idx ON everything.parts (name);
CREATE TABLE everything.part PARTITION OF everything.parts (name DEFAULT 'part') FOR VALUES FROM (1) TO (10);
CREATE TABLE everything.refers (config_id integer REFERENCES everything.config, place everything.place);
CREATE TABLE everything.typed OF everything.place (x WITH OPTIONS DEFAULT 5 NOT NULL);
CREATE VIEW everything.names AS SELECT name FROM everything.config;
COMMENT ON COLUMN everything.names.name IS 'Seen.';
CREATE TRIGGER names_trigger INSTEAD OF INSERT ON everything.names
    FOR EACH ROW EXECUTE FUNCTION everything.touch();
CREATE MATERIALIZED VIEW everything.counts AS SELECT count(*) AS number FROM everything.config;
CREATE UNIQUE INDEX counts_idx ON everything.counts (number);
CREATE STATISTICS everything.counts_statistics ON (number % 7) FROM everything.counts;
CREATE FOREIGN DATA WRAPPER everything_wrapper;
CREATE SERVER everything_server FOREIGN DATA WRAPPER everything_wrapper;
COMMENT ON SERVER everything_server IS 'Elsewhere.';
CREATE USER MAPPING FOR PUBLIC SERVER everything_server;
CREATE FOREIGN TABLE everything.far (id integer OPTIONS (name 'x') DEFAULT 3, CHECK (id > 0)) SERVER everything_server;
CREATE FUNCTION everything.heed() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end';
CREATE EVENT TRIGGER everything_trigger ON ddl_command_end WHEN TAG IN ('DROP CAST') EXECUTE FUNCTION everything.heed();
COMMENT ON EVENT TRIGGER everything_trigger IS 'An event.';

DO $$BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        EXECUTE 'COMMENT ON CONSTRAINT config_name_not_null ON everything.config IS ''Known.''';
    END IF;
END$$;
