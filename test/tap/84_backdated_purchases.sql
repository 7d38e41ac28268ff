-- A purchase that becomes valid at or before calls that are charged already
-- covers them as if it had been there; the wallet pays now.
BEGIN;
SELECT plan(34);

\ir setup/tiny_packages.psql
SELECT ccc.create_calls_table();

\ir setup/told.psql
CREATE FUNCTION pg_temp.buy(product text, minutes integer, at timestamp) RETURNS text LANGUAGE sql AS $$
    SELECT ccc.buy(1, product, minutes, bought_at => at AT TIME ZONE 'Asia/Shanghai');
    SELECT pg_temp.used(1) $$;
CREATE FUNCTION pg_temp.call(id text, at timestamp, minutes integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO calls VALUES (id, '075586010001', 'x', at AT TIME ZONE 'Asia/Shanghai', minutes * 60) $$;

-- a shortfall settled
SELECT pg_temp.call('a', '2025-03-05 10:00', 3);
SELECT pg_temp.call('b', '2025-03-06 10:00', 4);
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 7::numeric, 'without packages all is short');
SELECT is(pg_temp.buy('tiny', 5, '2025-03-06 10:00:00.000001'), '1:0 short 7', 'bought a microsecond after the last call it covers none');
SELECT is(pg_temp.buy('tiny', 3, '2025-03-06 10:00'), '1:0 2:3 short 4', 'at the start of the last call it covers that one, as far as it goes');
SELECT is(pg_temp.told('b'), '1 short 4', 'which is short of the rest');
SELECT is(pg_temp.buy('tiny', 2, '2025-03-05 10:00'), '1:0 2:3 3:2 short 2', 'one that both may use is used in call order');
SELECT is(pg_temp.buy('tiny', 9, '2025-02-06 10:00'), '1:0 2:2 3:2 4:3', 'one that ended at the start of the last call covers the first only');
SELECT is(pg_temp.buy('tiny', 1, '2025-02-05 10:00'), '1:0 2:2 3:2 4:3 5:0', 'one that ended at the start of the first covers neither');
SELECT is((SELECT min(valid_until) FROM ccc.packages), '2025-03-05 10:00+08'::timestamptz, 'it ended then');
SELECT is((SELECT balance FROM ccc.accounts), (SELECT 10000 - 600 - 5 - 3 - 2 - 9 - 1)::ccc.yuan, 'each was paid');
SELECT is(pg_temp.amiss(), '0 moved', 'shortfalls: all is well');
DELETE FROM calls;
SELECT is(pg_temp.used(1), '1:0 2:0 3:0 4:0 5:0', 'the calls gone, all is given back');
SELECT is(pg_temp.amiss(), '0 moved', 'without calls all is well');

-- a package that ends earlier goes first: what later ones covered moves to it
SELECT pg_temp.call('c', '2025-06-15', 8);
SELECT is(pg_temp.buy('tiny_2', 10, '2025-06-10'), '1:0 2:0 3:0 4:0 5:0 6:8', 'covered by one that ends in August');
SELECT is(pg_temp.buy('tiny', 5, '2025-06-01'), '1:0 2:0 3:0 4:0 5:0 6:3 7:5', 'then by one that ends in July as far as it goes');
SELECT is(pg_temp.buy('tiny_2', 5, '2025-05-20'), '1:0 2:0 3:0 4:0 5:0 6:0 7:5 8:3', 'one in between gets the rest');
SELECT is(pg_temp.buy('tiny', 5, '2025-06-12'), '1:0 2:0 3:0 4:0 5:0 6:0 7:5 8:0 9:3', 'and one that ends before that');
SELECT is(pg_temp.buy('tiny', 5, '2025-06-12'), '1:0 2:0 3:0 4:0 5:0 6:0 7:5 8:0 9:3 10:0', 'its like comes after it by number');
SELECT is(pg_temp.buy('tiny_2', 5, '2025-06-15 00:00:01'), '1:0 2:0 3:0 4:0 5:0 6:0 7:5 8:0 9:3 10:0 11:0', 'one bought after the call changes nothing');
SELECT is(pg_temp.amiss(), '0 moved', 'in order of their ends: all is well');

-- its start divides a stretch: only calls from it on may use it
SELECT pg_temp.call('d' || n, '2025-09-01'::timestamp + n * interval '1 day', 1) FROM generate_series(1, 20) AS n;
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 20::numeric, 'twenty calls of a month');
SELECT ccc.buy(1, 'tiny', 4, bought_at => '2025-09-11 00:00+08');
SELECT is((SELECT string_agg(call_id, ' ' ORDER BY started_at) FROM ccc.call_charges WHERE outcome = 'charged' AND started_at < '2025-09-11 00:00+08' AND call_id LIKE 'd%'),
          NULL, 'no call before it');
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 16::numeric, 'four of those from it on');
SELECT ccc.buy(1, 'tiny', 4, bought_at => '2025-08-06 00:00+08');
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 12::numeric, 'one whose end divides it covers what is before');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE outcome = 'charged' AND started_at >= '2025-09-01' AND started_at < '2025-09-06 00:00+08'), 4::bigint,
          'that is four calls there');
SELECT pg_temp.call('e', '2025-09-05 12:00', 1);
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 13::numeric, 'a late call finds it used up');
UPDATE calls SET started_at = started_at + interval '10 days' WHERE call_id = 'd1';
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 13::numeric, 'one corrected out of it leaves its time to another');
SELECT is(pg_temp.amiss(), '0 moved', 'divided stretches: all is well');

-- like bought first
CREATE TEMP TABLE first AS SELECT package_no, used FROM ccc.packages;
CREATE TEMP TABLE rows AS SELECT * FROM calls;
DELETE FROM calls;
INSERT INTO calls SELECT * FROM rows ORDER BY started_at, call_id;
SELECT results_eq('SELECT package_no, used FROM ccc.packages ORDER BY 1', 'SELECT * FROM first ORDER BY 1', 'the same calls after the purchases');
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 13::numeric, 'fall as short');

-- by several at once, and one that cannot be paid
SELECT ccc.buy(1, 'tiny_2', n, bought_at => '2025-08-20 00:00+08') FROM generate_series(1, 4) AS n;
SELECT is((SELECT sum(used) FROM ccc.packages WHERE valid_from = '2025-08-20 00:00+08') / 60, 10::numeric, 'four at once are used up');
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 3::numeric, 'and little is short');
SELECT throws_ok($$SELECT ccc.buy(1, 'tiny_2', 100000, bought_at => '2025-08-20 00:00+08')$$, '23514', NULL, 'too much for the wallet');
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 3::numeric, 'covers nothing');
SELECT is(pg_temp.amiss(), '0 moved', 'at the end all is well');
SELECT * FROM finish();
ROLLBACK;
