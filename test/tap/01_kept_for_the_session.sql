-- What a session knows of call tables, and of its own, does not grow with all
-- that it has ever seen.
BEGIN;
SELECT plan(8);

CREATE FUNCTION pg_temp.sources_kept() RETURNS bigint LANGUAGE sql AS
    $$SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'ccc source'$$;

-- tables that are gone
CREATE FUNCTION pg_temp.attach_and_drop(first integer, last integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN first .. last LOOP
        EXECUTE format('CREATE TABLE gone_%s (id text, a text, b text, at timestamptz, s numeric)', n);
        PERFORM ccc.attach(format('gone_%s', n)::regclass, 'id', 'at', 's', 'a', 'b');
        EXECUTE format('INSERT INTO gone_%s VALUES (%s)', n, n);
        EXECUTE format('DROP TABLE gone_%s', n);
    END LOOP;
END $$;
SELECT pg_temp.attach_and_drop(1, 200);
SELECT cmp_ok(pg_temp.sources_kept(), '<', 20::bigint, 'of tables that are gone');

-- roles that are gone, and any number of them
CREATE TABLE calls (id text, a text, b text, at timestamptz, s numeric);
SELECT ccc.attach('calls', 'id', 'at', 's', 'a', 'b');
GRANT INSERT ON calls TO PUBLIC;
CREATE FUNCTION pg_temp.write_as(first integer, last integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN first .. last LOOP
        PERFORM set_config('role', 'writer_' || n, true);
        INSERT INTO calls VALUES ('c' || n, '1', '2', '2025-03-01', 60);
        PERFORM set_config('role', 'none', true);
    END LOOP;
END $$;
DO $$ BEGIN
    FOR n IN 1 .. 600 LOOP EXECUTE 'CREATE ROLE writer_' || n; END LOOP;
END $$;
SELECT pg_temp.write_as(1, 50);
SELECT cmp_ok(pg_temp.sources_kept(), '>=', 50::bigint, 'of some writers each is kept');
SELECT pg_temp.write_as(51, 600);
SELECT cmp_ok(pg_temp.sources_kept(), '<=', 512::bigint, 'of many the last ones');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE reason = 'unknown_number' AND source = 'calls'::regclass), 600::bigint, 'all were rated');

-- nested: a trigger writes to another table
CREATE TABLE outer_calls (LIKE calls);
SELECT ccc.attach('outer_calls', 'id', 'at', 's', 'a', 'b');
CREATE FUNCTION pg_temp.pass_on() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_temp.write_as(1, 600); RETURN NEW; END$$;
CREATE TRIGGER pass_on AFTER INSERT ON outer_calls FOR EACH ROW EXECUTE FUNCTION pg_temp.pass_on();
INSERT INTO outer_calls VALUES ('o', '1', '2', '2025-03-01', 60);
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE reason = 'unknown_number'), 1201::bigint, 'inner and outer');

PREPARE one_more AS INSERT INTO calls VALUES ('m', '075586013388', 'x', '2025-03-02', 60);

-- checks of rows that fail
SELECT ccc.open_account(1, 'one', '2025-01-01'), ccc.top_up(1, 1000), ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-03-01');
ALTER TABLE ccc.other_usage ADD CONSTRAINT none CHECK (billed < 0) NOT VALID;
CREATE FUNCTION pg_temp.fail(times integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. times LOOP
        BEGIN
            INSERT INTO calls VALUES ('f', '075586013388', 'x', '2025-03-02', 60);
            RAISE 'not refused';
        EXCEPTION WHEN check_violation THEN
        END;
    END LOOP;
END $$;
-- by a statement that is the same each time, for it has memory of the kind as well
CREATE TEMP TABLE kept (bytes bigint);
PREPARE keep AS INSERT INTO kept SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'ExecutorState';
EXECUTE keep;
SELECT pg_temp.fail(10);
EXECUTE keep;
SELECT pg_temp.fail(200);
EXECUTE keep;
SELECT is((SELECT count(DISTINCT bytes) FROM kept), 2::bigint, 'checks are kept, once');

-- a check that cannot be prepared is not taken for one that has been
ALTER TABLE ccc.other_usage DROP CONSTRAINT none;
CREATE FUNCTION ccc.limit_of_usage() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF pg_catalog.current_setting('ccc_test.prepares') = 'off' THEN
        RAISE EXCEPTION 'not now' USING ERRCODE = 'ZZ000';
    END IF;
    RETURN 0;
END $$;
ALTER TABLE ccc.other_usage ADD CONSTRAINT none CHECK (billed < ccc.limit_of_usage()) NOT VALID;
SET ccc_test.prepares = off;
SELECT throws_ok('EXECUTE one_more', 'ZZ000', 'not now', 'a statement is cancelled');
SET ccc_test.prepares = on;
SELECT throws_ok('EXECUTE one_more', '23514', NULL, 'the next one is checked');
SELECT * FROM finish();
ROLLBACK;
