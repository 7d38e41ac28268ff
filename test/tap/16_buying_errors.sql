-- What buy and quote refuse, each with its SQLSTATE, and nothing changed.
BEGIN;
SELECT plan(45);

SELECT ccc.open_account(1, 'first');
SELECT ccc.open_account(2, 'second');
SELECT ccc.top_up(1, 1000000);
SELECT ccc.top_up(2, 1000000);
SELECT ccc.buy(2, 'number_landline', number => '010-62345678');

CREATE FUNCTION pg_temp.state() RETURNS text LANGUAGE sql AS $$
    SELECT array_agg(to_jsonb(a) ORDER BY account_id)::text FROM ccc.accounts AS a
    UNION ALL SELECT array_agg(to_jsonb(p) ORDER BY account_id, purchase_no)::text FROM ccc.purchases AS p
    UNION ALL SELECT array_agg(to_jsonb(n) ORDER BY number::text)::text FROM ccc.numbers AS n
    UNION ALL SELECT count(*)::text FROM ccc.packages
    UNION ALL SELECT count(*)::text FROM ccc.requests
    UNION ALL SELECT count(*)::text FROM ccc.wallet_entries $$;
CREATE TEMP TABLE before AS SELECT array_agg(s) AS state FROM pg_temp.state() AS s;

SELECT throws_ok($$SELECT ccc.buy(1, 'landline_20000')$$, '42704', NULL, 'unknown product');
SELECT throws_ok($$SELECT ccc.buy(1, NULL)$$, '42704', NULL, 'no product');
SELECT throws_ok($$SELECT ccc.buy(99, 'landline_10000')$$, '42704', NULL, 'unknown account');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', 999)$$, '22003', NULL, '999 minutes: under the minimum');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom')$$, '22003', NULL, 'one minute: under the minimum');
SELECT throws_ok($$SELECT ccc.buy(1, '400_custom', 999)$$, '22003', NULL, '999 minutes of 400');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', 1500)$$, '22023', NULL, '1500 minutes: off the step');
SELECT throws_ok($$SELECT ccc.buy(1, '400_custom', 10001)$$, '22023', NULL, '10001 minutes of 400');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', 0)$$, '22003', NULL, 'none of it');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', -1)$$, '22003', NULL, 'less than none of it');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', -1000)$$, '22003', NULL, 'less than none, on the step');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', NULL)$$, '22003', NULL, 'a null quantity');
SELECT throws_ok($$SELECT ccc.buy(1, 'seat_standard', 1, 0)$$, '22003', NULL, 'no period');
SELECT throws_ok($$SELECT ccc.buy(1, 'seat_standard', 1, -1)$$, '22003', NULL, 'a negative period');
SELECT throws_ok($$SELECT ccc.buy(1, 'seat_standard', 1, NULL)$$, '22003', NULL, 'a null period');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', 1, 2)$$, '22023', NULL, 'a package has one period');
SELECT throws_ok($$SELECT ccc.buy(1, 'seat_standard', auto_renew => NULL)$$, '22004', 'auto_renew must not be null', 'renewed by itself or not');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline')$$, '22023', NULL, 'a number must be named');
SELECT throws_ok($$SELECT ccc.buy(1, 'seat_standard', number => '010-62345679')$$, '22023', NULL, 'a seat has no number');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', number => '010-62345679')$$, '22023', NULL, 'a package has no number');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline', number => 'anonymous')$$, '22P02', NULL, 'not a number');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline', number => '')$$, '22P02', NULL, 'an empty number');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline', 2, number => '010-62345679')$$, '22003', NULL, 'one number is one number');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline', number => '+86 10 6234 5678')$$, '23505', NULL, 'in service elsewhere');
SELECT throws_ok($$SELECT ccc.buy(2, 'number_landline', number => '010-62345678')$$, '23505', NULL, 'in service here already');
SELECT throws_ok($$SELECT ccc.add_own_number(1, '010-62345678', 'landline')$$, '23505', NULL, 'own number: in service elsewhere');
SELECT throws_ok($$SELECT ccc.add_own_number(1, '010-62345679', 'mobile')$$, '22023', NULL, 'own number: unknown line');
SELECT throws_ok($$SELECT ccc.add_own_number(1, '010-62345679', NULL)$$, '22023', NULL, 'own number: no line');
SELECT throws_ok($$SELECT ccc.add_own_number(1, 'x', 'landline')$$, '22P02', NULL, 'own number: not a number');
SELECT throws_ok($$SELECT ccc.add_own_number(1, NULL, 'landline')$$, '22004', NULL, 'own number: null');
SELECT throws_ok($$SELECT ccc.add_own_number(99, '010-62345679', 'landline')$$, '42704', NULL, 'own number: unknown account');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', bought_at => 'infinity')$$, '22008', NULL, 'at infinity');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', bought_at => '-infinity')$$, '22008', NULL, 'at minus infinity');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', bought_at => '294276-12-01')$$, '22008', NULL, 'a term beyond what a timestamp holds');
SELECT throws_ok($$SELECT ccc.quote('landline_20000')$$, '42704', NULL, 'quote: unknown product');
SELECT throws_ok($$SELECT ccc.quote('landline_custom', 999)$$, '22003', NULL, 'quote: under the minimum');
SELECT throws_ok($$SELECT ccc.quote('landline_custom', 1500)$$, '22023', NULL, 'quote: off the step');
SELECT throws_ok($$SELECT ccc.quote('number_landline', 2)$$, '22003', NULL, 'quote: over the maximum');

-- opening an account
SELECT throws_ok($$SELECT ccc.open_account(3, 'x', time_zone => 'Mars/Olympus')$$, '22023', NULL, 'an unknown zone');
SELECT throws_ok($$SELECT ccc.open_account(3, 'x', opened_at => 'infinity')$$, '22008', NULL, 'opened at infinity');
SELECT throws_ok($$SELECT ccc.open_account(NULL, 'x')$$, '22004', NULL, 'no id');
SELECT throws_ok($$SELECT ccc.open_account(3, NULL)$$, '22004', NULL, 'no name');

SELECT is((SELECT array_agg(s) FROM pg_temp.state() AS s), (SELECT state FROM before), 'nothing has changed');

-- the catalogue refuses what cannot be sold
SELECT throws_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('landline_custom', now(), '0:NaN')$$, '22P02', NULL,
                 'a price that is not a number');
SELECT throws_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('landline_custom', now(), '0:Infinity')$$, '22P02', NULL,
                 'an infinite price');
SELECT * FROM finish();
ROLLBACK;
