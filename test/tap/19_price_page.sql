-- The tariff's price page, sentence by sentence, as docs/price-page.md reads it.
-- Totals of packages are in 10_prices; here is what else the page says.
BEGIN;
SELECT plan(81);

CREATE FUNCTION pg_temp.seats(at timestamptz, of bigint DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s', edition, in_force), ', ' ORDER BY edition), 'none') FROM ccc.seats(of, at) $$;

-- trial: 10 standard seats for 30 days from the instant of opening, ended by themselves
SELECT ccc.open_account(1, 'first', '2025-03-10 09:15:30+08');
SELECT is(pg_temp.seats('2025-03-10 09:15:30+08'), 'standard 10', 'the opening gives ten standard seats');
SELECT is(pg_temp.seats('2025-04-09 09:15:29.999999+08'), 'standard 10', 'for thirty days');
SELECT is(pg_temp.seats('2025-04-09 09:15:30+08'), 'standard 0', 'and they end by themselves');
SELECT is((SELECT next_end FROM ccc.seats(1, '2025-03-10 09:15:30+08')), '2025-04-09 09:15:30+08'::timestamptz, 'seats() says when');
SELECT is(ccc.wallet_balance(1), 0::numeric, 'they cost nothing');
SELECT is_empty('SELECT * FROM ccc.purchases', 'and are no purchase');

-- more than ten at the opening are bought: of 15 needed, 5
SELECT ccc.open_account(2, 'needs fifteen', '2025-03-10 09:15:30+08');
SELECT ccc.top_up(2, 625);
SELECT is((ccc.buy(2, 'seat_standard', 5, bought_at => '2025-03-10 09:15:30+08')).amount::numeric, 625::numeric, 'five seats cost 5 x 125');
SELECT is(pg_temp.seats('2025-03-10 09:15:30+08', 2), 'standard 15', 'and make fifteen');
SELECT is(ccc.wallet_balance(2), 0::numeric, 'no more is paid');

-- prepaid: nothing is delivered before it is paid
SELECT throws_ok(format('SELECT ccc.buy(1, %L, %s, number => %L)', p.code, p.minimum, CASE p.kind WHEN 'number' THEN '0755-86013388' END),
                 '23514', NULL, 'prepaid: no ' || p.code || ' without money')
FROM ccc.products AS p ORDER BY p.code;

-- seats: 125 and 239 yuan each for 30 days, from the purchase on
SELECT ccc.top_up(1, 1000000);
SELECT results_eq($$SELECT q.unit_price, q.amount FROM (VALUES (1, 'seat_standard', 1), (2, 'seat_standard', 10), (3, 'seat_premium', 1), (4, 'seat_premium', 10)) AS v (n, p, c),
                    LATERAL ccc.quote(v.p, v.c) AS q ORDER BY v.n$$,
                  'VALUES (125.0, 125.0), (125, 1250), (239, 239), (239, 2390)', 'seats at 125 and 239 each, whatever the quantity');
SELECT results_eq($$SELECT amount::numeric, valid_from, valid_until FROM ccc.buy(1, 'seat_premium', 3, 2, bought_at => '2025-05-01 12:00+08')$$,
                  $$VALUES (1434::numeric, '2025-05-01 12:00+08'::timestamptz, '2025-06-30 12:00+08'::timestamptz)$$,
                  'three premium seats for two months of thirty days');
SELECT is(pg_temp.seats('2025-06-30 11:59:59+08'), 'premium 3, standard 0', 'in force to the end');
SELECT is(pg_temp.seats('2025-06-30 12:00+08'), 'premium 0, standard 0', 'and not after');

-- ten seats, twenty agents: at most ten online at once
SELECT ok(ccc.sign_in(1, 'agent ' || n, 'standard', '2025-03-11 09:00+08'), format('agent %s of twenty comes online', n))
FROM generate_series(1, 10) AS n;
SELECT throws_ok(format('SELECT ccc.sign_in(1, %L, %L, %L)', 'agent ' || n, 'standard', '2025-03-11 09:00+08'), '23514', NULL,
                 format('agent %s does not: ten are', n))
FROM generate_series(11, 20) AS n;
SELECT ok(bool_and(ccc.sign_out(1, 'agent ' || n, '2025-03-11 13:00+08')), 'the ten leave') FROM generate_series(1, 10) AS n;
SELECT ok(bool_and(ccc.sign_in(1, 'agent ' || n, 'standard', '2025-03-11 13:00+08')), 'and the other ten come, on the same seats')
FROM generate_series(11, 20) AS n;
SELECT results_eq($$SELECT in_force, online FROM ccc.seats(1, '2025-03-11 13:00+08')$$, 'VALUES (10::bigint, 10::bigint)', 'ten online on ten seats');

-- numbers: 50 and 108 yuan each for 30 days from delivery and payment on
SELECT results_eq($$SELECT amount::numeric, valid_from, valid_until FROM ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-05-01 12:00+08')$$,
                  $$VALUES (50::numeric, '2025-05-01 12:00+08'::timestamptz, '2025-05-31 12:00+08'::timestamptz)$$, 'a landline number');
SELECT results_eq($$SELECT amount::numeric, valid_from, valid_until FROM ccc.buy(1, 'number_400', number => '400-812-3456', bought_at => '2025-05-01 12:00+08')$$,
                  $$VALUES (108::numeric, '2025-05-01 12:00+08'::timestamptz, '2025-05-31 12:00+08'::timestamptz)$$, 'a 400-number');

-- packages: the fixed ones' price for a minute is the page's, and the total their product
SELECT results_eq($$SELECT code, p.minutes, trim_scale(q.amount / p.minutes), q.amount FROM ccc.products AS p, LATERAL ccc.quote(p.code) AS q
                    WHERE p.kind = 'package' AND p.minutes > 1 ORDER BY p.pool DESC, p.minutes$$,
                  $$VALUES ('landline_10000', 10000::bigint, 0.145, 1450.0), ('landline_30000', 30000, 0.142, 4260), ('landline_50000', 50000, 0.138, 6900),
                           ('400_10000', 10000, 0.148, 1480), ('400_30000', 30000, 0.145, 4350), ('400_50000', 50000, 0.14, 7000)$$,
                  'fixed packages: minutes, price of one, price of all');

-- custom packages: the lower bound belongs to the band, the upper one to the next
SELECT is(ccc.unit_price(p.tiers, v.minutes), v.unit_price, format('%s: %s minutes at %s each', v.product, v.minutes, v.unit_price))
FROM (VALUES ('landline_custom', 0, 0.15), ('landline_custom', 9999, 0.15), ('landline_custom', 10000, 0.145), ('landline_custom', 10001, 0.145),
             ('landline_custom', 29999, 0.145), ('landline_custom', 30000, 0.142), ('landline_custom', 30001, 0.142),
             ('landline_custom', 49999, 0.142), ('landline_custom', 50000, 0.138), ('landline_custom', 50001, 0.138),
             ('landline_custom', 10000000, 0.138),
             ('400_custom', 0, 0.15), ('400_custom', 9999, 0.15), ('400_custom', 10000, 0.148), ('400_custom', 10001, 0.148),
             ('400_custom', 29999, 0.148), ('400_custom', 30000, 0.145), ('400_custom', 30001, 0.145),
             ('400_custom', 49999, 0.145), ('400_custom', 50000, 0.14), ('400_custom', 50001, 0.14), ('400_custom', 10000000, 0.14))
     AS v (product, minutes, unit_price) JOIN ccc.prices AS p ON p.product = v.product;
SELECT results_eq($$SELECT code, minimum, maximum, step FROM ccc.products WHERE code LIKE '%custom' ORDER BY 1$$,
                  $$VALUES ('400_custom', 1000, NULL::integer, 1000), ('landline_custom', 1000, NULL, 1000)$$, 'from a thousand minutes on, in thousands');

-- six months from the purchase on; what is left then is void
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-05-01 12:00+08');
SELECT ccc.buy(1, '400_custom', 1000, bought_at => '2025-05-01 12:00+08');
SELECT is((SELECT array_agg(DISTINCT valid_until) FROM ccc.packages), '{2025-11-01 12:00+08}'::timestamptz[], 'packages of either pool end after six months');

-- calls: landline in and out, 400 in; inbound landline free, own numbers free, by the started minute
SELECT ccc.add_own_number(1, '021-55556666', 'landline', '2025-05-01 12:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES
    ('landline out', '075586013388', '13800138000', '2025-05-02 10:00+08', 1),  ('landline out 61', '075586013388', '13800138000', '2025-05-02 10:00+08', 61),
    ('landline in', '13800138000', '075586013388', '2025-05-02 10:00+08', 61),  ('400 in', '13800138000', '4008123456', '2025-05-02 10:00+08', 1),
    ('400 out', '4008123456', '13800138000', '2025-05-02 10:00+08', 61),        ('own out', '02155556666', '13800138000', '2025-05-02 10:00+08', 61),
    ('own in', '13800138000', '02155556666', '2025-05-02 10:00+08', 61);
SELECT results_eq('SELECT call_id COLLATE "default", outcome, covered_minutes FROM ccc.call_charges ORDER BY call_id',
                  $$VALUES ('400 in', 'charged', 1::numeric), ('landline in', 'free', 0), ('landline out', 'charged', 1), ('landline out 61', 'charged', 2),
                           ('own in', 'free', 0), ('own out', 'free', 0)$$, 'who pays, and by the started minute');
SELECT results_eq('SELECT call_id COLLATE "default", reason FROM ccc.exceptions', $$VALUES ('400 out', 'call_refused')$$, 'a 400-number is for calls in only');
SELECT is((SELECT string_agg(format('%s: %s of %s', pool, remaining_minutes, granted_minutes), ', ' ORDER BY pool) FROM ccc.balances('2025-11-01 11:59:59+08')),
          '400_inbound: 999 of 1000, landline_outbound: 997 of 1000', 'packages pay directly');
SELECT is((SELECT string_agg(format('%s: %s and %s void', pool, remaining_minutes, expired_minutes), ', ' ORDER BY pool) FROM ccc.balances('2025-11-01 12:00+08')),
          '400_inbound: 0 and 999 void, landline_outbound: 0 and 997 void', 'and what is left at the end is void');
SELECT is(ccc.wallet_balance(1), 1000000 - 1434 - 50 - 108 - 150 - 150.00, 'calls and own numbers take nothing from the wallet');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
