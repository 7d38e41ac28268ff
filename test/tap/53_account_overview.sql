-- account_overview(): an account on one page, at any instant.
BEGIN;
SELECT plan(32);

SELECT ccc.open_account(1, 'Acme', '2025-01-01 00:00+08');
SELECT ccc.open_account(2, 'other', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 5000), ccc.top_up(2, 5000);
SELECT ccc.buy(1, 'seat_premium', 2, bought_at => '2025-01-05 00:00+08', auto_renew => true);                     -- to 4 February
SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-01-10 00:00+08', auto_renew => true);    -- to 9 February
SELECT ccc.buy(1, 'number_400', number => '400-812-3456', bought_at => '2025-01-11 00:00+08');                    -- to 10 February
SELECT ccc.add_own_number(1, '021-55556666', 'landline', '2025-01-12 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-10 00:00+08');                                    -- to 10 July
SELECT ccc.buy(1, '400_custom', 2000, bought_at => '2025-01-11 00:00+08');                                         -- to 11 July
SELECT ccc.buy(2, 'seat_premium', 9, bought_at => '2025-01-05 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-01-15 00:00+08', 61);
SELECT ccc.sign_in(1, 'a', 'premium', '2025-01-16 00:00+08');
SELECT ccc.sign_in(1, 's' || n, at => '2025-01-16 00:00+08') FROM generate_series(1, 3) AS n;

CREATE FUNCTION pg_temp.page(at timestamptz, of text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', item, '[' || state || ']', trim_scale(amount), unit, 'until ' || to_char(until AT TIME ZONE 'Asia/Shanghai', 'MM-DD HH24:MI')), '; ')
    FROM ccc.account_overview(1, at) WHERE section = of $$;

SELECT is((SELECT string_agg(section, ', ') FROM (SELECT section, min(n) AS n FROM ccc.account_overview(1, '2025-01-20 00:00+08') WITH ORDINALITY AS o (section, item, state, amount, unit, until, n)
                                                  GROUP BY 1 ORDER BY 2) AS s), 'account, wallet, seats, numbers, packages, next 30 days', 'the sections');
SELECT is(pg_temp.page('2025-01-20 00:00+08', 'account'), 'Acme [Asia/Shanghai]', 'whose page');
SELECT is(pg_temp.page(now(), 'wallet'), 'balance ' || trim_scale(ccc.wallet_balance(1)) || ' yuan', 'the wallet');
SELECT is(pg_temp.page(now() - interval '1 hour', 'wallet'), 'balance 0 yuan', 'before the top-up it was empty');
SELECT is(pg_temp.page('2025-01-20 00:00+08', 'seats'), 'premium [1 online] 2 in force until 02-04 00:00; standard [3 online] 10 in force until 01-31 00:00', 'seats in force and online');
SELECT matches(pg_temp.page('2025-01-31 00:00+08', 'seats'), 'standard \[3 online, 3 too many\] 0 in force', 'and too many');
SELECT is(pg_temp.page('2025-01-04 00:00+08', 'seats'), 'standard [0 online] 10 in force until 01-31 00:00', 'only those of the instant');
SELECT is((SELECT count(*) FROM ccc.account_overview(1, '2025-01-20 00:00+08') WHERE section = 'numbers'), 3::bigint, 'three numbers');
SELECT matches(pg_temp.page('2025-01-20 00:00+08', 'numbers'), '4008123456 \[400, in service\] until 02-10 00:00', 'a 400-number in service');
SELECT matches(pg_temp.page('2025-02-10 00:00+08', 'numbers'), '4008123456 \[400, suspended\] until 02-10 00:00', 'suspended from its end on');
SELECT matches(pg_temp.page('2025-02-10 00:00+08', 'numbers'), '862155556666 \[landline, own\](;|$)', 'an own number has no end');
SELECT is((SELECT count(*) FROM ccc.account_overview(1, '2025-01-10 00:00+08') WHERE section = 'numbers'), 1::bigint, 'only those that the account has then');
SELECT is(pg_temp.page('2025-01-20 00:00+08', 'packages'),
          'package 1, landline_custom [2 of 1000 minutes used] 998 minutes until 07-10 00:00; package 2, 400_custom [0 of 2000 minutes used] 2000 minutes until 07-11 00:00', 'packages and what is left');
SELECT is(pg_temp.page('2025-01-10 12:00+08', 'packages'), 'package 1, landline_custom [0 of 1000 minutes used] 1000 minutes until 07-10 00:00', 'at an instant before the call');
SELECT is(pg_temp.page('2025-07-11 00:00+08', 'packages'), NULL, 'none that has expired');

-- the next 30 days
SELECT is(pg_temp.page('2025-01-20 00:00+08', 'next 30 days'),
          '10 x seat_standard [ends] until 01-31 00:00; 2 x seat_premium [renews] 478 yuan until 02-04 00:00; number_landline +8675586013388 [renews] 50 yuan until 02-09 00:00; '
          || 'number_400 4008123456 [ends] until 02-10 00:00', 'what ends, and what renews for how much, in order');
SELECT matches(pg_temp.page('2025-06-20 00:00+08', 'next 30 days'), 'package 1, landline_custom \[expires\] 998 minutes until 07-10 00:00; package 2, 400_custom \[expires\] 2000 minutes until 07-11 00:00', 'minutes that would be lost');
SELECT is(pg_temp.page('2025-07-11 00:00+08', 'next 30 days'), NULL, 'then nothing');
UPDATE ccc.products SET withdrawn_at = '2025-02-01 00:00+08' WHERE code = 'seat_premium';
SELECT matches(pg_temp.page('2025-01-20 00:00+08', 'next 30 days'), '2 x seat_premium \[not renewable: withdrawn\]', 'what will not renew, and why');
UPDATE ccc.products SET withdrawn_at = NULL WHERE code = 'seat_premium';
SELECT ccc.release_number(1, '400-812-3456', '2025-02-01 00:00+08');
SELECT doesnt_match(pg_temp.page('2025-01-20 00:00+08', 'next 30 days'), 'number_400', 'a number that is released before its end is not among them');
SELECT is((SELECT count(*) FROM ccc.account_overview(1, '2025-02-01 00:00+08') WHERE section = 'numbers'), 2::bigint, 'nor among the numbers after that');

-- shortfalls
SELECT is(pg_temp.page(now(), 'shortfalls'), NULL, 'no shortfall');
SELECT ccc.buy(1, 'number_landline', 1, 24, '0755-86013399', '2025-01-10 00:00+08');
INSERT INTO calls VALUES ('b', '075586013399', 'x', '2025-08-01 00:00+08', 301);
SELECT is(pg_temp.page(now(), 'shortfalls'), 'landline_outbound 6 minutes', 'six minutes without a package');

-- what is left is read from counters; the ledger only where an instant divides a stretch's calls
CREATE FUNCTION pg_temp.ledger_scans(at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    scans CONSTANT text := $q$SELECT sum(pg_stat_get_xact_numscans(c)) FROM unnest(ARRAY['ccc.ledger'::regclass, 'ccc.ledger_pkey']) AS c$q$;
    before bigint;
    after  bigint;
BEGIN
    EXECUTE scans INTO before;
    PERFORM FROM ccc.account_overview(1, at);
    EXECUTE scans INTO after;
    RETURN after - before;
END
$$;
INSERT INTO calls VALUES ('c', '075586013388', 'x', '2025-01-25 00:00+08', 601);
SELECT is(pg_temp.ledger_scans(now()), 0::bigint, 'now: the ledger is not read');
SELECT is(pg_temp.ledger_scans('2025-01-25 00:00:01+08'), 0::bigint, 'nor for a past instant after the last call');
SELECT cmp_ok(pg_temp.ledger_scans('2025-01-15 00:00+08'), '>', 0::bigint, 'for one before a call it is');
SELECT matches(pg_temp.page('2025-01-25 00:00:00+08', 'packages'), 'package 1, landline_custom \[2 of 1000', 'a call that starts at the instant does not count');
SELECT matches(pg_temp.page('2025-01-25 00:00:01+08', 'packages'), 'package 1, landline_custom \[13 of 1000', 'one that starts before it does');
DELETE FROM calls WHERE call_id = 'c';
SELECT matches(pg_temp.page('2025-01-25 00:00:01+08', 'packages'), 'package 1, landline_custom \[2 of 1000', 'a deleted one no more');
SELECT is_empty('SELECT * FROM ccc.account_overview(99)', 'no account, no page');
SELECT is((SELECT count(*) FROM ccc.account_overview(2, '2025-01-20 00:00+08') WHERE section = 'seats' AND state <> '0 online'), 0::bigint, 'each account its own');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
