-- Who may call what of the prepaid life; and instants other than now are for
-- administrators.
BEGIN;
SELECT plan(37);

CREATE FUNCTION pg_temp.callers(function regprocedure) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(r, ' ' ORDER BY r), 'none') FROM unnest('{ccc_admin,ccc_reader,ccc_writer,public}'::text[]) AS r WHERE has_function_privilege(r, function, 'EXECUTE') $$;
SELECT is(pg_temp.callers(f::regprocedure), callers, format('%s: %s', f, callers))
FROM (VALUES
    (1, 'ccc.open_account(bigint, text, timestamptz, text)', 'ccc_admin'),
    (2, 'ccc.buy(bigint, text, integer, integer, text, timestamptz, text, boolean)', 'ccc_admin'),
    (3, 'ccc.renew(bigint, integer, integer, text)', 'ccc_admin'),
    (4, 'ccc.set_auto_renew(bigint, integer, boolean)', 'ccc_admin'),
    (5, 'ccc.renew_due(timestamptz, bigint)', 'ccc_admin'),
    (6, 'ccc.refund(bigint, integer, timestamptz, text)', 'ccc_admin'),
    (7, 'ccc.void_purchase(bigint, integer, text)', 'ccc_admin'),
    (8, 'ccc.release_number(bigint, text, timestamptz)', 'ccc_admin'),
    (9, 'ccc.sign_in(bigint, text, text, timestamptz)', 'ccc_admin ccc_writer'),
    (10, 'ccc.sign_out(bigint, text, timestamptz)', 'ccc_admin ccc_writer'),
    (11, 'ccc.sign_out_excess(bigint, timestamptz)', 'ccc_admin ccc_writer'),
    (12, 'ccc.seats(bigint, timestamptz)', 'ccc_admin ccc_reader'),
    (13, 'ccc.agents_online(bigint, timestamptz)', 'ccc_admin ccc_reader'),
    (14, 'ccc.seat_peaks(bigint, timestamptz, timestamptz)', 'ccc_admin ccc_reader'),
    (15, 'ccc.account_overview(bigint, timestamptz)', 'ccc_admin ccc_reader'),
    (16, 'ccc.recommend(text, bigint, timestamptz)', 'ccc_admin ccc_reader ccc_writer')) AS v (n, f, callers) ORDER BY n;

-- each does what it may, with the roles' own rights on the tables
CREATE ROLE test_admin IN ROLE ccc_admin;
CREATE ROLE test_writer IN ROLE ccc_writer;
CREATE ROLE test_reader IN ROLE ccc_reader;
CREATE ROLE test_shop;
GRANT USAGE ON SCHEMA ccc TO test_shop;
GRANT EXECUTE ON FUNCTION ccc.buy, ccc.refund, ccc.void_purchase, ccc.renew TO test_shop;
SET ROLE test_admin;
SELECT lives_ok($$SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08'), ccc.top_up(1, 20000)$$, 'an administrator opens an account');
SELECT lives_ok($$SELECT ccc.buy(1, 'seat_premium', 2, 24, bought_at => '2025-01-01 00:00+08')$$, 'buys as of another instant');
SELECT lives_ok($$SELECT ccc.buy(1, 'landline_10000', bought_at => now() - interval '1 day')$$, 'a package too');
SELECT lives_ok($$SELECT ccc.refund(1, 2, now() - interval '1 hour')$$, 'and refunds so');
SELECT lives_ok($$SELECT ccc.renew(1, 1)$$, 'renews');
SELECT lives_ok($$SELECT ccc.renew_due()$$, 'renews what is due');
SELECT lives_ok($$SELECT ccc.void_purchase(1, 3)$$, 'takes back');
SELECT lives_ok($$INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES ('2026-01-01', 'seat_standard', 3, '720 hours')$$, 'and changes the trial');
SET ROLE test_writer;
SELECT lives_ok($$SELECT ccc.sign_in(1, 'a', 'premium', '2025-02-01 00:00+08')$$, 'a writer signs agents in');
SELECT lives_ok($$SELECT ccc.sign_out(1, 'a', '2025-02-02 00:00+08'), ccc.sign_out_excess(1)$$, 'and out');
SELECT lives_ok($$SELECT ccc.recommend('landline_outbound', 1000)$$, 'and asks what is cheapest');
SELECT throws_ok($$SELECT ccc.seats(1)$$, '42501', NULL, 'but does not look');
SELECT throws_ok($$SELECT * FROM ccc.agent_sessions$$, '42501', NULL, 'nor into the table');
SET ROLE test_reader;
SELECT lives_ok($$SELECT ccc.seats(1), ccc.agents_online(1), ccc.seat_peaks(1, '2025-01-01'), ccc.account_overview(1)$$, 'a reader looks');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a', 'premium')$$, '42501', NULL, 'and signs nobody in');
SELECT throws_ok($$UPDATE ccc.rentals SET paid_until = 'infinity'$$, '42501', NULL, 'nor changes what is paid');

-- who was given EXECUTE alone does it now, and at no other instant
SET SESSION AUTHORIZATION test_shop;
SELECT lives_ok($$SELECT ccc.buy(1, 'landline_10000')$$, 'who may only buy, buys now');
SELECT throws_ok($$SELECT ccc.buy(1, 'landline_10000', bought_at => now() - interval '1 day')$$, '42501', NULL, 'not as of another instant');
SELECT lives_ok($$SELECT ccc.refund(1, 4)$$, 'and refunds now');
SELECT throws_ok($$SELECT ccc.refund(1, 1, now() - interval '1 day')$$, '42501', NULL, 'not as of another instant');
RESET SESSION AUTHORIZATION;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
