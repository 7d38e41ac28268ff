-- The stretch of an instant begins with the latest of the bounds and the start
-- of the month in a zone, whatever the session's. A package's row holds the
-- usage of its latest stretch, other usage is beside it.
BEGIN;
SELECT plan(32);

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

-- what was asked before makes no difference
SELECT is((SELECT string_agg(pg_temp.start(at, zone), ', ' ORDER BY n) FROM (VALUES
               (1, '2025-02-28 20:00Z'::timestamptz, 'Asia/Shanghai'), (2, '2025-02-28 20:00Z', 'America/Havana'), (3, '2025-02-28 20:00Z', 'Asia/Shanghai'),
               (4, '2025-02-28 20:00Z', 'UTC'), (5, '2025-01-31 12:00Z', 'UTC')) AS v (n, at, zone)),
          '2025-02-28 16:00, 2025-02-01 05:00, 2025-02-28 16:00, 2025-02-01 00:00, 2025-01-01 00:00', 'zones in turn');
SELECT throws_ok($$SELECT ccc.stretch('infinity', '{}', 'UTC')$$, '22008');
SELECT is(pg_temp.start('2025-01-31 12:00Z', 'UTC'), '2025-01-01 00:00', 'after an instant that is in no month');

-- no instant is in a stretch that begins after it
SELECT is_empty($$SELECT z.name, i.at FROM pg_timezone_names AS z, generate_series(timestamptz '2015-10-29 00:00Z', '2015-11-03 00:00Z', '30 minutes') AS i (at)
                  WHERE ccc.stretch(i.at, '{}', z.name) > i.at AND z.name !~ '^posix'$$, 'in whatever zone');
SET TimeZone = 'Asia/Shanghai';
SELECT ccc.open_account(a, 'account ' || a, '2025-01-01'), ccc.top_up(a, 2000) FROM generate_series(1, 2) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 12, number => '07558601338' || a, bought_at => '2025-01-01') FROM generate_series(1, 2) AS a;
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01');
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.say(call_id text, started_at timestamptz, account integer DEFAULT 1) RETURNS void LANGUAGE sql AS
    $$INSERT INTO calls VALUES ($1, '07558601338' || $3, 'x', $2, 60)$$;
CREATE FUNCTION pg_temp.held() RETURNS text LANGUAGE sql AS
    $$SELECT format('%s: %s of %s until %s', to_char(stretch, 'Mon'), stretch_used, used, to_char(last_start, 'DD')) FROM ccc.packages WHERE account_id = 1$$;
CREATE FUNCTION pg_temp.beside(account integer DEFAULT 1) RETURNS text LANGUAGE sql AS
    $$SELECT coalesce(string_agg(format('%s: %s until %s', to_char(stretch, 'Mon'), billed, to_char(last_start, 'DD')), '; ' ORDER BY stretch), 'nothing')
      FROM ccc.other_usage WHERE account_id = account$$;

SELECT pg_temp.say('march 1', '2025-03-05'), pg_temp.say('march 2', '2025-03-03');
SELECT is(pg_temp.held() || ', ' || pg_temp.beside(), 'Mar: 120 of 120 until 05, nothing', 'all of the first stretch is held');
SELECT pg_temp.say('april', '2025-04-02');
SELECT is(pg_temp.held() || ', ' || pg_temp.beside(), 'Apr: 60 of 180 until 02, Mar: 120 until 05', 'the next one takes its place');
SELECT is((SELECT last_other_stretch FROM ccc.accounts WHERE account_id = 1), '2025-03-01', 'the account knows of it');
SELECT pg_temp.say('late', '2025-03-07'), pg_temp.say('later', '2025-02-07');
SELECT is(pg_temp.held() || ', ' || pg_temp.beside(), 'Apr: 60 of 300 until 02, Feb: 60 until 07; Mar: 180 until 07', 'late calls are beside it');
DELETE FROM calls WHERE call_id = 'april';
SELECT is(pg_temp.held(), 'Apr: 0 of 240 until 02', 'taken back');
INSERT INTO calls SELECT 'may ' || n, '075586013381', 'x', '2025-05-01', 60 FROM generate_series(1, 2) AS n;
SELECT is(pg_temp.held() || ', ' || pg_temp.beside(), 'May: 120 of 360 until 01, Feb: 60 until 07; Mar: 180 until 07', 'of nothing nothing is kept');
INSERT INTO calls SELECT 'on ' || n, '075586013381', 'x', timestamptz '2025-05-20' + n * interval '10 days', 60 FROM generate_series(1, 3) AS n;
SELECT is(pg_temp.held() || ', ' || pg_temp.beside(), 'Jun: 120 of 540 until 19, Feb: 60 until 07; Mar: 180 until 07; May: 180 until 30', 'two stretches at once');
SELECT is(ccc.replay(1), 0::bigint, 'charged again');
SELECT is(pg_temp.held() || ', ' || pg_temp.beside(), 'Jun: 120 of 540 until 19, Feb: 60 until 07; Mar: 180 until 07; May: 180 until 30', 'each is where it was');

SELECT pg_temp.say('short', '2025-03-05', 2), pg_temp.say('short again', '2025-03-06', 2);
SELECT is(pg_temp.beside(2), 'Mar: 120 until 06', 'a shortfall is no package''s');
SELECT is((SELECT last_other_stretch FROM ccc.accounts WHERE account_id = 2), '2025-03-01', 'the account knows of it');

-- a package that holds an earlier stretch than other usage is of, charged again from one between
SELECT ccc.open_account(3, 'account 3', '2025-01-01'), ccc.top_up(3, 2000), ccc.buy(3, 'number_landline', periods => 12, number => '075586013383', bought_at => '2025-01-01');
SELECT ccc.buy(3, 'landline_custom', 1000, bought_at => '2025-02-01');
SELECT pg_temp.say('march', '2025-03-10', 3), pg_temp.say('not april', '2025-04-10', 3);
DELETE FROM calls WHERE call_id = 'not april';
SELECT ccc.buy(3, 'landline_custom', 1000, bought_at => '2025-04-05');
SELECT pg_temp.say('february', '2025-02-10', 3);
SELECT ccc.buy(3, 'landline_custom', 1000, bought_at => '2025-03-05');
SELECT results_eq('SELECT stretch, sum(billed) FROM ccc.usage WHERE account_id = 3 GROUP BY 1 ORDER BY 1',
                  $$VALUES (timestamptz '2025-02-01', 60::numeric), ('2025-03-05', 60)$$, 'nothing is lost');
SELECT ccc.buy(3, 'landline_custom', 1000, bought_at => '2025-01-15');
SELECT results_eq('SELECT package_no, used FROM ccc.packages WHERE account_id = 3 AND used > 0', 'VALUES (4, 120::bigint)', 'and an earlier package takes all');
SELECT is(ccc.replay(3), 0::bigint, 'as in order');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

-- usage that is lost is made anew, and bounds are not gathered for each call
\ir setup/growth.psql
INSERT INTO calls SELECT 'many' || n, '075586013381', 'x', '2025-03-06 00:00Z'::timestamptz + n * interval '1 minute', 60 FROM generate_series(1, 500) AS n;
UPDATE ccc.packages SET stretch = DEFAULT, stretch_used = DEFAULT, last_start = DEFAULT;
DELETE FROM ccc.other_usage;
SET track_functions = 'all';
SELECT cmp_ok(pg_temp.growth('SELECT coalesce(pg_stat_get_xact_function_calls(''ccc.stretch_bounds(bigint, text)''::regprocedure), 0)',
                             'SELECT ccc.replay(a.account_id) FROM ccc.accounts AS a'), '<', 100::bigint, 'their bounds are gathered a few times');
SELECT cmp_ok((SELECT count(*) FROM ccc.ledger WHERE call_id LIKE 'many%'), '>=', 500::bigint, 'for many calls');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'usage that was lost is there again');
SELECT * FROM finish();
ROLLBACK;
