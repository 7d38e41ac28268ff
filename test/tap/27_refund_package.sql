-- refund() of a package: it covers only calls that started before, what is left
-- of it is paid back at its price, and later calls are charged again.
BEGIN;
SELECT plan(55);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01 00:00+08') FROM generate_series(1, 3) AS a;
SELECT ccc.top_up(a, 20000) FROM generate_series(1, 3) AS a;
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86010001', bought_at => '2025-01-01 00:00+08');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('tiny', 'package', 'landline_outbound', 1, '1 month'), ('tiny_2', 'package', 'landline_outbound', 1, '2 months');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('tiny', '-infinity', '0:0.2, 3:0.333'), ('tiny_2', '-infinity', '0:1');
SELECT ccc.create_calls_table();

CREATE FUNCTION pg_temp.used() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s:%s-%s', package_no, used_minutes, refunded_minutes), ' ' ORDER BY package_no), 'none')
           || coalesce((SELECT string_agg(' short ' || short_minutes, '' ORDER BY pool) FROM ccc.shortfalls WHERE account_id = 1), '')
    FROM ccc.package_balances WHERE account_id = 1 $$;
CREATE FUNCTION pg_temp.amiss() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT sum(ccc.replay(account_id)) FROM ccc.accounts) || ' moved'
           || coalesce((SELECT string_agg('; ' || invariant || ': ' || detail, '') FROM ccc.check_integrity()), '') $$;
CREATE FUNCTION pg_temp.buy(product text, minutes integer, at timestamp) RETURNS integer LANGUAGE sql AS $$
    SELECT (ccc.buy(1, product, minutes, bought_at => at AT TIME ZONE 'Asia/Shanghai')).purchase_no $$;
CREATE FUNCTION pg_temp.call(id text, at timestamp, minutes integer) RETURNS text LANGUAGE sql AS $$
    INSERT INTO calls VALUES (id, '075586010001', 'x', at AT TIME ZONE 'Asia/Shanghai', minutes * 60);
    SELECT pg_temp.used() $$;

-- a package of a thousand minutes, three of them used before the 8th
SELECT is(pg_temp.buy('landline_custom', 1000, '2025-03-01'), 2, 'a package');
SELECT is(pg_temp.call('a', '2025-03-05', 3), '1:3-0', 'a call');
SELECT is(pg_temp.call('b', '2025-03-10', 4), '1:7-0', 'another');
SELECT is(ccc.refund(1, 2, '2025-03-08 00:00+08'), 149.55, '997 minutes at 0.15 come back');
SELECT is(pg_temp.used(), '1:3-997 short 4', 'the call after that is charged again: nothing covers it');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');
SELECT results_eq('SELECT reason, amount::numeric, purchase_no FROM ccc.wallet_entries WHERE account_id = 1 ORDER BY entry_no DESC LIMIT 1', $$VALUES ('refund', 149.55, 2)$$, 'one wallet entry');
SELECT results_eq('SELECT refunded_at, refunded::numeric, voided FROM ccc.purchases WHERE account_id = 1 AND purchase_no = 2',
                  $$VALUES ('2025-03-08 00:00+08'::timestamptz, 149.55, false)$$, 'the purchase says so');
SELECT is((SELECT granted_minutes - used_minutes - remaining_minutes - expired_minutes - refunded_minutes FROM ccc.package_balances WHERE account_id = 1), 0::numeric,
          'granted = used + remaining + expired + refunded');
SELECT is((SELECT string_agg(format('%s %s %s %s', used_minutes, remaining_minutes, expired_minutes, refunded_minutes), ', ') FROM ccc.balances('2025-03-07 00:00+08') WHERE account_id = 1),
          '3 997 0 0', 'before the refund it was not refunded');

-- it covers calls that started before, up to what was not refunded, in call order
SELECT is(pg_temp.call('c', '2025-03-07 23:59:59.999999', 2), '1:3-997 short 6', 'a late record: there is no time for it');
SELECT is(pg_temp.call('d', '2025-03-04', 2), '1:3-997 short 8', 'nor for an earlier one');
SELECT is((SELECT sum(covered_minutes) FROM ccc.call_charges WHERE started_at < '2025-03-08 00:00+08'), 3::numeric, 'of all calls before it three minutes are covered');
DELETE FROM calls WHERE call_id = 'd';
SELECT is(pg_temp.used(), '1:3-997 short 6', 'a correction of a call before it leaves that');
DELETE FROM calls WHERE call_id = 'a';
SELECT is(pg_temp.used(), '1:2-997 short 4', 'what a call before it frees is for calls before it, not for the wallet');
SELECT is(pg_temp.call('e', '2025-03-08', 1), '1:2-997 short 5', 'a call that starts at the instant of the refund is not covered');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');
SELECT is(ccc.wallet_balance(1), 20000 - 1200 - 150 + 149.55, 'money came back once');
SELECT throws_ok('SELECT ccc.refund(1, 2)', '55000', NULL, 'a second refund');
SELECT throws_ok('SELECT ccc.void_purchase(1, 2)', '55000', NULL, 'nor is it voided');

-- a later call moves to another package
DELETE FROM calls;
SELECT is(pg_temp.buy('tiny', 5, '2025-05-01'), 3, 'package 2, to 1 June');
SELECT is(pg_temp.buy('tiny_2', 5, '2025-05-01'), 4, 'package 3, to 1 July');
SELECT is(pg_temp.call('f', '2025-05-10', 2), '1:0-997 2:2-0 3:0-0', 'the earlier end first');
SELECT is(pg_temp.call('g', '2025-05-20', 2), '1:0-997 2:4-0 3:0-0', 'again');
SELECT is(ccc.refund(1, 3, '2025-05-15 00:00+08'), 1.00, 'five minutes at 0.333 cost 1.67: three fifths of it, rounded down');
SELECT is(pg_temp.used(), '1:0-997 2:2-3 3:2-0', 'the call after the refund draws on the other');
SELECT is(pg_temp.call('h', '2025-05-09', 4), '1:0-997 2:2-3 3:5-0 short 1', 'before it, the refunded one keeps its place: the first two minutes are its own');
SELECT is((SELECT string_agg(format('%s %s', call_id, short_minutes), ', ' ORDER BY started_at) FROM ccc.call_charges), 'h 0, f 0, g 1', 'the call after it is short');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');

-- none used, all used, and at the ends
SELECT is(pg_temp.buy('tiny_2', 7, '2025-07-10'), 5, 'package 4, to 10 September');
SELECT is(ccc.refund(1, 5, '2025-08-01 00:00+08'), 7.00, 'unused, the whole comes back');
SELECT is(pg_temp.buy('tiny_2', 7, '2025-07-10'), 6, 'package 5');
SELECT is(pg_temp.call('i', '2025-07-12', 7), '1:0-997 2:2-3 3:5-0 4:0-7 5:7-0 short 1', 'is used up');
SELECT is(ccc.refund(1, 6, '2025-08-01 00:00+08'), 0.00, 'used up, nothing does');
SELECT results_eq('SELECT reason, amount::numeric FROM ccc.wallet_entries WHERE account_id = 1 ORDER BY entry_no DESC LIMIT 1', $$VALUES ('refund', 0.00)$$, 'which is recorded all the same');
SELECT is(pg_temp.buy('tiny_2', 7, '2025-07-20'), 7, 'package 6, to 20 September');
SELECT is(ccc.refund(1, 7, '2025-09-20 00:00+08'), 0.00, 'at its end what is left has expired');
SELECT is((SELECT format('%s %s %s', remaining_minutes, expired_minutes, refunded_minutes) FROM ccc.package_balances WHERE (account_id, package_no) = (1, 6)), '0 7 0', 'and stays expired');
SELECT is(pg_temp.buy('tiny_2', 7, '2025-07-20'), 8, 'package 7');
SELECT is(ccc.refund(1, 8, '2025-09-19 23:59:59.999999+08'), 7.00, 'a microsecond before, it has not');
SELECT is(pg_temp.buy('tiny', 3, '2025-10-01'), 9, 'package 8, three minutes for one yuan');
SELECT is(pg_temp.call('j', '2025-10-02', 1), '1:0-997 2:2-3 3:5-0 4:0-7 5:7-0 6:0-0 7:0-7 8:1-0 short 1', 'one is used');
SELECT is(ccc.refund(1, 9, '2025-10-03 00:00+08'), 0.66, 'two thirds of a yuan, rounded down');

-- at the price paid, whatever the bands
SELECT ccc.buy(2, 'number_landline', periods => 24, number => '0755-86010002', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(2, 'landline_50000', bought_at => '2025-03-01 00:00+08');
INSERT INTO calls SELECT 'big' || n, '075586010002', 'x', '2025-03-02 00:00+08', 60000 FROM generate_series(1, 10) AS n;
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('landline_50000', '2025-03-03 00:00+08', '0:1');
SELECT is(ccc.refund(2, 2, '2025-03-08 00:00+08'), 5520.00, 'four fifths of 6900, though 10000 minutes would have cost 1450');

-- now, and not in the future
SELECT ccc.buy(3, 'landline_10000');
SELECT throws_ok($$SELECT ccc.refund(3, 1, now() + interval '1 hour')$$, '22023', NULL, 'not in the future');
SELECT throws_ok($$SELECT ccc.refund(3, 1, 'infinity')$$, '22023', NULL, 'nor at infinity');
SELECT is(ccc.refund(3, 1, request_id => 'r'), 1450.00, 'now');
SELECT is(ccc.refund(3, 1, request_id => 'r'), 1450.00, 'the same request again: the same amount');
SELECT is(ccc.wallet_balance(3), 20000.00, 'once');
SELECT throws_ok($$SELECT ccc.refund(3, 1, now(), 'r')$$, '23505', NULL, 'another instant under the id');
SELECT throws_ok($$SELECT ccc.top_up(3, 1450, 'r')$$, '23505', NULL, 'another function under the id');
SELECT throws_ok('SELECT ccc.refund(3, 2)', '42704', NULL, 'no such purchase');
SELECT throws_ok('SELECT ccc.refund(3, NULL)', '42704', NULL, 'none');
SELECT throws_ok('SELECT ccc.refund(99, 1)', '42704', NULL, 'no such account');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');
SELECT * FROM finish();
ROLLBACK;
