-- Sign-ins that are told late; who was online when, and the most at once by day.
BEGIN;
SELECT plan(33);

SELECT ccc.open_account(1, 'Shanghai', '2024-01-01 00:00+08');
SELECT ccc.open_account(2, 'New York', '2025-03-01 00:00-05', 'America/New_York');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'seat_premium', 2, bought_at => '2025-02-01 00:00+08');

CREATE FUNCTION pg_temp.online(at timestamp) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(agent, ' ') FROM ccc.agents_online(1, at AT TIME ZONE 'Asia/Shanghai') $$;
CREATE FUNCTION pg_temp.peaks(account bigint, since timestamptz, until timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s', to_char(day, 'MM-DD'), edition, peak), ', ') FROM ccc.seat_peaks(account, since, until) $$;

-- told in another order than it was
SELECT is(ccc.sign_in(1, 'x', 'premium', '2025-02-03 10:00+08'), true, 'x came on the 3rd');
SELECT is(ccc.sign_in(1, 'y', 'premium', '2025-02-02 10:00+08'), true, 'y the day before, which is told later');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'z', 'premium', '2025-02-01 10:00+08')$$, '23514', NULL, 'z did not come before: x had no seat then');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'z', 'premium', '2025-02-03 09:59:59+08')$$, '23514', NULL, 'nor just before x');
SELECT is(ccc.sign_out(1, 'y', '2025-02-02 12:00+08'), true, 'y left on the 2nd');
SELECT is(ccc.sign_in(1, 'z', 'premium', '2025-02-01 10:00+08'), true, 'then z may have come before');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'w', 'premium', '2025-02-02 11:00+08')$$, '23514', NULL, 'w not while y and z were there');
SELECT throws_ok($$SELECT ccc.sign_in(1, 'w', 'premium', '2025-02-02 12:00+08')$$, '23514', NULL, 'nor when y left: x''s seat would be missing');

SELECT is(pg_temp.online('2025-02-01 09:59:59'), NULL, 'nobody yet');
SELECT is(pg_temp.online('2025-02-01 10:00'), 'z', 'z from the instant of coming on');
SELECT is(pg_temp.online('2025-02-02 11:00'), 'z y', 'first comers first');
SELECT is(pg_temp.online('2025-02-02 12:00'), 'z', 'y no longer at the instant of leaving');
SELECT is(pg_temp.online('2025-02-03 10:00'), 'z x', 'then x');
SELECT results_eq($$SELECT edition, signed_in_at FROM ccc.agents_online(1, '2025-02-02 11:00+08')$$,
                  $$VALUES ('premium', '2025-02-01 10:00+08'::timestamptz), ('premium', '2025-02-02 10:00+08')$$, 'on which seat, and since when');

-- peaks
SELECT is(pg_temp.peaks(1, '2025-02-01 00:00+08', '2025-02-05 00:00+08'),
          '02-01 premium 1, 02-02 premium 2, 02-03 premium 2, 02-04 premium 2', 'who stays overnight counts for the next day');
SELECT is(pg_temp.peaks(1, '2025-02-02 12:30+08', '2025-02-03 09:00+08'), '02-02 premium 1, 02-03 premium 1', 'of a part of two days');
SELECT is(pg_temp.peaks(1, '2025-02-02 11:00+08', '2025-02-02 11:30+08'), '02-02 premium 2', 'who came before the span and left after it counts');
SELECT is(pg_temp.peaks(1, '2025-02-02 12:00+08', '2025-02-02 13:00+08'), '02-02 premium 1', 'not who left at its beginning');
SELECT is(pg_temp.peaks(1, '2025-01-01 00:00+08', '2025-02-01 10:00+08'), NULL, 'nor who came at its end');
SELECT is(pg_temp.peaks(1, '2025-02-03 00:00+08', '2025-02-03 00:00+08'), NULL, 'a span of no length has no peak');
SELECT ccc.sign_out(1, 'x', '2025-02-04 00:00+08');
SELECT ccc.sign_out(1, 'z', '2025-02-04 00:00+08');
SELECT is(pg_temp.peaks(1, '2025-02-03 00:00+08', '2025-02-06 00:00+08'), '02-03 premium 2', 'who leaves at midnight does not count for the day that it opens');
SELECT ccc.sign_in(1, 'u', 'premium', '2025-02-04 00:00+08');
SELECT ccc.sign_in(1, 'v', 'premium', '2025-02-05 10:00+08');
SELECT ccc.sign_out(1, 'u', '2025-02-05 12:00+08');
SELECT ccc.sign_in(1, 't', 'premium', '2025-02-05 12:00+08');
SELECT is(pg_temp.peaks(1, '2025-02-04 00:00+08', '2025-02-06 00:00+08'), '02-04 premium 1, 02-05 premium 2', 'a seat that passes on at an instant is one seat');
SELECT ccc.buy(1, 'seat_standard', 1, bought_at => '2025-02-05 00:00+08');
SELECT ccc.sign_in(1, 's', 'standard', '2025-02-05 11:00+08');
SELECT is(pg_temp.peaks(1, '2025-02-05 00:00+08', '2025-02-06 00:00+08'), '02-05 premium 2, 02-05 standard 1', 'editions are counted apart');

-- days are the account's; on 9 March 2025 New York's clock skips an hour
SELECT ccc.sign_in(2, 'a', at => '2025-03-08 23:30-05');
SELECT ccc.sign_in(2, 'b', at => '2025-03-09 23:30-04');
SELECT ccc.sign_out(2, 'a', '2025-03-09 00:30-05');
SELECT ccc.sign_out(2, 'b', '2025-03-10 00:00-04');
SELECT is(pg_temp.peaks(2, '2025-03-08 00:00-05', '2025-03-11 00:00-04'), '03-08 standard 1, 03-09 standard 1', 'by the calendar of the account''s zone');
SET TimeZone = 'Asia/Tokyo';
SELECT is(pg_temp.peaks(2, '2025-03-08 00:00-05', '2025-03-11 00:00-04'), '03-08 standard 1, 03-09 standard 1', 'whatever the session''s');
SELECT throws_ok(format('SELECT * FROM ccc.seat_peaks(1, %L, %L)', since, until), '22008', NULL, format('peaks from %s to %s', since, until))
FROM (VALUES ('-infinity', '2025-02-06'), ('2025-02-06', 'infinity'), ('infinity', 'infinity')) AS v (since, until);
SELECT throws_ok($$SELECT * FROM ccc.seat_peaks(1, '-infinity', 'infinity')$$, '22008', 'peaks from "-infinity" to "infinity" are out of range', 'a span without an end');
SELECT is(pg_temp.peaks(99, '2025-03-08 00:00-05', '2025-03-11 00:00-04'), NULL, 'no account, no peaks');

-- the naive way: at every instant at which anybody came, how many were there
SELECT is_empty($$SELECT p.* FROM ccc.seat_peaks(1, '2025-02-01 00:00+08', '2025-02-06 00:00+08') AS p
                  EXCEPT
                  SELECT d.day::date, e.edition, max((SELECT count(*) FROM ccc.agents_online(1, i.at) AS o WHERE o.edition = e.edition))
                  FROM generate_series(timestamp '2025-02-01', '2025-02-05', '1 day') AS d (day), unnest('{standard,premium}'::text[]) AS e (edition),
                       LATERAL generate_series(d.day, d.day + interval '23:59', '1 minute') AS m (at),
                       LATERAL (SELECT m.at AT TIME ZONE 'Asia/Shanghai') AS i (at)
                  GROUP BY 1, 2$$, 'minute by minute it is the same');
SELECT is((SELECT count(*) FROM ccc.seat_peaks(1, '2025-02-01 00:00+08', '2025-02-06 00:00+08')), 6::bigint, 'of six days and editions');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
