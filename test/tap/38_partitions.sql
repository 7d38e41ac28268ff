-- Partitioned call tables: rows that come through the parent or straight into
-- a partition, that move between partitions, and partitions that come and go.
BEGIN;
SELECT plan(38);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
CREATE TABLE cdr (started_at timestamptz, id text, a text, b text, s numeric, note text) PARTITION BY RANGE (started_at);
CREATE TABLE cdr_1 PARTITION OF cdr FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
-- a partition with its columns in another order, and a dropped one
CREATE TABLE cdr_2 (gone integer, note text, s numeric, b text, a text, id text, started_at timestamptz);
ALTER TABLE cdr_2 DROP COLUMN gone;
ALTER TABLE cdr ATTACH PARTITION cdr_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');

SELECT throws_ok($$SELECT ccc.attach('cdr_1', 'id', 'started_at', 's', 'a', 'b')$$, '42809', NULL, 'a partition is not attached by itself');
SELECT lives_ok($$SELECT ccc.attach('cdr', 'id', 'started_at', 's', 'a', 'b')$$, 'a partitioned table is attached');
INSERT INTO cdr VALUES ('2026-01-05', 'p', '075586013388', '1', 61);
INSERT INTO cdr_2 (started_at, id, a, b, s) VALUES ('2026-02-05', 'q', '075586013388', '1', 61), ('2026-02-05', 'bad', '075586013388', '1', 'NaN');
SELECT results_eq('SELECT call_id, billed_minutes FROM ccc.call_charges ORDER BY call_id COLLATE "C"',
    $$VALUES ('p' COLLATE "C", 2::numeric), ('q', 2)$$, 'billed through the parent, and straight into a partition');
SELECT is((SELECT source FROM ccc.exceptions), 'cdr'::regclass, 'an exception is of the attached table');

UPDATE cdr SET started_at = '2026-02-07' WHERE id = 'p';
SELECT is((SELECT started_at FROM ccc.call_charges WHERE call_id = 'p'), '2026-02-07'::timestamptz, 'a row that moves to another partition is corrected');
SELECT is((SELECT sum(billed) FROM ccc.ledger), 240::numeric, 'and charged once');
SELECT ok((SELECT max(posting_no) FROM ccc.ledger) = (SELECT last_posting_no FROM ccc.accounts), 'nothing else was posted');
UPDATE cdr SET note = 'x';
SELECT ok((SELECT max(posting_no) FROM ccc.ledger) = (SELECT last_posting_no FROM ccc.accounts), 'what the mapping does not see posts nothing');
DELETE FROM cdr WHERE id = 'bad';
SELECT is((SELECT resolution FROM ccc.exceptions), 'gone', 'the exception of a row that went through the other way is resolved');

CREATE TABLE cdr_3 PARTITION OF cdr FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
SELECT is((SELECT count(*) FROM ccc.check_integrity()), 1::bigint, 'a partition made later is reported');
SELECT is(ccc.attach_partitions('cdr'), 1::bigint, 'and given its triggers');
INSERT INTO cdr_3 (started_at, id, a, b, s) VALUES ('2026-03-05', 'r', '075586013388', '1', 1);
SELECT is((SELECT count(*) FROM ccc.call_charges), 3::bigint, 'after which it is billed');
SELECT throws_ok('TRUNCATE cdr_1', '55000', NULL, 'a partition is not truncated');

-- a partition that is detached is no longer billed: its triggers do no harm
INSERT INTO cdr_2 (started_at, id, a, b, s) VALUES ('2026-02-05', 'bad 2', '075586013388', '1', 'NaN');
ALTER TABLE cdr DETACH PARTITION cdr_2;
CREATE TEMP TABLE before AS SELECT (SELECT count(*) FROM ccc.ledger) AS entries, (SELECT count(*) FROM ccc.exceptions) AS exceptions;
UPDATE cdr_2 SET s = 300;
UPDATE cdr_2 SET note = 'kept';
DELETE FROM cdr_2 WHERE id IN ('q', 'bad 2');
SELECT results_eq('SELECT (SELECT count(*) FROM ccc.ledger), (SELECT count(*) FROM ccc.exceptions)', 'SELECT * FROM before',
                  'changes and deletions in it bill, reverse and tell nothing');
INSERT INTO cdr_2 (started_at, id, a, b, s) VALUES ('2026-02-06', 'lost', '075586013388', '1', 61), ('2026-02-06', 'lost too', '075586013388', '1', 61);
SELECT is((SELECT string_agg(reason, ' ') FROM ccc.exceptions WHERE source = 'cdr_2'::regclass), 'not_attached not_attached', 'a record stored there is told');
DELETE FROM cdr_2 WHERE id = 'lost';
SELECT is((SELECT string_agg(record ->> 'id', ' ') FROM ccc.exceptions WHERE source = 'cdr_2'::regclass AND resolved_at IS NULL), 'lost too', 'until it is deleted');
SELECT lives_ok('TRUNCATE cdr_2', 'it can be truncated');
SELECT throws_ok($$SELECT ccc.detach('cdr_1')$$, '55000', NULL, 'a partition of an attached table keeps its triggers');
SELECT lives_ok($$SELECT ccc.detach('cdr_2')$$, 'but not one that was detached');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'cdr_2'::regclass AND tgname LIKE 'ccc_bill%'), 0::bigint, 'they are gone');
SELECT throws_ok($$SELECT ccc.detach('cdr_2')$$, '55000', NULL, 'once');
ALTER TABLE cdr ATTACH PARTITION cdr_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
SELECT is(ccc.attach_partitions('cdr'), 1::bigint, 'given back, it is billed again');
INSERT INTO cdr_2 (started_at, id, a, b, s) VALUES ('2026-02-06', 't', '075586013388', '1', 61);
DELETE FROM cdr_2;
SELECT is((SELECT count(*) FROM ccc.ledger WHERE call_id = 't'), 2::bigint, 'and reversed');
ALTER TABLE cdr DETACH PARTITION cdr_2;
SELECT lives_ok($$SELECT ccc.attach('cdr_2', 'id', 'started_at', 's', 'a', 'b')$$, 'or attached by itself');
INSERT INTO cdr_2 (started_at, id, a, b, s) VALUES ('2026-02-06', 'u', '075586013388', '1', 61);
DELETE FROM cdr_2;
SELECT is((SELECT count(*) FROM ccc.ledger WHERE call_id = 'u'), 2::bigint, 'it is billed for itself');
SELECT is((SELECT count(*) FROM ccc.call_charges), 3::bigint, 'what was billed before stays');
-- what was told of its rows before is dismissed, and told anew
UPDATE ccc.exception_log SET resolved_at = now(), resolution = 'gone' WHERE resolved_at IS NULL;
INSERT INTO cdr VALUES ('2026-01-05', 'v', '075586013399', '1', 61, 'first'), ('2026-01-05', 'w', '075586013399', '1', 61, NULL);
ALTER TABLE cdr DETACH PARTITION cdr_1;
SELECT ccc.attach('cdr_1', 'id', 'started_at', 's', 'a', 'b');
SELECT is(ccc.dismiss_exceptions(ARRAY(
    SELECT e.exception_id FROM ccc.exceptions AS e
    WHERE e.resolved_at IS NULL AND e.source = 'cdr'::regclass
        AND EXISTS (SELECT FROM cdr_1 AS r WHERE r::text = jsonb_populate_record(NULL::cdr_1, e.record)::text))), 2::bigint,
    'the exceptions of rows that went with a partition are found');
SELECT ccc.backfill_blocks('cdr_1', 0, 100, '-infinity');
DELETE FROM cdr_1 WHERE id IN ('v', 'w');
SELECT is_empty('SELECT * FROM ccc.exceptions WHERE resolved_at IS NULL', 'and told anew, and go with the rows');
SELECT ccc.detach('cdr_1');
SELECT ccc.detach('cdr_2');
DROP TABLE cdr_1;
DROP TABLE cdr_2;
SELECT is((SELECT count(*) FROM ccc.call_charges), 3::bigint, 'detaching and dropping a partition reverses nothing');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

-- a table that was billed by itself becomes a partition: what was told of it is found there
CREATE TABLE cdr_4 (LIKE cdr);
SELECT ccc.attach('cdr_4', 'id', 'started_at', 's', 'a', 'b');
INSERT INTO cdr_4 SELECT '2025-12-05', 'n' || n, '075586013399', '1', 61 FROM generate_series(1, 3) AS n;
SELECT ccc.detach('cdr_4');
ALTER TABLE cdr ATTACH PARTITION cdr_4 FOR VALUES FROM ('2025-12-01') TO ('2026-01-01');
SELECT set_has($$SELECT detail FROM ccc.check_integrity()$$, $$VALUES ('3 exceptions of table public.cdr_4')$$, 'what was told before is not of the table yet');
SELECT is(ccc.attach_partitions('cdr'), 1::bigint, 'the new partition gets its triggers');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'and the table what was told');
DELETE FROM cdr WHERE id = 'n1';
UPDATE cdr SET a = '075586013388' WHERE id = 'n2';
SELECT ccc.add_own_number(1, '075586013399', 'landline', '2025-01-01');
SELECT is(ccc.retry_exceptions(), 1::bigint, 'one record is left to be rated again');
SELECT is((SELECT string_agg(call_id, ', ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'n%'), 'n2, n3', 'what is there is billed once');

-- a partition's trigger keeps rows away that would move there: more are gone than stored, and of unlike length
CREATE TABLE cdr_5 PARTITION OF cdr FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
CREATE TABLE cdr_6 PARTITION OF cdr FOR VALUES FROM ('2026-06-01') TO ('2026-07-01');
SELECT ccc.attach_partitions('cdr');
CREATE FUNCTION pg_temp.keep_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN NEW.id NOT LIKE '%3' THEN NEW END;
END $$;
CREATE TRIGGER keep_away BEFORE INSERT ON cdr_6 FOR EACH ROW EXECUTE FUNCTION pg_temp.keep_away();
INSERT INTO cdr SELECT '2026-05-05', 'm' || n, '075586013388', '1', 61 FROM generate_series(1, 1500) AS n;
SET LOCAL work_mem = '64kB';
UPDATE cdr SET b = repeat('x', length(id) * 1000), started_at = CASE WHEN id LIKE '%2' THEN started_at ELSE '2026-06-05' END WHERE id LIKE 'm%';
RESET work_mem;
SELECT results_eq($$SELECT call_id, started_at FROM ccc.call_charges WHERE call_id LIKE 'm%' ORDER BY call_id COLLATE "C"$$,
    $$SELECT id COLLATE "C", started_at FROM cdr WHERE id LIKE 'm%' ORDER BY id COLLATE "C"$$, 'what is left of them is billed where it is');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'm%'), 1350::bigint, 'and no more');

-- a trigger that somebody has made anew
CREATE OR REPLACE TRIGGER ccc_bill_insert AFTER INSERT ON cdr_4 REFERENCING NEW TABLE AS ccc_stored
    FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION ccc.bill();
SELECT is((SELECT detail FROM ccc.check_integrity()), 'table public.cdr_4', 'a trigger that does not fire is told');
SELECT * FROM finish();
ROLLBACK;
