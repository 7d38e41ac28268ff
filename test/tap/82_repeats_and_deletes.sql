-- A key is billed once whatever rows come and go: copies are counted, the
-- oldest conflicting row takes over, and TRUNCATE is refused.
BEGIN;
SELECT plan(115);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(1, 2) AS a;
SELECT ccc.top_up(a, 10000) FROM generate_series(1, 2) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 12, number => '0755-8601000' || a, bought_at => '2025-01-01 00:00+08')
FROM generate_series(1, 2) AS a;
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86010009', bought_at => '2025-01-01 00:00+08');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('tiny', 'package', 'landline_outbound', 1, '1 month');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('tiny', '-infinity', '0:1');
SELECT ccc.buy(a, 'tiny', 10, bought_at => '2025-03-01 00:00+08') FROM generate_series(1, 2) AS a;
SELECT ccc.create_calls_table();
SELECT ccc.create_calls_table('other');
ALTER TABLE calls ADD id text;

CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s %s %s', account_id, direction, outcome, billed_minutes) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT format('%s %s %s', coalesce(account_id::text, 'nobody'), reason, record ->> 'seconds') FROM ccc.exceptions
                    WHERE call_id = id AND resolved_at IS NULL) AS s (t) $$;
CREATE FUNCTION pg_temp.used(a bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s:%s', package_no, used_minutes), ' ' ORDER BY package_no)
           || coalesce((SELECT string_agg(' short ' || short_minutes, '' ORDER BY pool) FROM ccc.shortfalls WHERE account_id = a), '')
    FROM ccc.package_balances WHERE account_id = a $$;
CREATE FUNCTION pg_temp.amiss() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT sum(ccc.replay(account_id)) FROM ccc.accounts) || ' moved'
           || coalesce((SELECT string_agg('; ' || invariant || ': ' || detail, '') FROM ccc.check_integrity()), '') $$;
CREATE FUNCTION pg_temp.add(id text, seconds numeric) RETURNS text LANGUAGE sql AS $$
    INSERT INTO calls VALUES ('k', '075586010001', 'x', '2025-03-02 00:00+08', seconds, id);
    SELECT pg_temp.told('k') $$;
CREATE FUNCTION pg_temp.drop(VARIADIC ids text[]) RETURNS text LANGUAGE sql AS $$
    DELETE FROM calls WHERE id = ANY (ids);
    SELECT pg_temp.told('k') $$;
CREATE FUNCTION pg_temp.alter(id text, seconds numeric) RETURNS text LANGUAGE sql AS $$
    UPDATE calls SET seconds = alter.seconds WHERE calls.id = alter.id;
    SELECT pg_temp.told('k') $$;

-- copies
SELECT is(pg_temp.add('a', 61), '1 outbound charged 2', 'a record');
SELECT is(pg_temp.drop('a'), 'nothing', 'and gone');
SELECT is(pg_temp.used(1), '1:0', 'its time is given back');
SELECT is(pg_temp.add('a', 61), '1 outbound charged 2', 'and there again');
SELECT is(pg_temp.add('b', 61), '1 outbound charged 2', 'a copy');
SELECT is(pg_temp.add('c', 61.00), '1 outbound charged 2', 'and another');
SELECT is(pg_temp.drop('a'), '1 outbound charged 2', 'the first is deleted: the copies keep the charge');
SELECT is(pg_temp.drop('c'), '1 outbound charged 2', 'a copy is deleted');
SELECT is(pg_temp.drop('c'), '1 outbound charged 2', 'nothing is deleted');
SELECT is(pg_temp.drop('b'), 'nothing', 'the last');
SELECT is(pg_temp.used(1), '1:0', 'the time is given back once');
SELECT is(pg_temp.add('a', 61), '1 outbound charged 2', 'once more');
SELECT is(pg_temp.add('b', 61), '1 outbound charged 2', 'with a copy');
SELECT is(pg_temp.drop('a', 'b'), 'nothing', 'both deleted at once');
SELECT is(pg_temp.add('a', 61) || pg_temp.add('b', 61) || pg_temp.add('c', 61), repeat('1 outbound charged 2', 3), 'three alike');
SELECT is(pg_temp.drop('a', 'b'), '1 outbound charged 2', 'two deleted at once');
SELECT is(pg_temp.drop('c'), 'nothing', 'and the third');
SELECT is(pg_temp.amiss(), '0 moved', 'copies: all is well');

-- contenders
SELECT is(pg_temp.add('a', 60), '1 outbound charged 1', 'a record');
SELECT is(pg_temp.add('b', 120), '1 conflicting_repeat 120; 1 outbound charged 1', 'one that contradicts it');
SELECT is(pg_temp.add('c', 180), '1 conflicting_repeat 120; 1 conflicting_repeat 180; 1 outbound charged 1', 'and another');
SELECT is(pg_temp.drop('a'), '1 conflicting_repeat 180; 1 outbound charged 2', 'the billed one gone, the oldest is billed');
SELECT is((SELECT resolution FROM ccc.exceptions WHERE record ->> 'id' = 'b'), 'billed', 'and its exception resolved');
SELECT is(pg_temp.used(1), '1:2', 'as the package says');
SELECT is(pg_temp.add('a', 60), '1 conflicting_repeat 180; 1 conflicting_repeat 60; 1 outbound charged 2', 'the first again is now the one that contradicts');
SELECT is(pg_temp.drop('b'), '1 conflicting_repeat 60; 1 outbound charged 3', 'the oldest, not the first');
SELECT is(pg_temp.drop('c'), '1 outbound charged 1', 'then the last');
SELECT is(pg_temp.drop('a'), 'nothing', 'and none');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL), 0::bigint, 'no exception is left');
SELECT is(pg_temp.amiss(), '0 moved', 'contenders: all is well');

-- contenders that go before they are billed, or change
SELECT is(pg_temp.add('a', 60) || pg_temp.add('b', 120) || pg_temp.add('c', 180) || pg_temp.add('d', 240) <> '', true, 'a record and three against it');
SELECT is(pg_temp.drop('b'), '1 conflicting_repeat 180; 1 conflicting_repeat 240; 1 outbound charged 1', 'one of them deleted touches its exception only');
SELECT is(pg_temp.alter('c', 300), '1 conflicting_repeat 240; 1 conflicting_repeat 300; 1 outbound charged 1', 'one changed has another exception');
SELECT is(pg_temp.alter('c', 60), '1 conflicting_repeat 240; 1 outbound charged 1', 'one changed to say the same is a copy');
SELECT is(pg_temp.drop('a'), '1 conflicting_repeat 240; 1 outbound charged 1', 'which keeps the charge');
SELECT is(pg_temp.drop('c'), '1 outbound charged 4', 'then the other is billed');
SELECT is(pg_temp.add('e', 300) || pg_temp.alter('d', 300), '1 conflicting_repeat 300; 1 outbound charged 41 outbound charged 5',
          'the billed one corrected to what contradicted it');
SELECT is(pg_temp.drop('d'), '1 outbound charged 5', 'that one is a copy now');
SELECT is(pg_temp.add('f', 360) || pg_temp.alter('e', 420), '1 conflicting_repeat 360; 1 outbound charged 51 conflicting_repeat 360; 1 outbound charged 7',
          'the billed one corrected stays the billed one');
SELECT is(pg_temp.alter('e', 0), '1 outbound charged 6', 'corrected to nothing, it makes room');
SELECT is(pg_temp.alter('e', 60), '1 conflicting_repeat 60; 1 outbound charged 6', 'and comes too late');
SELECT is(pg_temp.drop('e', 'f'), 'nothing', 'billed one and the other deleted at once');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL), 0::bigint, 'no exception is left');
SELECT is(pg_temp.amiss(), '0 moved', 'contenders that change: all is well');

-- alike contenders become one charge and its copies
SELECT is(pg_temp.add('a', 60) || pg_temp.add('b', 120) || pg_temp.add('c', 120) || pg_temp.add('d', 180) <> '', true, 'two of three against it are alike');
SELECT is(pg_temp.drop('a'), '1 conflicting_repeat 180; 1 outbound charged 2', 'the two take over');
SELECT is(pg_temp.drop('b'), '1 conflicting_repeat 180; 1 outbound charged 2', 'the second keeps the charge of the first');
SELECT is(pg_temp.drop('c'), '1 outbound charged 3', 'then the third');
SELECT is(pg_temp.drop('d'), 'nothing', 'none left');
SELECT is(pg_temp.add('a', 60) || pg_temp.add('b', 120) || pg_temp.add('c', 180) || pg_temp.add('d', 120) <> '', true, 'alike, with another between them');
SELECT is(pg_temp.drop('a'), '1 conflicting_repeat 180; 1 outbound charged 2', 'both of the alike take over');
SELECT is(pg_temp.drop('d'), '1 conflicting_repeat 180; 1 outbound charged 2', 'one deleted');
SELECT is(pg_temp.drop('b'), '1 outbound charged 3', 'and the other');
SELECT is(pg_temp.drop('c'), 'nothing', 'none left');
SELECT is(pg_temp.amiss(), '0 moved', 'alike contenders: all is well');

-- an update of all rows of a key
SELECT is(pg_temp.add('a', 60) || pg_temp.add('b', 120) || pg_temp.add('c', 60) <> '', true, 'a record, one against it, a copy');
UPDATE calls SET seconds = 180;
SELECT is(pg_temp.told('k'), '1 outbound charged 3', 'all corrected to one content');
SELECT is(pg_temp.drop('a'), '1 outbound charged 3', 'are copies of each other');
SELECT is(pg_temp.drop('b'), '1 outbound charged 3', 'all');
SELECT is(pg_temp.drop('c'), 'nothing', 'three');
SELECT is(pg_temp.add('a', 60) || pg_temp.add('b', 120) <> '', true, 'a record and one against it');
UPDATE calls SET seconds = 180 - seconds;
SELECT ok(pg_temp.told('k') IN ('1 conflicting_repeat 60; 1 outbound charged 2', '1 conflicting_repeat 120; 1 outbound charged 1'),
          'exchanged contents: one is billed, the other against it');
DELETE FROM calls;
SELECT is(pg_temp.told('k') || pg_temp.used(1), 'nothing1:0', 'all deleted');

-- rows of two tables
SELECT is(pg_temp.add('a', 60), '1 outbound charged 1', 'a record of one table');
INSERT INTO other VALUES ('k', '075586010001', 'x', '2025-03-02 00:00+08', 60), ('k', '075586010001', 'x', '2025-03-02 00:00+08', 120);
SELECT is(pg_temp.told('k'), '1 conflicting_repeat 120; 1 outbound charged 1', 'a copy and one against it in another');
SELECT is(pg_temp.drop('a'), '1 conflicting_repeat 120; 1 outbound charged 1', 'the copy keeps the charge');
DELETE FROM other WHERE seconds = 60;
SELECT is(pg_temp.told('k'), '1 outbound charged 2', 'the one of the other table takes over');
UPDATE other SET seconds = 180;
SELECT is(pg_temp.told('k'), '1 outbound charged 3', 'and is corrected');
SELECT is(pg_temp.add('a', 180), '1 outbound charged 3', 'a copy in the first table');
DELETE FROM other;
SELECT is(pg_temp.told('k'), '1 outbound charged 3', 'which keeps it');
SELECT is(pg_temp.drop('a'), 'nothing', 'none left');
SELECT is(pg_temp.amiss(), '0 moved', 'two tables: all is well');

-- both sides of a call, each billed by itself
INSERT INTO calls VALUES ('k', '075586010001', '075586010002', '2025-03-02 00:00+08', 60, 'a'),
                         ('k', '075586010001', '075586010002', '2025-03-02 00:00+08', 60, 'b'),
                         ('k', '075586010009', '075586010002', '2025-03-02 00:00+08', 60, 'c');
SELECT is(pg_temp.told('k'), '1 conflicting_repeat 60; 1 outbound charged 1; 2 conflicting_repeat 60; 2 inbound free 1', 'a call between two accounts, twice, and one against it');
SELECT is(pg_temp.drop('a'), '1 conflicting_repeat 60; 1 outbound charged 1; 2 conflicting_repeat 60; 2 inbound free 1', 'the copy keeps both');
SELECT is(pg_temp.drop('b'), '1 outbound charged 1; 2 inbound free 1', 'the other takes over on both');
SELECT is((SELECT number::text FROM ccc.call_charges WHERE account_id = 1), '+8675586010009', 'by its own number');
SELECT is(pg_temp.drop('c'), 'nothing', 'none left');
INSERT INTO calls VALUES ('k', '075586010001', '075586010009', '2025-03-02 00:00+08', 60, 'a'),
                         ('k', '075586010001', 'x', '2025-03-02 00:00+08', 120, 'b'), ('k', 'x', '075586010009', '2025-03-02 00:00+08', 180, 'c');
SELECT is(pg_temp.told('k'), '1 conflicting_repeat 120; 1 conflicting_repeat 180; 1 inbound free 1; 1 outbound charged 1', 'a call with both sides ours, one against each side');
SELECT is(pg_temp.drop('a'), '1 inbound free 3; 1 outbound charged 2', 'each side has its successor');
SELECT is(pg_temp.drop('c'), '1 outbound charged 2', 'which goes by itself');
SELECT is(pg_temp.drop('b'), 'nothing', 'none left');
SELECT is(pg_temp.amiss(), '0 moved', 'sides: all is well');

-- one that takes over lies in another stretch, pool or is short
INSERT INTO calls VALUES ('k', '075586010001', 'x', '2025-03-02 00:00+08', 60, 'a'), ('k', '075586010001', 'x', '2025-02-02 00:00+08', 120, 'b'),
                         ('late', '075586010001', 'x', '2025-03-30 00:00+08', 600, 'l');
SELECT is(pg_temp.told('k') || ', ' || pg_temp.used(1), '1 conflicting_repeat 120; 1 outbound charged 1, 1:10 short 1', 'one against it, before the package');
SELECT is(pg_temp.drop('a') || ', ' || pg_temp.told('late') || ', ' || pg_temp.used(1),
          '1 outbound short 2, 1 outbound charged 10, 1:10 short 2', 'takes over there, and frees time for another call');
SELECT is(pg_temp.drop('b', 'l') || pg_temp.used(1), 'nothing1:0', 'none left');
SELECT is(pg_temp.amiss(), '0 moved', 'stretches: all is well');

-- records of no seconds are not calls, so they take part in nothing
SELECT is(pg_temp.add('a', 0) || pg_temp.add('b', NULL), 'nothingnothing', 'records of no length');
SELECT is(pg_temp.add('c', 60), '1 outbound charged 1', 'one of some length is billed');
SELECT is(pg_temp.drop('a', 'b'), '1 outbound charged 1', 'the others gone, it stays');
SELECT is(pg_temp.drop('c'), 'nothing', 'none left');

-- what is gone leaves nothing behind that charging again would stumble over
INSERT INTO calls VALUES ('later', '075586010001', 'x', '2025-03-30 00:00+08', 60, 'l');
DELETE FROM calls;
SELECT is(pg_temp.amiss(), '0 moved', 'a later call deleted');
INSERT INTO calls VALUES ('earlier', '075586010001', 'x', '2025-03-02 00:00+08', 60, 'e');
SELECT is(pg_temp.amiss(), '0 moved', 'charged again, and then an earlier call');
DELETE FROM calls;

-- everything at once, and none
INSERT INTO calls SELECT 'm' || n % 100, '075586010001', 'x', '2025-03-02 00:00+08', 1 + n % 3, n FROM generate_series(1, 3000) AS n;
SELECT is((SELECT count(*) FROM ccc.call_charges) || ', ' || (SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL) || ', ' || pg_temp.used(1),
          '100, 2000, 1:10 short 90', 'a hundred calls, each in three contents of ten rows');
DELETE FROM calls WHERE id::integer <= 1500;
SELECT is((SELECT count(*) FROM ccc.call_charges) || ', ' || (SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL) || ', ' || pg_temp.used(1),
          '100, 1000, 1:10 short 90', 'half of the rows deleted');
SELECT is(pg_temp.amiss(), '0 moved', 'half: all is well');
DELETE FROM calls;
SELECT is((SELECT count(*) FROM ccc.call_charges) || ', ' || (SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL) || ', ' || pg_temp.used(1),
          '0, 0, 1:0', 'all deleted');
DELETE FROM calls;
SELECT is((SELECT sum(billed) FROM ccc.ledger WHERE billed > 0), (SELECT -sum(billed) FROM ccc.ledger WHERE billed < 0), 'the ledger is only added to');
SELECT is(pg_temp.amiss(), '0 moved', 'all: all is well');

-- TRUNCATE
SELECT is(pg_temp.add('a', 60), '1 outbound charged 1', 'a record');
SELECT throws_ok('TRUNCATE calls', '55000', NULL, 'a billed table is not truncated');
SELECT throws_ok('TRUNCATE other, calls CASCADE', '55000', NULL, 'nor with others');
CREATE FUNCTION pg_temp.hint() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    TRUNCATE calls;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN hint;
END $$;
SELECT matches(pg_temp.hint(), 'Delete', 'a hint says what to do');
SELECT is(pg_temp.told('k') || (SELECT count(*) FROM calls), '1 outbound charged 11', 'the record is still there');

-- a number that its account had twice: what goes is counted once
SELECT ccc.release_number(2, '075586010002', '2025-03-20 00:00+08');
SELECT ccc.buy(2, 'number_landline', number => '0755-86010002', bought_at => '2025-03-25 00:00+08');
INSERT INTO calls (call_id, caller, callee, started_at, seconds, id)
SELECT 'twice', '075586010002', 'x', '2025-03-05 00:00+08', 60, 't' || n FROM generate_series(1, 3) AS n;
SELECT is(pg_temp.told('twice'), '2 outbound charged 1', 'three rows that say the same are one charge');
DELETE FROM calls WHERE id = 't1';
DELETE FROM calls WHERE id = 't2';
SELECT is(pg_temp.told('twice'), '2 outbound charged 1', 'two of them go, the third keeps it');
DELETE FROM calls WHERE id = 't3';
SELECT is(pg_temp.told('twice'), 'nothing', 'and takes it with it');

-- what contradicts one side of a call does not take the place of the other
INSERT INTO calls (call_id, caller, callee, started_at, seconds, id) VALUES
    ('sides', '075586010001', 'x', '2025-03-05 00:00+08', 60, 's1'), ('sides', 'x', '075586010001', '2025-03-05 00:00+08', 60, 's2'),
    ('sides', 'x', '075586010001', '2025-03-05 00:00+08', 120, 's3');
SELECT is(pg_temp.told('sides'), '1 conflicting_repeat 120; 1 inbound free 1; 1 outbound charged 1', 'two sides, one of them contradicted');
DELETE FROM calls WHERE id = 's1';
SELECT is(pg_temp.told('sides'), '1 conflicting_repeat 120; 1 inbound free 1', 'the other goes');
DELETE FROM calls WHERE id = 's2';
SELECT is(pg_temp.told('sides'), '1 inbound free 2', 'now its turn has come');
DELETE FROM calls WHERE id = 's3';

-- a row that contradicts both sides goes from both
INSERT INTO calls (call_id, caller, callee, started_at, seconds, id) VALUES
    ('both', '075586010001', '075586010009', '2025-03-05 00:00+08', 60, 'b1'), ('both', '075586010001', '075586010009', '2025-03-05 00:00+08', 120, 'b2');
SELECT is(pg_temp.told('both'), '1 conflicting_repeat 120; 1 conflicting_repeat 120; 1 inbound free 1; 1 outbound charged 1', 'both sides contradicted');
DELETE FROM calls WHERE id = 'b2';
SELECT is(pg_temp.told('both'), '1 inbound free 1; 1 outbound charged 1', 'and no longer');
DELETE FROM calls WHERE id = 'b1';
SELECT is(pg_temp.amiss(), '0 moved', 'sides: all is well');

SELECT ccc.detach('calls');
SELECT lives_ok('TRUNCATE calls', 'a detached one is');
SELECT is(pg_temp.told('k'), '1 outbound charged 1', 'what was billed stays');
SELECT is(pg_temp.amiss(), '0 moved', 'at the end all is well');
SELECT * FROM finish();
ROLLBACK;
