-- Agents sign in and out; never more of an edition are online than its seats.
BEGIN;
SELECT plan(55);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.open_account(2, 'two', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'seat_premium', 2, bought_at => '2025-01-10 10:00+08');

CREATE FUNCTION pg_temp.seats(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s of %s', edition, online, in_force), ', ' ORDER BY edition) FROM ccc.seats(1, at) $$;
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint   text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s | %s | %s', sqlerrm, detail, hint);
END
$$;

-- a seat each
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a', 'premium', '2025-01-10 09:59:59.999999+08')$$, '23514', NULL, 'before the lot begins there is no seat');
SELECT is(ccc.sign_in(1, 'a', 'premium', '2025-01-10 10:00+08'), true, 'from its first instant on');
SELECT is(ccc.sign_in(1, 'a', 'premium', '2025-01-10 10:01+08'), false, 'the same agent again takes no second seat');
SELECT is(ccc.sign_in(1, 'a', 'premium', '2025-01-10 10:00+08'), false, 'nor at the same instant');
SELECT is(pg_temp.seats('2025-01-10 10:01+08'), 'premium: 1 of 2, standard: 0 of 10', 'one of two');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a', 'standard', '2025-01-10 10:01+08')$$, '55000', NULL, 'who is online on one edition is not on another');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'a', at => '2025-01-10 10:01+08')$$, '55000', NULL, 'standard is the default');
SELECT is(ccc.sign_in(1, 'b', 'premium', '2025-01-10 10:05+08'), true, 'the second');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'c', 'premium', '2025-01-10 10:06+08')$$, '23514', NULL, 'not the third');
SELECT matches(pg_temp.refusal($$SELECT ccc.sign_in(1, 'c', 'premium', '2025-01-10 10:06+08')$$),
               'premium.*account 1.*\|.*2.*2.*2025-02-09 10:00:00.*\| .+', 'the error says edition, account, in force, online, the next end, and what to do');
SELECT is(ccc.sign_in(1, 'c', 'standard', '2025-01-10 10:06+08'), true, 'an edition does not lend seats to another');
SELECT is(pg_temp.seats('2025-01-10 10:06+08'), 'premium: 2 of 2, standard: 1 of 10', 'each by itself');
SELECT is(ccc.sign_in(2, 'a', 'standard', '2025-01-10 10:06+08'), true, 'agents of one name in two accounts are two');
SELECT is(ccc.sign_in(1, 'A', 'standard', '2025-01-10 10:07+08'), true, 'and so are names in other letters');
SELECT is(ccc.sign_in(1, repeat('x', 255), 'standard', '2025-01-10 10:08+08'), true, 'a name of 255 bytes');

-- out
SELECT is(ccc.sign_out(1, 'b', '2025-01-10 12:00+08'), true, 'out');
SELECT is(ccc.sign_out(1, 'b', '2025-01-10 12:30+08'), false, 'who is out already');
SELECT is(ccc.sign_out(1, 'nobody', '2025-01-10 12:30+08'), false, 'who never was in');
SELECT is(ccc.sign_out(2, 'b', '2025-01-10 12:30+08'), false, 'or is another account''s');
SELECT is(pg_temp.seats('2025-01-10 11:59:59.999999+08'), 'premium: 2 of 2, standard: 3 of 10', 'until then the seat was taken');
SELECT is(pg_temp.seats('2025-01-10 12:00+08'), 'premium: 1 of 2, standard: 3 of 10', 'and from then on free');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'd', 'premium', '2025-01-10 11:59:59.999999+08')$$, '23514', NULL, 'a microsecond before it is not to be had');
SELECT is(ccc.sign_in(1, 'd', 'premium', '2025-01-10 12:00+08'), true, 'but at that instant');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'b', 'premium', '2025-01-10 12:30+08')$$, '23514', NULL, 'who left finds it taken');
SELECT is(ccc.sign_in(1, 'b', 'standard', '2025-01-10 12:30+08'), true, 'but may come on the other edition');

-- in the order of time
SELECT throws_ok($$SELECT ccc.sign_out(1, 'd', '2025-01-10 11:59:59.999999+08')$$, '22023', NULL, 'nobody signs out before the sign-in');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'd', 'premium', '2025-01-10 11:00+08')$$, '22023', NULL, 'who signed in later does not sign in earlier');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'b', 'standard', '2025-01-10 10:00+08')$$, '22023', NULL, 'nor who left again since');
SELECT is(ccc.sign_in(1, 'b', 'premium', '2025-01-10 11:00+08'), false, 'who was online then was online then');
SELECT is(ccc.sign_out(1, 'd', '2025-01-10 12:00+08'), true, 'out at the instant of coming');
SELECT is_empty($$SELECT * FROM ccc.agent_sessions WHERE agent = 'd'$$, 'leaves no trace');
SELECT is(ccc.sign_in(1, 'd', 'premium', '2025-01-10 12:00+08'), true, 'and the seat is free');

-- to the end of the lot
SELECT is(ccc.sign_out(1, 'd', '2025-01-11 00:00+08'), true, 'd leaves');
SELECT is(ccc.sign_in(1, 'e', 'premium', '2025-02-09 09:59:59.999999+08'), true, 'to its last microsecond');
SELECT is(ccc.sign_out(1, 'a', '2025-02-09 10:00+08') AND ccc.sign_out(1, 'e', '2025-02-09 10:00+08'), true, 'all leave at the end');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'f', 'premium', '2025-02-09 10:00+08')$$, '23514', NULL, 'and nobody comes after it');
SELECT doesnt_match(pg_temp.refusal($$SELECT ccc.sign_in(1, 'f', 'premium', '2025-02-09 10:00+08')$$), 'next', 'no further end is told where no lot is');

-- now
SELECT ccc.buy(1, 'seat_premium');
SELECT is(ccc.sign_in(1, 'g', 'premium'), true, 'now');
SELECT ok((SELECT signed_in_at BETWEEN now() AND clock_timestamp() FROM ccc.agent_sessions WHERE agent = 'g'), 'is the clock''s time');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'h', 'premium')$$, '23514', NULL, 'and the seat is taken');
SELECT is(ccc.sign_out(1, 'g'), true, 'out, now');
SELECT ok((SELECT signed_out_at BETWEEN signed_in_at AND clock_timestamp() FROM ccc.agent_sessions WHERE agent = 'g'), 'by the clock as well');
SELECT is(ccc.sign_in(1, 'h', 'premium'), true, 'free again');

-- refused
SELECT throws_ok($$SELECT ccc.sign_in(1, 'i', 'gold', '2025-01-10 13:00+08')$$, '22023', NULL, 'an unknown edition');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'i', NULL, '2025-01-10 13:00+08')$$, '22004', NULL, 'no edition');
SELECT throws_ok($$SELECT ccc.sign_in(1, '', 'premium', '2025-01-10 13:00+08')$$, '22023', NULL, 'an empty name');
SELECT throws_ok($$SELECT ccc.sign_in(1, NULL, 'premium', '2025-01-10 13:00+08')$$, '22004', NULL, 'no name');
SELECT throws_ok($$SELECT ccc.sign_in(1, repeat('x', 256), 'premium', '2025-01-10 13:00+08')$$, '22023', NULL, 'a name of 256 bytes');
SELECT throws_ok($$SELECT ccc.sign_in(1, repeat('座', 86), 'premium', '2025-01-10 13:00+08')$$, '22023', NULL, 'bytes, not characters');
SELECT throws_ok($$SELECT ccc.sign_in(99, 'i', 'premium', '2025-01-10 13:00+08')$$, '42704', NULL, 'no such account');
SELECT throws_ok($$SELECT ccc.sign_out(99, 'i', '2025-01-10 13:00+08')$$, '42704', NULL, 'out: no such account');
SELECT throws_ok($$SELECT ccc.sign_out(1, NULL, '2025-01-10 13:00+08')$$, '22004', NULL, 'out: no name');
SELECT is_empty('SELECT * FROM ccc.seats(99)', 'no account, no seats');
SELECT is((SELECT count(*) FROM ccc.seats(1, '2024-12-31')), 0::bigint, 'nor before it was opened');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
