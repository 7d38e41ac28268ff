-- Replay off for a mass import, and ccc.replay() afterwards: the same as on.
BEGIN;
SELECT plan(29);

\ir setup/tiny_packages.psql
SELECT ccc.buy(1, 'tiny', 10, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'tiny_2', 20, bought_at => '2025-03-10 00:00+08');
SELECT ccc.create_calls_table();

\ir setup/told.psql
SELECT is(current_setting('ccc_billing.replay'), 'on', 'on unless told otherwise');
SET ccc_billing.replay = off;
INSERT INTO calls VALUES ('d', '075586010001', 'x', '2025-03-15 00:00+08', 540);
INSERT INTO calls VALUES ('a', '075586010001', 'x', '2025-03-05 00:00+08', 240);
SELECT is(pg_temp.used(1), '1:10 2:0 short 3', 'a late record takes what is left and is short, nothing moves');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'that is no fault of the books');
SELECT is(ccc.replay(1), 360::bigint, 'replay moves three minutes from the shortfall to a package, and three from package to package');
SELECT is(pg_temp.used(1), '1:10 2:3', 'as if replay had been on');
SELECT is(ccc.replay(1), 0::bigint, 'the second time nothing');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'all is well');

DELETE FROM calls WHERE call_id = 'a';
SELECT is(pg_temp.used(1), '1:6 2:3', 'a deletion gives back and moves nothing');
SELECT is(ccc.replay(1), 180::bigint, 'replay does');
SELECT is(pg_temp.used(1), '1:9 2:0', 'as if it had been on');
UPDATE calls SET seconds = 1200;
SELECT is(pg_temp.used(1), '1:10 2:10', 'a correction');
UPDATE calls SET started_at = '2025-03-02 00:00+08';
SELECT is(pg_temp.used(1), '1:10 2:0 short 10', 'goes where it belongs');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');
DELETE FROM calls;

-- on and off with one story: an account each
SELECT ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(2, 3) AS a;
SELECT ccc.top_up(a, 1000) FROM generate_series(2, 3) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 12, number => '0755-8601000' || a, bought_at => '2025-01-01 00:00+08') FROM generate_series(2, 3) AS a;
SELECT ccc.buy(a, p.product, p.minutes, bought_at => p.at)
FROM generate_series(2, 3) AS a, (VALUES ('tiny', 50, timestamptz '2025-03-01 00:00+08'), ('tiny_2', 60, '2025-03-10 00:00+08'), ('tiny', 40, '2025-03-20 00:00+08')) AS p (product, minutes, at);
CREATE FUNCTION pg_temp.story(a bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1..200 LOOP
        INSERT INTO calls VALUES (format('%s-%s', a, n), '07558601000' || a, 'x',
                                  '2025-02-25 00:00+08'::timestamptz + n * 37 % 80 * interval '1 day' + n * interval '1 second', 1 + n * 7 % 130);
    END LOOP;
    UPDATE calls SET seconds = seconds + 60 WHERE call_id LIKE a || '-%7';
    UPDATE calls SET started_at = started_at - interval '5 days' WHERE call_id LIKE a || '-%3';
    DELETE FROM calls WHERE call_id LIKE a || '-%5';
END $$;
SELECT pg_temp.story(2);
SET ccc_billing.replay = on;
SELECT pg_temp.story(3);
SELECT is(ccc.replay(3), 0::bigint, 'with replay on there is nothing to do');
SELECT isnt(ccc.replay(2), 0::bigint, 'with replay off there was');
SELECT is(pg_temp.used(2), pg_temp.used(3), 'both end equal');
SELECT results_eq($$SELECT to_char(timezone('Asia/Shanghai', started_at), 'MM'), package_no, sum(billed) FROM ccc.ledger WHERE account_id = 2 AND kind IN ('c', 's') GROUP BY 1, 2 HAVING sum(billed) <> 0 ORDER BY 1, 2$$,
                  $$SELECT to_char(timezone('Asia/Shanghai', started_at), 'MM'), package_no, sum(billed) FROM ccc.ledger WHERE account_id = 3 AND kind IN ('c', 's') GROUP BY 1, 2 HAVING sum(billed) <> 0 ORDER BY 1, 2$$, 'month by month');
SELECT is((SELECT sum(used) FROM ccc.packages WHERE account_id = 2) + (SELECT billed FROM ccc.shortfalls WHERE account_id = 2),
          (SELECT sum(ceil(seconds / 60) * 60) FROM calls WHERE call_id LIKE '2-%'), 'all that was billed');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');

-- forgotten: a later record mends from its own stretch on, replay the rest
SET ccc_billing.replay = off;
INSERT INTO calls VALUES ('d', '075586010001', 'x', '2025-03-15 00:00+08', 540), ('a', '075586010001', 'x', '2025-03-05 00:00+08', 240);
RESET ccc_billing.replay;
INSERT INTO calls VALUES ('e', '075586010001', 'x', '2025-04-05 00:00+08', 60);
SELECT is(pg_temp.used(1), '1:10 2:4', 'in one statement calls are charged in order anyway');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well again');
SELECT throws_ok('SELECT ccc.replay(99)', '42704', NULL, 'no such account');
SELECT is(ccc.replay(NULL), NULL, 'none asked for');

-- who may
SAVEPOINT s;
CREATE ROLE ccc_test_reader IN ROLE ccc_reader;
CREATE ROLE ccc_test_admin IN ROLE ccc_admin;
GRANT ALL ON SCHEMA public TO ccc_test_reader, ccc_test_admin;
SET ROLE ccc_test_admin;
SELECT throws_ok('SET ccc_billing.replay = off', '42501', NULL, 'an administrator of the extension may not set it');
SELECT lives_ok('SELECT ccc.replay(1)', 'but may replay');
SET ROLE ccc_test_reader;
SELECT throws_ok('SET LOCAL ccc_billing.replay = off', '42501', NULL, 'nor a reader');
SELECT throws_ok('SELECT ccc.replay(1)', '42501', NULL, 'who may not replay');
RESET ROLE;
SELECT throws_ok('SET ccc_billing.replay = sometimes', '22023', NULL, 'it is on or off');
SELECT is(pg_temp.amiss(), '0 moved', 'at the end all is well');
SELECT * FROM finish();
ROLLBACK;
