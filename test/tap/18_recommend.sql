-- recommend(): the cheapest purchases for a need of minutes; that they are, for
-- every need, test/model/recommend.py tells. Here: what it refuses, what it
-- goes by, and what a quote says of a larger quantity.
BEGIN;
SELECT plan(56);

CREATE FUNCTION pg_temp.said(pool text, minutes bigint, at timestamptz DEFAULT now()) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s: %s', r.quantity, r.product, trim_scale(r.amount)), ', ' ORDER BY r.product, r.quantity)
    FROM ccc.recommend(pool, minutes, at) AS r $$;

-- by the price page
SELECT results_eq($$SELECT * FROM ccc.recommend('landline_outbound', 12000)$$,
                  $$VALUES ('landline_custom', 12000, 1740.00, 12000::bigint, 0.145000, 1::bigint)$$, 'twelve thousand minutes: a custom package');
SELECT results_eq($$SELECT sum(amount), sum(granted_minutes), min(price_per_minute) FROM ccc.recommend('landline_outbound', 49000)$$,
                  'VALUES (6900.00, 50000::numeric, 0.140816)', 'for 49000 minutes 50000 cost less: a minute that is needed at 0.140816');
SELECT results_eq($$SELECT sum(amount), sum(granted_minutes), min(price_per_minute) FROM ccc.recommend('400_inbound', 49000)$$,
                  'VALUES (7000.00, 50000::numeric, 0.142857)', 'of the 400 pool too');
SELECT results_eq($$SELECT sum(amount), count(*) FROM ccc.recommend('landline_outbound', 1)$$, 'VALUES (150.00, 1::bigint)', 'one minute: the least that is sold');
SELECT results_eq($$SELECT sum(amount), count(*) FROM ccc.recommend('landline_outbound', 9001)$$, 'VALUES (1450.00, 1::bigint)', '9001 minutes: ten thousand cost less than two purchases');
SELECT results_eq($$SELECT sum(amount), count(*) FROM ccc.recommend('landline_outbound', 100000000)$$, 'VALUES (13800000.00, 1::bigint)', 'a hundred million minutes: one purchase');
SELECT results_eq($$SELECT q.unit_price, q.amount, q.cheaper_quantity, q.cheaper_amount FROM ccc.quote('landline_custom', 49000) AS q$$,
                  'VALUES (0.142, 6958.00, 50000, 6900.00)', 'a quote says so of 49000 minutes');
SELECT results_eq($$SELECT q.amount, q.cheaper_quantity, q.cheaper_amount FROM ccc.quote('landline_custom', 48000) AS q$$,
                  'VALUES (6816.00, NULL::integer, NULL::numeric)', 'and nothing of 48000');
SELECT results_eq($$SELECT q.amount, q.cheaper_quantity, q.cheaper_amount FROM ccc.quote('400_custom', 49000) AS q$$,
                  'VALUES (7105.00, 50000, 7000.00)', 'of 400 minutes too');

-- refused
SELECT throws_ok($$SELECT * FROM ccc.recommend('mobile', 1000)$$, '42704', NULL, 'a pool that is none');
SELECT throws_ok($$SELECT * FROM ccc.recommend(NULL, 1000)$$, '42704', NULL, 'no pool');
SELECT throws_ok($$SELECT * FROM ccc.recommend('landline_outbound', NULL)$$, '22003', NULL, 'no minutes');
SELECT throws_ok($$SELECT * FROM ccc.recommend('landline_outbound', 0)$$, '22003', NULL, 'none');
SELECT throws_ok($$SELECT * FROM ccc.recommend('landline_outbound', -1)$$, '22003', NULL, 'less than none');

-- what has no product on sale
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('mobile', '-infinity', '60/60');
SELECT throws_ok($$SELECT * FROM ccc.recommend('mobile', 1000)$$, '55000', NULL, 'nothing is sold for the pool');
INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, maximum) VALUES ('mobile_10', 'package', 'mobile', 10, '1 month', 1, 3);
SELECT throws_ok($$SELECT * FROM ccc.recommend('mobile', 1000)$$, '55000', NULL, 'nor is a product without a price');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mobile_10', '2025-06-01 00:00+08', '0:3'), ('mobile_10', '2025-07-01 00:00+08', '0:2.5');
SELECT throws_ok($$SELECT * FROM ccc.recommend('mobile', 1000, '2025-05-31 23:59:59.999999+08')$$, '55000', NULL, 'nor one whose price is not yet in force');

-- the price of the instant
SELECT is(pg_temp.said('mobile', 21, '2025-06-01 00:00+08'), '3 mobile_10: 9', 'at the first instant of a price');
SELECT is(pg_temp.said('mobile', 21, '2025-06-30 23:59:59.999999+08'), '3 mobile_10: 9', 'to its last');
SELECT is(pg_temp.said('mobile', 21, '2025-07-01 00:00+08'), '3 mobile_10: 7.5', 'then the next one');
SELECT is(pg_temp.said('mobile', 21), '3 mobile_10: 7.5', 'and now, when no instant is given');
SELECT results_eq($$SELECT sum(quantity * purchases), sum(purchases), sum(amount), sum(granted_minutes) FROM ccc.recommend('mobile', 70)$$,
                  'VALUES (7::numeric, 3::numeric, 17.5, 70::numeric)', 'no purchase over the maximum: three of them');
SELECT is((SELECT max(quantity) FROM ccc.recommend('mobile', 70)), 3, 'of three at most');

-- withdrawn
INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, step) VALUES ('mobile_custom', 'package', 'mobile', 1, '1 month', 7, 7);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mobile_custom', '-infinity', '0:0.1, 100:0.3');
SELECT is(pg_temp.said('mobile', 70, '2025-07-01 00:00+08'), '70 mobile_custom: 7', 'a product that costs less is recommended');
SELECT is(pg_temp.said('mobile', 71, '2025-07-01 00:00+08'), '77 mobile_custom: 7.7', 'in steps');
SELECT is(pg_temp.said('mobile', 1, '2025-07-01 00:00+08'), '7 mobile_custom: 0.7', 'and from the minimum on');
SELECT results_eq($$SELECT sum(amount), sum(granted_minutes), sum(purchases)::bigint FROM ccc.recommend('mobile', 100, '2025-07-01 00:00+08')$$,
                  'VALUES (10.5, 105::numeric, 2::bigint)', 'where a band costs more, two purchases under it cost less than one in it');
UPDATE ccc.products SET withdrawn_at = '2025-07-10 00:00+08' WHERE code = 'mobile_custom';
SELECT is(pg_temp.said('mobile', 7, '2025-07-09 23:59:59.999999+08'), '7 mobile_custom: 0.7', 'until it is withdrawn');
SELECT is(pg_temp.said('mobile', 7, '2025-07-10 00:00+08'), '1 mobile_10: 2.5', 'and not from then on');
UPDATE ccc.products SET withdrawn_at = '2025-07-10 00:00+08' WHERE code = 'mobile_10';
SELECT throws_ok($$SELECT * FROM ccc.recommend('mobile', 7, '2025-07-10 00:00+08')$$, '55000', NULL, 'all withdrawn: nothing is on sale');
SELECT is(pg_temp.said('mobile', 7, '2025-07-09 00:00+08'), '7 mobile_custom: 0.7', 'before that it was');

-- one price a minute, and what is recommended can be bought at that price
SELECT results_eq($$SELECT count(DISTINCT price_per_minute), min(price_per_minute) FROM ccc.recommend('mobile', 99, '2025-07-01 00:00+08')$$,
                  'VALUES (1::bigint, 0.106061)', 'price per minute: all that is paid over all that is needed, the same in each row');
SELECT ccc.open_account(1, 'buyer', '2025-06-01 00:00+08');
SELECT ccc.top_up(1, 10.5);
SELECT lives_ok($$SELECT ccc.buy(1, r.product, r.quantity, bought_at => '2025-07-01 00:00+08') FROM ccc.recommend('mobile', 99, '2025-07-01 00:00+08') AS r, generate_series(1, r.purchases)$$,
                'what is recommended can be bought');
SELECT is(ccc.wallet_balance(1), 0::numeric, 'for as much as was said');
SELECT is((SELECT sum(granted_minutes) FROM ccc.package_balances), 105::numeric, 'and grants as much');

-- free minutes
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mobile_custom', '2025-07-02 00:00+08', '0:0');
SELECT results_eq($$SELECT product, amount, price_per_minute FROM ccc.recommend('mobile', 70, '2025-07-02 00:00+08')$$,
                  $$VALUES ('mobile_custom', 0.00, 0.000000)$$, 'what costs nothing is cheapest');

-- equal purchases are one row
SELECT results_eq($$SELECT * FROM ccc.recommend('mobile', 7000, '2025-06-15 00:00+08') WHERE product = 'mobile_10'$$,
                  $$SELECT 'mobile_10', 1, NULL::numeric, 1::bigint, 1::numeric, 1::bigint WHERE false$$, 'nothing dearer among them');
UPDATE ccc.products SET withdrawn_at = NULL WHERE code = 'mobile_10';
UPDATE ccc.products SET withdrawn_at = '2025-06-01 00:00+08' WHERE code = 'mobile_custom';
SELECT results_eq($$SELECT * FROM ccc.recommend('mobile', 7000, '2025-07-01 00:00+08')$$,
                  $$VALUES ('mobile_10', 3, 1747.5, 6990::bigint, 0.25::numeric, 233::bigint), ('mobile_10', 1, 2.5, 10, 0.25, 1)$$, 'equal purchases are one row');

-- prices finer than 0.01 a step: many small purchases may cost less, each being rounded
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('fine', '-infinity', '60/60');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('fine_1', 'package', 'fine', 1, '1 month');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES
    ('fine_1', '2025-01-01 00:00+08', '0:0.123456'), ('fine_1', '2025-02-01 00:00+08', '0:0.125001'), ('fine_1', '2025-03-01 00:00+08', '0:0.100001'),
    ('fine_1', '2025-04-01 00:00+08', '0:0.000001'), ('fine_1', '2025-05-01 00:00+08', '0:0.123456, 9223372036854775807:0.1'),
    ('fine_1', '2025-06-01 00:00+08', '0:9000000000'), ('fine_1', '2025-07-01 00:00+08', '0:9000000000000'),
    ('fine_1', '2025-08-01 00:00+08', '0:0.1');
SELECT results_eq($$SELECT * FROM ccc.recommend('fine', 100000, '2025-01-01 00:00+08')$$,
                  $$VALUES ('fine_1', 1, 12000.00, 100000::bigint, 0.12::numeric, 100000::bigint)$$, 'a hundred thousand minutes, one by one');
SELECT results_eq($$SELECT sum(amount), sum(purchases) FROM ccc.recommend('fine', 20000, '2025-02-01 00:00+08')$$,
                  $$VALUES (2500.00, 5::numeric)$$, 'even quantities, that are rounded down');
SELECT results_eq($$SELECT sum(amount), sum(purchases) FROM ccc.recommend('fine', 20000, '2025-03-01 00:00+08')$$,
                  $$VALUES (2000.00, 5::numeric)$$, 'as many as are rounded down in one');
SELECT results_eq($$SELECT sum(amount), sum(purchases) FROM ccc.recommend('fine', 20000, '2025-04-01 00:00+08')$$,
                  $$VALUES (0.00, 5::numeric)$$, 'what is rounded to nothing costs nothing');
SELECT throws_ok($$SELECT * FROM ccc.recommend('fine', 1000000000, '2025-01-01 00:00+08')$$, '54000',
                 'a need of 1000000000 minutes is too large to be covered in steps of 1', 'a need that cannot be covered exactly is refused');
SELECT throws_ok($$SELECT * FROM ccc.recommend('fine', 9223372036854775807, '2025-01-01 00:00+08')$$, '54000', NULL, 'the largest, too');

-- bounds and prices at the ends of what tiers hold
SELECT is((SELECT sum(amount) FROM ccc.recommend('fine', 10, '2025-05-01 00:00+08')), 1.20, 'a band that no quantity reaches');
SELECT results_eq($$SELECT amount, cheaper_quantity FROM ccc.quote('fine_1', 10, '2025-05-01 00:00+08')$$, 'VALUES (1.23, NULL::integer)', 'nor does a quote go by it');
SELECT is((SELECT sum(amount) FROM ccc.recommend('fine', 200, '2025-06-01 00:00+08')), 1800000000000.00, 'very dear');
SELECT throws_ok($$SELECT * FROM ccc.recommend('fine', 2, '2025-07-01 00:00+08')$$, '54000', 'what a need of 2 minutes costs is too much to be counted', 'too dear');
SELECT throws_ok($$SELECT * FROM ccc.recommend('fine', 1000000, '2025-06-01 00:00+08')$$, '54000', NULL, 'in sum');
SELECT throws_ok($$SELECT * FROM ccc.recommend('fine', 2500000, '2025-08-01 00:00+08')$$, '54000',
                 'a need of 2500000 minutes is too large to be covered in steps of 1', 'too many quantities for the memory that it takes');
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('dear', '-infinity', '60/60');
INSERT INTO ccc.products (code, kind, pool, minutes, term, maximum) VALUES ('dear_1', 'package', 'dear', 1, '1 month', 1);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('dear_1', '2025-01-01 00:00+08', '0:9000000000');
SELECT is((SELECT sum(amount) FROM ccc.recommend('dear', 200)), 1800000000000.00, 'two hundred purchases that are very dear');
SELECT throws_ok($$SELECT * FROM ccc.recommend('dear', 1000)$$, '54000', 'what a need of 1000 minutes costs is too much to be counted', 'and a thousand that are too dear');

-- nothing to cover, nothing to cover it with
SELECT results_eq($$SELECT * FROM ccc.cheapest_cover(1, '{1,1,1,1,1}')$$, 'VALUES (1, 1::bigint)', 'a minute is covered by a purchase');
SELECT is_empty($$SELECT * FROM ccc.cheapest_cover(0, '{1,1,1,1,1}')$$, 'no minutes by none');
SELECT is_empty($$SELECT * FROM ccc.cheapest_cover(1, '{}')$$, 'nor any by no offers');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
