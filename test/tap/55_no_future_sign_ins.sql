-- Agents come and go now or did before, never in the future: what is told of
-- tomorrow would keep seats, or an agent, for good.
BEGIN;
SELECT plan(26);

SELECT ccc.open_account(1, 'one', now() - interval '3 days');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'seat_premium', 1, bought_at => now() - interval '2 days');

CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s', sqlstate, hint);
END
$$;

-- in
SELECT matches(pg_temp.refusal($$SELECT ccc.sign_in(1, 'a', 'standard', clock_timestamp() + interval '1 minute')$$), '^22023 .+', 'nobody comes in a minute, and what to do is told');
SELECT matches(pg_temp.refusal($$SELECT ccc.sign_in(1, 'a', 'standard', '2999-01-01 00:00+08')$$), '^22023 .+', 'nor in the year 2999');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a', 'standard', 'infinity')$$, '22008', NULL, 'nor at the end of time');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a', 'standard', '-infinity')$$, '22008', NULL, 'nor at its beginning');
SELECT is_empty('SELECT * FROM ccc.agent_sessions', 'which leaves no trace');
SELECT is(ccc.sign_in(1, 'a', 'standard', clock_timestamp()), true, 'the clock''s time is not the future');

-- out
SELECT matches(pg_temp.refusal($$SELECT ccc.sign_out(1, 'a', clock_timestamp() + interval '1 minute')$$), '^22023 .+', 'nobody leaves in a minute');
SELECT matches(pg_temp.refusal($$SELECT ccc.sign_out(1, 'nobody', '2999-01-01 00:00+08')$$), '^22023 .+', 'whoever it is');
SELECT throws_ok($$SELECT ccc.sign_out(1, 'a', 'infinity')$$, '22008', NULL, 'nor at the end of time');
SELECT throws_ok($$SELECT ccc.sign_out(1, 'a', '-infinity')$$, '22008', NULL, 'nor at its beginning');
SELECT results_eq('SELECT signed_out_at FROM ccc.agent_sessions', $$VALUES ('infinity'::timestamptz)$$, 'the agent is online still');
SELECT is(ccc.sign_out(1, 'a', clock_timestamp()), true, 'and leaves by the clock''s time');

-- an excess that is still to come
SELECT is(ccc.sign_in(1, 'b', 'premium', now() - interval '1 day'), true, 'the seat is free');
SELECT matches(pg_temp.refusal($$SELECT ccc.sign_out_excess(1, now() + interval '60 days')$$), '^22023 .+', 'nobody is taken offline for an end that is to come');
SELECT throws_ok($$SELECT ccc.sign_out_excess(1, 'infinity')$$, '22008', NULL, 'nor for the end of time');
SELECT is((SELECT online FROM ccc.seats(1) WHERE edition = 'premium'), 1::bigint, 'who is online stays so');

-- a session that is recorded to end later, ends when it is told to
UPDATE ccc.agent_sessions SET signed_out_at = now() + interval '10 days' WHERE agent = 'b';
SELECT is(ccc.sign_out(1, 'b'), true, 'a session with an end to come is ended now');
SELECT is((SELECT count(*) FROM ccc.agents_online(1, clock_timestamp())), 0::bigint, 'and the agent is out');
SELECT is(ccc.sign_in(1, 'c', 'premium'), true, 'so that the seat is free');
SELECT is(ccc.sign_out(1, 'b', now() - interval '12 hours'), true, 'a sign-out told late ends the session earlier');
SELECT results_eq($$SELECT signed_out_at FROM ccc.agent_sessions WHERE agent = 'b'$$, $$VALUES (now() - interval '12 hours')$$, 'at that instant');
SELECT is(ccc.sign_out(1, 'b', now() - interval '6 hours'), false, 'one after it ends nothing');
SELECT throws_ok($$SELECT ccc.sign_out(1, 'b', now() - interval '2 days')$$, '22023', NULL, 'nobody leaves before coming');

-- peaks are of what was
SELECT ccc.open_account(2, 'two', now() - interval '2 days', 'UTC');
SELECT ccc.sign_in(2, 'a', at => now() - interval '1 day');
SELECT results_eq($$SELECT * FROM ccc.seat_peaks(2, now() - interval '1 day', now() + interval '10 days')$$,
                  $$SELECT * FROM ccc.seat_peaks(2, now() - interval '1 day', now())$$, 'no days are told that are to come');
SELECT is_empty($$SELECT * FROM ccc.seat_peaks(2, now() + interval '1 day', now() + interval '10 days')$$, 'though the agent is online');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
