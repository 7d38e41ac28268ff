-- Ten thousand records in one statement come to the same figures as the same
-- records one by one, in any order within the statement, and in parts where
-- memory is short.
BEGIN;
SELECT plan(16);

-- four sets of ten accounts each: 1.., 101.., 201.., 301..
CREATE TEMP TABLE sets AS SELECT s, s * 100 + n AS account_id, n FROM generate_series(0, 3) AS s, generate_series(1, 10) AS n;
INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum) VALUES
    ('mini', 'package', 'landline_outbound', 1, '10 days', 1), ('mini_400', 'package', '400_inbound', 1, '15 days', 1);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mini', '-infinity', '0:0.1'), ('mini_400', '-infinity', '0:0.2');
SELECT count(ccc.open_account(account_id, 'bulk', '2025-01-01')) FROM sets;
SELECT count(ccc.top_up(account_id, 100000)) FROM sets;
SELECT count(ccc.buy(account_id, 'number_landline', periods => 12, number => '0755-86' || lpad(account_id::text, 6, '0'),
                     bought_at => '2025-03-01 00:00+08')) FROM sets;
SELECT count(ccc.buy(account_id, 'number_400', periods => 1, number => '400-8' || lpad(account_id::text, 6, '0'),
                     bought_at => '2025-03-01 00:00+08')) FROM sets;
SELECT count(ccc.buy(account_id, product, 100 + n * 20, bought_at => '2025-03-01 00:00+08'::timestamptz + k * interval '5 days'))
FROM sets, (VALUES (0, 'mini'), (0, 'mini_400'), (1, 'mini'), (2, 'mini'), (2, 'mini_400'), (3, 'mini'), (4, 'mini_400')) AS v (k, product);
SELECT count(ccc.create_calls_table(name)) FROM unnest('{one_by_one,at_once,shuffled,in_parts}'::text[]) AS name;

-- 10,000 records: out, in, 400 in, 400 out, unknown, bad; with repeats and conflicts
CREATE FUNCTION pg_temp.record(s integer, i integer) RETURNS one_by_one LANGUAGE sql AS $$
    SELECT ROW('c' || i - CASE WHEN i % 97 = 0 THEN 1 ELSE 0 END,
               CASE i % 7 WHEN 0 THEN 'x' WHEN 1 THEN 'y' WHEN 2 THEN '4008' || a WHEN 3 THEN 'z' ELSE '075586' || a END,
               CASE i % 7 WHEN 0 THEN '075586' || a WHEN 1 THEN '4008' || a WHEN 2 THEN 'x' ELSE 'w' END,
               '2025-03-01 00:00+08'::timestamptz + i * interval '6 minutes',
               CASE WHEN i % 101 = 0 THEN -1 WHEN i % 103 = 0 THEN 0 ELSE i * 7919 % 300 + 0.5 END)::one_by_one
    FROM (SELECT lpad((s * 100 + i / 7 % 10 + 1)::text, 6, '0')) AS n (a) $$;
DO $$
BEGIN
    FOR i IN 1 .. 10000 LOOP
        INSERT INTO one_by_one SELECT (pg_temp.record(0, i)).*;
    END LOOP;
END $$;
INSERT INTO at_once SELECT (pg_temp.record(1, i)).* FROM generate_series(1, 10000) AS i;
SET LOCAL work_mem = '64kB';
INSERT INTO in_parts SELECT r.* FROM generate_series(1, 10000) AS i, pg_temp.record(3, i) AS r
    ORDER BY md5(r.call_id), i;
RESET work_mem;
INSERT INTO shuffled SELECT r.* FROM (SELECT i, (pg_temp.record(2, i)).* FROM generate_series(1, 10000) AS i) AS t,
    LATERAL (SELECT t.call_id, t.caller, t.callee, t.started_at, t.seconds) AS r
    ORDER BY md5((t.i - (t.i % 97 = 0)::integer)::text), t.i;    -- what shares an id stays in order: the first stored is billed

CREATE FUNCTION pg_temp.packages(s integer) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s %s %s', account_id - s * 100, package_no, granted_minutes, used_minutes)
    FROM ccc.package_balances WHERE account_id / 100 = s $$;
CREATE FUNCTION pg_temp.shorts(s integer) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s %s', account_id - s * 100, pool, billed) FROM ccc.shortfalls WHERE account_id / 100 = s $$;
CREATE FUNCTION pg_temp.calls(s integer) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s %s %s %s', account_id - s * 100, call_id, direction, outcome, billed_minutes)
    FROM ccc.call_charges WHERE account_id / 100 = s $$;
CREATE FUNCTION pg_temp.totals(s integer) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s %s %s', account_id - s * 100, pool, sum(covered_minutes), sum(short_minutes))
    FROM ccc.call_charges WHERE account_id / 100 = s GROUP BY account_id, pool $$;
CREATE FUNCTION pg_temp.odd(source regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s %s', account_id % 100, reason, call_id) FROM ccc.exceptions AS e WHERE e.source = odd.source $$;

SELECT bag_eq('SELECT * FROM pg_temp.packages(1)', 'SELECT * FROM pg_temp.packages(0)', 'at once: packages');
SELECT bag_eq('SELECT * FROM pg_temp.shorts(1)', 'SELECT * FROM pg_temp.shorts(0)', 'at once: shortfalls');
SELECT bag_eq('SELECT * FROM pg_temp.calls(1)', 'SELECT * FROM pg_temp.calls(0)', 'at once: calls');
SELECT bag_eq('SELECT * FROM pg_temp.odd(''at_once'')', 'SELECT * FROM pg_temp.odd(''one_by_one'')', 'at once: exceptions');
SELECT bag_eq('SELECT * FROM pg_temp.packages(2)', 'SELECT * FROM pg_temp.packages(0)', 'shuffled: packages');
SELECT bag_eq('SELECT * FROM pg_temp.shorts(2)', 'SELECT * FROM pg_temp.shorts(0)', 'shuffled: shortfalls');
SELECT bag_eq('SELECT * FROM pg_temp.totals(2)', 'SELECT * FROM pg_temp.totals(0)', 'shuffled: totals of pools');
SELECT bag_eq('SELECT * FROM pg_temp.odd(''shuffled'')', 'SELECT * FROM pg_temp.odd(''one_by_one'')', 'shuffled: exceptions');
SELECT bag_eq('SELECT * FROM pg_temp.packages(3)', 'SELECT * FROM pg_temp.packages(0)', 'in parts: packages');
SELECT bag_eq('SELECT * FROM pg_temp.shorts(3)', 'SELECT * FROM pg_temp.shorts(0)', 'in parts: shortfalls');
SELECT bag_eq('SELECT * FROM pg_temp.totals(3)', 'SELECT * FROM pg_temp.totals(0)', 'in parts: totals of pools');
SELECT bag_eq('SELECT * FROM pg_temp.odd(''in_parts'')', 'SELECT * FROM pg_temp.odd(''one_by_one'')', 'in parts: exceptions');

-- that the records are worth it: reckoned from them alone
CREATE TEMP VIEW sides AS
    SELECT o.call_id, o.started_at, o.seconds, o.caller LIKE '075586%' OR o.callee LIKE '4008%' AS paid,
           CASE WHEN o.caller LIKE '075586%' THEN 'outbound ' || right(o.caller, 6)
                WHEN o.callee LIKE '075586%' OR o.callee LIKE '4008%' AND o.started_at < '2025-03-31 00:00+08'
                THEN 'inbound ' || right(o.callee, 6) END AS side
    FROM one_by_one AS o WHERE o.seconds > 0;
SELECT is((SELECT sum(billed) FROM ccc.ledger WHERE account_id < 100 AND kind IN ('c', 's')),
          (SELECT sum(ccc.billed_seconds(f.seconds)) FILTER (WHERE f.paid)
           FROM (SELECT DISTINCT ON (call_id, side) * FROM sides WHERE side IS NOT NULL ORDER BY call_id, side, started_at) AS f)::numeric,
          'every second of every paid call is in the ledger');
SELECT ok((SELECT bool_and(n > 0) FROM (SELECT count(*) FILTER (WHERE outcome = o) FROM ccc.call_charges, unnest('{charged,short,free}'::text[]) AS o
                                        GROUP BY o) AS t (n)), 'all outcomes occur');
SELECT ok((SELECT count(DISTINCT reason) FROM ccc.exceptions) >= 4, 'several reasons occur');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
