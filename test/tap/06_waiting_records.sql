-- A record that contradicts the billed one waits, and takes its place when that
-- goes: as it is rated by then, to the account that has the number by then.
BEGIN;
SELECT plan(15);

SELECT ccc.open_account(n, 'account', '2025-01-01 00:00+08'), ccc.top_up(n, 10000) FROM generate_series(1, 2) AS n;
SELECT ccc.create_calls_table('public.calls');
CREATE FUNCTION pg_temp.bought(account_id bigint, number text, periods integer) RETURNS integer LANGUAGE sql AS
    $$SELECT purchase_no FROM ccc.buy(account_id, 'number_landline', number => number, periods => periods, bought_at => '2025-01-01 00:00+08')$$;
CREATE VIEW open AS SELECT account_id, direction, reason FROM ccc.exceptions WHERE resolved_at IS NULL ORDER BY seen_at;
CREATE VIEW billed AS SELECT account_id, billed_minutes FROM ccc.call_charges ORDER BY 1;
SELECT pg_temp.bought(1, '075586010001', 12), pg_temp.bought(1, '075586010091', 3);
INSERT INTO calls VALUES ('c', '075586010001', 'x', '2025-03-01 10:00+08', 60), ('c', '075586010091', 'y', '2025-03-01 11:00+08', 61);
SELECT results_eq('TABLE open', $$VALUES (1::bigint, 'outbound', 'conflicting_repeat')$$, 'the second one waits');

-- its number was void, and is another account's
SAVEPOINT waits;
SELECT ccc.void_purchase(1, 2);
SELECT pg_temp.bought(2, '075586010091', 3);
DELETE FROM calls WHERE caller = '075586010001';
SELECT is_empty('TABLE billed', 'nothing is billed to who does not have it');
SELECT results_eq('TABLE open', $$VALUES (NULL::bigint, 'outbound', 'unknown_number')$$, 'it is open');
SELECT is(ccc.retry_exceptions(), 1::bigint, 'until it is rated again');
SELECT results_eq('TABLE billed', 'VALUES (2::bigint, 2.000000)', 'and billed to who has it');
DELETE FROM calls;
SELECT is_empty('TABLE billed', 'nothing is left when it goes');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

-- rated again, it waits for nothing
ROLLBACK TO waits;
SELECT ccc.retry_exceptions();
SELECT results_eq('TABLE open', $$VALUES (1::bigint, 'outbound', 'conflicting_repeat')$$, 'what contradicts still goes on waiting');
SELECT ccc.void_purchase(1, 2);
SELECT pg_temp.bought(2, '075586010091', 3);
SELECT ccc.retry_exceptions();
SELECT results_eq('TABLE billed', 'VALUES (1::bigint, 1.000000), (2, 2.000000)', 'what is another account''s contradicts nothing');

-- its number was refunded: suspended by then, and paid later
ROLLBACK TO waits;
SELECT ccc.refund(1, 2, '2025-01-15 00:00+08');
DELETE FROM calls WHERE caller = '075586010001';
SELECT results_eq('TABLE open', $$VALUES (1::bigint, 'outbound', 'number_suspended')$$, 'suspended');
SELECT ccc.renew(1, 2, 3);
SELECT results_eq('TABLE billed', 'VALUES (1::bigint, 2.000000)', 'paid and billed');

-- by today's catalogue
ROLLBACK TO waits;
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('landline_outbound', '2025-01-02 00:00+08', '1/1');
DELETE FROM calls WHERE caller = '075586010001';
SELECT results_eq('TABLE billed', 'VALUES (1::bigint, 1.016667)', 'by the second');
SELECT is_empty('TABLE open', 'nothing waits');

-- of alike ones that wait the first keeps its place, whichever goes
ROLLBACK TO waits;
INSERT INTO calls VALUES ('d', '075586010001', 'y', '2025-03-02 10:00+08', 60), ('d', '075586010001', 'y', '2025-03-02 10:00+08', 120),
                         ('d', '075586010001', 'y', '2025-03-02 10:00+08', 180), ('d', '075586010001', 'y', '2025-03-02 10:00+08', 120);
DELETE FROM calls WHERE ctid = (SELECT max(c.ctid) FROM calls AS c WHERE c.call_id = 'd' AND c.seconds = 120);
DELETE FROM calls WHERE call_id = 'd' AND seconds = 60;
SELECT is((SELECT seconds FROM ccc.call_charges WHERE call_id = 'd'), 120::numeric, 'the oldest one is billed');
SELECT is((SELECT record->>'seconds' FROM ccc.exceptions WHERE call_id = 'd' AND resolved_at IS NULL), '180', 'the other one waits');
SELECT * FROM finish();
ROLLBACK;
