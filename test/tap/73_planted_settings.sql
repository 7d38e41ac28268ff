-- What a mapping's function does to the session's settings does not lead what
-- runs after it as the ledger's owner; and who may give a table a mapping.
BEGIN;
SELECT plan(16);

CREATE ROLE bob;
CREATE ROLE adm IN ROLE ccc_admin;
CREATE SCHEMA bob AUTHORIZATION bob;
CREATE TABLE public.witness (who name);
GRANT INSERT, SELECT ON public.witness TO PUBLIC;
SELECT ccc.open_account(a, 'a', '2025-01-01') FROM generate_series(1, 2) AS a;
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
GRANT USAGE ON SCHEMA bob TO PUBLIC;
SET ROLE bob;
CREATE TABLE bob.calls (call_id text, caller text, callee text, started_at timestamptz, seconds numeric);
CREATE FUNCTION bob.same(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.witness VALUES (current_user);
    RETURN $1 OPERATOR(pg_catalog.=) $2;
END $$;
CREATE OPERATOR bob.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = bob.same);
CREATE FUNCTION bob.f(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('search_path', 'bob, pg_catalog', false);
    PERFORM set_config('TimeZone', 'America/New_York', false);
    RETURN $1;
END $$;
RESET ROLE;
SELECT ccc.attach('bob.calls', 'call_id', 'started_at', 'bob.f(seconds)', 'caller', 'callee');
SET ROLE bob;
INSERT INTO bob.calls VALUES ('a', '075586013388', 'x', '2025-02-01 10:00+08', 61);
UPDATE bob.calls SET seconds = 62;
INSERT INTO bob.calls VALUES ('b', '075586013388', 'x', '2025-02-01 10:00+08', -1);
RESET ROLE;
SELECT is((SELECT seconds FROM ccc.call_charges), 62::numeric, 'billed and corrected all the same');
SELECT is((SELECT string_agg(who, ',') FROM public.witness), NULL, 'the planted operator never ran');
SELECT isnt(current_setting('search_path'), 'bob, pg_catalog', 'the session''s path is its own');

-- nor where the mapping is read, or evaluated by a purge
SET ROLE bob;
CREATE FUNCTION bob.turn(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('role', 'bob', false), set_config('search_path', 'bob, pg_catalog', false);
    RETURN $1;
END $$;
CREATE FUNCTION bob.check(integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', 'bob, pg_catalog', false);
    RETURN true;
END $$;
CREATE DOMAIN bob.d AS integer CHECK (bob.check(VALUE));
CREATE TABLE bob.old (LIKE bob.calls);
RESET ROLE;
SELECT ccc.attach('bob.old', 'call_id', 'bob.turn(started_at)', '(''{61}''::bob.d[])[1]', 'caller', 'callee');
SELECT isnt(current_setting('search_path'), 'bob, pg_catalog', 'the path of who attaches is its own');
INSERT INTO bob.old VALUES ('old', '075586013388', 'x', '2025-02-01 10:00+08');
SELECT throws_ok($$SELECT ccc.purge('bob.old', '2025-03-01')$$, '42501', NULL, 'a role is not to be taken while a purge looks');
SET ROLE bob;
CREATE OR REPLACE FUNCTION bob.turn(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM set_config('search_path', 'bob, pg_catalog', false);
    RETURN $1;
END $$;
RESET ROLE;
SELECT ccc.purge('bob.old', '2025-03-01');
SELECT is(format('%s %s %s', current_user, current_setting('role'), current_setting('search_path') ~ 'bob'), 'postgres none f',
          'role and path of who purges are its own');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

SET ROLE adm;
SELECT throws_ok($$UPDATE ccc.sources SET seconds = 'adm.f(seconds)'$$, '42501', NULL, 'an administrator gives another''s table no mapping');
SELECT throws_ok($$INSERT INTO ccc.sources SELECT 9, 'public.witness', call_id, started_at, seconds, caller, callee, finished, direction, time_zone,
    on_delete, unknown, max_seconds, max_ahead, replicated, now(), NULL FROM ccc.sources$$, '42501', NULL, 'nor a new one');
RESET ROLE;
SELECT throws_ok('UPDATE ccc.sources SET max_ahead = 9000000000000000000', '23514', NULL, 'limits have limits');
SELECT throws_ok($$UPDATE ccc.sources SET cdr = 'public.witness'$$, '42501', NULL, 'and no mapping moves to another table');

-- a mapping that says something else each time would lose what it billed
SELECT throws_ok($$SELECT ccc.attach('public.witness', 'who', 'now()', '1', 'who', 'who')$$, '0A000', NULL, 'now()');
SELECT throws_ok($$SELECT ccc.attach('public.witness', 'who', 'current_timestamp', '1', 'who', 'who')$$, '0A000', NULL, 'current_timestamp');
SELECT throws_ok($$SELECT ccc.attach('public.witness', 'current_setting(''my.id'', true)', 'who::text', '1', 'who', 'who', time_zone => 'UTC')$$, '0A000', NULL, 'a setting');
SELECT throws_ok($$SELECT ccc.attach('public.witness', 'who || pg_backend_pid()::text', 'who::text', '1', 'who', 'who', time_zone => 'UTC')$$, '0A000', NULL, 'the session');

-- a row that goes while its mapping cannot be read
ALTER TABLE bob.calls RENAME COLUMN seconds TO secs;
DELETE FROM bob.calls WHERE call_id = 'a';
SELECT results_eq($$SELECT reason, record ->> 'call_id' FROM ccc.exceptions WHERE resolved_at IS NULL AND reason <> 'bad_length'$$,
    $$VALUES ('gone_unseen', 'a')$$, 'is told, for its charge still stands');
SELECT * FROM finish();
ROLLBACK;
