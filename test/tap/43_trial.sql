-- The trial: seats for nothing at the first opening, once, as ccc.trials says.
BEGIN;
SELECT plan(35);

CREATE FUNCTION pg_temp.seats(account bigint, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s', edition, in_force), ', ' ORDER BY edition), 'none') FROM ccc.seats(account, at) $$;

SELECT results_eq('SELECT valid_from, product, quantity, term, built_in FROM ccc.trials',
                  $$VALUES ('-infinity'::timestamptz, 'seat_standard', 10, '720 hours'::interval, true)$$, 'ten standard seats for 720 hours');
SELECT ccc.open_account(1, 'first', '2020-02-11 17:40:46+08');
SELECT is(pg_temp.seats(1, '2020-02-11 17:40:45.999999+08'), 'none', 'before the opening: none');
SELECT is(pg_temp.seats(1, '2020-02-11 17:40:46+08'), 'standard 10', 'from the opening on');
SELECT is(pg_temp.seats(1, '2020-03-12 17:40:45.999999+08'), 'standard 10', 'for thirty days');
SELECT is(pg_temp.seats(1, '2020-03-12 17:40:46+08'), 'standard 0', 'to the microsecond');
SELECT is_empty('SELECT * FROM ccc.wallet_entries', 'no money moves');

-- once
SELECT throws_ok($$SELECT ccc.open_account(1, 'again', '2021-01-01 00:00+08')$$, '23505', NULL, 'an account is opened once');
SELECT is(pg_temp.seats(1, '2021-01-02 00:00+08'), 'standard 0', 'and has no second trial');
SELECT ccc.open_account(2, 'first', '2025-01-01 00:00+08');
SELECT is(pg_temp.seats(2, '2025-01-01 00:00+08'), 'standard 10', 'another id is another account');

-- it is no purchase
SELECT throws_ok('SELECT ccc.refund(1, 0)', '42704', NULL, 'it is not refunded');
SELECT throws_ok('SELECT ccc.void_purchase(1, 0)', '42704', NULL, 'nor voided');
SELECT throws_ok('SELECT ccc.renew(1, 0)', '42704', NULL, 'nor renewed');
SELECT throws_ok('SELECT ccc.set_auto_renew(1, 0, true)', '42704', NULL, 'nor made to renew');
SELECT ccc.top_up(1, 10000);
SELECT is_empty($$SELECT * FROM ccc.renew_due('2020-03-12 17:40:46+08')$$, 'and not due when it ends');
SELECT is((ccc.buy(1, 'seat_standard', 5, bought_at => '2020-02-11 17:40:46+08')).purchase_no, 1, 'purchases are counted from 1 all the same');
SELECT is(pg_temp.seats(1, '2020-02-11 17:40:46+08'), 'standard 15', 'and add to it');
SELECT is((SELECT next_end FROM ccc.seats(1, '2020-02-20')), '2020-03-12 17:40:46+08'::timestamptz, 'both end together');

-- the trial in force at the opening
INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES
    ('2025-06-01 00:00+08', 'seat_premium', 3, '1 month'), ('2025-07-01 00:00+08', 'seat_standard', 0, '720 hours');
SELECT ccc.open_account(3, 'May', '2025-05-31 23:59:59.999999+08');
SELECT ccc.open_account(4, 'June', '2025-06-01 00:00+08');
SELECT ccc.open_account(5, 'end of June in New York', '2025-06-30 12:00-04', 'America/New_York');
SELECT ccc.open_account(6, 'July', '2025-07-01 00:00+08');
SELECT is(pg_temp.seats(3, '2025-06-02 00:00+08'), 'standard 10', 'opened a microsecond before another trial: the old one');
SELECT is(pg_temp.seats(4, '2025-06-02 00:00+08'), 'premium 3', 'opened when it begins: the new one');
SELECT is(pg_temp.seats(4, '2025-06-30 23:59:59+08'), 'premium 3', 'for its term');
SELECT is(pg_temp.seats(4, '2025-07-01 00:00+08'), 'premium 0', 'a calendar month here');
SELECT is(pg_temp.seats(5, '2025-06-30 12:00-04'), 'none', 'the instant decides, not the day: it is that of July''s trial');
SELECT is(pg_temp.seats(6, '2025-07-01 00:00+08'), 'none', 'a quantity of 0 is no trial');
UPDATE ccc.trials SET quantity = 20 WHERE quantity = 3;
SELECT is(pg_temp.seats(4, '2025-06-02 00:00+08'), 'premium 3', 'what was given stays when the row is edited');
DELETE FROM ccc.trials WHERE NOT built_in;
SELECT is(pg_temp.seats(4, '2025-06-02 00:00+08'), 'premium 3', 'and when it is deleted');

-- whole days
UPDATE ccc.products SET day_rule = 'end_of_day' WHERE code = 'seat_standard';
SELECT ccc.open_account(7, 'whole days', '2025-03-10 09:00+08');
SELECT is((SELECT next_end FROM ccc.seats(7, '2025-03-10 09:00+08')), '2025-04-10 00:00+08'::timestamptz, 'day_rule of the seat');

-- the table is part of the catalogue
SELECT throws_ok('DELETE FROM ccc.trials', '55000', NULL, 'the built-in row stays');
SELECT lives_ok('UPDATE ccc.trials SET quantity = 0', 'but can be edited');
SELECT ccc.open_account(8, 'none', '2025-03-10 09:00+08');
SELECT is(pg_temp.seats(8, '2025-03-10 09:00+08'), 'none', 'and then says none');
SELECT is((SELECT edited FROM ccc.trials), true, 'it is marked for the dump');
SELECT throws_ok($$INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES (now(), 'seat_gold', 1, '720 hours')$$, '23503', NULL, 'an unknown product');
SELECT throws_ok($$INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES (now(), 'landline_10000', 1, '720 hours')$$, '23514', NULL,
                 'a product that is no seat');
SELECT throws_ok($$INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES (now(), 'seat_standard', -1, '720 hours')$$, '23514', NULL, 'fewer than none');
SELECT throws_ok($$INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES (now(), 'seat_standard', 1, '0 hours')$$, '23514', NULL, 'for no time');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
