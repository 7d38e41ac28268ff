-- A session finds accounts and packages again where they were, and by their
-- indexes where they are no more.
SELECT plan(17);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01 00:00+08') FROM generate_series(1, 2) AS a;
SELECT ccc.top_up(a, 100000) FROM generate_series(1, 2) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 12, number => '0755-8601000' || a, bought_at => '2025-01-01 00:00+08') FROM generate_series(1, 2) AS a;
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('tiny', 'package', 'landline_outbound', 1, '1 month');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('tiny', '-infinity', '0:1');
SELECT ccc.buy(a, 'tiny', 100, bought_at => timestamptz '2025-01-10 00:00+08' + n * interval '1 day') FROM generate_series(1, 2) AS a, generate_series(1, 2) AS n;
SELECT ccc.create_calls_table();
\ir setup/growth.psql
-- searches of the indexes of accounts and packages by a statement
CREATE FUNCTION pg_temp.searches(statement text) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_temp.growth('SELECT sum(pg_stat_get_xact_numscans(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid IN (''ccc.accounts''::regclass, ''ccc.packages''::regclass)', statement) $$;
CREATE FUNCTION pg_temp.call(id text, account integer DEFAULT 1) RETURNS text LANGUAGE sql AS
    $$SELECT format('INSERT INTO calls VALUES (%L, %L, ''x'', ''2025-02-01 00:00+08'', 60)', id, '07558601000' || account)$$;
CREATE FUNCTION pg_temp.used(account integer DEFAULT 1) RETURNS text LANGUAGE sql AS
    $$SELECT string_agg(package_no || ':' || used / 60, ' ' ORDER BY package_no) FROM ccc.packages WHERE account_id = account$$;

SELECT isnt(pg_temp.searches(pg_temp.call('a')), 0::bigint, 'the first call searches');
SELECT is(pg_temp.searches(pg_temp.call('b')), 0::bigint, 'the next one does not');
SELECT is(pg_temp.used(), '1:2 2:0', 'charged on what ends first');

-- a package that was bought, charged and rolled back, and another under its number
BEGIN;
SELECT ccc.buy(1, 'tiny', 100, bought_at => '2025-01-05 00:00+08');
SELECT pg_temp.call('rolled back') \gexec
SELECT is(pg_temp.used(), '1:0 2:0 3:3', 'a package that ends sooner is charged');
ROLLBACK;
SELECT is(pg_temp.searches(pg_temp.call('c')), 0::bigint, 'as before');
SELECT ccc.buy(1, 'tiny', 100, bought_at => '2025-01-04 00:00+08');
SELECT pg_temp.call('d') \gexec
SELECT is(pg_temp.used(), '1:0 2:0 3:4', 'another one has its number');

-- tables that were written anew
CLUSTER ccc.accounts USING accounts_pkey;
CLUSTER ccc.packages USING packages_by_end;
SELECT isnt(pg_temp.searches(pg_temp.call('e')), 0::bigint, 'they are elsewhere');
SELECT is(pg_temp.searches(pg_temp.call('f')), 0::bigint, 'and found there');
SELECT is(pg_temp.used(), '1:0 2:0 3:6', 'charged');

-- rows that moved to another page, and others where they were
CREATE TABLE places_before AS SELECT account_id, ctid AS place FROM ccc.accounts;
UPDATE ccc.accounts SET name = (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 180) AS n) WHERE account_id = 1;
DO $$ BEGIN
    PERFORM ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(3, 50) AS a;
END $$;
UPDATE ccc.accounts SET name = 'account 1' WHERE account_id = 1;
VACUUM ccc.accounts;
DO $$ BEGIN
    PERFORM ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(51, 200) AS a;
END $$;
SELECT ok((SELECT a.account_id <> 1 FROM ccc.accounts AS a JOIN places_before AS b ON a.ctid = b.place WHERE b.account_id = 1), 'another account is where it was');
SELECT pg_temp.call('g') \gexec
SELECT is(pg_temp.used(), '1:0 2:0 3:7', 'and found');
SELECT is((SELECT count(*) FROM ccc.accounts WHERE last_posting_no > 0), 1::bigint, 'no other one was posted to');

-- accounts that share a place, and more packages than have one
SELECT ccc.open_account(1025, 'shares', '2025-01-01');
SELECT ccc.top_up(1025, 1000);
SELECT ccc.buy(1025, 'number_landline', periods => 12, number => '0755-86011025', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1025, 'tiny', 100, bought_at => '2025-01-10 00:00+08');
SELECT pg_temp.call(format('%s %s', a, n), CASE a WHEN 2 THEN 2 ELSE 1 END) FROM generate_series(1, 2) AS a, generate_series(1, 3) AS n \gexec
INSERT INTO calls SELECT 'shared ' || n, CASE n % 2 WHEN 0 THEN '075586011025' ELSE '075586010001' END, 'x', '2025-02-01 00:00+08', 60 FROM generate_series(1, 10) AS n;
SELECT is(pg_temp.used() || ', ' || pg_temp.used(2) || ', ' || pg_temp.used(1025), '1:0 2:0 3:15, 1:3 2:0, 1:5', 'each on its own');
SELECT count(ccc.buy(1, 'tiny', 100, bought_at => '2025-01-02 00:00+08')) FROM generate_series(1, 12);
SELECT pg_temp.call('with many ' || n) FROM generate_series(1, 3) AS n \gexec
SELECT is(pg_temp.used(), '1:0 2:0 3:0 4:18 5:0 6:0 7:0 8:0 9:0 10:0 11:0 12:0 13:0 14:0 15:0', 'many packages');
SELECT is((SELECT sum(ccc.replay(account_id)) FROM ccc.accounts), 0::numeric, 'charged in order');
SELECT is((SELECT count(*) FROM ccc.exceptions), 0::bigint, 'no exceptions');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
