DO $$
BEGIN
    IF current_database() IS DISTINCT FROM current_setting('bound.database_name', true) THEN
        RAISE EXCEPTION 'can only create extension in database %', current_setting('bound.database_name', true);
    END IF;
END
$$;
CREATE SCHEMA bound;
CREATE TABLE bound.job (id bigserial PRIMARY KEY, command text NOT NULL DEFAULT '');
