-- What a call reads of packages does not grow with those that ended before it.
BEGIN;
SELECT plan(11);

SELECT ccc.open_account(1, 'one', '2005-01-01 00:00+08');
SELECT ccc.top_up(1, 10000000);
SELECT ccc.buy(1, 'number_landline', periods => 260, number => '0755-86010001', bought_at => '2005-01-01 00:00+08');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('a_month', 'package', 'landline_outbound', 1, '1 month');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('a_month', '-infinity', '0:1');
SELECT count(ccc.buy(1, 'a_month', 10000, bought_at => timestamptz '2005-01-01 00:00+08' + n * interval '1 month')) FROM generate_series(0, 239) AS n;
SELECT ccc.create_calls_table();
\ir setup/growth.psql
-- index entries of packages that a statement reads
CREATE FUNCTION pg_temp.reads(statement text) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_temp.growth('SELECT sum(pg_stat_get_xact_tuples_returned(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid = ''ccc.packages''::regclass', statement) $$;
-- packages that calls of an id were charged on, by their ends
CREATE FUNCTION pg_temp.charged(id text) RETURNS TABLE (valid_until timestamptz, billed bigint) LANGUAGE sql AS $$
    SELECT p.valid_until, sum(l.billed)::bigint FROM ccc.ledger AS l JOIN ccc.packages AS p USING (account_id, package_no)
    WHERE l.call_id = id GROUP BY p.package_no, p.valid_until HAVING sum(l.billed) <> 0 $$;

SELECT is((SELECT count(*) FROM ccc.packages WHERE valid_until <= '2024-12-01 00:00+08'), 239::bigint, 'many have ended');
SELECT cmp_ok(pg_temp.reads($$INSERT INTO calls VALUES ('now', '075586010001', 'x', '2024-12-10 12:00+08', 61)$$), '<', 20::bigint, 'one call');
SELECT cmp_ok(pg_temp.reads($$INSERT INTO calls SELECT 'now ' || n, '075586010001', 'x', '2024-12-11 12:00+08', 61 FROM generate_series(1, 3000) AS n$$), '<', 20::bigint, 'many calls');
SELECT cmp_ok(pg_temp.reads($$UPDATE calls SET seconds = 62 WHERE call_id = 'now'$$), '<', 20::bigint, 'a correction');
SELECT results_eq($$SELECT * FROM pg_temp.charged('now')$$, $$VALUES (timestamptz '2025-01-01 00:00+08', 120::bigint)$$, 'charged on what ends first');

-- what started long ago is charged on what covered it, and taken back from there
INSERT INTO calls VALUES ('late', '075586010001', 'x', '2010-02-10 12:00+08', 61);
SELECT results_eq($$SELECT * FROM pg_temp.charged('late')$$, $$VALUES (timestamptz '2010-03-01 00:00+08', 120::bigint)$$, 'a late call');
UPDATE calls SET started_at = '2024-12-12 12:00+08' WHERE call_id = 'late';
SELECT results_eq($$SELECT * FROM pg_temp.charged('late')$$, $$VALUES (timestamptz '2025-01-01 00:00+08', 120::bigint)$$, 'that was not late');
UPDATE calls SET started_at = '2010-03-01 00:00+08' WHERE call_id = 'late';
SELECT results_eq($$SELECT * FROM pg_temp.charged('late')$$, $$VALUES (timestamptz '2010-04-01 00:00+08', 120::bigint)$$, 'one at the end of a package');
DELETE FROM calls WHERE call_id = 'late';
SELECT is_empty($$SELECT * FROM pg_temp.charged('late')$$, 'deleted');
SELECT is((SELECT sum(used) FROM ccc.packages WHERE valid_until < '2024-12-01 00:00+08'), 0::numeric, 'no package keeps anything of it');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
