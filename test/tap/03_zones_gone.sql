-- An account's zone that the server does not know any more: the account's
-- calls that are to be charged wait until it does, and nobody else's.
BEGIN;
SELECT plan(30);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01'), ccc.top_up(a, 10000) FROM generate_series(1, 2) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 12, number => '0755-8601338' || a, bought_at => '2025-03-01 00:00+08'),
       ccc.buy(a, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08') FROM generate_series(1, 2) AS a;
SELECT ccc.add_own_number(1, '075586013389', 'landline', '2025-01-01');
UPDATE ccc.products SET term = '1 month' WHERE code = 'seat_premium';
SELECT ccc.buy(1, 'seat_premium', bought_at => '2025-03-01 00:00+08', auto_renew => true);
UPDATE ccc.rentals SET unpaid_since = paid_until WHERE edition = 'premium';
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.say(call_id text, caller text, seconds numeric) RETURNS void LANGUAGE sql AS
    $$INSERT INTO calls VALUES ($1, $2, 'x', '2025-03-02 00:00+08', $3)$$;
SELECT pg_temp.say('before', '075586013381', 61), pg_temp.say('place', '075586013389', 61), pg_temp.say('place', '075586013381', 121);
CREATE VIEW pg_temp.told AS SELECT account_id, call_id, reason, resolution FROM ccc.exceptions;

UPDATE ccc.accounts SET time_zone = 'Nowhere/Gone' WHERE account_id = 1;
SELECT lives_ok($$INSERT INTO calls SELECT call_id, caller, callee, '2025-03-02 00:00+08', 61 FROM (VALUES
    ('gone', '075586013381', 'x'), ('gone', '075586013381', 'x'), ('free', 'x', '075586013381'), ('other', '075586013382', 'x'),
    ('both', '075586013381', '075586013382'), ('htob', '075586013382', '075586013381'), ('before', '075586013381', 'x')) AS c (call_id, caller, callee)$$, 'calls are stored');
SELECT lives_ok($$SELECT pg_temp.say('before', '075586013381', 62)$$, 'a contradiction too');
SELECT set_eq('SELECT account_id, call_id, outcome FROM ccc.call_charges',
    $$VALUES (1::bigint, 'before', 'charged'), (1, 'place', 'free'), (1, 'free', 'free'), (2, 'other', 'charged'), (2, 'both', 'free'), (1, 'htob', 'free'), (2, 'htob', 'charged')$$,
    'what is free, or another account''s, is billed');
SELECT bag_eq('SELECT * FROM pg_temp.told',
    $$VALUES (1::bigint, 'gone', 'bad_account_zone', NULL::text), (1, 'gone', 'bad_account_zone', NULL), (1, 'both', 'bad_account_zone', NULL),
             (1, 'before', 'conflicting_repeat', NULL), (1, 'place', 'conflicting_repeat', NULL)$$, 'what is to be charged waits');
SELECT is((SELECT count(*) FROM ccc.ledger WHERE call_id = 'before' AND kind = 'r'), 1::bigint, 'a repeat is one');

-- what looks at all accounts goes on
SELECT results_eq('SELECT invariant, account_id, detail FROM ccc.check_integrity()',
                  $$VALUES ('an account has a time zone', 1::bigint, 'zone Nowhere/Gone')$$, 'it is told, and nothing else is wrong');
UPDATE ccc.packages SET stretch_used = stretch_used + 1;
SELECT results_eq('SELECT account_id FROM ccc.check_integrity()', 'VALUES (1::bigint), (2)', 'the others'' usage is looked at still');
UPDATE ccc.packages SET stretch_used = stretch_used - 1;
SELECT lives_ok('SELECT * FROM ' || oid::regclass, oid::regclass || ' can be read')
FROM pg_class WHERE relnamespace = 'ccc'::regnamespace AND relname LIKE 'monitoring%' ORDER BY relname;
SELECT lives_ok('SELECT * FROM ccc.due_accounts(''2025-04-15'')', 'so can what is due');
SELECT is(ccc.retry_exceptions(), 0::bigint, 'nothing is mended yet');

-- what goes: an exception, a copy, what is free; a charge cannot be taken back
SELECT lives_ok($$DELETE FROM calls WHERE ctid = (SELECT max(ctid) FROM calls WHERE call_id = 'gone')$$, 'what waits may go');
SELECT is((SELECT count(*) FROM pg_temp.told WHERE call_id = 'gone' AND resolution = 'gone'), 1::bigint, 'with its exception');
SELECT lives_ok($$DELETE FROM calls WHERE ctid = (SELECT max(ctid) FROM calls WHERE call_id = 'before' AND seconds = 61)$$, 'and so may a repeat');
SELECT lives_ok($$DELETE FROM calls WHERE call_id = 'free'$$, 'and what is free');
SELECT lives_ok($$DELETE FROM calls WHERE call_id = 'place' AND caller = '075586013389'$$, 'though a contradiction takes its place');
SELECT results_eq($$SELECT reason, resolution FROM pg_temp.told WHERE call_id = 'place'$$, $$VALUES ('bad_account_zone', NULL::text)$$, 'which waits, too');
SELECT throws_ok(statement, '55000', 'the time zone of account 1 is not recognized', statement)
FROM unnest('{"DELETE FROM calls WHERE call_id = ''before'' AND seconds = 61","UPDATE calls SET seconds = 300"}'::text[]) AS statement;
UPDATE ccc.pools SET increment = '6/6' WHERE code = 'landline_outbound';
SELECT throws_ok($$SELECT ccc.rerate(1, '-infinity')$$, '55000', 'the time zone of account 1 is not recognized', 'nor rated again');
UPDATE ccc.pools SET increment = '60/60' WHERE code = 'landline_outbound';
SELECT throws_ok('SELECT ccc.replay(1)', '22023', NULL, 'nor charged again');
SELECT is((SELECT sum(billed) FROM ccc.ledger WHERE account_id = 1 AND kind = 'c'), 120::numeric, 'the charge stands');

-- readable again
UPDATE ccc.accounts SET time_zone = 'Asia/Shanghai' WHERE account_id = 1;
SELECT is(ccc.retry_exceptions(), 3::bigint, 'what waited is billed');
SELECT set_eq($$SELECT call_id, billed_minutes FROM ccc.call_charges WHERE account_id = 1 AND outcome = 'charged'$$,
              $$VALUES ('before', 2::numeric), ('gone', 2), ('both', 2), ('place', 3)$$, 'as it would have been');
SELECT is_empty($$SELECT * FROM pg_temp.told WHERE reason = 'bad_account_zone' AND resolution IS NULL$$, 'nothing waits any more');
SELECT lives_ok($$DELETE FROM calls WHERE call_id = 'before'$$, 'a charge is taken back');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT is(ccc.replay(1), 0::bigint, 'nothing moves');
SELECT * FROM finish();
ROLLBACK;
