-- What somebody gives the extension's own tables, constraints and indexes whose
-- functions name others without their schema, is not led by a writer's path.
BEGIN;
SELECT plan(20);

CREATE ROLE bob;
CREATE SCHEMA bob AUTHORIZATION bob;
GRANT USAGE ON SCHEMA bob TO PUBLIC;
CREATE TABLE public.witness (who name, what text);
GRANT INSERT, SELECT ON public.witness TO PUBLIC;
SELECT ccc.open_account(1, 'a', '2025-01-01'), ccc.top_up(1, 100000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-01-01'),
       ccc.buy(1, 'landline_custom', 100000, bought_at => '2025-01-01') \g /dev/null

SET ROLE bob;
CREATE TABLE bob.calls (call_id text, caller text, callee text, started_at timestamptz, seconds integer);
CREATE FUNCTION bob.note(text) RETURNS void LANGUAGE sql AS 'INSERT INTO public.witness VALUES (current_user, $1)';
CREATE FUNCTION bob.length(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM bob.note($1);
    RETURN 1;
END $$;
RESET ROLE;
SELECT ccc.attach('bob.calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee');

-- what an administrator may write without a thought of it
CREATE FUNCTION public.is_short(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN length($1) < 1000; END';
CREATE FUNCTION public.size(text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT length($1)';
CREATE DOMAIN public.short AS text CHECK (public.is_short(VALUE));
CREATE FUNCTION public.compare_sizes(text, text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN length($1) - length($2); END';
CREATE OPERATOR CLASS public.by_size FOR TYPE text USING btree AS FUNCTION 1 public.compare_sizes(text, text);
GRANT EXECUTE ON FUNCTION public.is_short(text), public.size(text), public.compare_sizes(text, text) TO PUBLIC;

-- calls that are charged, one by one and together, and one that is an exception
CREATE FUNCTION pg_temp.calls_of_bob(about text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE bob;
    PERFORM set_config('search_path', 'bob, pg_catalog', true);
    FOR n IN 1 .. 2 LOOP
        INSERT INTO bob.calls VALUES (format('%s %s', about, n), '075586013388', 'x', '2025-02-01 10:00+08', 61);
    END LOOP;
    INSERT INTO bob.calls SELECT format('%s %s', about, n), '075586013388', 'x', '2025-02-01 10:00+08', 61 FROM generate_series(3, 1000) AS n;
    INSERT INTO bob.calls VALUES (about || ' bad', '075586013388', 'x', '2025-02-01 10:00+08', -1);
    IF current_setting('search_path') <> 'bob, pg_catalog' THEN
        RETURN NEXT 'the path has changed';
    END IF;
    RESET ROLE;
    PERFORM set_config('search_path', '"$user", public', true);
    RETURN QUERY DELETE FROM public.witness RETURNING format('%s as %s', what, who);
END $$;

SELECT is_empty($$SELECT pg_temp.calls_of_bob('before')$$, 'nothing is led as it comes');
SET LOCAL search_path = bob, pg_catalog;
SELECT public.is_short('control') AS short, public.compare_sizes('control', '') AS compared \gset
RESET search_path;
SELECT results_eq('SELECT DISTINCT what FROM public.witness', $$VALUES (''), ('control')$$, 'that path would lead them');
DELETE FROM public.witness;

CREATE FUNCTION pg_temp.with_it(statement text, what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN NEXT is_empty(format('SELECT pg_temp.calls_of_bob(%L)', what), what);
END $$;
SELECT pg_temp.with_it('ALTER TABLE ccc.ledger ADD CONSTRAINT c CHECK (public.is_short(call_id))', 'a constraint of the ledger');
SELECT pg_temp.with_it('ALTER TABLE ccc.ledger DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (CASE WHEN call_id IS NULL THEN true ELSE public.size(call_id) < 1000 END)', 'another one, within');
SELECT pg_temp.with_it('ALTER TABLE ccc.ledger DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (call_id::public.short IS NOT NULL)', 'a domain''s');
SELECT pg_temp.with_it('ALTER TABLE ccc.ledger DROP CONSTRAINT c; ALTER TABLE ccc.accounts ADD CONSTRAINT c CHECK (public.is_short(name))', 'one of accounts');
SELECT pg_temp.with_it('ALTER TABLE ccc.accounts DROP CONSTRAINT c; ALTER TABLE ccc.packages ADD CONSTRAINT c CHECK (public.is_short(pool))', 'of packages');
SELECT pg_temp.with_it('ALTER TABLE ccc.packages DROP CONSTRAINT c; ALTER TABLE ccc.exception_log ADD CONSTRAINT c CHECK (public.is_short(detail))', 'of exceptions');
SELECT pg_temp.with_it('ALTER TABLE ccc.exception_log DROP CONSTRAINT c; CREATE INDEX i ON ccc.ledger ((public.is_short(call_id)))', 'an index of the ledger');
SELECT pg_temp.with_it('DROP INDEX ccc.i; CREATE INDEX i ON ccc.ledger (call_id) WHERE public.is_short(call_id)', 'one of some of its rows');
SELECT pg_temp.with_it('DROP INDEX ccc.i; CREATE INDEX i ON ccc.ledger ((call_id || public.size(''a constant'')))', 'one with a constant');
SELECT pg_temp.with_it('DROP INDEX ccc.i; CREATE INDEX i ON ccc.accounts ((public.is_short(name || last_posting_no)))', 'an index of accounts, of what each call changes');
SELECT pg_temp.with_it('DROP INDEX ccc.i; CREATE INDEX i ON ccc.packages ((public.is_short(pool || used)))', 'an index of packages');
SELECT pg_temp.with_it('DROP INDEX ccc.i; CREATE INDEX i ON ccc.exception_log ((public.is_short(reason)))', 'an index of exceptions');
SELECT pg_temp.with_it('DROP INDEX ccc.i; CREATE INDEX i ON ccc.ledger (call_id public.by_size)', 'an index in an order of somebody''s');
SELECT pg_temp.with_it('DROP INDEX ccc.i; ALTER TABLE ccc.ledger ADD CONSTRAINT c CHECK (greatest(call_id, public.size(call_id)::text) IS NOT NULL)', 'a node that may call anything');
SELECT pg_temp.with_it('ALTER TABLE ccc.ledger DROP CONSTRAINT c', 'and when all are gone');

SELECT is((SELECT sum(billed_minutes) FROM ccc.call_charges), 16 * 1000 * 2::numeric, 'all were billed');
SELECT is((SELECT count(*) FROM ccc.exceptions), 16::bigint, 'and told');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
