-- The wallet: what goes in and out, and what it refuses; after every error
-- nothing has changed.
BEGIN;
SELECT plan(31);

SELECT ccc.open_account(1, 'first');
SELECT ccc.open_account(2, 'second');
SELECT is(ccc.wallet_balance(1), 0::numeric, 'an account opens with an empty wallet');
SELECT is(ccc.wallet_balance(99), NULL::numeric, 'no account, no balance');

SELECT lives_ok('SELECT ccc.top_up(1, 0.01)', 'the smallest amount');
SELECT lives_ok('SELECT ccc.top_up(1, 199.990)', 'zeros after the second decimal are not finer');
SELECT is(ccc.wallet_balance(1), 200.00, 'both are there');
SELECT is(ccc.wallet_balance(2), 0::numeric, 'and only there');

CREATE TEMP TABLE before AS SELECT * FROM ccc.wallet_entries;
SELECT throws_ok('SELECT ccc.top_up(1, ''NaN'')', '22003', NULL, 'top_up: NaN');
SELECT throws_ok('SELECT ccc.top_up(1, ''Infinity'')', '22003', NULL, 'top_up: infinity');
SELECT throws_ok('SELECT ccc.top_up(1, ''-Infinity'')', '22003', NULL, 'top_up: minus infinity');
SELECT throws_ok('SELECT ccc.top_up(1, 0)', '22003', NULL, 'top_up: nothing');
SELECT throws_ok('SELECT ccc.top_up(1, -5)', '22003', NULL, 'top_up: less than nothing');
SELECT throws_ok('SELECT ccc.top_up(1, NULL)', NULL, NULL, 'top_up: null');
SELECT throws_ok('SELECT ccc.top_up(1, 1e30)', '22003', NULL, 'top_up: more than a wallet holds');
SELECT throws_ok('SELECT ccc.top_up(1, 0.001)', '22023', NULL, 'top_up: finer than 0.01');
SELECT throws_ok('SELECT ccc.top_up(1, 10.005)', '22023', NULL, 'top_up: finer than 0.01, not rounded');
SELECT throws_ok('SELECT ccc.top_up(99, 10)', '42704', NULL, 'top_up: no such account');
SELECT throws_ok('SELECT ccc.top_up(NULL, 10)', '42704', NULL, 'top_up: null account');
SELECT bag_eq('SELECT * FROM ccc.wallet_entries', 'SELECT * FROM before', 'nothing moved');
SELECT is(ccc.wallet_balance(1), 200.00, 'the balance is as it was');

SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000')$$, '23514', NULL, 'not enough money');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_custom', 2000)$$, '23514', NULL, 'not enough money for two thousand minutes');
SELECT bag_eq('SELECT * FROM ccc.wallet_entries', 'SELECT * FROM before', 'nothing was paid');
SELECT is_empty('SELECT * FROM ccc.purchases', 'nothing was bought');
SELECT is_empty('SELECT * FROM ccc.packages', 'no package was made');

SELECT lives_ok($$SELECT ccc.buy(1, 'landline_custom', 1000); SELECT ccc.buy(1, 'number_landline', number => '075586013388')$$,
                'money for exactly both');
SELECT is(ccc.wallet_balance(1), 0.00, 'the wallet may be emptied to the last fen');
SELECT throws_ok($$SELECT ccc.buy(1, 'seat_standard')$$, '23514', NULL, 'an empty wallet buys nothing');
SELECT results_eq('SELECT amount::numeric, balance::numeric FROM ccc.wallets WHERE account_id = 1 ORDER BY entry_no',
                  'VALUES (0.01, 0.01), (199.99, 200.00), (-150.00, 50.00), (-50.00, 0.00)', 'every yuan is accounted for');

SELECT throws_ok($$SELECT ccc.open_account(1, 'again')$$, '23505', NULL, 'an account is opened once');
SELECT is((SELECT name FROM ccc.accounts WHERE account_id = 1), 'first', 'and keeps its name');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
