-- No result depends on the session: TimeZone, DateStyle and the like.
BEGIN;
SELECT plan(9);

CREATE TABLE local (id text, a text, b text, at text, s real, gap interval);
SELECT ccc.attach('local', 'id', 'at', 's', 'a', 'b', time_zone => 'Asia/Shanghai');

-- the same work for one account
CREATE FUNCTION pg_temp.work(account bigint, tail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ccc.open_account(account, 'one of several', '2025-01-01 00:00+08');
    PERFORM ccc.top_up(account, 10000, 'r');
    PERFORM ccc.buy(account, 'number_landline', periods => 20, number => '0755-8601338' || tail, bought_at => '2024-08-31 02:00+08');
    PERFORM ccc.buy(account, 'landline_custom', 1000, bought_at => '2024-08-31 02:00+08', request_id => 'b');
    PERFORM ccc.buy(account, 'landline_custom', 1000, bought_at => '2024-10-31 23:00+08');
    INSERT INTO local (id, a, b, at, s) VALUES
        ('1', '07558601338' || tail, 'x', '2024-09-01 00:30:00', 60.2), ('2', '07558601338' || tail, 'x', '2025-02-28 01:59:59', 59000.25),
        ('3', '07558601338' || tail, 'x', '2025-02-28 02:00:00', 43200.02), ('4', 'x', '07558601338' || tail, '2025-03-01 00:00', 1),
        ('5', '07558601338' || tail, 'x', '2025-03-01 00:00', -1), ('6', '07558601338' || tail, 'x', '03/04/2025 00:00', 60);
END $$;
CREATE FUNCTION pg_temp.figures(account bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(f, E'\n') FROM (
        (SELECT format('%s %s %s %s %s', package_no, granted_minutes, used_minutes, extract(epoch FROM valid_from), extract(epoch FROM valid_until)) AS f
         FROM ccc.package_balances WHERE account_id = account ORDER BY package_no)
        UNION ALL
        (SELECT format('%s %s %s %s %s %s', call_id, direction, outcome, seconds, billed_minutes, extract(epoch FROM started_at))
         FROM ccc.call_charges WHERE account_id = account ORDER BY call_id)
        UNION ALL
        (SELECT format('%s %s', call_id, reason) FROM ccc.exceptions WHERE account_id = account ORDER BY call_id)
        UNION ALL
        (SELECT format('%s: %s', extract(epoch FROM t), string_agg(format('%s %s', remaining_minutes, expired_minutes), ',' ORDER BY package_no))
         FROM unnest('{2025-02-28 02:00+08,2025-04-30 22:59+08}'::timestamptz[]) AS t, ccc.balances(t) WHERE account_id = account GROUP BY t ORDER BY t)
    ) AS s $$;
CREATE TEMP TABLE runs (account bigint PRIMARY KEY, figures text, explained text[]);

CREATE FUNCTION pg_temp.run(account bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.work(account, account::text);
    INSERT INTO runs VALUES (account, pg_temp.figures(account),
        ARRAY(SELECT regexp_replace(line, '\+867558601338\d', 'N') FROM unnest('{1,2,3,4,5}'::text[]) AS id, ccc.explain_call(account, id) AS line));
END $$;

SET TimeZone = 'UTC';
SELECT pg_temp.run(1);
SET TimeZone = 'Asia/Shanghai'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = -5;
SELECT pg_temp.run(2);
SET TimeZone = 'America/New_York'; SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = 3;
SELECT pg_temp.run(3);
SET TimeZone = '<weird>-13:37'; SET DateStyle = 'Postgres, MDY'; SET lc_numeric = 'C'; SET bytea_output = 'escape'; SET standard_conforming_strings = off;
SELECT pg_temp.run(4);
RESET ALL;

SELECT is((SELECT figures FROM runs WHERE account = n), (SELECT figures FROM runs WHERE account = 1), 'the figures under other settings, ' || n)
FROM generate_series(2, 4) AS n;
SELECT is((SELECT explained FROM runs WHERE account = n), (SELECT explained FROM runs WHERE account = 1), 'the explanations under other settings, ' || n)
FROM generate_series(2, 4) AS n;
SELECT matches((SELECT figures FROM runs WHERE account = 1), '1 outbound charged 60.2 2 ', 'and there are figures');
SELECT is((SELECT used_minutes FROM ccc.package_balances WHERE account_id = 3 AND package_no = 1), 986::numeric, 'to the minute');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
