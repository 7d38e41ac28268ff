-- When a lot of seats ends, nobody is thrown out; the excess is seen, nobody
-- else comes in, and the newest are signed out on request.
BEGIN;
SELECT plan(25);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');    -- ten to 31 January
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'seat_standard', 2, 2, bought_at => '2025-01-01 00:00+08');    -- two to 2 March
SELECT ccc.buy(1, 'seat_premium', 1, 1, bought_at => '2025-01-20 00:00+08');     -- one to 19 February

CREATE FUNCTION pg_temp.seats(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s of %s', edition, online, in_force), ', ' ORDER BY edition) FROM ccc.seats(1, at) $$;
CREATE FUNCTION pg_temp.excess(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(agent, ' ' ORDER BY agent) FROM ccc.sign_out_excess(1, at) AS agent $$;

-- a01 to a12, the last three at one instant
SELECT ccc.sign_in(1, 'a' || to_char(n, 'FM00'), at => '2025-01-21 09:00+08'::timestamptz + least(n, 10) * interval '1 minute')
FROM generate_series(1, 12) AS n;
SELECT ccc.sign_in(1, 'p', 'premium', '2025-01-21 08:00+08');
SELECT is(pg_temp.seats('2025-01-30 23:59:59.999999+08'), 'premium: 1 of 1, standard: 12 of 12', 'all seats are taken');
SELECT is((SELECT array_agg(next_end ORDER BY edition) FROM ccc.seats(1, '2025-01-30')), '{2025-02-19 00:00+08,2025-01-31 00:00+08}'::timestamptz[], 'the next ends');
SELECT is(pg_temp.excess('2025-01-30 23:59:59.999999+08'), NULL, 'nobody is too many');
SELECT is(pg_temp.seats('2025-01-31 00:00+08'), 'premium: 1 of 1, standard: 12 of 2', 'ten seats end: ten too many');
SELECT is((SELECT next_end FROM ccc.seats(1, '2025-01-31 00:00+08') WHERE edition = 'standard'), '2025-03-02 00:00+08'::timestamptz, 'and the next end is the other lot''s');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'new', at => '2025-01-31 00:00+08')$$, '23514', NULL, 'nobody else comes in');
SELECT is(ccc.sign_in(1, 'a12', at => '2025-01-31 00:00+08'), false, 'who is online stays so');
SELECT is(ccc.sign_out(1, 'a05', '2025-01-31 08:00+08'), true, 'one leaves');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a05', at => '2025-01-31 08:00+08')$$, '23514', NULL, 'and does not come back: there are still too many');

-- a lot that comes in time
SAVEPOINT heal;
SELECT ccc.buy(1, 'seat_standard', 8, bought_at => '2025-01-31 09:00+08');
SELECT is(pg_temp.seats('2025-01-31 09:00+08'), 'premium: 1 of 1, standard: 11 of 10', 'eight more seats: one too many');
SELECT is(pg_temp.excess('2025-01-31 09:00+08'), 'a12', 'who came last, of one instant who was recorded last');
ROLLBACK TO heal;

-- the newest go
SELECT is(pg_temp.excess('2025-01-31 09:00+08'), 'a03 a04 a06 a07 a08 a09 a10 a11 a12', 'nine are signed out, the newest');
SELECT is(pg_temp.excess('2025-01-31 09:00+08'), NULL, 'once');
SELECT is(pg_temp.seats('2025-01-31 09:00+08'), 'premium: 1 of 1, standard: 2 of 2', 'as many as seats are left');
SELECT is(pg_temp.seats('2025-01-31 08:59:59.999999+08'), 'premium: 1 of 1, standard: 11 of 2', 'from that instant on');
SELECT is((SELECT string_agg(agent, ' ') FROM ccc.agents_online(1, '2025-01-31 09:00+08')), 'p a01 a02', 'first comers stay');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a12', at => '2025-01-31 10:00+08')$$, '23514', NULL, 'the seats are taken');
SELECT is(ccc.sign_out(1, 'a12', '2025-01-31 10:00+08'), false, 'who was signed out is out');

-- another edition's end
SELECT is(pg_temp.excess('2025-02-19 00:00+08'), 'p', 'each edition by itself');
SELECT is(pg_temp.seats('2025-02-19 00:00+08'), 'premium: 0 of 0, standard: 2 of 2', 'an edition without seats is still told');

-- the end of the last lot
SELECT is(pg_temp.excess('2025-03-02 00:00+08'), 'a01 a02', 'no seat, no agent');
SELECT is(pg_temp.seats('2025-03-02 00:00+08'), 'premium: 0 of 0, standard: 0 of 0', 'nobody is left');
SELECT throws_ok('SELECT ccc.sign_out_excess(99)', '42704', NULL, 'no such account');
SELECT is(pg_temp.excess(NULL), NULL, 'now, nobody');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
