-- CALL renew_all_due(): account by account, with the rights of an administrator
-- and whatever the search path. It commits, so that nothing is rolled back here.
SELECT plan(12);

SELECT ccc.open_account(n, 'account', '2025-01-01 00:00+08'), ccc.top_up(n, 600) FROM generate_series(1, 3) AS n;
SELECT ccc.buy(n, 'seat_standard', 1, bought_at => '2025-01-01 00:00+08', auto_renew => true) FROM generate_series(1, 3) AS n;
SELECT ccc.buy(2, 'number_landline', number => '075586013388', bought_at => '2025-01-01 00:00+08', auto_renew => true);

-- one account
SELECT results_eq($$SELECT account_id, product, amount, outcome FROM ccc.renew_due('2025-02-10 00:00+08', 2)$$,
                  $$VALUES (2::bigint, 'seat_standard', 125.00, 'renewed'), (2, 'number_landline', 50.00, 'renewed')$$, 'one account is renewed');
SELECT is((SELECT array_agg(DISTINCT account_id) FROM ccc.purchases WHERE renews IS NOT NULL), '{2}', 'and no other');
SELECT is_empty($$SELECT * FROM ccc.renew_due('2025-02-10 00:00+08', 2)$$, 'once');
SELECT is((SELECT count(*) FROM ccc.renew_due('2025-02-10 00:00+08', account_id => 1)), 1::bigint, 'by name');
SELECT throws_ok($$SELECT ccc.renew_due('2025-02-10 00:00+08', 99)$$, '42704', NULL, 'no such account');
SELECT throws_ok($$SELECT ccc.renew_due(NULL, 1)$$, '22008', NULL, 'as of no instant');
SELECT throws_ok($$SELECT ccc.renew_due('infinity', 1)$$, '22008', NULL, 'as of the end of time');

-- all of them; planted functions, operators and types are not used
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.stop(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE FUNCTION evil.stop(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.stop);
CREATE OPERATOR evil.< (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.stop);
CREATE OPERATOR evil.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.stop);
CREATE FUNCTION evil.isfinite(timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE FUNCTION evil.due_accounts(timestamptz, bigint DEFAULT NULL) RETURNS bigint[] LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE FUNCTION evil.renew_due(timestamptz, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE DOMAIN evil.int8 AS bigint CHECK (VALUE IS NULL);
CREATE ROLE ccc_test_admin IN ROLE ccc_admin;
SET ROLE ccc_test_admin;
SET search_path = evil, pg_catalog, public;
CALL ccc.renew_all_due('2025-02-10 00:00+08');
RESET search_path;
RESET ROLE;
SELECT is((SELECT array_agg(account_id ORDER BY account_id) FROM ccc.purchases WHERE renews IS NOT NULL AND product = 'seat_standard'), '{1,2,3}'::bigint[], 'an administrator renews all that is left');

SELECT is(has_function_privilege('public', 'ccc.renew_all_due(timestamptz)', 'EXECUTE'), false, 'not everybody calls it');
SELECT is(has_function_privilege('ccc_writer', 'ccc.renew_all_due(timestamptz)', 'EXECUTE'), false, 'nor does a writer');

-- now
CALL ccc.renew_all_due();
SELECT is((SELECT array_agg(DISTINCT wallet.balance) FROM ccc.accounts AS wallet WHERE balance >= 125), NULL, 'until now, while the wallets lasted');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

DROP ROLE ccc_test_admin;
SELECT * FROM finish();
