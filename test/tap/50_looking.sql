-- Looking: balances now and at any instant, charges, explanations, exceptions.
BEGIN;
SELECT plan(29);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, '400_10000', bought_at => now() - interval '1 hour');
SELECT ccc.buy(1, 'landline_custom', 10000, bought_at => now() - interval '1 hour');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61), ('b', '075586013388', 'x', '2025-03-03 00:00+08', 60000.5),
    ('c', 'x', '075586013388', '2025-03-04 00:00+08', 30), ('d', 'x', 'y', '2025-03-05 00:00+08', 30),
    ('e', '075586013388', 'x', '2025-09-02 00:00+08', 90), ('f', '075586013388', 'x', now() - interval '10 minutes', 90);

SELECT results_eq($$SELECT package_no, product, pool, granted_minutes, used_minutes, remaining_minutes, expired_minutes, refunded_minutes, unit_price
                    FROM ccc.package_balances WHERE account_id = 1 ORDER BY package_no$$,
    $$VALUES (1, 'landline_custom', 'landline_outbound', 1000::numeric, 1000::numeric, 0::numeric, 0::numeric, 0::numeric, 0.15),
             (2, '400_10000', '400_inbound', 10000, 0, 10000, 0, 0, 0.148),
             (3, 'landline_custom', 'landline_outbound', 10000, 2, 9998, 0, 0, 0.145)$$, 'balances now');
CREATE FUNCTION pg_temp.at(t timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s %s %s', package_no, used_minutes, remaining_minutes, expired_minutes), ', ' ORDER BY package_no)
    FROM ccc.balances(t) $$;
SELECT is(pg_temp.at('2025-02-28 23:59:59.999999+08'), NULL, 'before the purchase');
SELECT is(pg_temp.at('2025-03-01 00:00+08'), '1: 0 1000 0', 'at the purchase');
SELECT is(pg_temp.at('2025-03-02 00:00:00.000001+08'), '1: 2 998 0', 'after the first call began');
SELECT is(pg_temp.at('2025-03-04 00:00+08'), '1: 1000 0 0', 'when it was used up');
SELECT is(pg_temp.at('2025-09-01 00:00+08'), '1: 1000 0 0', 'at its end nothing was left to expire');
SELECT ccc.buy(1, 'landline_custom', 2000, bought_at => '2025-10-15 00:00+08');
INSERT INTO calls VALUES ('g', '075586013388', 'x', '2025-10-16 00:00+08', 90);
SELECT is(pg_temp.at('2026-04-14 23:59:59.999999+08'), '1: 1000 0 0, 4: 2 1998 0', 'a microsecond before its end');
SELECT is(pg_temp.at('2026-04-15 00:00+08'), '1: 1000 0 0, 4: 2 0 1998', 'at its end what is left is forfeited');
INSERT INTO calls VALUES ('h', '075586013388', 'x', '2025-10-17 00:00+08', 60);
SELECT is(pg_temp.at('2026-04-15 00:00+08'), '1: 1000 0 0, 4: 3 0 1997', 'a late record still draws');
SELECT is((SELECT expired_minutes FROM ccc.package_balances WHERE package_no = 4), 1997::numeric, 'as the balance of now says');
SELECT is_empty('(SELECT * FROM ccc.balances(now()) EXCEPT SELECT * FROM ccc.package_balances)', 'at now is now');
SELECT ok((SELECT bool_and(granted_minutes = used_minutes + remaining_minutes + expired_minutes + refunded_minutes) FROM ccc.package_balances),
          'granted = used + remaining + expired + refunded');

SELECT results_eq(
    $$SELECT call_id COLLATE "default", direction, pool, outcome, seconds, billed_minutes, covered_minutes, short_minutes, amount, number::text
      FROM ccc.call_charges WHERE started_at < '2025-10-01' ORDER BY started_at$$,
    $$VALUES ('a', 'outbound', 'landline_outbound', 'charged', 61::numeric, 2::numeric, 2::numeric, 0::numeric, 0.3, '+8675586013388'),
             ('b', 'outbound', 'landline_outbound', 'short', 60000.5, 1001, 998, 3, 149.7, '+8675586013388'),
             ('c', 'inbound', NULL, 'free', 30, 1, 0, 0, 0, '+8675586013388'),
             ('e', 'outbound', 'landline_outbound', 'short', 90, 2, 0, 2, 0, '+8675586013388')$$, 'charges');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'd'), 0::bigint, 'none for what could not be rated');

-- an explanation has the figures in it
CREATE FUNCTION pg_temp.explained(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(line, E'\n') FROM ccc.explain_call(1, id) AS line $$;
SELECT matches(pg_temp.explained('a'), '61', 'explain: its length');
SELECT matches(pg_temp.explained('a'), '2025-03-02 00:00:00', 'explain: its start, by the account''s clock');
SELECT matches(pg_temp.explained('a'), 'landline_outbound', 'explain: the pool');
SELECT matches(pg_temp.explained('a'), '60/60', 'explain: the increment');
SELECT matches(pg_temp.explained('a'), '2 min.*package 1', 'explain: the package');
SELECT matches(pg_temp.explained('a'), '0\.3 yuan.*0\.15', 'explain: amount and price');
SELECT matches(pg_temp.explained('b'), '998 min.*\n.*3 min short', 'explain: a shortfall');
SELECT matches(pg_temp.explained('c'), 'free', 'explain: a free call');
SELECT is(pg_temp.explained('nothing'), NULL, 'explain: no such call');
INSERT INTO calls VALUES ('s', '075586013388', 'x', '2025-03-05 00:00+08', -1);
SELECT matches(pg_temp.explained('s'), 'bad_length', 'explain: a call that could not be rated');
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 62);
SELECT matches(pg_temp.explained('a'), '2 min.*conflicting_repeat', 'explain: and a conflict');

SAVEPOINT increment;
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('landline_outbound', '2025-03-01 00:00+08', '30/6');
SELECT matches(pg_temp.explained('a'), 'increment as it was when the call was rated: 2 min', 'explain: not by an increment that came later');
ROLLBACK TO increment;

SELECT results_eq(
    $$SELECT source::text, account_id, call_id COLLATE "default", reason, record ->> 'seconds', seen_at <= clock_timestamp(), resolved_at
      FROM ccc.exceptions ORDER BY call_id$$,
    $$VALUES ('calls', 1::bigint, 'a', 'conflicting_repeat', '62', true, NULL::timestamptz),
             ('calls', NULL, 'd', 'unknown_number', '30', true, NULL), ('calls', 1, 's', 'bad_length', '-1', true, NULL)$$, 'exceptions');
SELECT is((SELECT sum(amount) FROM ccc.wallets WHERE account_id = 1)::numeric, ccc.wallet_balance(1), 'the wallet''s entries add up');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
