-- The deduction asked by itself, over given packages; what billing does is the same.
BEGIN;
SELECT plan(20);

CREATE FUNCTION pg_temp.spread(packages text, started_at timestamptz, billed bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s:%s', coalesce(d.package_no::text, 'short'), d.seconds), ' ' ORDER BY d.ordinality)
    FROM (SELECT * FROM ccc.deduct(packages::ccc.package_state[], started_at, billed) WITH ORDINALITY) AS d $$;

SELECT is(pg_temp.spread('{}', '2025-01-01', 60), 'short:60', 'no package');
SELECT is(pg_temp.spread('{"(1,2025-01-01,2025-07-01,600)"}', '2025-01-01', 60), '1:60', 'at valid_from');
SELECT is(pg_temp.spread('{"(1,2025-01-01,2025-07-01,600)"}', '2025-07-01', 60), 'short:60', 'at valid_until');
SELECT is(pg_temp.spread('{"(1,2025-01-01,2025-07-01,600)"}', '2024-12-31 23:59:59.999999', 60), 'short:60', 'before');
SELECT is(pg_temp.spread('{"(1,2025-01-01,2025-07-01,600)"}', '2025-02-01', 600), '1:600', 'all of it');
SELECT is(pg_temp.spread('{"(1,2025-01-01,2025-07-01,600)"}', '2025-02-01', 601), '1:600 short:1', 'and a second more');
SELECT is(pg_temp.spread('{"(1,2025-01-01,2025-07-01,600)"}', '2025-02-01', 0), NULL, 'nothing to spread');
SELECT is(pg_temp.spread('{"(1,2025-01-01,2025-07-01,0)","(2,2025-01-01,2025-07-01,5)"}', '2025-02-01', 5), '2:5', 'an exhausted one is skipped');
SELECT is(pg_temp.spread('{"(3,2025-01-02,2025-07-01,60)","(2,2025-01-01,2025-07-01,60)","(1,2025-01-01,2025-07-02,60)","(4,2025-01-01,2025-07-01,60)"}',
                         '2025-02-01', 300), '2:60 4:60 3:60 1:60 short:60', 'by valid_until, valid_from, package_no, in whatever order they are given');
SELECT is(pg_temp.spread('{"(1,2025-01-01,infinity,9223372036854775807)"}', '2025-02-01', 9223372036854775807),
          '1:9223372036854775807', 'the largest figures');
SELECT is(pg_temp.spread('{"(1,-infinity,infinity,5)"}', '2025-02-01', 9223372036854775807),
          '1:5 short:9223372036854775802', 'the largest shortfall');
SELECT throws_ok($$SELECT ccc.deduct('{}', '2025-01-01', -1)$$, '22003', NULL, 'negative seconds');
SELECT throws_ok($$SELECT ccc.deduct('{"(1,2025-01-01,2025-07-01,)"}', '2025-02-01', 60)$$, '22004', NULL, 'a package with a null');
SELECT throws_ok($$SELECT ccc.deduct('{NULL}', '2025-02-01', 60)$$, '22004', NULL, 'a null package');
SELECT is(pg_temp.spread(NULL, '2025-02-01', 60), NULL, 'null in, nothing out');

-- equal to what billing did
INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum) VALUES ('mini', 'package', 'landline_outbound', 1, '6 months', 1);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mini', '-infinity', '0:0.1');
SELECT ccc.open_account(1, 'first', '2024-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'mini', 3 + n % 7, bought_at => '2025-01-01 00:00+08'::timestamptz + (n * 37 % 11) * interval '1 day')
FROM generate_series(1, 20) AS n;
SELECT ccc.create_calls_table();
CREATE TEMP TABLE foreseen (call_id text, spread text);
DO $$
DECLARE
    start timestamptz;
BEGIN
    FOR n IN 1 .. 25 LOOP
        start := '2025-01-01 00:00+08'::timestamptz + n * interval '12 hours';
        INSERT INTO foreseen
            SELECT 'c' || n, pg_temp.spread(
                (SELECT array_agg(ROW(p.package_no, p.valid_from, p.valid_until, p.remaining)::ccc.package_state)
                 FROM (SELECT k.package_no, k.valid_from, k.valid_until, k.granted - k.used AS remaining FROM ccc.packages AS k) AS p)::text,
                start, ccc.billed_seconds(n * 41 % 900 + 1));
        INSERT INTO calls VALUES ('c' || n, '075586013388', 'x', start, n * 41 % 900 + 1);
    END LOOP;
END
$$;
SELECT results_eq('SELECT call_id, spread FROM foreseen ORDER BY call_id',
                  $$SELECT l.call_id COLLATE "default", string_agg(format('%s:%s', coalesce(l.package_no::text, 'short'), l.billed), ' ' ORDER BY l.entry_no)
                    FROM ccc.ledger AS l GROUP BY l.call_id ORDER BY 1$$, 'billing draws as the function foresaw');
SELECT cmp_ok((SELECT count(*) FROM foreseen WHERE spread LIKE '% %'), '>=', 5::bigint, 'with splits among them');
SELECT cmp_ok((SELECT count(*) FROM foreseen WHERE spread LIKE '%short%'), '>=', 1::bigint, 'and shortfalls');
SELECT is((SELECT sum(billed) FROM ccc.ledger), (SELECT sum(ccc.billed_seconds(seconds)) FROM calls)::numeric, 'every second is somewhere');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
