-- void_purchase(): a purchase that was a mistake, and that nothing used, is
-- taken back whole.
BEGIN;
SELECT plan(54);

SELECT ccc.open_account(a, 'account ' || a, '2024-06-01 00:00+08') FROM generate_series(1, 2) AS a;
SELECT ccc.top_up(a, 10000) FROM generate_series(1, 2) AS a;
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.call(id text, caller text, at timestamp) RETURNS void LANGUAGE sql AS $$
    INSERT INTO calls VALUES (id, caller, 'x', at AT TIME ZONE 'Asia/Shanghai', 61) $$;
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s', account_id, outcome) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT format('%s %s', coalesce(account_id::text, 'nobody'), reason) FROM ccc.exceptions WHERE call_id = id AND resolved_at IS NULL) AS s (t) $$;
CREATE FUNCTION pg_temp.amiss() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT sum(ccc.replay(account_id)) FROM ccc.accounts) || ' moved'
           || coalesce((SELECT string_agg('; ' || invariant || ': ' || detail, '') FROM ccc.check_integrity()), '') $$;

-- a package
SELECT ccc.buy(1, 'number_landline', 1, 12, '0755-86013388', '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT is(ccc.void_purchase(1, 2), 150.00, 'an unused package comes back whole');
SELECT results_eq('SELECT used, refunded = granted, refunded_at = valid_from FROM ccc.packages', 'VALUES (0::bigint, true, true)', 'it covers nothing');
SELECT results_eq('SELECT voided, refunded::numeric, refunded_at IS NOT NULL FROM ccc.purchases WHERE purchase_no = 2', 'VALUES (true, 150.00, true)', 'the purchase says so');
SELECT results_eq('SELECT reason, amount::numeric, purchase_no FROM ccc.wallet_entries ORDER BY account_id, entry_no DESC LIMIT 1', $$VALUES ('void', 150.00, 2)$$, 'one wallet entry');
SELECT pg_temp.call('a', '075586013388', '2025-03-05');
SELECT is(pg_temp.told('a'), '1 short', 'a call in its time is short');
SELECT is((SELECT format('%s %s %s', remaining_minutes, expired_minutes, refunded_minutes) FROM ccc.package_balances), '0 0 1000', 'and the balance empty');
SELECT throws_ok('SELECT ccc.void_purchase(1, 2)', '55000', NULL, 'a second time');
SELECT throws_ok('SELECT ccc.refund(1, 2)', '55000', NULL, 'nor is it refunded');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT throws_ok('SELECT ccc.void_purchase(1, 3)', '55000', NULL, 'a package that covers a call, before it was bought though');
UPDATE calls SET seconds = 0 WHERE call_id = 'a';
SELECT is(ccc.void_purchase(1, 3), 150.00, 'the call corrected to nothing, nothing uses it');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-04-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-04-02 00:00+08');
SELECT pg_temp.call('b', '075586013388', '2025-04-05');
SELECT throws_ok('SELECT ccc.void_purchase(1, 4)', '55000', NULL, 'of two packages the one that was drawn on stays');
SELECT is(ccc.void_purchase(1, 5), 150.00, 'the other goes');
SELECT is(pg_temp.told('b'), '1 charged', 'and the call does not notice');
SELECT is(pg_temp.amiss(), '0 moved', 'packages: all is well');

-- a number
SELECT ccc.buy(1, 'number_landline', 1, 2, '0755-86013389', '2025-01-01 00:00+08', auto_renew => true);
SELECT is(ccc.void_purchase(1, 6), 100.00, 'an unused number comes back whole');
SELECT is_empty($$SELECT * FROM ccc.numbers WHERE number::text = '+8675586013389'$$, 'and was never the account''s');
SELECT pg_temp.call('c', '075586013389', '2025-01-15');
SELECT is(pg_temp.told('c'), 'nobody unknown_number', 'its calls are of no number known');
SELECT lives_ok($$SELECT ccc.buy(2, 'number_landline', 1, 2, '0755-86013389', '2025-01-01 00:00+08')$$, 'another account may have it, from the first instant on');
SELECT cmp_ok(ccc.retry_exceptions(), '=', 1::bigint, 'the call is rated again');
SELECT is(pg_temp.told('c'), '2 short', 'and is the other''s');
SELECT throws_ok('SELECT ccc.void_purchase(2, 1)', '55000', NULL, 'a number with a billed call');
DELETE FROM calls WHERE call_id = 'c';
INSERT INTO calls VALUES ('free', 'x', '075586013389', '2025-01-15 00:00+08', 10);
SELECT throws_ok('SELECT ccc.void_purchase(2, 1)', '55000', NULL, 'a free call is a use as well');
DELETE FROM calls WHERE call_id = 'free';
INSERT INTO calls VALUES ('suspended', '075586013389', 'x', '2025-03-05 00:00+08', 10);
SELECT is(pg_temp.told('suspended'), '2 number_suspended', 'a call after its term');
SELECT is(ccc.void_purchase(2, 1), 100.00, 'which is not billed, is not');
SELECT is_empty($$SELECT * FROM ccc.renew_due('2025-06-01 00:00+08')$$, 'what was voided does not renew');
SELECT throws_ok('SELECT ccc.renew(1, 6)', '55000', NULL, 'nor by hand');
SELECT throws_ok('SELECT ccc.set_auto_renew(1, 6, true)', '55000', NULL, 'nor can it be made to');
SELECT is(pg_temp.amiss(), '0 moved', 'numbers: all is well');

-- a renewal
SELECT ccc.buy(2, 'number_400', 1, 1, '400-812-3456', '2025-01-01 00:00+08');     -- to 31 January
SELECT ccc.renew(2, 2, 2);                                                        -- to 1 April
INSERT INTO calls VALUES ('january', 'x', '4008123456', '2025-01-15 00:00+08', 10);
SELECT throws_ok('SELECT ccc.void_purchase(2, 2)', '55000', NULL, 'a purchase that was renewed');
SELECT is(ccc.void_purchase(2, 3), 216.00, 'an unused renewal comes back whole, though the number was used before');
SELECT is((SELECT paid_until FROM ccc.numbers WHERE account_id = 2 AND released_at = 'infinity'), '2025-01-31 00:00+08'::timestamptz, 'and its periods with it');
INSERT INTO calls VALUES ('february', 'x', '4008123456', '2025-02-15 00:00+08', 10);
SELECT is(pg_temp.told('february'), '2 number_suspended', 'then it is suspended');
SELECT ccc.renew(2, 2);
SELECT is(pg_temp.told('february'), '2 short', 'renewed again, the call is billed');
SELECT throws_ok('SELECT ccc.void_purchase(2, 4)', '55000', NULL, 'and that renewal is used');
DELETE FROM calls WHERE call_id IN ('january', 'february');
SELECT is(ccc.void_purchase(2, 4), 108.00, 'without its calls it is not');
SELECT is(ccc.void_purchase(2, 2), 108.00, 'nor is the first');
SELECT is_empty('SELECT * FROM ccc.numbers WHERE account_id = 2', 'the number is gone');
SELECT is(ccc.wallet_balance(2), 10000.00, 'and the wallet as it was');
SELECT is(pg_temp.amiss(), '0 moved', 'renewals: all is well');

-- seats
SELECT ccc.buy(2, 'seat_premium', 2, 2, bought_at => '2025-01-01 00:00+08');
SELECT is(ccc.void_purchase(2, 5), 956.00, 'unused seats come back whole');
SELECT is_empty($$SELECT * FROM ccc.seats(2, '2025-01-15 00:00+08') WHERE edition = 'premium'$$, 'and were never in force');
SELECT ccc.buy(2, 'seat_premium', 2, 2, bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(2, 'seat_premium', 1, 2, bought_at => '2025-01-01 00:00+08');
SELECT ccc.sign_in(2, 'a', 'premium', '2025-01-10 00:00+08'), ccc.sign_in(2, 'b', 'premium', '2025-01-10 00:00+08');
SELECT ccc.sign_out(2, 'a', '2025-01-11 00:00+08'), ccc.sign_out(2, 'b', '2025-01-11 00:00+08');
SELECT throws_ok('SELECT ccc.void_purchase(2, 6)', '55000', NULL, 'two seats without which two agents would have had one');
SELECT is(ccc.void_purchase(2, 7), 478.00, 'one without which they have two');
SELECT is((SELECT format('%s of %s', online, in_force) FROM ccc.seats(2, '2025-01-10 12:00+08') WHERE edition = 'premium'), '2 of 2', 'nobody loses a seat');
SELECT is(pg_temp.amiss(), '0 moved', 'seats: all is well');

-- requests, errors
SELECT ccc.buy(1, '400_10000');
SELECT is(ccc.void_purchase(1, 7, 'r'), 1480.00, 'with a request id');
SELECT is(ccc.void_purchase(1, 7, 'r'), 1480.00, 'the same again: the same amount');
SELECT is((SELECT count(*) FROM ccc.wallet_entries WHERE (account_id, purchase_no, reason) = (1, 7, 'void')), 1::bigint, 'once');
SELECT throws_ok($$SELECT ccc.void_purchase(1, 4, 'r')$$, '23505', NULL, 'another purchase under the id');
SELECT throws_ok($$SELECT ccc.refund(1, 7, NULL, 'r')$$, '23505', NULL, 'another function under the id');
SELECT throws_ok('SELECT ccc.void_purchase(1, 99)', '42704', NULL, 'no such purchase');
SELECT throws_ok('SELECT ccc.void_purchase(1, NULL)', '42704', NULL, 'none');
SELECT throws_ok('SELECT ccc.void_purchase(99, 1)', '42704', NULL, 'no such account');
SELECT is(ccc.wallet_balance(1), 10000 - (SELECT sum(amount::numeric) FROM ccc.purchases WHERE account_id = 1 AND NOT voided), 'every yuan is accounted for');
SELECT * FROM finish();
ROLLBACK;
