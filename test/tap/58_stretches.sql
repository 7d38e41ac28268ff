-- The stretch of an instant begins with the latest of the bounds and the start
-- of the month in a zone, whatever the session's.
BEGIN;
SELECT plan(11);

CREATE FUNCTION pg_temp.start(at timestamptz, zone text, bounds timestamptz[] DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT to_char(timezone('UTC', ccc.stretch(at, bounds, zone)), 'YYYY-MM-DD HH24:MI') $$;

SET TimeZone = 'Asia/Tokyo';
SELECT is(pg_temp.start('2025-02-28 15:59:59.999999Z', 'Asia/Shanghai'), '2025-01-31 16:00', 'the last of February in Shanghai');
SELECT is(pg_temp.start('2025-02-28 16:00Z', 'Asia/Shanghai'), '2025-02-28 16:00', 'the first of March');
SELECT is(pg_temp.start('2025-02-10 00:00Z', 'Asia/Shanghai', '{2025-02-10 00:00Z,2025-02-05 00:00Z,2025-02-10 00:01Z}'), '2025-02-10 00:00', 'at a bound');
SELECT is(pg_temp.start('2025-02-09 23:59:59.999999Z', 'Asia/Shanghai', '{2025-02-10 00:00Z,2025-02-05 00:00Z}'), '2025-02-05 00:00', 'before it');
SELECT is(pg_temp.start('2025-02-04 00:00Z', 'Asia/Shanghai', '{2025-02-10 00:00Z,2025-01-05 00:00Z}'), '2025-01-31 16:00', 'no bound in the month');

-- in Havana on 1 November 2015 the clock went from one o'clock to midnight again
SELECT is(pg_temp.start('2015-11-01 03:59:59.999999Z', 'America/Havana'), '2015-10-01 04:00', 'before the first midnight it is October');
SELECT is(pg_temp.start('2015-11-01 04:00Z', 'America/Havana'), '2015-10-01 04:00', 'at the first midnight');
SELECT is(pg_temp.start('2015-11-01 04:59:59.999999Z', 'America/Havana'), '2015-10-01 04:00', 'between the two');
SELECT is(pg_temp.start('2015-11-01 05:00Z', 'America/Havana'), '2015-11-01 05:00', 'from the second one it is November');
SELECT is(pg_temp.start('2015-11-30 23:00Z', 'America/Havana'), '2015-11-01 05:00', 'to its end');

-- no instant is in a stretch that begins after it
SELECT is_empty($$SELECT z.name, i.at FROM pg_timezone_names AS z, generate_series(timestamptz '2015-10-29 00:00Z', '2015-11-03 00:00Z', '30 minutes') AS i (at)
                  WHERE ccc.stretch(i.at, '{}', z.name) > i.at AND z.name !~ '^posix'$$, 'in whatever zone');
SELECT * FROM finish();
ROLLBACK;
