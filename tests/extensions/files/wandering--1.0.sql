CREATE TYPE @extschema@.code AS ENUM ('a', 'b');
CREATE FUNCTION @extschema@.go() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', '@extschema@, pg_catalog', false);
    PERFORM set_config('IntervalStyle', 'sql_standard', false);
END
$$;
SELECT @extschema@.go();
