-- Deduction: the order of packages, splits, shortfalls, and the bounds of validity.
BEGIN;
SELECT plan(22);

INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum) VALUES
    ('mini', 'package', 'landline_outbound', 1, '6 months', 1),
    ('mini_400', 'package', '400_inbound', 1, '6 months', 1);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mini', '-infinity', '0:0.1'), ('mini_400', '-infinity', '0:0.2');
SELECT ccc.open_account(a, 'account ' || a, '2024-01-01') FROM generate_series(1, 4) AS a;
SELECT ccc.top_up(a, 10000) FROM generate_series(1, 4) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 24, number => '0755-8601338' || a, bought_at => '2024-08-01 00:00+08')
FROM generate_series(1, 4) AS a;
SELECT ccc.buy(1, 'number_400', periods => 24, number => '400-812-3456', bought_at => '2024-08-01 00:00+08');
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.drawn(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s:%s', coalesce(package_no::text, 'short'), billed), ' ' ORDER BY entry_no)
    FROM (SELECT package_no, sum(billed)::bigint / 60 AS billed, min(entry_no) AS entry_no
          FROM ccc.ledger WHERE call_id = id GROUP BY package_no) AS l $$;

-- 1 ends with 2 and 4 (clamped) but begins later; 3 ends first; 2 and 4 are twins
SELECT ccc.buy(1, 'mini', 10, bought_at => '2024-08-31 12:00+08');
SELECT ccc.buy(1, 'mini', 10, bought_at => '2024-08-30 12:00+08');
SELECT ccc.buy(1, 'mini', 10, bought_at => '2024-08-02 12:00+08');
SELECT ccc.buy(1, 'mini', 10, bought_at => '2024-08-30 12:00+08');
SELECT ccc.buy(1, 'mini_400', 100, bought_at => '2024-08-02 12:00+08');

INSERT INTO calls VALUES ('a', '075586013381', 'x', '2024-09-01 00:00+08', 300);
SELECT is(pg_temp.drawn('a'), '3:5', 'the one that ends first');
INSERT INTO calls VALUES ('b', '075586013381', 'x', '2024-09-01 00:01+08', 1200);
SELECT is(pg_temp.drawn('b'), '3:5 2:10 4:5', 'split over three: by end, then begin, then number');
INSERT INTO calls VALUES ('c', '075586013381', 'x', '2024-09-01 00:02+08', 1200);
SELECT is(pg_temp.drawn('c'), '4:5 1:10 short:5', 'exhausted packages are skipped; what is left over is short');
SELECT results_eq($$SELECT outcome, billed_minutes, covered_minutes, short_minutes, amount FROM ccc.call_charges WHERE call_id = 'c'$$,
                  $$VALUES ('short', 20::numeric, 15::numeric, 5::numeric, 1.5)$$, 'a call that is short says so');
INSERT INTO calls VALUES ('d', '075586013381', 'x', '2024-09-01 00:03+08', 1);
SELECT is(pg_temp.drawn('d'), 'short:1', 'nothing is left');
SELECT results_eq('SELECT pool, billed FROM ccc.shortfalls WHERE account_id = 1',
                  $$VALUES ('landline_outbound', 360::bigint)$$, 'the account is six minutes short');
INSERT INTO calls VALUES ('e', 'x', '4008123456', '2024-09-01 00:04+08', 61);
SELECT is(pg_temp.drawn('e'), '5:2', 'pools do not mix');

-- a later purchase never covers an earlier call
SELECT ccc.buy(1, 'mini', 10, bought_at => '2024-09-01 00:05+08');
SELECT is(pg_temp.drawn('d'), 'short:1', 'a package bought later leaves the shortfall');
INSERT INTO calls VALUES ('late', '075586013381', 'x', '2024-09-01 00:04:59+08', 60);
SELECT is(pg_temp.drawn('late'), 'short:1', 'nor covers a late record of an earlier call');
INSERT INTO calls VALUES ('f', '075586013381', 'x', '2024-09-01 00:05+08', 60);
SELECT is(pg_temp.drawn('f'), '6:1', 'it covers what starts when it was bought');

-- the bounds of validity, to the microsecond
SELECT ccc.buy(2, 'mini', 100, bought_at => '2024-09-30 12:00+08');
INSERT INTO calls VALUES
    ('from-', '075586013382', 'x', '2024-09-30 11:59:59.999999+08', 60),
    ('from',  '075586013382', 'x', '2024-09-30 12:00+08', 60),
    ('until-', '075586013382', 'x', '2025-03-30 11:59:59.999999+08', 60),
    ('until', '075586013382', 'x', '2025-03-30 12:00+08', 60);
SELECT is(pg_temp.drawn('from-'), 'short:1', 'a microsecond before valid_from');
SELECT is(pg_temp.drawn('from'), '1:1', 'exactly at valid_from');
SELECT is(pg_temp.drawn('until-'), '1:1', 'a microsecond before valid_until');
SELECT is(pg_temp.drawn('until'), 'short:1', 'exactly at valid_until');

-- the start decides, even of a call that lasts beyond the end
SELECT ccc.buy(3, 'mini', 1000, bought_at => '2024-09-30 12:00+08');
INSERT INTO calls VALUES ('long', '075586013383', 'x', '2025-03-30 11:00+08', 7200);
SELECT is(pg_temp.drawn('long'), '1:120', 'a call that outlasts the package');
SELECT results_eq($$SELECT used_minutes, remaining_minutes, expired_minutes FROM ccc.package_balances WHERE account_id = 3$$,
                  'VALUES (120::numeric, 0::numeric, 880::numeric)', 'the rest is forfeited');

-- one statement, many calls, to the last second of a package
SELECT ccc.buy(4, 'mini', 10, bought_at => '2024-09-30 12:00+08');
SELECT ccc.buy(4, 'mini', 10, bought_at => '2024-09-30 13:00+08');
INSERT INTO calls SELECT 'm' || lpad(n::text, 2, '0'), '075586013384', 'x', '2024-10-01 00:00+08'::timestamptz + n * interval '1 minute', 180
FROM generate_series(1, 8) AS n;
SELECT is(pg_temp.drawn('m04'), '1:1 2:2', 'the fourth call of three minutes is split');
SELECT is(pg_temp.drawn('m07'), '2:2 short:1', 'the seventh is short by one');
SELECT results_eq('SELECT used_minutes FROM ccc.package_balances WHERE account_id = 4 ORDER BY package_no',
                  'VALUES (10::numeric), (10)', 'both packages to the last second');
SELECT is((SELECT billed FROM ccc.shortfalls WHERE account_id = 4), 240::bigint, 'and four minutes short');
SELECT is((SELECT sum(amount) FROM ccc.call_charges WHERE account_id = 4), 2.0, 'amounts add up to what was paid');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
