-- What was there before attach, or was written while triggers were off. The
-- procedure commits, so that nothing is rolled back here.
SELECT plan(49);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 2000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '075586013388', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
CREATE TABLE cdr (gone integer, r text, id text, t timestamptz, s numeric, a text, b text);
ALTER TABLE cdr DROP COLUMN gone;
INSERT INTO cdr (id, t, s, a, b) SELECT 'c' || n, '2025-02-01'::timestamptz + n * interval '1 minute', 61, '075586013388', 'x' FROM generate_series(1, 3000) AS n;
INSERT INTO cdr (id, t, s, a, b) VALUES ('bad', '2025-02-01', -1, '075586013388', 'x'), ('c1', '2025-02-01 00:01', 61, '075586013388', 'x');
SELECT ccc.attach('cdr', 'id', 't', 's', 'a', 'b');
INSERT INTO cdr (id, t, s, a, b) VALUES ('live', '2025-02-01', 61, '075586013388', 'x');
SELECT is((SELECT count(*) FROM ccc.call_charges), 1::bigint, 'what was there is not billed by attaching');
SET client_min_messages = warning;
CALL ccc.backfill('cdr', '2025-02-02 00:00+00', 3);
SELECT is((SELECT count(*) FROM ccc.call_charges), (SELECT 1 + count(*) FROM cdr WHERE t >= '2025-02-02 00:00+00'), 'a backfill from an instant on');
CALL ccc.backfill('cdr', blocks => 3);
SELECT is((SELECT count(*) FROM ccc.call_charges), 3001::bigint, 'all of it, in steps');
SELECT is((SELECT used FROM ccc.packages), 60000::bigint, 'the package is used up');
SELECT is((SELECT billed FROM ccc.shortfalls), (3001 * 120 - 60000)::bigint, 'and the rest is short');
SELECT is((SELECT string_agg(reason, ',') FROM ccc.exceptions), 'bad_length', 'what cannot be rated is told, once');
CREATE TEMP TABLE before AS SELECT last_posting_no, (SELECT count(*) FROM ccc.ledger) AS entries FROM ccc.accounts;
CALL ccc.backfill('cdr');
SELECT is((SELECT count(*) FROM ccc.ledger), (SELECT entries FROM before), 'again: nothing more');
SELECT is((SELECT count(*) FROM ccc.exceptions), 1::bigint, 'nor exceptions');
SELECT is(ccc.replay(1), 0::bigint, 'charged as in call order');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

-- an exception that a backfill bills is resolved, and two rows of one content are two
CREATE TABLE twice (id text, t timestamptz, s numeric, a text, b text);
INSERT INTO twice SELECT 'twin', '2025-03-01 00:00+08', 61, '075586013388', 'x' FROM generate_series(1, 2);
SELECT ccc.attach('twice', 'id', 't', 's', 'a', 'b');
INSERT INTO twice VALUES ('unknown', '2025-03-01 00:00+08', 61, '02155556666', 'x');
SELECT ccc.add_own_number(1, '02155556666', 'landline', '2025-01-01 00:00+08');
CALL ccc.backfill('twice');
SELECT is((SELECT resolution FROM ccc.exceptions WHERE call_id = 'unknown'), 'billed', 'a backfill resolves what it bills');
SELECT is(ccc.retry_exceptions(), 0::bigint, 'nothing is left to retry');
DELETE FROM twice WHERE id = 'unknown';
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'unknown'), 0::bigint, 'and a deletion reverses it');
DELETE FROM twice WHERE ctid = (SELECT min(ctid) FROM twice);
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'twin'), 2::numeric, 'the other of two identical rows keeps the charge');
-- values that are stored out of line, and a column that was added to rows that were there
CREATE TABLE wide (id text, t timestamptz, filler text, s numeric);
ALTER TABLE wide ALTER COLUMN filler SET STORAGE EXTERNAL;
INSERT INTO wide SELECT 'wide' || n, '2025-03-01 00:00+08', repeat('0', 5000) || n * 61, NULLIF(n, 2) FROM generate_series(1, 2) AS n;
ALTER TABLE wide ADD COLUMN a text DEFAULT '075586013388';
SELECT ccc.attach('wide', 'id', 't', 'coalesce(filler::numeric, s)', 'a', $$'x'$$);
CALL ccc.backfill('wide');
SELECT is((SELECT string_agg(call_id || ' ' || billed_minutes, ', ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'wide%'),
    'wide1 2, wide2 3', 'long values, and values that no row holds yet');
DELETE FROM wide;
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'wide%'), 0::bigint, 'are the same when they go');
-- rows whose mapping raises for a time: what a backfill found, or billed, may have a charge when it goes
CREATE TABLE raises (now boolean);
INSERT INTO raises VALUES (true);
CREATE FUNCTION public.read(text) RETURNS text LANGUAGE plpgsql STABLE
    AS $$ BEGIN IF (SELECT now FROM public.raises) THEN RAISE 'no'; END IF; RETURN $1; END $$;
CREATE TABLE odd (LIKE twice);
SELECT ccc.attach('odd', 'public.read(id)', 't', 's', 'a', 'b');
INSERT INTO odd SELECT 'odd' || n, '2025-03-01 00:00+08', 61, '075586013388', 'x' FROM generate_series(1, 2) AS n;
DELETE FROM odd WHERE id = 'odd2';
SELECT is_empty($$SELECT FROM ccc.exceptions WHERE reason = 'gone_unseen'$$, 'what never was read has no charge');
UPDATE raises SET now = false;
INSERT INTO odd VALUES ('odd3', '2025-03-01 00:00+08', 61, '075586013388', 'x');
CALL ccc.backfill('odd');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'odd%'), 2::bigint, 'one billed by a backfill, one when it was stored');
UPDATE raises SET now = true;
CALL ccc.backfill('odd');
INSERT INTO odd VALUES ('odd4', '2025-03-01 00:00+08', 61, '075586013388', 'x');
DELETE FROM odd;
SELECT is((SELECT string_agg(record ->> 'id', ', ' ORDER BY record ->> 'id') FROM ccc.exceptions WHERE reason = 'gone_unseen'), 'odd1, odd3',
    'are told when they go unseen, though they are exceptions');
SELECT is((SELECT string_agg(call_id, ', ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'odd%'), 'odd1, odd3', 'for their charges stand');
UPDATE raises SET now = false;
CREATE TABLE loose (LIKE twice);
SELECT throws_ok($$SELECT ccc.backfill_blocks('loose', 0, 10, '-infinity')$$, '55000', NULL, 'a table that is not attached is not backfilled');
SELECT throws_ok(format('SELECT ccc.backfill_blocks(%L, 0, 10, ''-infinity'')', r.relation), '42809', NULL, r.relation || ' has no rows of its own')
FROM unnest(ARRAY['pg_views', 'pg_class_oid_index']) AS r (relation);
SELECT throws_ok($$SELECT ccc.backfill_blocks('loose', 9223372036854775807, 1, '-infinity')$$, '22023', NULL, 'no table has so many blocks');
SELECT throws_ok($$CALL ccc.backfill('cdr')$$, '2D000', NULL, 'a backfill commits, which none can in a subtransaction');
SELECT is_empty($$SELECT FROM pg_locks WHERE classid = 'ccc.sources'::regclass$$, 'and nothing of it, or of those before, is left in the session');
-- a table that was attached and is not has no backfill, and one that is attached anew is as good as new
CREATE TABLE anew (filling text, LIKE twice);
SELECT ccc.attach('anew', 'id', 't', 's', 'a', 'b');
SELECT ccc.detach('anew');
INSERT INTO anew SELECT '', 'anew' || n, '2025-03-01 00:00+08', 61, '075586013388', 'x' FROM generate_series(1, 2) AS n;
\set ON_ERROR_STOP off
CALL ccc.backfill('anew');
\set ON_ERROR_STOP on
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '55000', 'a table that is detached is not backfilled');
SELECT is((SELECT backfill_since FROM ccc.sources WHERE cdr = 'anew'::regclass), NULL, 'nor is it said that it is');
SELECT ccc.attach('anew', 'id', 't', 's', 'a', 'b');
UPDATE anew SET filling = 'moved' WHERE id = 'anew1';
SELECT is_empty($$SELECT FROM ccc.call_charges WHERE call_id LIKE 'anew%'$$, 'and when it is attached again, an update bills nothing that was there before');
\set ON_ERROR_STOP off
CALL ccc.backfill('anew', blocks => 0);
\set ON_ERROR_STOP on
SELECT is((SELECT backfill_since FROM ccc.sources WHERE cdr = 'anew'::regclass), '-infinity', 'a backfill that failed has begun');
SELECT ccc.detach('anew');
SELECT ccc.attach('anew', 'id', 't', 's', 'a', 'b');
UPDATE anew SET filling = 'moved' WHERE id = 'anew2';
SELECT is_empty($$SELECT FROM ccc.call_charges WHERE call_id LIKE 'anew%'$$, 'but not for a table that is attached anew');
SELECT results_eq($$SELECT backfill_since IS NULL, backfilled_at > attached_at FROM ccc.sources WHERE cdr = 'anew'::regclass$$, 'VALUES (true, true)', 'whose exceptions it may have billed');
CALL ccc.backfill('anew');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'anew%'), 2::bigint, 'one that is asked for is another');

-- nothing is left out unsaid
CREATE TABLE hidden (LIKE anew);
INSERT INTO hidden (id, t, s, a, b) VALUES ('hidden1', '2025-02-01', 61, '075586013388', 'x'), ('hidden2', '2025-02-01', 61, '075586013388', 'x');
SELECT ccc.attach('hidden', 'id', 't', 's', 'a', 'b');
\set ON_ERROR_STOP off
CALL ccc.backfill('hidden', NULL);
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '22004', 'an instant is not null');
CALL ccc.backfill('hidden', blocks => NULL);
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '22004', 'nor is a number');
CREATE ROLE backfiller IN ROLE ccc_admin;
ALTER TABLE hidden OWNER TO backfiller;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
CREATE POLICY one ON hidden USING (id = 'hidden1');
SET ROLE backfiller;
CALL ccc.backfill('hidden');
\set ON_ERROR_STOP on
SELECT is(:'LAST_ERROR_SQLSTATE'::text, '42501', 'rows that are hidden are not left out');
RESET ROLE;
SELECT is((SELECT backfill_since FROM ccc.sources WHERE cdr = 'hidden'::regclass), NULL, 'and no backfill has begun');
SET ROLE backfiller;
SELECT throws_ok($$SELECT * FROM ccc.records_before('hidden', now())$$, '42501', NULL, 'nor not purged unsaid');
ALTER TABLE hidden NO FORCE ROW LEVEL SECURITY;
CALL ccc.backfill('hidden');
RESET ROLE;
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'hidden%'), 2::bigint, 'who sees all bills all');

-- what a restricted operation may not do is not asked of triggers on the extension's own tables
INSERT INTO hidden (id, t, s, a, b) VALUES ('later', '2025-02-01', 61, '02155557777', 'x');
SELECT ccc.add_own_number(1, '02155557777', 'landline', '2025-01-01 00:00+08');
CREATE FUNCTION public.later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON ccc.exception_log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.later();
CALL ccc.backfill('hidden');
SELECT is((SELECT resolution FROM ccc.exceptions WHERE call_id = 'later'), 'billed', 'a deferred trigger waits for the commit');
DROP TRIGGER later ON ccc.exception_log;
DROP FUNCTION public.later();

-- not even planning, which reads the expressions of indexes, runs the table's code as the caller
CREATE TABLE planned (who name);
GRANT INSERT ON planned TO backfiller;
CREATE FUNCTION public.note_planned() RETURNS void LANGUAGE sql AS 'INSERT INTO public.planned VALUES (current_user)';
CREATE FUNCTION public.constant() RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.note_planned(); RETURN ''''; END';
CREATE INDEX hidden_planned ON hidden ((public.constant() || id));
ALTER INDEX hidden_planned SET (fillfactor = 90);   -- read anew
DELETE FROM planned;
CALL ccc.backfill('hidden');
SELECT is((SELECT string_agg(DISTINCT who, ',') FROM planned), 'backfiller', 'but as the owner');
DROP TABLE hidden, planned;
DROP FUNCTION public.constant(), public.note_planned();

-- what fails for every row is told once, with the field and whom it fails for
CREATE TABLE constant (id text, t timestamptz, s numeric, a text, b text);
SELECT ccc.attach('constant', 'id', 't', 's * (1 / 0)', 'a', 'b');
INSERT INTO constant VALUES ('constant', '2025-02-01', 61, '075586013388', 'x');
ALTER TABLE constant OWNER TO backfiller;
SELECT is((SELECT reason FROM ccc.exceptions WHERE source = 'constant'::regclass), 'mapping_failed', 'who stores a record is not told');
\ir setup/context_of.psql
SELECT matches(pg_temp.context_of($$SELECT ccc.mark_backfill('constant', '-infinity')$$), '^22012 expression for "seconds", as "backfiller"', 'who backfills is');
SELECT is((SELECT backfill_since FROM ccc.sources WHERE cdr = 'constant'::regclass), NULL, 'before a backfill has begun');
SELECT ccc.detach('constant');
CREATE FUNCTION public.one_over(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER AS 'BEGIN RETURN 1 / n; END';
SELECT ccc.attach('constant', 'id', 't', 's * public.one_over(0)', 'a', 'b');
SELECT matches(pg_temp.context_of($$SELECT ccc.mark_backfill('constant', '-infinity')$$), 'expression for "seconds", as "backfiller"', 'whomever its function runs as');
DROP TABLE constant;
DROP FUNCTION public.one_over(integer);

-- a backfill inside another's mapping fails, as it cannot commit there, and leaves the outer one what it holds
CREATE TABLE inner_calls (id text, t timestamptz, s numeric, a text, b text);
CREATE TABLE outer_calls (LIKE inner_calls);
CREATE FUNCTION public.backfill_inner(id text) RETURNS text LANGUAGE plpgsql AS $$BEGIN CALL ccc.backfill('public.inner_calls'); RETURN id; END$$;
CREATE FUNCTION public.id_of(id text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.backfill_inner(id); END';
INSERT INTO outer_calls VALUES ('nested', '2025-02-01', 61, '075586013388', 'x');
SELECT ccc.attach('inner_calls', 'id', 't', 's', 'a', 'b'), ccc.attach('outer_calls', 'public.id_of(id)', 't', 's', 'a', 'b');
CALL ccc.backfill('outer_calls');
SELECT is((SELECT reason || ': ' || detail FROM ccc.exceptions WHERE source = 'outer_calls'::regclass), 'mapping_failed: invalid transaction termination',
          'a backfill in a mapping');
SELECT is_empty($$SELECT FROM pg_locks WHERE locktype = 'object' AND classid = 'ccc.sources'::regclass$$, 'holds nothing, nor does the outer one in the end');
DROP TABLE inner_calls, outer_calls;
DROP FUNCTION public.id_of(text), public.backfill_inner(text);

-- but a mapping sees what it sees when a record is stored
CREATE TABLE extensions (extension text, number text, staff name);
INSERT INTO extensions VALUES ('101', '075586013388', 'backfiller'), ('101', 'nobody''s', 'another');
ALTER TABLE extensions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON extensions USING (staff = current_user);
GRANT SELECT ON extensions TO backfiller;
CREATE FUNCTION public.number_of(text) RETURNS text LANGUAGE sql STABLE AS 'SELECT number FROM public.extensions WHERE extension = $1';
CREATE TABLE by_extension (id text, extension text, b text, t timestamptz, s numeric);
ALTER TABLE by_extension OWNER TO backfiller;
INSERT INTO by_extension VALUES ('ext1', '101', 'x', '2025-02-01', 61);
SET ROLE backfiller;
SELECT ccc.attach('by_extension', 'id', 't', 's', 'public.number_of(extension)', 'b');
INSERT INTO by_extension VALUES ('ext2', '101', 'x', '2025-02-01', 61);
CALL ccc.backfill('by_extension');
RESET ROLE;
SELECT set_eq($$SELECT call_id, 'billed' FROM ccc.call_charges WHERE call_id LIKE 'ext%' UNION ALL SELECT record ->> 'id', reason FROM ccc.exceptions WHERE source = 'by_extension'::regclass$$,
              $$VALUES ('ext1', 'billed'), ('ext2', 'billed')$$, 'a backfill bills as a trigger does');
DROP TABLE by_extension, extensions;
DROP FUNCTION public.number_of(text);
DROP ROLE backfiller;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity to the end');
SELECT * FROM finish();
