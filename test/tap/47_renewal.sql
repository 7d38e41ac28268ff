-- renew(): the oldest unpaid period first, counted from the first instant, each
-- at the price of its start.
BEGIN;
SELECT plan(56);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 10000);
CREATE FUNCTION pg_temp.renewed(purchase integer, n integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s: %s x %s, %s yuan, %s to %s', p.purchase_no, p.periods, p.unit_price, p.amount,
                  to_char(p.valid_from AT TIME ZONE 'Asia/Shanghai', 'MM-DD HH24:MI'), to_char(p.valid_until AT TIME ZONE 'Asia/Shanghai', 'MM-DD HH24:MI'))
    FROM ccc.renew(1, purchase, n) AS p $$;
CREATE FUNCTION pg_temp.in_force(at timestamptz) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(sum(in_force), 0)::bigint FROM ccc.seats(1, at) WHERE edition = 'premium' $$;

-- a number: 31 January, 2 March, 1 April, 1 May …
SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-01-31 10:00+08');
SELECT is(pg_temp.renewed(1), '2: 1 x 50, 50.00 yuan, 03-02 10:00 to 04-01 10:00', 'the next period begins where the last one ends');
SELECT results_eq('SELECT product, kind, quantity, number::text, renews, bought_at = valid_from, voided, refunded FROM ccc.purchases WHERE purchase_no = 2',
                  $$VALUES ('number_landline', 'number', 1, '+8675586013388', 1, true, false, NULL::ccc.yuan)$$, 'a renewal is a purchase of its own');
SELECT results_eq('SELECT reason, amount::numeric, purchase_no FROM ccc.wallet_entries ORDER BY entry_no DESC LIMIT 1', $$VALUES ('renewal', -50.00, 2)$$, 'and paid');
SELECT is((SELECT paid_until FROM ccc.numbers), '2025-04-01 10:00+08'::timestamptz, 'the number is in service for it');
SELECT is(pg_temp.renewed(2), '3: 1 x 50, 50.00 yuan, 04-01 10:00 to 05-01 10:00', 'the renewal''s number names the same rental');
SELECT is((SELECT renews FROM ccc.purchases WHERE purchase_no = 3), 1, 'which is that of the first purchase');

-- the price of each period's start; the third of these begins on 30 June
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('number_landline', '2025-05-31 10:00+08', '0:60'), ('number_landline', '2025-06-30 10:00:00.000001+08', '0:70');
SELECT is(pg_temp.renewed(1, 3), '4: 3 x 50, 170.00 yuan, 05-01 10:00 to 07-30 10:00', 'three periods in advance, 50 + 60 + 60');
SELECT is(pg_temp.renewed(1), '5: 1 x 70, 70.00 yuan, 07-30 10:00 to 08-29 10:00', 'then 70');
SELECT is((SELECT array_agg(p.valid_until ORDER BY purchase_no) FROM ccc.purchases AS p), (SELECT array_agg(p.valid_from ORDER BY purchase_no) || '2025-08-29 10:00+08'::timestamptz
          FROM ccc.purchases AS p WHERE p.purchase_no > 1), 'no gap and no overlap');

-- periods are counted from the first instant, never chained
INSERT INTO ccc.products (code, kind, edition, term) VALUES ('seat_month', 'seat', 'premium', '1 month');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_month', '-infinity', '0:100, 5:80');
SELECT is((ccc.buy(1, 'seat_month', 2, bought_at => '2025-01-31 12:00+08')).valid_until, '2025-02-28 12:00+08'::timestamptz, 'calendar months: to 28 February');
SELECT is(pg_temp.renewed(6), '7: 1 x 100, 200.00 yuan, 02-28 12:00 to 03-31 12:00', 'to 31 March, not the 28th');
SELECT is(pg_temp.renewed(6), '8: 1 x 100, 200.00 yuan, 03-31 12:00 to 04-30 12:00', 'to 30 April');
SELECT is(pg_temp.renewed(6, 10), '9: 10 x 100, 2000.00 yuan, 04-30 12:00 to 02-28 12:00', 'ten at once end where one by one would');
SELECT is(pg_temp.in_force('2025-03-30 12:00+08'), 2::bigint, 'in force at the end of a month');
SELECT is(pg_temp.in_force('2026-02-28 11:59:59+08'), 2::bigint, 'to the end of the last');
SELECT is(pg_temp.in_force('2026-02-28 12:00+08'), 0::bigint, 'and not after');
SELECT is((SELECT count(*) FROM ccc.rentals WHERE edition = 'premium'), 1::bigint, 'one lot, however often it is renewed');

-- the quantity of the lot, by its band
SELECT ccc.buy(1, 'seat_month', 5, bought_at => '2025-05-01 00:00+08');
SELECT is(pg_temp.renewed(10), '11: 1 x 80, 400.00 yuan, 06-01 00:00 to 07-01 00:00', 'five seats at the price of five');
-- rounded once
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_month', '2025-07-01 00:00+08', '0:0.333');
SELECT is(pg_temp.renewed(10, 2), '12: 2 x 0.333, 3.33 yuan, 07-01 00:00 to 09-01 00:00', 'the whole is rounded, half up, once');

-- a day rule closes days without a gap
INSERT INTO ccc.products (code, kind, edition, term, day_rule) VALUES ('seat_days', 'seat', 'premium', '720 hours', 'end_of_day');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_days', '-infinity', '0:1');
SELECT ccc.buy(1, 'seat_days', bought_at => '2025-01-15 10:00+08');
SELECT is(pg_temp.renewed(13), '14: 1 x 1, 1.00 yuan, 02-15 00:00 to 03-17 00:00', 'end_of_day: the second period ends thirty days on');
SELECT is(pg_temp.renewed(13), '15: 1 x 1, 1.00 yuan, 03-17 00:00 to 04-16 00:00', 'and the third');

-- what was sold keeps its term
UPDATE ccc.products SET term = '10 days', day_rule = 'instant' WHERE code = 'seat_days';
SELECT is(pg_temp.renewed(13), '16: 1 x 1, 1.00 yuan, 04-16 00:00 to 05-16 00:00', 'a rental goes on by the term that it was sold with');

-- requests
SELECT is((ccc.renew(1, 13, 1, 'r1')).purchase_no, 17, 'with a request id');
SELECT is((ccc.renew(1, 13, 1, 'r1')).purchase_no, 17, 'again: the same renewal');
SELECT is((SELECT count(*) FROM ccc.purchases), 17::bigint, 'and nothing is bought');
SELECT throws_ok($$SELECT ccc.renew(1, 13, 2, 'r1')$$, '23505', NULL, 'other periods under the id');
SELECT throws_ok($$SELECT ccc.renew(1, 6, 1, 'r1')$$, '23505', NULL, 'another rental under the id');
SELECT throws_ok($$SELECT ccc.buy(1, 'seat_premium', request_id => 'r1')$$, '23505', NULL, 'another function under the id');

-- withdrawn, unpriced
CREATE TEMP TABLE before AS SELECT * FROM ccc.wallet_entries;
UPDATE ccc.products SET withdrawn_at = '2025-07-15 00:00+08' WHERE code = 'seat_days';
SELECT throws_ok('SELECT ccc.renew(1, 13, 3)', '55000', NULL, 'a period that begins after the product was withdrawn');
SELECT bag_eq('SELECT * FROM ccc.wallet_entries', 'SELECT * FROM before', 'and nothing is paid');
SELECT is(pg_temp.renewed(13), '18: 1 x 1, 1.00 yuan, 06-15 00:00 to 07-15 00:00', 'the periods before are to be had');
SELECT throws_ok('SELECT ccc.renew(1, 13)', '55000', NULL, 'not the one that begins at that instant');
UPDATE ccc.products SET withdrawn_at = NULL WHERE code = 'seat_days';
UPDATE ccc.prices SET valid_from = '2025-09-01 00:00+08' WHERE product = 'seat_days';
SELECT throws_ok('SELECT ccc.renew(1, 13)', '55000', NULL, 'a period without a price');

-- refused
SELECT throws_ok('SELECT ccc.renew(1, 99)', '42704', NULL, 'no such purchase');
SELECT throws_ok('SELECT ccc.renew(1, NULL)', '42704', NULL, 'none');
SELECT throws_ok('SELECT ccc.renew(99, 1)', '42704', NULL, 'no such account');
SELECT throws_ok('SELECT ccc.renew(1, 1, 0)', '22003', NULL, 'no period');
SELECT throws_ok('SELECT ccc.renew(1, 1, -1)', '22003', NULL, 'less than none');
SELECT throws_ok('SELECT ccc.renew(1, 1, NULL)', '22003', NULL, 'a null period');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-31 10:00+08');
SELECT throws_ok('SELECT ccc.renew(1, 19)', '55000', NULL, 'a package');
SELECT throws_ok('SELECT ccc.set_auto_renew(1, 19, true)', '55000', NULL, 'a package does not renew by itself');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', auto_renew => true)$$, '22023', NULL, 'nor is one bought so');
SELECT throws_ok('SELECT ccc.set_auto_renew(1, 1, NULL)', '22004', NULL, 'whether, is not null');
SELECT throws_ok('SELECT ccc.set_auto_renew(1, 99, true)', '42704', NULL, 'no such purchase to renew');
SELECT ccc.buy(1, 'number_landline', number => '0755-86013389', bought_at => '2025-01-31 10:00+08');
SELECT ccc.void_purchase(1, 20);
SELECT throws_ok('SELECT ccc.renew(1, 20)', '55000', NULL, 'what was voided');

-- released: periods that begin before are to be had, others not
SELECT ccc.buy(1, 'number_landline', number => '0755-86013380', bought_at => '2025-01-31 10:00+08');
SELECT ccc.release_number(1, '0755-86013380', '2025-03-10 00:00+08');
SELECT is(pg_temp.renewed(21), '22: 1 x 50, 50.00 yuan, 03-02 10:00 to 04-01 10:00', 'a period that begins before the release');
SELECT throws_ok('SELECT ccc.renew(1, 21)', '55000', NULL, 'none that begins after it');
SELECT ccc.buy(1, 'number_landline', number => '0755-86013381', bought_at => '2025-01-31 10:00+08');
SELECT ccc.release_number(1, '0755-86013381', '2025-03-02 10:00+08');
SELECT throws_ok('SELECT ccc.renew(1, 23)', '55000', NULL, 'nor one that begins at it');

-- money
SELECT ccc.open_account(2, 'poor', '2025-01-01 00:00+08');
SELECT ccc.top_up(2, 149.99);
SELECT ccc.buy(2, 'number_landline', number => '010-62345678', bought_at => '2025-01-01 00:00+08');
SELECT throws_ok('SELECT ccc.renew(2, 1, 2)', '23514', NULL, 'one fen is missing');
SELECT is((SELECT paid_until FROM ccc.rentals WHERE account_id = 2 AND purchase_no = 1), '2025-01-31 00:00+08'::timestamptz, 'nothing is paid');
SELECT ccc.top_up(2, 0.01);
SELECT lives_ok('SELECT ccc.renew(2, 1, 2)', 'with it both periods are');
SELECT is(ccc.wallet_balance(2), 0.00, 'to the last fen');
SELECT is((SELECT paid_until FROM ccc.rentals WHERE account_id = 2 AND purchase_no = 1), '2025-04-01 00:00+08'::timestamptz, 'to the end of the second');
SELECT is((SELECT count(*) FROM ccc.rentals WHERE auto_renew), 0::bigint, 'nothing renews by itself unless told');
SELECT is(ccc.wallet_balance(1), 10000 - (SELECT sum(amount::numeric) FROM ccc.purchases WHERE account_id = 1 AND NOT voided), 'every yuan is accounted for');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
