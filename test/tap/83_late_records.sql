-- Whatever the order in which records arrive, totals are those of charging all
-- calls in order of (started_at, call_id, direction).
BEGIN;
SELECT plan(46);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(1, 3) AS a;
SELECT ccc.top_up(a, 10000) FROM generate_series(1, 3) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 12, number => '0755-8601000' || a, bought_at => '2025-01-01 00:00+08')
FROM generate_series(1, 3) AS a;
SELECT ccc.buy(1, 'number_400', periods => 12, number => '400-812-3456', bought_at => '2025-01-01 00:00+08');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES
    ('tiny_1', 'package', 'landline_outbound', 1, '1 month'), ('tiny_2', 'package', 'landline_outbound', 1, '2 months'),
    ('tiny_400', 'package', '400_inbound', 1, '1 month');
INSERT INTO ccc.prices (product, valid_from, tiers) SELECT 'tiny_' || s, '-infinity', '0:1' FROM unnest('{1,2,400}'::text[]) AS s;
SELECT ccc.create_calls_table();

CREATE FUNCTION pg_temp.used(a bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s:%s', package_no, used_minutes), ' ' ORDER BY package_no)
           || coalesce((SELECT string_agg(' short ' || short_minutes, '' ORDER BY pool) FROM ccc.shortfalls WHERE account_id = a), '')
    FROM ccc.package_balances WHERE account_id = a $$;
CREATE FUNCTION pg_temp.monthly(a bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s:%s', month, package, minutes), ', ' ORDER BY month, package)
    FROM (SELECT to_char(timezone('Asia/Shanghai', started_at), 'MM') AS month,
                 coalesce(package_no::text, 'short') AS package, ccc.minutes(sum(billed)) AS minutes
          FROM ccc.ledger WHERE account_id = a AND kind IN ('c', 's') GROUP BY 1, 2 HAVING sum(billed) <> 0) AS m $$;
CREATE FUNCTION pg_temp.amiss() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT sum(ccc.replay(account_id)) FROM ccc.accounts) || ' moved'
           || coalesce((SELECT string_agg('; ' || invariant || ': ' || detail, '') FROM ccc.check_integrity()), '') $$;
CREATE FUNCTION pg_temp.call(a bigint, id text, at timestamp, minutes integer) RETURNS text LANGUAGE sql AS $$
    INSERT INTO calls VALUES (id, '07558601000' || a, 'x', at AT TIME ZONE 'Asia/Shanghai', minutes * 60);
    SELECT pg_temp.used(a) $$;
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s+%s', outcome, covered_minutes, short_minutes), '; ' ORDER BY direction)
    FROM ccc.call_charges WHERE call_id = id $$;

-- 1: 10 min, 1 to 31 March; 2: 20 min, 10 March to 9 May
SELECT ccc.buy(1, 'tiny_1', 10, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'tiny_2', 20, bought_at => '2025-03-10 00:00+08');
SELECT is(pg_temp.call(1, 'd', '2025-03-15', 9), '1:9 2:0', 'while both are valid the first to end is drawn on');
SELECT is(pg_temp.call(1, 'a', '2025-03-05', 4), '1:10 2:3', 'a late record of when only the first was valid pushes the later call aside');
SELECT is(pg_temp.told('a') || ', ' || pg_temp.told('d'), 'charged 4+0, charged 9+0', 'both are covered');
SELECT is((SELECT string_agg(format('%s%s', package_no, ':' || billed / 60), ' ' ORDER BY entry_no) FROM ccc.ledger WHERE call_id = 'd'),
          '1:9 1:-3 2:3', 'by posting the difference');
SELECT is(pg_temp.call(1, 'b', '2025-03-09 23:59:59.999999', 8), '1:10 2:9 short 2', 'then as much as pushes all of it aside, and is short itself');
SELECT is(pg_temp.call(1, 'e', '2025-04-20', 12), '1:10 2:20 short 3', 'a new record comes to the end of the second');
SELECT is(pg_temp.call(1, 'f', '2025-04-01', 5), '1:10 2:20 short 8', 'a late one before it');
SELECT is(pg_temp.monthly(1), '03 1:10, 03 2:9, 03 short:2, 04 2:11, 04 short:6', 'by month');
SELECT is(pg_temp.call(1, 'c', '2025-03-31 23:59:59.999999', 4), '1:10 2:20 short 12', 'a late record of the month before takes from April');
SELECT is(pg_temp.monthly(1), '03 1:10, 03 2:13, 03 short:2, 04 2:7, 04 short:10', 'as the months say');
SELECT is(pg_temp.call(1, 'g', '2025-02-28', 1), '1:10 2:20 short 13', 'before any package it takes from nobody');
SELECT is(pg_temp.call(1, 'h', '2025-05-10', 1), '1:10 2:20 short 14', 'nor after them');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');

-- deleted again, in an order of their own
DELETE FROM calls WHERE call_id = 'b';
SELECT is(pg_temp.used(1) || ', ' || pg_temp.monthly(1), '1:10 2:20 short 6, 02 short:1, 03 1:10, 03 2:7, 04 2:13, 04 short:4, 05 short:1', 'deleted, later calls take its place');
DELETE FROM calls WHERE call_id IN ('a', 'c');
SELECT is(pg_temp.monthly(1), '02 short:1, 03 1:9, 04 2:17, 05 short:1', 'two deleted at once');
DELETE FROM calls WHERE call_id = 'd';
SELECT is(pg_temp.monthly(1), '02 short:1, 04 2:17, 05 short:1', 'time of an expired package helps nobody later');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well without them');
DELETE FROM calls;
SELECT is(pg_temp.used(1), '1:0 2:0', 'without any');

-- records of one stretch, whatever their order, move nothing
CREATE TEMP TABLE before AS SELECT count(*) AS n FROM ccc.ledger;
SELECT pg_temp.call(1, 'o' || n, '2025-03-20'::timestamp - n * interval '5 minutes', 1) FROM generate_series(1, 20) AS n;
SELECT is(pg_temp.used(1), '1:10 2:10', 'twenty calls, the latest first');
SELECT is((SELECT count(*) FROM ccc.ledger) - (SELECT n FROM before), 20::bigint, 'an entry each');
SELECT is(pg_temp.amiss(), '0 moved', 'within a stretch all is well');
DELETE FROM calls;

-- a bound in the middle of traffic: earlier and later records meet
SELECT pg_temp.call(1, 'o' || n, '2025-03-10'::timestamp + n * interval '1 minute', 1) FROM generate_series(4, -5, -1) AS n;
SELECT is(pg_temp.used(1), '1:10 2:0', 'ten calls around a bound, the latest first');
SELECT is(pg_temp.call(1, 'p', '2025-03-09 23:58:30', 2), '1:10 2:2', 'the next late one pushes two aside');
SELECT is(pg_temp.call(1, 'q', '2025-03-10', 1), '1:10 2:3', 'one at the bound has both');
SELECT is(pg_temp.amiss(), '0 moved', 'around a bound all is well');
DELETE FROM calls;

-- one statement with records of all stretches, in any order: like one by one
INSERT INTO calls SELECT id, '075586010001', 'x', at::timestamp AT TIME ZONE 'Asia/Shanghai', minutes * 60
FROM (VALUES ('d', '2025-03-15', 9), ('h', '2025-05-10', 1), ('b', '2025-03-09 23:59:59.999999', 8), ('e', '2025-04-20', 12), ('a', '2025-03-05', 4),
             ('f', '2025-04-01', 5), ('g', '2025-02-28', 1), ('c', '2025-03-31 23:59:59.999999', 4)) AS v (id, at, minutes);
SELECT is(pg_temp.monthly(1), '02 short:1, 03 1:10, 03 2:13, 03 short:2, 04 2:7, 04 short:10, 05 short:1', 'in one statement');
SELECT is(pg_temp.amiss(), '0 moved', 'in one statement all is well');
DELETE FROM calls WHERE call_id IN ('a', 'b', 'c', 'd');
SELECT is(pg_temp.monthly(1), '02 short:1, 04 2:17, 05 short:1', 'many deleted at once');
UPDATE calls SET started_at = started_at - interval '40 days' WHERE call_id IN ('e', 'f', 'h');
SELECT is(pg_temp.monthly(1), '02 short:6, 03 1:10, 03 2:3', 'many corrected at once, one of them to before the packages');
SELECT is(pg_temp.amiss(), '0 moved', 'many at once: all is well');
DELETE FROM calls;

-- pools do not touch each other
SELECT ccc.buy(1, 'tiny_400', 5, bought_at => '2025-03-01 00:00+08');
SELECT pg_temp.call(1, 'z', '2025-03-15', 9);
INSERT INTO calls VALUES ('y', 'x', '4008123456', '2025-03-20 00:00+08', 300), ('x', 'x', '4008123456', '2025-03-02 00:00+08', 120);
SELECT is(pg_temp.used(1), '1:9 2:0 3:5 short 2', 'a late record of one pool leaves the other alone');
INSERT INTO calls VALUES ('w', '075586010001', '4008123456', '2025-03-01 00:00+08', 180);
SELECT is(pg_temp.used(1), '1:10 2:2 3:5 short 5', 'a call that is on both, late on both');
SELECT is(pg_temp.amiss(), '0 moved', 'two pools: all is well');
DELETE FROM calls;

-- the same calls in every one of 120 orders of arrival
SELECT ccc.buy(2, 'tiny_1', 10, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(2, 'tiny_1', 3, bought_at => '2025-03-20 00:00+08');
SELECT ccc.buy(2, 'tiny_2', 6, bought_at => '2025-03-10 00:00+08');
CREATE TEMP TABLE story (n integer, at timestamp, minutes integer);
INSERT INTO story VALUES (1, '2025-03-05', 7), (2, '2025-03-12', 6), (3, '2025-03-25', 5), (4, '2025-04-02', 4), (5, '2025-04-30', 3);
-- by hand: 7 on package 1; 3 on 1 and 3 on 3; 3 on 2, which ends before 3, and 2 on 3; 1 on 3 and 3 short; 3 short
CREATE TEMP TABLE outcomes AS
WITH RECURSIVE orders AS (
    SELECT ARRAY[n] AS ns FROM story
    UNION ALL
    SELECT ns || n FROM orders, story WHERE n <> ALL (ns))
SELECT ns, NULL::text AS outcome FROM orders WHERE cardinality(ns) = 5;
CREATE FUNCTION pg_temp.play(ns integer[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    m      integer;
    result text;
BEGIN
    FOREACH m IN ARRAY ns LOOP
        PERFORM pg_temp.call(2, m::text, s.at, s.minutes) FROM story AS s WHERE s.n = m;
    END LOOP;
    result := pg_temp.monthly(2) || ', ' || ccc.replay(2);
    DELETE FROM calls;
    RETURN result || ', ' || ccc.replay(2);
END $$;
UPDATE outcomes SET outcome = pg_temp.play(ns);
SELECT results_eq('SELECT outcome, count(*) FROM outcomes GROUP BY 1',
                  $$VALUES ('03 1:10, 03 2:3, 03 3:5, 04 3:1, 04 short:6, 0, 0', 120::bigint)$$, 'every order gives the same, and charging again nothing else');
SELECT is(pg_temp.used(2), '1:0 2:0 3:0', 'nothing is left of them');
SELECT is(pg_temp.amiss(), '0 moved', 'every order: all is well');

-- equal starts: the id decides nothing about totals
SELECT ccc.buy(3, 'tiny_1', 10, bought_at => '2025-03-01 00:00+08');
SELECT is(pg_temp.call(3, 'b', '2025-03-05', 8), '1:8', 'at one instant');
SELECT is(pg_temp.call(3, 'a', '2025-03-05', 8), '1:10 short 6', 'another');
SELECT is(pg_temp.call(3, 'B', '2025-03-05', 1), '1:10 short 7', 'and another');
SELECT is(pg_temp.amiss(), '0 moved', 'equal starts: all is well');
DELETE FROM calls;

-- a late record of a month that is over before the package is
INSERT INTO calls SELECT 'n' || n, '075586010003', 'x', '2025-03-20 00:00+08'::timestamptz + n * interval '1 hour', 1 FROM generate_series(1, 2000) AS n;
SELECT is(pg_temp.used(3), '1:10 short 1990', 'many calls, most of them short');
SELECT is(pg_temp.call(3, 'late', '2025-03-19', 4), '1:10 short 1994', 'a late record before them all');
SELECT is(pg_temp.amiss(), '0 moved', 'many: all is well');

-- one statement with several months, whose ids are not in the order of time; 4: 10 min, 1 May to 9 July
SELECT ccc.open_account(4, 'account 4', '2025-01-01');
SELECT ccc.top_up(4, 1000);
SELECT ccc.buy(4, 'number_landline', periods => 12, number => '0755-86010004', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(4, 'tiny_2', 10, bought_at => '2025-04-10 00:00+08');
INSERT INTO calls SELECT 'm' || n, '075586010004', 'x', at, 60 * minutes
FROM (VALUES (1, timestamptz '2025-04-15 00:00+08', 4), (2, '2025-06-05 00:00+08', 5), (3, '2025-05-15 00:00+08', 3)) AS v (n, at, minutes);
SELECT is(pg_temp.used(4), '1:10 short 2', 'together they use the package up');
SELECT is(pg_temp.told('m1') || ', ' || pg_temp.told('m2') || ', ' || pg_temp.told('m3'),
          'charged 4+0, short 3+2, charged 3+0', 'and the last of them in time falls short');
SELECT is(pg_temp.amiss(), '0 moved', 'months out of order: all is well');
SELECT * FROM finish();
ROLLBACK;
