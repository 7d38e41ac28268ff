-- Counters stay where they are however often they are written: dead versions go
-- before their page is full. Each call is a transaction, so that they may go.
SELECT plan(7);

-- A snapshot that autovacuum holds for some milliseconds would keep them.
ALTER SYSTEM SET autovacuum = off;
SELECT pg_reload_conf() \g /dev/null
DO $$ BEGIN
    WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type LIKE 'autovacuum %') LOOP
        PERFORM pg_sleep(0.01);
        COMMIT;
    END LOOP;
END $$;

DO $$ BEGIN
    FOR a IN 1 .. 200 LOOP
        PERFORM ccc.open_account(a, 'account ' || a, '2025-01-01 00:00+08');
        PERFORM ccc.top_up(a, 1000);
        PERFORM ccc.buy(a, 'number_landline', periods => 6, number => '0755860' || 10000 + a, bought_at => '2025-01-01 00:00+08');
        PERFORM ccc.buy(a, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
    END LOOP;
END $$;
SELECT ccc.create_calls_table();
VACUUM FULL ccc.accounts, ccc.packages;

CREATE VIEW places AS
    SELECT 'account' AS kind, account_id, split_part(ctid::text, ',', 1) AS page FROM ccc.accounts
    UNION ALL SELECT 'package', account_id, split_part(ctid::text, ',', 1) FROM ccc.packages;
CREATE TABLE places_before AS SELECT * FROM places;
CREATE TABLE sizes_before AS SELECT pg_relation_size('ccc.accounts') AS accounts, pg_relation_size('ccc.packages') AS packages;

DO $$ BEGIN
    FOR n IN 1 .. 900 LOOP
        INSERT INTO calls VALUES ('one ' || n, '075586010007', 'x', '2025-02-01', 60);
        COMMIT;
    END LOOP;
    FOR n IN 1 .. 3000 LOOP
        INSERT INTO calls VALUES ('all ' || n, '0755860' || 10001 + n % 200, 'x', '2025-02-01', 60);
        COMMIT;
    END LOOP;
END $$;
SELECT is((SELECT last_posting_no FROM ccc.accounts WHERE account_id = 7), 915::bigint, 'each call was a posting');
SELECT is_empty('SELECT * FROM places EXCEPT SELECT * FROM places_before', 'no counter has moved to another page');
SELECT results_eq($$SELECT pg_relation_size('ccc.accounts'), pg_relation_size('ccc.packages')$$, 'SELECT accounts, packages FROM sizes_before',
                  'tables of counters have not grown');
SELECT is((SELECT sum(used) FROM ccc.packages), 3900 * 60::numeric, 'and are right');

-- also where statements of many accounts come between, and without a fillfactor
DO $$ BEGIN
    FOR n IN 1 .. 40 LOOP
        FOR m IN 1 .. 40 LOOP
            INSERT INTO calls VALUES (format('mixed %s.%s', n, m), '0755860' || 10001 + m * 5, 'x', '2025-02-01', 1);
            COMMIT;
        END LOOP;
        INSERT INTO calls SELECT format('mixed %s for %s', n, a), '0755860' || 10000 + a, 'x', '2025-02-01', 1 FROM generate_series(1, 200) AS a;
        COMMIT;
    END LOOP;
END $$;
SELECT cmp_ok((SELECT pg_relation_size('ccc.accounts') + pg_relation_size('ccc.packages') - accounts - packages FROM sizes_before), '<=', 4 * 8192::bigint,
              'tables grow by a page or two');
ALTER TABLE ccc.accounts SET (fillfactor = 100, autovacuum_enabled = false);
VACUUM FULL ccc.accounts;
DO $$ BEGIN
    FOR n IN 1 .. 2000 LOOP
        INSERT INTO calls VALUES ('full ' || n, '0755860' || 10001 + n % 200, 'x', '2025-02-01', 1);
        COMMIT;
    END LOOP;
END $$;
SELECT cmp_ok(pg_relation_size('ccc.accounts'), '<=', 12 * 8192::bigint, 'a table whose pages were full, too');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
ALTER SYSTEM RESET autovacuum;
SELECT pg_reload_conf() \g /dev/null
SELECT * FROM finish();
