-- Every price of the tariff comes out of quote and out of buy.
BEGIN;
SELECT plan(41);

CREATE TEMP TABLE tariff (product text, quantity integer, unit_price numeric, amount numeric,
                          cheaper_quantity integer, cheaper_amount numeric);
INSERT INTO tariff VALUES
    ('seat_standard',   1,     125,   125,   NULL, NULL),
    ('seat_premium',    1,     239,   239,   NULL, NULL),
    ('seat_standard',   15,    125,   1875,  NULL, NULL),
    ('landline_10000',  1,     1450,  1450,  NULL, NULL),
    ('landline_30000',  1,     4260,  4260,  NULL, NULL),
    ('landline_50000',  1,     6900,  6900,  NULL, NULL),
    ('landline_10000',  3,     1450,  4350,  NULL, NULL),
    ('landline_custom', 1000,  0.15,  150,   NULL, NULL),
    ('landline_custom', 9000,  0.15,  1350,  NULL, NULL),
    ('landline_custom', 10000, 0.145, 1450,  NULL, NULL),
    ('landline_custom', 12000, 0.145, 1740,  NULL, NULL),
    ('landline_custom', 29000, 0.145, 4205,  NULL, NULL),
    ('landline_custom', 30000, 0.142, 4260,  NULL, NULL),
    ('landline_custom', 48000, 0.142, 6816,  NULL, NULL),
    ('landline_custom', 49000, 0.142, 6958,  50000, 6900),
    ('landline_custom', 50000, 0.138, 6900,  NULL, NULL),
    ('landline_custom', 51000, 0.138, 7038,  NULL, NULL),
    ('400_10000',       1,     1480,  1480,  NULL, NULL),
    ('400_30000',       1,     4350,  4350,  NULL, NULL),
    ('400_50000',       1,     7000,  7000,  NULL, NULL),
    ('400_custom',      1000,  0.15,  150,   NULL, NULL),
    ('400_custom',      9000,  0.15,  1350,  NULL, NULL),
    ('400_custom',      10000, 0.148, 1480,  NULL, NULL),
    ('400_custom',      29000, 0.148, 4292,  NULL, NULL),
    ('400_custom',      30000, 0.145, 4350,  NULL, NULL),
    ('400_custom',      48000, 0.145, 6960,  NULL, NULL),
    ('400_custom',      49000, 0.145, 7105,  50000, 7000),
    ('400_custom',      50000, 0.14,  7000,  NULL, NULL),
    ('400_custom',      1000000, 0.14, 140000, NULL, NULL);

SELECT results_eq(
    format('SELECT * FROM ccc.quote(%L, %s)', t.product, t.quantity),
    format('VALUES (%L::numeric, %L::numeric, %L::integer, %L::numeric)',
           t.unit_price, t.amount, t.cheaper_quantity, t.cheaper_amount),
    format('quote: %s of %s cost %s', t.quantity, t.product, t.amount))
FROM tariff AS t;

SELECT results_eq('SELECT unit_price, amount FROM ccc.quote(''number_landline'')', 'VALUES (50::numeric, 50::numeric)',
                  'a landline number costs 50 a month');
SELECT results_eq('SELECT unit_price, amount FROM ccc.quote(''number_400'')', 'VALUES (108::numeric, 108::numeric)',
                  'a 400-number costs 108 a month');

-- buy takes what quote said
SELECT ccc.open_account(1, 'buyer');
SELECT ccc.top_up(1, 1000000);
SELECT results_eq(
    'SELECT t.product, t.quantity, b.amount FROM tariff AS t, ccc.buy(1, t.product, t.quantity) AS b ORDER BY t.product, t.quantity',
    'SELECT t.product, t.quantity, t.amount::ccc.yuan FROM tariff AS t ORDER BY t.product, t.quantity',
    'buy: every price of the tariff');
SELECT is(ccc.wallet_balance(1), 1000000 - (SELECT sum(amount) FROM tariff), 'the wallet paid exactly that');

SELECT is((ccc.buy(1, 'number_landline', number => '0755-86013388')).amount::numeric, 50::numeric,
          'a landline number bought for one month');
SELECT is((ccc.buy(1, 'number_400', periods => 12, number => '400-812-3456')).amount::numeric, 1296::numeric,
          'a 400-number bought for twelve months');
SELECT is((ccc.buy(1, 'seat_premium', 5, 2)).amount::numeric, 2390::numeric, 'five premium seats for two months');
SELECT is(ccc.wallet_balance(1), 1000000 - 50 - 1296 - 2390 - (SELECT sum(amount) FROM tariff),
          'and the wallet paid for these');

-- granted minutes and price per minute
SELECT results_eq(
    $$SELECT product, granted_minutes, unit_price FROM ccc.package_balances
      WHERE account_id = 1 AND product IN ('landline_10000', '400_50000') ORDER BY package_no$$,
    $$VALUES ('landline_10000', 10000::numeric, 0.145::numeric), ('landline_10000', 30000, 0.145),
             ('400_50000', 50000, 0.14)$$,
    'a fixed package grants its minutes times the quantity');
SELECT results_eq(
    $$SELECT granted_minutes, unit_price FROM ccc.package_balances
      WHERE account_id = 1 AND product = 'landline_custom' AND granted_minutes IN (49000, 50000) ORDER BY 1$$,
    'VALUES (49000::numeric, 0.142::numeric), (50000, 0.138)',
    'a custom package grants its quantity, at one price for all of it');

SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT is((SELECT count(*) FROM ccc.products), 12::bigint, 'twelve products are on sale');
SELECT * FROM finish();
ROLLBACK;
