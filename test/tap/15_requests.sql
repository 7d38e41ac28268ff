-- A request id makes top_up and buy repeatable: the same again gives the first
-- result and moves nothing, other content is an error.
BEGIN;
SELECT plan(29);

SELECT ccc.open_account(1, 'first');
SELECT ccc.open_account(2, 'second');

SELECT is(ccc.top_up(1, 1000, 'r1'), 1000.00, 'a top-up');
SELECT is(ccc.top_up(1, 500), 1500.00, 'another, without an id');
SELECT is(ccc.top_up(1, 1000, 'r1'), 1000.00, 'the first again: its result');
SELECT is(ccc.top_up(1, 1000.00, 'r1'), 1000.00, 'written in another way, the same amount');
SELECT is(ccc.wallet_balance(1), 1500.00, 'and nothing moved');
SELECT throws_ok($$SELECT ccc.top_up(1, 1001, 'r1')$$, '23505', NULL, 'another amount under the id');
SELECT is(ccc.top_up(2, 7, 'r1'), 7.00, 'another account has ids of its own');

CREATE TEMP TABLE bought AS
    SELECT b.* FROM ccc.buy(1, 'landline_custom', 1000, request_id => 'r2') AS b;
SELECT results_eq($$SELECT b.* FROM ccc.buy(1, 'landline_custom', 1000, request_id => 'r2') AS b$$, 'SELECT * FROM bought',
                  'the same purchase again: its result');
SELECT is((SELECT count(*) FROM ccc.purchases), 1::bigint, 'and nothing bought');
SELECT is(ccc.wallet_balance(1), 1350.00, 'and nothing paid');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', 2000, request_id => 'r2')$$, '23505', NULL, 'another quantity');
SELECT throws_ok($$SELECT ccc.buy(1, '400_custom', 1000, request_id => 'r2')$$, '23505', NULL, 'another product');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01', request_id => 'r2')$$, '23505', NULL,
                 'an instant that was not given before');
SELECT throws_ok($$SELECT ccc.top_up(1, 1000, 'r2')$$, '23505', NULL, 'ids are unique over all money functions: top_up after buy');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', 1000, request_id => 'r1')$$, '23505', NULL, 'and buy after top_up');

-- the instant, when given, is content: the same instant in another zone is the same
SELECT lives_ok($$SELECT ccc.buy(1, '400_custom', 1000, bought_at => '2025-01-01 00:00+08', request_id => 'r3')$$, 'an instant is given');
SET TimeZone = 'America/New_York';
SELECT lives_ok($$SELECT ccc.buy(1, '400_custom', 1000, bought_at => '2024-12-31 16:00+00', request_id => 'r3')$$, 'the same instant');
SELECT throws_ok($$SELECT ccc.buy(1, '400_custom', 1000, bought_at => '2024-12-31 16:00:01+00', request_id => 'r3')$$, '23505', NULL,
                 'another instant');
SELECT throws_ok($$SELECT ccc.buy(1, '400_custom', 1000, request_id => 'r3')$$, '23505', NULL, 'no instant');
SELECT is((SELECT count(*) FROM ccc.purchases), 2::bigint, 'two purchases in all');

-- numbers: another way to write the same number is the same request
SELECT lives_ok($$SELECT ccc.buy(1, 'number_400', number => '400-812-3456', request_id => 'r4')$$, 'a number');
SELECT lives_ok($$SELECT ccc.buy(1, 'number_400', number => '4008123456', request_id => 'r4')$$, 'the same number written otherwise');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_400', number => '4008123457', request_id => 'r4')$$, '23505', NULL, 'another number');

-- a failed request binds nothing
SELECT throws_ok($$SELECT ccc.buy(2, 'landline_10000', request_id => 'r5')$$, '23514', NULL, 'a purchase fails for lack of money');
SELECT throws_ok($$SELECT ccc.top_up(2, 'NaN', 'r5')$$, '22003', NULL, 'a top-up fails');
SELECT lives_ok($$SELECT ccc.top_up(2, 2000, 'r5')$$, 'and its id is still free');
SELECT is(ccc.wallet_balance(2), 2007.00, 'the top-up is there');
SELECT is(ccc.wallet_balance(1), 1500.00 - 150 - 150 - 108, 'all of the first account');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
