-- Rows that say the same stand for each other: of what was told of them, as
-- much is resolved as went or was billed, and the rest stays open.
BEGIN;
SELECT plan(22);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08'), ccc.top_up(1, 10000);
SELECT ccc.create_calls_table('public.calls');
CREATE FUNCTION pg_temp.again() RETURNS bigint LANGUAGE sql AS $$SELECT ccc.backfill_blocks('calls', 0, 100, '-infinity')$$;
CREATE FUNCTION pg_temp.stored(rows integer) RETURNS void LANGUAGE sql AS
    $$INSERT INTO calls SELECT 'c', '075586010091', 'x', '2025-03-01 10:00+08', 60 FROM generate_series(1, rows)$$;
CREATE FUNCTION pg_temp.one_goes() RETURNS void LANGUAGE sql AS $$DELETE FROM calls WHERE ctid = (SELECT max(c.ctid) FROM calls AS c)$$;
CREATE FUNCTION pg_temp.bought(periods integer) RETURNS integer LANGUAGE sql AS
    $$SELECT purchase_no FROM ccc.buy(1, 'number_landline', periods => periods, number => '075586010091', bought_at => '2025-01-01 00:00+08')$$;
CREATE VIEW open AS SELECT direction, reason FROM ccc.exceptions WHERE resolved_at IS NULL ORDER BY 1, 2;
CREATE VIEW billed AS SELECT billed_minutes, (SELECT count(*) FROM ccc.ledger WHERE kind = 'r') AS repeats FROM ccc.call_charges;

-- one stored when its number was nobody's, one when it was suspended
SAVEPOINT begin;
SELECT pg_temp.stored(1), pg_temp.bought(1);
SELECT pg_temp.stored(1);
SELECT results_eq('TABLE open', $$VALUES ('outbound', 'number_suspended'), (NULL, 'unknown_number')$$, 'two rows, two exceptions');
SELECT pg_temp.one_goes();
SELECT is((SELECT count(*) FROM open), 1::bigint, 'one row, one exception');
SELECT ccc.renew(1, 1, 3), ccc.retry_exceptions();
SELECT results_eq('TABLE billed', 'VALUES (1.000000, 0::bigint)', 'it is billed');
SELECT pg_temp.one_goes();
SELECT is_empty('TABLE billed', 'and is not when it goes');
SELECT is_empty('TABLE open', 'nothing is open');

-- of both sides, and of neither
ROLLBACK TO begin;
INSERT INTO calls VALUES ('c', '075586010091', '075586010092', '2025-03-01 10:00+08', 60);
SELECT pg_temp.bought(1), ccc.buy(1, 'number_landline', number => '075586010092', bought_at => '2025-01-01 00:00+08');
INSERT INTO calls VALUES ('c', '075586010091', '075586010092', '2025-03-01 10:00+08', 60);
SELECT is((SELECT count(*) FROM open), 3::bigint, 'of two rows, one of neither side and one of both');
SELECT pg_temp.one_goes();
SELECT isnt((SELECT count(*) FROM open), 0::bigint, 'one row goes, one row is told of still');
SELECT pg_temp.one_goes();
SELECT is_empty('TABLE open', 'and goes');

-- what is not finished never was an exception
ROLLBACK TO begin;
CREATE TABLE dialogs (call_id text, caller text, callee text, started_at timestamptz, seconds integer, done boolean);
SELECT ccc.attach('dialogs', 'call_id', 'started_at', 'seconds', 'caller', 'callee', finished => 'done');
INSERT INTO dialogs SELECT 'c', '075586010091', 'x', '2025-03-01 10:00+08', 60, done FROM unnest(ARRAY[true, false]) AS done;
DELETE FROM dialogs WHERE NOT done;
SELECT is((SELECT count(*) FROM open), 1::bigint, 'the finished one is told of still when the other goes');
INSERT INTO dialogs VALUES ('c', '075586010091', 'x', '2025-03-01 10:00+08', 60, false);
UPDATE dialogs SET call_id = 'd' WHERE NOT done;
SELECT is((SELECT count(*) FROM open), 1::bigint, 'or is another');
DELETE FROM dialogs WHERE done;
SELECT is_empty('TABLE open', 'until it goes');

-- what a source ignores by now
ROLLBACK TO begin;
SELECT pg_temp.stored(1);
SELECT ccc.detach('calls');
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee', unknown => 'ignore');
INSERT INTO calls VALUES ('other', '075586010099', 'x', '2025-03-01 10:00+08', 60);
SELECT pg_temp.again();
SELECT results_eq('SELECT call_id, reason FROM ccc.exceptions WHERE resolved_at IS NULL', $$VALUES ('c' COLLATE "C", 'unknown_number')$$,
    'was told before, and is open; other records are not told');
SELECT pg_temp.bought(12);
SELECT is(ccc.retry_exceptions(), 1::bigint, 'it is billed when it can be');

-- found by a backfill where one of them was told before
ROLLBACK TO begin;
SELECT pg_temp.stored(1);
SELECT ccc.detach('calls');
SELECT pg_temp.stored(1);
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee');
SELECT pg_temp.again();
SELECT is((SELECT count(*) FROM open), 2::bigint, 'each has an exception');
SELECT pg_temp.again();
SELECT is((SELECT count(*) FROM open), 2::bigint, 'however often it is looked for');
SELECT pg_temp.one_goes();
SELECT is((SELECT count(*) FROM open), 1::bigint, 'one goes');

-- one billed, and one that was an exception before
ROLLBACK TO begin;
SELECT pg_temp.stored(1), pg_temp.bought(12);
SELECT pg_temp.stored(1);
SELECT pg_temp.again();
SELECT results_eq('TABLE billed', 'VALUES (1.000000, 1::bigint)', 'a backfill bills it as a repeat');
SELECT pg_temp.one_goes();
SELECT is((SELECT count(*) FROM billed), 1::bigint, 'so that one is billed when the other goes');

-- a side that was suspended is nobody's by now
ROLLBACK TO begin;
SELECT pg_temp.bought(1);
SELECT pg_temp.stored(1);
SELECT ccc.void_purchase(1, 1);
SELECT pg_temp.again();
SELECT results_eq('SELECT account_id, direction, reason FROM ccc.exceptions', $$VALUES (NULL::bigint, 'outbound', 'unknown_number')$$,
    'and is told so by a backfill');

-- found in steps: what a step does not see stays as it is
ROLLBACK TO begin;
ALTER TABLE calls ALTER callee SET STORAGE PLAIN;
INSERT INTO calls SELECT 'c', '075586010091', repeat('x', 5000), '2025-03-01 10:00+08', 60 FROM generate_series(1, 2);
SELECT is((SELECT count(*) FROM open), 2::bigint, 'two rows, a block each');
SELECT ccc.backfill_blocks('calls', 0, 1, '-infinity');
SELECT is((SELECT count(*) FROM open), 2::bigint, 'are told of when one block is looked at');
SELECT ccc.backfill_blocks('calls', 1, 2, '-infinity');
SELECT is((SELECT count(*) FROM open), 2::bigint, 'and the other');
SELECT * FROM finish();
ROLLBACK;
