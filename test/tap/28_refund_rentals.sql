-- refund() of seats and numbers: whole periods that begin then or later, and
-- that nobody used.
BEGIN;
SELECT plan(45);

SELECT ccc.open_account(a, 'account ' || a, '2024-06-01 00:00+08') FROM generate_series(1, 3) AS a;    -- the trials are long over
SELECT ccc.top_up(a, 100000) FROM generate_series(1, 3) AS a;
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.paid(account bigint, purchase integer) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s to %s', r.periods, to_char(r.paid_until AT TIME ZONE 'Asia/Shanghai', 'MM-DD')) FROM ccc.rentals AS r WHERE (r.account_id, r.purchase_no) = (account, purchase) $$;
CREATE FUNCTION pg_temp.standard(at timestamptz) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(sum(in_force), 0)::bigint FROM ccc.seats(1, at) WHERE edition = 'standard' $$;

-- five seats for three periods: 1 January, 31 January, 2 March, to 1 April
SELECT ccc.buy(1, 'seat_standard', 5, 3, bought_at => '2025-01-01 00:00+08', auto_renew => true) FROM generate_series(1, 6);
SELECT is(ccc.refund(1, 1, '2025-01-15 00:00+08'), 1250.00, 'two of three periods that begin later');
SELECT is(pg_temp.paid(1, 1), '1 to 01-31', 'the first is kept');
SELECT is(ccc.refund(1, 2, '2025-01-31 00:00+08'), 1250.00, 'a period that begins at the instant is given back');
SELECT is(ccc.refund(1, 3, '2025-01-31 00:00:00.000001+08'), 625.00, 'a microsecond later it is not');
SELECT is(ccc.refund(1, 4, '2025-03-02 00:00:00.000001+08'), 0.00, 'in the last period nothing is left');
SELECT is(ccc.refund(1, 5, '2025-01-01 00:00+08'), 1875.00, 'at the first instant all of it');
SELECT is(pg_temp.paid(1, 5), '0 to 01-01', 'the lot is empty');
SELECT is(ccc.refund(1, 6), 0.00, 'now: all is over');
SELECT is(pg_temp.standard('2025-01-15 00:00+08'), 25::bigint, 'in force is what was kept');
SELECT is(pg_temp.standard('2025-02-15 00:00+08'), 15::bigint, 'period by period');
SELECT is(pg_temp.standard('2025-03-15 00:00+08'), 10::bigint, 'to the end');
SELECT is((SELECT bool_or(auto_renew) FROM ccc.rentals WHERE account_id = 1), false, 'a refund ends automatic renewal');
SELECT is_empty($$SELECT * FROM ccc.renew_due('2025-05-01 00:00+08')$$, 'nothing is due');
SELECT results_eq('SELECT purchase_no, refunded::numeric, voided FROM ccc.purchases WHERE account_id = 1 ORDER BY 1',
                  'VALUES (1, 1250.00, false), (2, 1250.00, false), (3, 625.00, false), (4, 0.00, false), (5, 1875.00, false), (6, 0.00, false)', 'each purchase says what came back');
SELECT throws_ok('SELECT ccc.refund(1, 1)', '55000', NULL, 'a second refund');

-- rounded down
INSERT INTO ccc.products (code, kind, edition, term) VALUES ('seat_odd', 'seat', 'premium', '720 hours');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_odd', '-infinity', '0:33.335');
SELECT is((ccc.buy(1, 'seat_odd', 1, 3, bought_at => '2025-01-01 00:00+08')).amount::numeric, 100.01, 'three periods at 33.335');
SELECT is(ccc.refund(1, 7, '2025-01-10 00:00+08'), 66.67, 'two thirds of 100.01, rounded down');

-- seats that were needed are not given back
SELECT ccc.buy(2, 'seat_standard', 2, 4, bought_at => '2025-01-01 00:00+08');     -- to 1 May
SELECT ccc.buy(2, 'seat_standard', 1, 4, bought_at => '2025-01-01 00:00+08');
SELECT ccc.sign_in(2, 'a', at => '2025-02-03 09:00+08'), ccc.sign_in(2, 'b', at => '2025-02-03 09:00+08');
SELECT ccc.sign_out(2, 'a', '2025-02-03 18:00+08'), ccc.sign_out(2, 'b', '2025-02-03 18:00+08');
SAVEPOINT two;
SELECT is(ccc.refund(2, 2, '2025-01-15 00:00+08'), 375.00, 'two agents were online, and the other lot has two seats: three periods come back');
ROLLBACK TO two;
SELECT is(ccc.refund(2, 1, '2025-01-15 00:00+08'), 500.00, 'the other has one: in February the two seats were needed, two periods come back');
SELECT is(pg_temp.paid(2, 1), '2 to 03-02', 'to the end of that one');
SELECT is(ccc.refund(2, 2, '2025-01-15 00:00+08'), 375.00, 'the two of the first lot still cover both agents');
SELECT ccc.buy(2, 'seat_premium', 1, 4, bought_at => '2025-01-01 00:00+08');
SELECT ccc.sign_in(2, 'p', 'premium', '2025-03-01 10:00+08');
SELECT ccc.sign_out(2, 'p', '2025-03-02 00:00+08');
SAVEPOINT to_the_end;
SELECT is(ccc.refund(2, 3, '2025-01-15 00:00+08'), 478.00, 'used to the end of a period, the next is given back');
ROLLBACK TO to_the_end;
SELECT ccc.sign_in(2, 'q', 'premium', '2025-03-02 00:00+08');
SELECT ccc.sign_out(2, 'q', '2025-03-02 00:00:01+08');
SELECT is(ccc.refund(2, 3, '2025-01-15 00:00+08'), 239.00, 'used for a second of the next, that one is not');
SELECT ccc.buy(2, 'seat_premium', 1, 60, bought_at => now() - interval '10 days');
SELECT ccc.sign_in(2, 'now', 'premium', now() - interval '1 day');
SELECT is(ccc.refund(2, 4), 59 * 239.00, 'an agent who is online now uses the period that runs, and no later one');
SELECT is(pg_temp.paid(2, 4), (SELECT format('1 to %s', to_char((now() + interval '20 days') AT TIME ZONE 'Asia/Shanghai', 'MM-DD'))), 'which goes on to its end');
SELECT is((SELECT online <= in_force FROM ccc.seats(2) WHERE edition = 'premium'), true, 'and the agent keeps the seat');

-- a number: used by its latest billed call
SELECT ccc.buy(3, 'number_landline', 1, 4, '0755-8603000' || n, '2025-01-01 00:00+08', auto_renew => true) FROM generate_series(1, 5) AS n;    -- to 1 May
INSERT INTO calls VALUES ('out', '075586030001', 'x', '2025-02-05 00:00+08', 60), ('in', 'x', '075586030002', '2025-02-05 00:00+08', 60),
    ('start', '075586030003', 'x', '2025-03-02 00:00+08', 60), ('none', '075586030004', 'x', '2025-03-05 00:00+08', 0),
    ('early', '075586030005', 'x', '2025-01-05 00:00+08', 60);
SELECT is(ccc.refund(3, 1, '2025-01-15 00:00+08'), 100.00, 'a call in February uses February');
SELECT is(ccc.refund(3, 2, '2025-01-15 00:00+08'), 100.00, 'a call in, which is free, too');
SELECT is(ccc.refund(3, 3, '2025-01-15 00:00+08'), 50.00, 'a call that starts when a period does uses that period');
SELECT is(ccc.refund(3, 4, '2025-01-15 00:00+08'), 150.00, 'one of no length uses nothing');
SELECT is(ccc.refund(3, 5, '2025-03-02 00:00+08'), 100.00, 'one before the refund changes nothing');
SELECT is((SELECT string_agg(to_char(paid_until AT TIME ZONE 'Asia/Shanghai', 'MM-DD'), ' ' ORDER BY number::text) FROM ccc.numbers WHERE account_id = 3),
          '03-02 03-02 04-01 01-31 03-02', 'the numbers'' service ends with what is kept');
INSERT INTO calls VALUES ('later', '075586030004', 'x', '2025-02-10 00:00+08', 60);
SELECT results_eq($$SELECT account_id, reason FROM ccc.exceptions WHERE call_id = 'later'$$, $$VALUES (3::bigint, 'number_suspended')$$, 'then it is suspended');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline', number => '0755-86030004', bought_at => '2025-02-20 00:00+08')$$, '23505', NULL, 'and still the account''s');
SELECT lives_ok('SELECT ccc.renew(3, 4)', 'which may renew it');
SELECT is((SELECT outcome FROM ccc.call_charges WHERE call_id = 'later'), 'short', 'and then its call is billed');

-- renewals first
SELECT ccc.buy(3, 'number_400', 1, 1, '400-812-3456', '2025-01-01 00:00+08', request_id => 'n');
SELECT ccc.renew(3, 7, 2), ccc.renew(3, 7);
SELECT throws_ok($$SELECT ccc.refund(3, 7, '2025-01-01 00:00+08')$$, '55000', NULL, 'a purchase that was renewed');
SELECT throws_ok($$SELECT ccc.refund(3, 8, '2025-01-01 00:00+08')$$, '55000', NULL, 'a renewal that was renewed');
SELECT is(ccc.refund(3, 9, '2025-01-15 00:00+08'), 108.00, 'the latest first');
SELECT is(pg_temp.paid(3, 7), '3 to 04-01', 'which takes its period back');
SELECT is(ccc.refund(3, 8, '2025-01-31 00:00:01+08'), 108.00, 'then the one before, one of its two periods');
SELECT is(pg_temp.paid(3, 7), '2 to 03-02', 'and its period');
SELECT is((SELECT count(*) FROM ccc.wallet_entries WHERE reason = 'refund' AND account_id = 3), 7::bigint, 'an entry for each');
SELECT throws_ok('SELECT ccc.refund(3, 0)', '42704', NULL, 'the trial is no purchase');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
