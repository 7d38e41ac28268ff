-- Prices have versions; what was sold keeps its price.
BEGIN;
SELECT plan(16);

SELECT ccc.open_account(1, 'buyer');
SELECT ccc.top_up(1, 100000);
SELECT lives_ok($$SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-06-30 23:59:59.999999+08', request_id => 'old')$$,
                'bought before the change');

INSERT INTO ccc.prices (product, valid_from, tiers) VALUES
    ('landline_custom', '2025-07-01 00:00+08', '0:0.2, 10000:0.1'),
    ('number_400', '2025-07-01 00:00+08', '0:100'),
    ('seat_standard', '2999-01-01 00:00+08', '0:1000');

SELECT is((ccc.quote('landline_custom', 1000, '2025-06-30 23:59:59.999999+08')).amount, 150::numeric, 'a microsecond before: the old price');
SELECT is((ccc.quote('landline_custom', 1000, '2025-07-01 00:00+08')).amount, 200::numeric, 'at the instant: the new price');
SELECT is((ccc.quote('landline_custom', 10000, '2025-07-01 00:00+08')).amount, 1000::numeric, 'the new bands');
SELECT results_eq($$SELECT * FROM ccc.quote('landline_custom', 6000, '2025-07-01 00:00+08')$$,
                  'VALUES (0.2::numeric, 1200::numeric, 10000, 1000::numeric)', 'a larger quantity costs less');
SELECT is((ccc.quote('landline_custom', 5000, '2025-07-01 00:00+08')).cheaper_quantity, NULL::integer,
          'the same total is not less');
SELECT is((ccc.quote('seat_standard')).amount, 125::numeric, 'a price of the future is not in force');
SELECT is((ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-07-01 00:00+08')).amount::numeric, 200::numeric,
          'buy at the instant: the new price');
SELECT is((ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-06-30 23:59+08')).amount::numeric, 150::numeric,
          'a backdated purchase: the price of its instant');
SELECT results_eq($$SELECT package_no, unit_price FROM ccc.package_balances WHERE account_id = 1 ORDER BY 1$$,
                  'VALUES (1, 0.15::numeric), (2, 0.2), (3, 0.15)', 'packages keep the price that was paid');
SELECT is((ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-06-30 23:59:59.999999+08', request_id => 'old')).amount::numeric,
          150::numeric, 'the request of before the change again: its result');

-- an edited price: only what is bought from now on
UPDATE ccc.prices SET tiers = '0:1' WHERE product = 'landline_custom';
SELECT results_eq($$SELECT package_no, unit_price FROM ccc.package_balances WHERE account_id = 1 ORDER BY 1$$,
                  'VALUES (1, 0.15::numeric), (2, 0.2), (3, 0.15)', 'what was sold keeps its price when the row is edited');

-- minimum, step, term and minutes are rows too
INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, maximum, step)
    VALUES ('tiny', 'package', 'landline_outbound', 7, '10 days', 2, 4, 2);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('tiny', '2025-01-01 00:00+08', '0:0.333');
SELECT is((ccc.quote('tiny', 2, '2025-05-01 00:00+08')).amount, 0.67::numeric, 'a total is rounded half up to 0.01');
SELECT is((ccc.buy(1, 'tiny', 4, bought_at => '2025-05-01 00:00+08')).amount::numeric, 1.33::numeric,
          'and what is bought costs that');
SELECT results_eq($$SELECT granted_minutes, valid_until - valid_from FROM ccc.package_balances WHERE product = 'tiny'$$,
                  $$VALUES (28::numeric, '10 days'::interval)$$, 'minutes and term of the reseller''s own product');
SELECT throws_ok($$SELECT ccc.quote('tiny', 2, '2024-12-31 23:59+08')$$, '55000', NULL, 'no price was in force yet');
SELECT * FROM finish();
ROLLBACK;
