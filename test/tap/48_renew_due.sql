-- renew_due(): what renews by itself, each period once, however late it is run.
BEGIN;
SELECT plan(45);

CREATE FUNCTION pg_temp.due(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s/%s %s %s %s', d.account_id, d.purchase_no, to_char(d.valid_from AT TIME ZONE 'Asia/Shanghai', 'MM-DD'), d.amount, d.outcome), ', ')
    FROM ccc.renew_due(at) AS d $$;
CREATE FUNCTION pg_temp.paid(account bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s to %s%s', r.purchase_no, to_char(r.paid_until AT TIME ZONE 'Asia/Shanghai', 'MM-DD'),
                             to_char(r.unpaid_since AT TIME ZONE 'Asia/Shanghai', '", unpaid since" MM-DD')), '; ' ORDER BY r.purchase_no)
    FROM ccc.rentals AS r WHERE r.account_id = account AND r.purchase_no > 0 $$;

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01 00:00+08') FROM generate_series(1, 3) AS a;
SELECT ccc.top_up(a, 2000) FROM generate_series(1, 2) AS a;

-- when it is due: 31 January, 2 March, 1 April, 1 May, 31 May
SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-01-01 00:00+08', auto_renew => true);
SELECT is(pg_temp.due('2025-01-30 23:59:59.999999+08'), NULL, 'not before the period ends');
SELECT is(pg_temp.due('2025-01-31 00:00+08'), '1/1 01-31 50.00 renewed', 'when it does');
SELECT is(pg_temp.due('2025-01-31 00:00+08'), NULL, 'once');
SELECT is(pg_temp.due('2025-03-01 23:59:59+08'), NULL, 'not again in that period');
SELECT results_eq('SELECT renews, periods, valid_from, valid_until, bought_at = valid_from, kind FROM ccc.purchases WHERE purchase_no = 2',
                  $$VALUES (1, 1, '2025-01-31 00:00+08'::timestamptz, '2025-03-02 00:00+08'::timestamptz, true, 'number')$$, 'it is a renewal as any');
SELECT results_eq('SELECT reason, amount::numeric FROM ccc.wallet_entries WHERE account_id = 1 ORDER BY entry_no DESC LIMIT 1', $$VALUES ('renewal', -50.00)$$, 'and paid');
SELECT results_eq($$SELECT product, number::text, valid_until FROM ccc.renew_due('2025-03-02 00:00+08')$$,
                  $$VALUES ('number_landline', '+8675586013388', '2025-04-01 00:00+08'::timestamptz)$$, 'it tells what, and until when');

-- run late: every period since, at the price of each
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('number_landline', '2025-05-01 00:00+08', '0:55');
SELECT is(pg_temp.due('2025-05-31 00:00+08'), '1/1 04-01 50.00 renewed, 1/1 05-01 55.00 renewed, 1/1 05-31 55.00 renewed', 'months late: all of them, the oldest first');
SELECT is(pg_temp.paid(1), '1 to 06-30', 'paid as if it had run in time');

-- several: by the start of the period, then by the purchase
SELECT ccc.buy(1, 'seat_premium', 1, bought_at => '2025-06-20 00:00+08', auto_renew => true);
SELECT ccc.buy(1, 'number_400', number => '400-812-3456', bought_at => '2025-05-31 00:00+08', auto_renew => true);
SELECT ccc.buy(2, 'number_landline', number => '0755-86013389', bought_at => '2025-06-10 00:00+08', auto_renew => true);
SELECT ccc.buy(2, 'seat_premium', 1, bought_at => '2025-06-10 00:00+08', auto_renew => true);
SELECT ccc.buy(2, 'seat_standard', 4, bought_at => '2025-06-10 00:00+08');
SELECT is(pg_temp.due('2025-08-01 00:00+08'),
          '1/1 06-30 55.00 renewed, 1/8 06-30 108.00 renewed, 1/7 07-20 239.00 renewed, 1/1 07-30 55.00 renewed, 1/8 07-30 108.00 renewed, '
          || '2/1 07-10 55.00 renewed, 2/2 07-10 239.00 renewed', 'accounts ascending, in each the oldest period first');
SELECT is(pg_temp.paid(2), '1 to 08-09; 2 to 08-09; 3 to 07-10', 'what was not asked to renew ends');
SELECT is((SELECT string_agg(format('%s %s', edition, in_force), ', ') FROM ccc.seats(2, '2025-07-10 00:00+08')), 'premium 1, standard 0', 'and its seats with it');
SELECT is_empty($$SELECT * FROM ccc.purchases WHERE renews IS NOT NULL AND purchase_no > (SELECT last_purchase_no FROM ccc.accounts AS a WHERE a.account_id = purchases.account_id)$$,
                'purchases are counted');

-- the wallet is too small: the others go on
SELECT ccc.top_up(3, 239 + 50 + 108 + 60);
SELECT ccc.buy(3, 'seat_premium', 1, bought_at => '2025-01-01 00:00+08', auto_renew => true);
SELECT ccc.buy(3, 'number_landline', number => '010-62345678', bought_at => '2025-01-02 00:00+08', auto_renew => true);
SELECT ccc.buy(3, 'number_400', number => '400-999-8888', bought_at => '2025-01-03 00:00+08', auto_renew => true);
SELECT is(ccc.wallet_balance(3), 60.00, 'sixty yuan are left');
SELECT is(pg_temp.due('2025-02-05 00:00+08'), '3/1 01-31 239.00 unpaid, 3/2 02-01 50.00 renewed, 3/3 02-02 108.00 unpaid', 'what fits is renewed, the rest told');
SELECT is(pg_temp.paid(3), '1 to 01-31, unpaid since 01-31; 2 to 03-03; 3 to 02-02, unpaid since 02-02', 'and kept as unpaid');
SELECT is(ccc.wallet_balance(3), 10.00, 'nothing else moved');
SELECT is(pg_temp.due('2025-02-05 00:00+08'), '3/1 01-31 239.00 unpaid, 3/3 02-02 108.00 unpaid', 'tried again, and told again');
SELECT ccc.top_up(3, 100);
SELECT is(pg_temp.due('2025-02-10 00:00+08'), '3/1 01-31 239.00 unpaid, 3/3 02-02 108.00 renewed', 'with money in time the period is paid, from its start');
SELECT is(pg_temp.paid(3), '1 to 01-31, unpaid since 01-31; 2 to 03-03; 3 to 03-04', 'and no longer unpaid');
SELECT is(pg_temp.due('2025-03-01 23:59:59.999999+08'), '3/1 01-31 239.00 unpaid', 'to the last microsecond of the period');
SELECT ccc.top_up(3, 1000);
SELECT is(pg_temp.due('2025-03-02 00:00+08'), NULL, 'then it has lapsed: not renewed, nor told');
SELECT is(pg_temp.paid(3), '1 to 01-31, unpaid since 01-31; 2 to 03-03; 3 to 03-04', 'and stays so');
SELECT is((ccc.renew(3, 1)).valid_from, '2025-01-31 00:00+08'::timestamptz, 'by hand the oldest unpaid period is paid');
SELECT is(pg_temp.due('2025-03-02 00:00+08'), '3/1 03-02 239.00 renewed', 'and from then on it renews by itself again');
SELECT is(pg_temp.paid(3), '1 to 04-01; 2 to 03-03; 3 to 03-04', 'nothing is unpaid');
SELECT is(pg_temp.due('2025-04-01 00:00+08'), '3/2 03-03 50.00 renewed, 3/3 03-04 108.00 renewed, 3/1 04-01 239.00 renewed', 'the oldest start first, not the oldest purchase');

-- never tried before, and late: told once, then lapsed
SELECT ccc.open_account(4, 'late', '2025-01-01 00:00+08');
SELECT ccc.top_up(4, 50);
SELECT ccc.buy(4, 'number_landline', number => '021-55556666', bought_at => '2025-01-01 00:00+08', auto_renew => true);
SELECT is((SELECT string_agg(outcome, ' ') FROM ccc.renew_due('2025-04-20 00:00+08') WHERE account_id = 4), 'unpaid', 'late and without money: the first period is unpaid');
SELECT ccc.top_up(4, 1000);
SELECT is((SELECT string_agg(outcome, ' ') FROM ccc.renew_due('2025-04-20 00:00+08') WHERE account_id = 4), NULL, 'and over, so that it has lapsed');

-- switched off and on
SELECT ccc.open_account(5, 'switch', '2025-01-01 00:00+08');
SELECT ccc.top_up(5, 1000);
SELECT ccc.buy(5, 'seat_standard', 2, bought_at => '2025-01-01 00:00+08', auto_renew => true);
SELECT ccc.set_auto_renew(5, 1, false);
SELECT is((SELECT count(*) FROM ccc.renew_due('2025-02-10 00:00+08') WHERE account_id = 5), 0::bigint, 'switched off it ends');
SELECT ccc.set_auto_renew(5, 1, true);
SELECT is((SELECT array_agg(amount::numeric) FROM ccc.renew_due('2025-02-10 00:00+08') WHERE account_id = 5), '{250.00}'::numeric[], 'on again it goes on, two seats');
SELECT ccc.set_auto_renew(5, 2, false);
SELECT is((SELECT count(*) FROM ccc.renew_due('2025-03-10 00:00+08') WHERE account_id = 5), 0::bigint, 'a renewal''s number switches the rental as well');

-- withdrawn, unpriced
SELECT ccc.set_auto_renew(5, 1, true);
UPDATE ccc.products SET withdrawn_at = '2025-03-02 00:00+08' WHERE code = 'seat_standard';
SELECT is((SELECT string_agg(outcome, ' ') FROM ccc.renew_due('2025-03-10 00:00+08') WHERE account_id = 5), 'withdrawn', 'withdrawn when the period begins');
UPDATE ccc.products SET withdrawn_at = '2025-03-02 00:00:01+08' WHERE code = 'seat_standard';
SELECT is((SELECT string_agg(outcome, ' ') FROM ccc.renew_due('2025-03-10 00:00+08') WHERE account_id = 5), 'renewed', 'withdrawn a second later it is still to be had');
INSERT INTO ccc.products (code, kind, edition, term) VALUES ('seat_new', 'seat', 'premium', '720 hours');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_new', '2025-01-01 00:00+08', '0:1');
SELECT ccc.buy(5, 'seat_new', bought_at => '2025-01-01 00:00+08', auto_renew => true);
UPDATE ccc.prices SET valid_from = '2025-02-01 00:00+08' WHERE product = 'seat_new';
SELECT is((SELECT string_agg(outcome, ' ') FROM ccc.renew_due('2025-03-10 00:00+08') WHERE account_id = 5), 'unpriced', 'no price when the period begins');
SELECT is((SELECT bool_and(unpaid_since IS NULL) FROM ccc.rentals WHERE account_id = 5), true, 'which is not for want of money');
SELECT is(ccc.wallet_balance(5), 1000 - 250 - 250 - 250 - 1.00, 'and takes none');

-- released, and refunded
SELECT ccc.open_account(6, 'gone', '2025-01-01 00:00+08');
SELECT ccc.top_up(6, 1000);
SELECT ccc.buy(6, 'number_landline', number => '0755-8602000' || n, bought_at => '2025-01-01 00:00+08', auto_renew => true) FROM generate_series(1, 4) AS n;
SELECT ccc.release_number(6, '0755-86020001', '2025-01-30 00:00+08');
SELECT ccc.release_number(6, '0755-86020002', '2025-01-31 00:00+08');
SELECT ccc.release_number(6, '0755-86020003', '2025-02-10 00:00+08');
SELECT ccc.refund(6, 4, '2025-01-15 00:00+08');
SELECT is((SELECT string_agg(purchase_no::text, ' ') FROM ccc.renew_due('2025-04-10 00:00+08') WHERE account_id = 6), '3', 'released by then is not due, nor refunded; released later is, once');
SELECT is((SELECT auto_renew FROM ccc.rentals WHERE (account_id, purchase_no) = (6, 4)), false, 'a refund ends it');

-- the rest
SELECT ccc.add_own_number(6, '0755-86030001', 'landline', '2025-01-01 00:00+08');
SELECT is((SELECT count(*) FROM ccc.renew_due('2025-04-10 00:00+08') WHERE account_id = 6), 0::bigint, 'own numbers are not rented');
SELECT throws_ok('SELECT ccc.renew_due(NULL)', NULL, NULL, 'as of no instant');
SELECT throws_ok($$SELECT ccc.renew_due('infinity')$$, NULL, NULL, 'as of the end of time');
SELECT lives_ok('SELECT ccc.renew_due()', 'as of now');
SELECT is((SELECT sum(w.amount::numeric) FROM ccc.wallet_entries AS w WHERE w.reason = 'renewal'), -(SELECT sum(p.amount::numeric) FROM ccc.purchases AS p WHERE p.renews IS NOT NULL),
          'each renewal is paid');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
