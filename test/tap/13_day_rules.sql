-- Day rules: the end of a term at the instant, at the midnight that closes its
-- day or at the one that opens it, by the account's calendar.
BEGIN;
SELECT plan(14);

SELECT ccc.open_account(1, 'Shanghai', '2020-01-01');
SELECT ccc.open_account(2, 'New York', '2020-01-01', 'America/New_York');
SELECT ccc.top_up(a, 100000) FROM (VALUES (1), (2)) AS v (a);
SET TimeZone = 'America/Los_Angeles';

UPDATE ccc.products SET day_rule = 'end_of_day' WHERE code = 'landline_10000';
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2024-08-31 10:00+08')).valid_until,
          '2025-03-01 00:00+08'::timestamptz, 'end_of_day: clamped first, then to the closing midnight');
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2025-01-15 23:59:59+08')).valid_until,
          '2025-07-16 00:00+08'::timestamptz, 'end_of_day: late in the day');
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2025-01-15 00:00+08')).valid_until,
          '2025-07-16 00:00+08'::timestamptz, 'end_of_day: an end at midnight opens its day');
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2025-01-14 17:00+00')).valid_until,
          '2025-07-16 00:00+08'::timestamptz, 'end_of_day: the day is the account''s, not UTC''s');
SELECT is((ccc.buy(2, 'landline_10000', bought_at => '2025-01-15 10:00-05')).valid_until,
          '2025-07-16 00:00-04'::timestamptz, 'end_of_day: of another zone');

UPDATE ccc.products SET day_rule = 'first_day' WHERE code = 'landline_10000';
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2025-01-15 10:00+08')).valid_until,
          '2025-07-15 00:00+08'::timestamptz, 'first_day: the opening midnight');
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2024-08-31 10:00+08')).valid_until,
          '2025-02-28 00:00+08'::timestamptz, 'first_day: clamped first');
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2025-01-15 00:00+08')).valid_until,
          '2025-07-15 00:00+08'::timestamptz, 'first_day: bought at midnight');
SELECT is((ccc.buy(1, 'landline_10000', bought_at => '2025-01-15 10:00+08')).valid_from,
          '2025-01-15 10:00+08'::timestamptz, 'the beginning is the purchase');

UPDATE ccc.products SET day_rule = 'end_of_day' WHERE code = 'seat_standard';
SELECT is((ccc.buy(1, 'seat_standard', 5, 2, bought_at => '2020-02-11 17:40:46+08')).valid_until,
          '2020-04-12 00:00+08'::timestamptz, 'seats, end_of_day');
UPDATE ccc.products SET day_rule = 'first_day' WHERE code = 'number_landline';
SELECT is((ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2020-02-11 17:40:46+08')).valid_until,
          '2020-03-12 00:00+08'::timestamptz, 'a number, first_day: thirty days, the day of purchase being day one');
SELECT is((SELECT paid_until FROM ccc.numbers), '2020-03-12 00:00+08'::timestamptz, 'its service ends then');

SELECT throws_ok($$UPDATE ccc.products SET day_rule = 'noon' WHERE code = 'landline_10000'$$, '23514', NULL, 'an unknown rule is refused');
UPDATE ccc.products SET term = '1 hour' WHERE code = 'landline_10000';
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-01-15 10:00+08')$$, '55000',
                 'product "landline_10000" would end before it begins', 'an hour, by first_day');
SELECT * FROM finish();
ROLLBACK;
