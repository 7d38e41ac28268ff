-- (account, call, direction) is billed once; the same again is noted and costs
-- nothing, other content is an exception.
BEGIN;
SELECT plan(25);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.open_account(2, 'second', '2025-01-01');
SELECT ccc.top_up(a, 10000) FROM generate_series(1, 2) AS a;
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'number_400', periods => 12, number => '400-812-3456', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(2, 'number_landline', periods => 12, number => '010-62345678', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(a, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08') FROM generate_series(1, 2) AS a;
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s %s %s', account_id, direction, outcome, billed_minutes) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT format('%s %s', coalesce(account_id::text, 'nobody'), reason) FROM ccc.exceptions WHERE call_id = id) AS s (t) $$;

INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61), ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('a'), '1 outbound charged 2', 'twice in one statement');
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('a'), '1 outbound charged 2', 'and in another');
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-01 16:00+00', 61.000);
SELECT is(pg_temp.told('a'), '1 outbound charged 2', 'the same content written otherwise');
SELECT ok(EXISTS (SELECT FROM ccc.explain_call(1, 'a') AS line WHERE line LIKE '%again%3 times%'), 'the repeats are noted');
SELECT is((SELECT count(*) FROM calls WHERE call_id = 'a'), 4::bigint, 'all rows are stored');

INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 62);
SELECT is(pg_temp.told('a'), '1 conflicting_repeat; 1 outbound charged 2', 'another length');
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00:01+08', 61);
SELECT is(pg_temp.told('a'), '1 conflicting_repeat; 1 conflicting_repeat; 1 outbound charged 2', 'another start');
INSERT INTO calls VALUES ('a', '075586013388', 'y', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('a'), '1 conflicting_repeat; 1 conflicting_repeat; 1 conflicting_repeat; 1 outbound charged 2', 'another callee');
SELECT is((SELECT record ->> 'callee' FROM ccc.exceptions WHERE call_id = 'a' AND record ->> 'callee' = 'y'), 'y', 'the record is kept with it');

INSERT INTO calls VALUES ('b', '075586013388', 'x', '2025-03-02 00:00+08', 61), ('b', '075586013388', 'x', '2025-03-02 00:00+08', 600),
                         ('b', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('b'), '1 conflicting_repeat; 1 outbound charged 2', 'a conflict within one statement: the first stored is billed');
SELECT is((SELECT (record ->> 'seconds')::numeric FROM ccc.exceptions WHERE call_id = 'b'), 600::numeric, 'and the other is the exception');

INSERT INTO calls VALUES ('b2', '075586013388', 'x', '2025-03-02 00:00+08', 600), ('b2', '075586013388', 'x', '2025-03-01 00:00+08', 61);
SELECT is(pg_temp.told('b2'), '1 conflicting_repeat; 1 outbound charged 10', 'first stored, not first started nor shortest');

-- a free call
INSERT INTO calls VALUES ('c', 'x', '075586013388', '2025-03-02 00:00+08', 61);
INSERT INTO calls VALUES ('c', 'x', '075586013388', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('c'), '1 inbound free 2', 'a free call again');
INSERT INTO calls VALUES ('c', 'x', '075586013388', '2025-03-02 00:00+08', 6100);
SELECT is(pg_temp.told('c'), '1 conflicting_repeat; 1 inbound free 2', 'a free call with other content');

-- a call that is short, and after it a package that could cover it
INSERT INTO calls VALUES ('d', 'x', '4008123456', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('d'), '1 inbound short 2', 'a short call');
SELECT ccc.buy(1, '400_custom', 1000, bought_at => '2025-03-03 00:00+08');
INSERT INTO calls VALUES ('d', 'x', '4008123456', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('d'), '1 inbound short 2', 'stays short when it comes again');
SELECT is((SELECT billed FROM ccc.shortfalls WHERE account_id = 1), 120::bigint, 'and is short once');

-- the same id elsewhere
INSERT INTO calls VALUES ('a', '01062345678', 'x', '2025-03-02 00:00+08', 61);
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'a'), 2::bigint, 'another account has ids of its own');
INSERT INTO calls VALUES ('e', '075586013388', '4008123456', '2025-03-04 00:00+08', 61);
SELECT is(pg_temp.told('e'), '1 inbound charged 2; 1 outbound charged 2', 'two directions of one id');
INSERT INTO calls VALUES ('e', '075586013388', '4008123456', '2025-03-04 00:00+08', 61);
SELECT is(pg_temp.told('e'), '1 inbound charged 2; 1 outbound charged 2', 'and again');
INSERT INTO calls VALUES ('A', '075586013388', 'x', '2025-03-04 00:00+08', 61), ('a ', '075586013388', 'x', '2025-03-04 00:00+08', 61);
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id IN ('A', 'a ')), 2::bigint, 'ids are told apart by case and blanks');

-- from another table: the key is the account's, not the table's
SELECT ccc.create_calls_table('other');
INSERT INTO other VALUES ('b', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('b'), '1 conflicting_repeat; 1 outbound charged 2', 'the same record of another table');

SELECT is((SELECT used_minutes FROM ccc.package_balances WHERE account_id = 1 AND pool = 'landline_outbound'),
          2 + 2 + 10 + 2 + 2 + 2::numeric, 'every call was drawn once');
SELECT is((SELECT count(*) FROM ccc.exceptions), 6::bigint, 'one exception for each conflict');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
