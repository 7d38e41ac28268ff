-- What becomes of exceptions when their records are rated again, by a retry or
-- a backfill: each side of a call is billed once or has one exception, and is
-- so when the record goes.
BEGIN;
SELECT plan(25);

SELECT ccc.open_account(n, 'account', '2025-01-01 00:00+08'), ccc.top_up(n, 10000) FROM generate_series(1, 2) AS n;
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.again() RETURNS bigint LANGUAGE sql AS $$SELECT ccc.backfill_blocks('calls', 0, 100, '-infinity')$$;
CREATE FUNCTION pg_temp.suspended(account_id bigint, number text) RETURNS void LANGUAGE sql AS
    $$SELECT FROM ccc.buy(account_id, 'number_landline', number => number, bought_at => '2025-01-01 00:00+08')$$;
CREATE FUNCTION pg_temp.served(account_id bigint, number text) RETURNS void LANGUAGE sql AS
    $$SELECT FROM ccc.buy(account_id, 'number_landline', periods => 12, number => number, bought_at => '2025-01-01 00:00+08')$$;
CREATE VIEW open AS SELECT call_id, account_id, direction, reason FROM ccc.exceptions WHERE resolved_at IS NULL ORDER BY 1, 3, 2;
CREATE VIEW entries AS SELECT call_id, account_id, direction::text, kind::text, sum(billed) AS billed FROM ccc.ledger GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
CREATE VIEW left_over AS SELECT call_id, account_id, direction::text, sum(billed) AS billed FROM ccc.ledger GROUP BY 1, 2, 3 HAVING sum(billed) <> 0;

-- backfilled, one side billed and one not, then tried again
INSERT INTO calls VALUES ('a', '075586010001', '075586010002', '2025-03-10 10:00+08', 60);
SELECT pg_temp.served(1, '075586010001'), pg_temp.suspended(2, '075586010002');
SELECT pg_temp.again();
SELECT results_eq('TABLE open', $$VALUES ('a' COLLATE "C", 2::bigint, 'inbound', 'number_suspended')$$, 'the exception is that of the side that could not be billed');
SELECT is(ccc.retry_exceptions(), 0::bigint, 'which cannot be billed yet');
SELECT results_eq('TABLE entries', $$VALUES ('a' COLLATE "C", 1::bigint, 'o', 's', 60::numeric)$$, 'the other one was billed once');
SELECT pg_temp.again();
SELECT results_eq('TABLE open', $$VALUES ('a' COLLATE "C", 2::bigint, 'inbound', 'number_suspended')$$, 'told once, however often');
DELETE FROM calls;
SELECT is_empty('TABLE left_over', 'nothing is left of it when it goes');
SELECT is_empty('TABLE open', 'nor open');

-- tried again, neither side can be billed; then one after the other
INSERT INTO calls VALUES ('b', '075586010003', '075586010004', '2025-03-10 10:00+08', 60);
SELECT pg_temp.suspended(1, '075586010003'), pg_temp.suspended(2, '075586010004');
SELECT is(ccc.retry_exceptions(), 0::bigint, 'neither side');
SELECT results_eq('TABLE open', $$VALUES ('b' COLLATE "C", 2::bigint, 'inbound', 'number_suspended'), ('b', 1, 'outbound', 'number_suspended')$$,
    'each has an exception');
SELECT is((SELECT count(DISTINCT record) FROM ccc.exceptions WHERE call_id = 'b'), 1::bigint, 'with the record');
SELECT is(ccc.retry_exceptions(), 0::bigint, 'still neither');
SELECT periods FROM ccc.renew(1, (SELECT purchase_no FROM ccc.rentals WHERE account_id = 1 ORDER BY purchase_no DESC LIMIT 1), 11);
SELECT results_eq('TABLE open', $$VALUES ('b' COLLATE "C", 2::bigint, 'inbound', 'number_suspended')$$, 'one is renewed, and billed');
SELECT periods FROM ccc.renew(2, (SELECT purchase_no FROM ccc.rentals WHERE account_id = 2 ORDER BY purchase_no DESC LIMIT 1), 11);
SELECT is_empty('TABLE open', 'the other');
SELECT results_eq($$SELECT * FROM entries WHERE kind = 'r'$$, $$SELECT * FROM entries LIMIT 0$$, 'no side was billed twice');
DELETE FROM calls;
SELECT is_empty('TABLE left_over', 'nothing is left of it when it goes');

-- a backfill finds faults on both sides of a record that had none
INSERT INTO calls VALUES ('c', '075586010005', '075586010006', '2025-03-10 10:00+08', 60);
SELECT pg_temp.suspended(1, '075586010005'), pg_temp.suspended(2, '075586010006');
SELECT pg_temp.again();
SELECT results_eq('TABLE open', $$VALUES ('c' COLLATE "C", 2::bigint, 'inbound', 'number_suspended'), ('c', 1, 'outbound', 'number_suspended')$$,
    'each has an exception');
-- a number that is nobody's again leaves both sides known
SELECT count(ccc.void_purchase(1, (SELECT max(purchase_no) FROM ccc.rentals WHERE account_id = 1)));
SELECT ccc.retry_exceptions();
SELECT results_eq('TABLE open', $$VALUES ('c' COLLATE "C", 2::bigint, 'inbound', 'number_suspended'), ('c', NULL::bigint, 'outbound', 'unknown_number')$$,
    'a side that is nobody''s is that side still');
SELECT pg_temp.served(1, '075586010005');
SELECT is(ccc.retry_exceptions(), 1::bigint, 'and is billed');
SELECT is((SELECT count(*) FROM ccc.ledger WHERE call_id = 'c'), 1::bigint, 'alone');
DELETE FROM calls;
SELECT is_empty('TABLE left_over', 'nothing is left of it when it goes');

-- what was billed by rules before is not told when the rules change
INSERT INTO calls VALUES ('d', '075586010001', 'x', '2025-03-10 10:00+08', 600);
SELECT ccc.detach('calls');
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee', max_seconds => 300);
SELECT pg_temp.again();
SELECT is_empty('TABLE open', 'a billed record that is too long by now');
DELETE FROM calls;
SELECT is_empty('TABLE left_over', 'nothing is left of it when it goes');

-- an exception that was billed and taken back stands for nothing stored later
INSERT INTO calls VALUES ('e', '075586010007', 'x', '2025-03-10 10:00+08', 60);
SELECT pg_temp.served(1, '075586010007');
SELECT is(ccc.retry_exceptions(), 1::bigint, 'billed');
DELETE FROM calls;
SELECT count(ccc.void_purchase(1, (SELECT max(purchase_no) FROM ccc.rentals WHERE account_id = 1)));
SELECT ccc.detach('calls');
INSERT INTO calls VALUES ('e', '075586010007', 'x', '2025-03-10 10:00+08', 60);
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee');
SELECT pg_temp.again();
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'e') + (SELECT count(*) FROM open WHERE call_id = 'e'), 1::bigint,
    'it is billed, or has an exception');
DELETE FROM calls;
SELECT is_empty('TABLE open', 'which goes with it');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
