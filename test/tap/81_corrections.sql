-- UPDATE of a billed record reverses and recharges it, whatever of it changes;
-- a change that the mapping does not see posts nothing.
BEGIN;
SELECT plan(104);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01', CASE a WHEN 4 THEN 'America/New_York' ELSE 'Asia/Shanghai' END)
FROM generate_series(1, 4) AS a;
SELECT ccc.top_up(a, 10000) FROM generate_series(1, 4) AS a;
SELECT ccc.buy(a, 'number_landline', periods => 12, number => '0755-8601000' || a, bought_at => '2025-01-01 00:00+08')
FROM generate_series(1, 4) AS a;
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86010009', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'number_400', periods => 12, number => '400-812-3456', bought_at => '2025-01-01 00:00+08');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES
    ('tiny', 'package', 'landline_outbound', 1, '1 month'), ('tiny_2', 'package', 'landline_outbound', 1, '2 months'),
    ('tiny_400', 'package', '400_inbound', 1, '1 month');
INSERT INTO ccc.prices (product, valid_from, tiers) SELECT 'tiny' || s, '-infinity', '0:1' FROM unnest('{"",_2,_400}'::text[]) AS s;
SELECT ccc.buy(1, 'tiny', 10, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'tiny_2', 20, bought_at => '2025-03-10 00:00+08');
SELECT ccc.buy(1, 'tiny_400', 30, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(2, 'tiny', 10, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(3, 'tiny_2', 10, bought_at => '2025-03-10 00:00+08');
SELECT ccc.buy(4, 'tiny_2', 10, bought_at => '2025-03-10 00:00+08');
SELECT ccc.create_calls_table();
ALTER TABLE calls ADD note text;

CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s %s %s', account_id, direction, outcome, billed_minutes) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT format('%s %s', coalesce(account_id::text, 'nobody'), reason) FROM ccc.exceptions
                    WHERE call_id = id AND resolved_at IS NULL) AS s (t) $$;
CREATE FUNCTION pg_temp.used(a bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s:%s', package_no, used_minutes), ' ' ORDER BY package_no)
           || coalesce((SELECT string_agg(' short ' || short_minutes, '' ORDER BY pool) FROM ccc.shortfalls WHERE account_id = a), '')
    FROM ccc.package_balances WHERE account_id = a $$;
CREATE FUNCTION pg_temp.monthly(a bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s:%s', month, package, minutes), ', ' ORDER BY month, package)
    FROM (SELECT to_char(timezone((SELECT time_zone FROM ccc.accounts WHERE account_id = a), started_at), 'MM') AS month,
                 coalesce(package_no::text, 'short') AS package, ccc.minutes(sum(billed)) AS minutes
          FROM ccc.ledger WHERE account_id = a AND kind IN ('c', 's') GROUP BY 1, 2 HAVING sum(billed) <> 0) AS m $$;
-- what charging again moves, and what check_integrity() says
CREATE FUNCTION pg_temp.amiss() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT sum(ccc.replay(account_id)) FROM ccc.accounts) || ' moved'
           || coalesce((SELECT string_agg('; ' || invariant || ': ' || detail, '') FROM ccc.check_integrity()), '') $$;

-- its length
INSERT INTO calls VALUES ('a', '075586010001', 'x', '2025-03-05 10:00+08', 300);
UPDATE calls SET seconds = 301;
SELECT is(pg_temp.told('a') || ', ' || pg_temp.used(1), '1 outbound charged 6, 1:6 2:0 3:0', 'a second longer, a minute more');
UPDATE calls SET seconds = 360;
SELECT is(pg_temp.told('a') || ', ' || pg_temp.used(1), '1 outbound charged 6, 1:6 2:0 3:0', 'longer within the minute');
SELECT is((SELECT seconds FROM ccc.call_charges), 360::numeric, 'the length shown is the corrected one');
UPDATE calls SET seconds = 660;
SELECT is(pg_temp.told('a') || ', ' || pg_temp.used(1), '1 outbound short 11, 1:10 2:0 3:0 short 1', 'longer than the package');
UPDATE calls SET seconds = 60;
SELECT is(pg_temp.told('a') || ', ' || pg_temp.used(1), '1 outbound charged 1, 1:1 2:0 3:0', 'shorter');
SELECT is(pg_temp.amiss(), '0 moved', 'lengths: all is well');

-- its start, over starts and ends of packages
CREATE FUNCTION pg_temp.start_at(at timestamptz) RETURNS text LANGUAGE sql AS $$
    UPDATE calls SET started_at = at WHERE call_id = 'a';
    SELECT pg_temp.used(1) $$;
SELECT is(pg_temp.start_at('2025-02-28 23:59:59.999999+08'), '1:0 2:0 3:0 short 1', 'a microsecond before the first package');
SELECT is(pg_temp.start_at('2025-03-01 00:00+08'), '1:1 2:0 3:0', 'at its start');
SELECT is(pg_temp.start_at('2025-03-10 00:00+08'), '1:1 2:0 3:0', 'at the start of the second, the first ends earlier');
SELECT is(pg_temp.start_at('2025-03-31 23:59:59.999999+08'), '1:1 2:0 3:0', 'a microsecond before the end of the first');
SELECT is(pg_temp.start_at('2025-04-01 00:00+08'), '1:0 2:1 3:0', 'at its end');
SELECT is(pg_temp.start_at('2025-05-09 23:59:59.999999+08'), '1:0 2:1 3:0', 'a microsecond before the end of the second');
SELECT is(pg_temp.start_at('2025-05-10 00:00+08'), '1:0 2:0 3:0 short 1', 'at its end');
SELECT is((SELECT started_at FROM ccc.call_charges), '2025-05-10 00:00+08', 'the start shown is the corrected one');
SELECT is(pg_temp.amiss(), '0 moved', 'starts: all is well');
SELECT is(pg_temp.start_at('2025-12-27 00:00+08'), '1:0 2:0 3:0', 'at the end of the number''s service nothing is charged');
SELECT is(pg_temp.told('a'), '1 number_suspended', 'it is an exception');
SELECT is(pg_temp.start_at('2024-12-31 23:59:59+08'), '1:0 2:0 3:0', 'nor before it');
SELECT is(pg_temp.told('a'), 'nobody unknown_number', 'an exception of another kind');
SELECT is(pg_temp.start_at('infinity') || ', ' || pg_temp.told('a'), '1:0 2:0 3:0, nobody bad_start', 'at infinity');
SELECT is(pg_temp.start_at(NULL) || ', ' || pg_temp.told('a'), '1:0 2:0 3:0, nobody no_start', 'never');
SELECT is(pg_temp.start_at('2025-03-05 10:00+08') || ', ' || pg_temp.told('a'), '1:1 2:0 3:0, 1 outbound charged 1', 'and back');
SELECT is(pg_temp.amiss(), '0 moved', 'impossible starts: all is well');

-- over the start of a month by the account's clock, within one package
INSERT INTO calls SELECT id || a, '07558601000' || a, 'x', at::timestamp AT TIME ZONE zone, minutes * 60
FROM (VALUES (3, 'Asia/Shanghai'), (4, 'America/New_York')) AS z (a, zone),
     (VALUES ('m', '2025-03-31 23:59:59', 8), ('n', '2025-04-01 00:00', 5)) AS v (id, at, minutes);
SELECT is(pg_temp.monthly(a), '03 1:8, 04 1:2, 04 short:3', format('two months, account %s', a)) FROM generate_series(3, 4) AS a;
UPDATE calls SET started_at = started_at + interval '1 second' WHERE call_id IN ('m3', 'm4');
SELECT is(pg_temp.monthly(a), '04 1:10, 04 short:3', format('a second later it is of the next month, account %s', a)) FROM generate_series(3, 4) AS a;
UPDATE calls SET started_at = started_at - interval '1 microsecond' WHERE call_id IN ('m3', 'm4');
SELECT is(pg_temp.monthly(a), '03 1:8, 04 1:2, 04 short:3', format('a microsecond earlier of the month before, account %s', a)) FROM generate_series(3, 4) AS a;
UPDATE calls SET started_at = started_at - interval '2 seconds' WHERE call_id IN ('n3', 'n4');
SELECT is(pg_temp.monthly(a), '03 1:10, 03 short:3', format('the other goes there too, account %s', a)) FROM generate_series(3, 4) AS a;
UPDATE calls SET seconds = 120 WHERE call_id IN ('m3', 'm4');
SELECT is(pg_temp.monthly(a), '03 1:7', format('a correction frees what the other lacked, account %s', a)) FROM generate_series(3, 4) AS a;
SELECT is(pg_temp.amiss(), '0 moved', 'months: all is well');
DELETE FROM calls WHERE call_id <> 'a';

-- into and out of an exhausted package
INSERT INTO calls VALUES ('x', '075586010003', 'x', '2025-03-20 00:00+08', 600), ('y', '075586010003', 'x', '2025-03-09 23:59+08', 300);
SELECT is(pg_temp.used(3), '1:10 short 5', 'one call exhausts the package, one is before it');
UPDATE calls SET started_at = '2025-03-25 00:00+08' WHERE call_id = 'y';
SELECT is(pg_temp.told('y') || ', ' || pg_temp.used(3), '3 outbound short 5, 1:10 short 5', 'corrected into the exhausted package');
UPDATE calls SET seconds = 241 WHERE call_id = 'x';
SELECT is(pg_temp.told('y') || ', ' || pg_temp.used(3), '3 outbound charged 5, 1:10', 'the other made shorter, both are covered');
UPDATE calls SET seconds = 301 WHERE call_id = 'x';
SELECT is(pg_temp.used(3), '1:10 short 1', 'a minute too much');
UPDATE calls SET started_at = '2025-05-10 00:00+08' WHERE call_id = 'x';
SELECT is(pg_temp.told('x') || ', ' || pg_temp.told('y') || ', ' || pg_temp.used(3),
          '3 outbound short 6, 3 outbound charged 5, 1:5 short 6', 'and out of it');
UPDATE calls SET started_at = started_at - interval '1 month' WHERE call_id = 'x';
SELECT is(pg_temp.monthly(3), '03 1:5, 04 1:5, 04 short:1', 'into what is left in another month');
UPDATE calls SET seconds = 421 WHERE call_id = 'y';
SELECT is(pg_temp.monthly(3), '03 1:8, 04 1:2, 04 short:4', 'a correction takes from the later month');
SELECT is(pg_temp.amiss(), '0 moved', 'exhausted: all is well');

-- time goes back to the package it came from, expired or not
SELECT is((SELECT expired_minutes FROM ccc.package_balances WHERE account_id = 3), 0::numeric, 'an expired package is used up');
UPDATE calls SET seconds = 61 WHERE call_id = 'y';
UPDATE calls SET seconds = 60 WHERE call_id = 'x';
SELECT is((SELECT expired_minutes FROM ccc.package_balances WHERE account_id = 3), 7::numeric, 'what comes back is forfeited');

-- from pool to pool, from account to account
CREATE FUNCTION pg_temp.between(caller text, callee text) RETURNS text LANGUAGE sql AS $$
    UPDATE calls SET (caller, callee) = ($1, $2) WHERE call_id = 'a';
    SELECT format('%s, %s, %s', pg_temp.told('a'), pg_temp.used(1), pg_temp.used(2)) $$;
SELECT is(pg_temp.between('x', '4008123456'), '1 inbound charged 1, 1:0 2:0 3:1, 1:0', 'to the other pool');
SELECT is(pg_temp.between('075586010009', 'x'), '1 outbound charged 1, 1:1 2:0 3:0, 1:0', 'and back, by another number');
SELECT is((SELECT number::text FROM ccc.call_charges WHERE call_id = 'a'), '+8675586010009', 'which is shown');
SELECT is(pg_temp.between('075586010002', 'x'), '2 outbound charged 1, 1:0 2:0 3:0, 1:1', 'to another account''s number');
SELECT is(pg_temp.between('075586010002', '4008123456'), '1 inbound charged 1; 2 outbound charged 1, 1:0 2:0 3:1, 1:1', 'both sides pay');
SELECT is(pg_temp.between('075586010001', '075586010009'), '1 inbound free 1; 1 outbound charged 1, 1:1 2:0 3:0, 1:0', 'two sides of one account');
SELECT is(pg_temp.between('075586010009', '075586010001'), '1 inbound free 1; 1 outbound charged 1, 1:1 2:0 3:0, 1:0', 'the other way round');
SELECT is(pg_temp.between('x', '075586010001'), '1 inbound free 1, 1:0 2:0 3:0, 1:0', 'to free');
SELECT is(pg_temp.between('4008123456', 'x'), '1 call_refused, 1:0 2:0 3:0, 1:0', 'to a call that is refused');
SELECT is(pg_temp.between('x', 'y'), 'nobody unknown_number, 1:0 2:0 3:0, 1:0', 'to nobody''s');
SELECT is(pg_temp.between('+86 755 8601 0001', 'y'), '1 outbound charged 1, 1:1 2:0 3:0, 1:0', 'and back, written otherwise');
SELECT is(pg_temp.between('075586010001', 'x'), '1 outbound charged 1, 1:1 2:0 3:0, 1:0', 'written as before');
SELECT is(pg_temp.amiss(), '0 moved', 'numbers: all is well');

-- a number that changes hands: the start says whose it was
UPDATE ccc.numbers SET paid_until = '2025-03-02 00:00+08', released_at = '2025-03-05 10:00+08' WHERE number::text = '+8675586010001';
UPDATE ccc.rentals SET paid_until = '2025-03-02 00:00+08', periods = 2 WHERE account_id = 1 AND number::text = '+8675586010001';
UPDATE ccc.purchases SET periods = 2 WHERE account_id = 1 AND number::text = '+8675586010001';
SELECT ccc.buy(2, 'number_landline', periods => 12, number => '0755-86010001', bought_at => '2025-03-05 10:00+08');
UPDATE calls SET seconds = 90 WHERE call_id = 'a';
SELECT is(format('%s, %s, %s', pg_temp.told('a'), pg_temp.used(1), pg_temp.used(2)), '2 outbound charged 2, 1:0 2:0 3:0, 1:2',
          'corrected after the number changed hands, it is the new holder''s');
SELECT is(pg_temp.start_at('2025-03-05 09:59:59+08') || ', ' || pg_temp.told('a') || ', ' || pg_temp.used(2),
          '1:0 2:0 3:0, 1 number_suspended, 1:0', 'a second earlier it was the old one''s, suspended');
SELECT is(pg_temp.start_at('2025-03-01 23:59:59+08') || ', ' || pg_temp.told('a'), '1:2 2:0 3:0, 1 outbound charged 2', 'earlier still it was in service');
SELECT is(pg_temp.start_at('2025-03-05 10:00+08') || ', ' || pg_temp.told('a') || ', ' || pg_temp.used(2),
          '1:0 2:0 3:0, 2 outbound charged 2, 1:2', 'and back again');
SELECT is(pg_temp.amiss(), '0 moved', 'a number that changed hands: all is well');
UPDATE calls SET caller = '075586010009' WHERE call_id = 'a';

-- to nothing and back
CREATE FUNCTION pg_temp.last(seconds numeric) RETURNS text LANGUAGE sql AS $$
    UPDATE calls SET seconds = $1 WHERE call_id = 'a';
    SELECT pg_temp.told('a') || ', ' || pg_temp.used(1) $$;
SELECT is(pg_temp.last(0), 'nothing, 1:0 2:0 3:0', 'to 0 seconds');
SELECT is(pg_temp.last(300), '1 outbound charged 5, 1:5 2:0 3:0', 'and back');
SELECT is(pg_temp.last(NULL), 'nothing, 1:0 2:0 3:0', 'to a length not known');
SELECT is(pg_temp.last(0), 'nothing, 1:0 2:0 3:0', 'which is then 0');
SELECT is(pg_temp.last(0.001), '1 outbound charged 1, 1:1 2:0 3:0', 'or a millisecond');
SELECT is(pg_temp.last(-1), '1 bad_length, 1:0 2:0 3:0', 'or less than nothing');
SELECT is(pg_temp.last('NaN'), '1 bad_length, 1:0 2:0 3:0', 'or not a number');
SELECT is(pg_temp.last(86401), '1 bad_length, 1:0 2:0 3:0', 'or too long');
SELECT is(pg_temp.last(300), '1 outbound charged 5, 1:5 2:0 3:0', 'and back to what it was');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE call_id = 'a' AND resolved_at IS NULL), 0::bigint, 'every exception is resolved');
SELECT is(pg_temp.amiss(), '0 moved', 'lengths of nothing: all is well');

-- its id
CREATE FUNCTION pg_temp.rename(old text, new text) RETURNS text LANGUAGE sql AS $$
    UPDATE calls SET call_id = new WHERE call_id = old AND note IS NOT DISTINCT FROM 'b';
    SELECT format('%s, %s, %s', pg_temp.told('a'), pg_temp.told('b'), pg_temp.used(1)) $$;
INSERT INTO calls VALUES ('b', '075586010009', 'x', '2025-03-05 11:00+08', 120, 'b');
SELECT is(pg_temp.rename('b', 'c'), '1 outbound charged 5, nothing, 1:7 2:0 3:0', 'a new id');
SELECT is(pg_temp.told('c'), '1 outbound charged 2', 'by which it is billed');
SELECT is(pg_temp.rename('c', 'a'), '1 conflicting_repeat; 1 outbound charged 5, nothing, 1:5 2:0 3:0', 'the id of another call');
SELECT is(pg_temp.rename('a', 'b'), '1 outbound charged 5, 1 outbound charged 2, 1:7 2:0 3:0', 'and its own again');
UPDATE calls SET (started_at, seconds) = ('2025-03-05 10:00+08', 300.0) WHERE call_id = 'b';
SELECT is(pg_temp.used(1), '1:10 2:0 3:0', 'a call like the other one, but for its id');
SELECT is(pg_temp.rename('b', 'a'), '1 outbound charged 5, nothing, 1:5 2:0 3:0', 'with the other''s id it is a repeat');
SELECT is(pg_temp.rename('a', 'b'), '1 outbound charged 5, 1 outbound charged 5, 1:10 2:0 3:0', 'and then no longer');
SELECT is(pg_temp.rename('b', ''), '1 outbound charged 5, nothing, 1:5 2:0 3:0', 'no id');
SELECT is(pg_temp.rename('', repeat('i', 256)), '1 outbound charged 5, nothing, 1:5 2:0 3:0', 'a long one');
SELECT is(pg_temp.rename(repeat('i', 256), 'b'), '1 outbound charged 5, 1 outbound charged 5, 1:10 2:0 3:0', 'its own');
UPDATE calls SET seconds = 60 WHERE call_id = 'b';
UPDATE calls SET call_id = CASE call_id WHEN 'a' THEN 'b' ELSE 'a' END WHERE call_id IN ('a', 'b');
SELECT is(format('%s, %s, %s', pg_temp.told('a'), pg_temp.told('b'), pg_temp.used(1)),
          '1 outbound charged 1, 1 outbound charged 5, 1:6 2:0 3:0', 'two calls exchange their ids');
SELECT is(pg_temp.amiss(), '0 moved', 'ids: all is well');

-- what the mapping does not see
CREATE FUNCTION pg_temp.postings() RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s %s', (SELECT sum(last_posting_no) FROM ccc.accounts), (SELECT count(*) FROM ccc.ledger), (SELECT count(*) FROM ccc.exceptions)) $$;
CREATE TEMP TABLE before AS SELECT pg_temp.postings() AS postings;
UPDATE calls SET note = 'seen by nobody';
UPDATE calls SET seconds = seconds * 1.000, started_at = timezone('UTC', timezone('UTC', started_at)), caller = caller || '';
UPDATE calls SET seconds = seconds WHERE false;
UPDATE calls SET seconds = 0, note = 'x' WHERE coalesce(seconds, 0) = 0;
SELECT is(pg_temp.postings(), (SELECT postings FROM before), 'posts nothing');
UPDATE calls SET note = 'n', seconds = 59 WHERE call_id = 'a';
SELECT isnt(pg_temp.postings(), (SELECT postings FROM before), 'what it sees does');

-- only what is corrected is posted, in a statement that touches more
TRUNCATE before;
INSERT INTO before SELECT string_agg(call_id || entry_no, ' ' ORDER BY call_id, entry_no) FROM ccc.ledger WHERE call_id <> 'a';
UPDATE calls SET note = 'all', seconds = CASE call_id WHEN 'a' THEN 61 ELSE seconds END;
SELECT is((SELECT string_agg(call_id || entry_no, ' ' ORDER BY call_id, entry_no) FROM ccc.ledger WHERE call_id <> 'a'),
          (SELECT postings FROM before), 'calls that do not change get no entries');
SELECT is(pg_temp.told('a'), '1 outbound charged 2', 'the one that does is billed again');

-- finished or not
CREATE TABLE growing (id text, n text, at timestamptz, s numeric, done boolean);
SELECT ccc.attach('growing', 'id', 'at', 's', 'n', '''x''', finished => 'done');
INSERT INTO growing VALUES ('g', '075586010009', '2025-03-05 10:00+08', 30);
UPDATE growing SET s = 90;
SELECT is(pg_temp.told('g'), 'nothing', 'a row that grows');
UPDATE growing SET s = 100, done = true;
SELECT is(pg_temp.told('g'), '1 outbound charged 2', 'is billed when finished');
UPDATE growing SET s = 121;
SELECT is(pg_temp.told('g'), '1 outbound charged 3', 'then a change is a correction');
UPDATE growing SET done = false;
SELECT is(pg_temp.told('g'), 'nothing', 'no longer finished');
UPDATE growing SET done = true, s = 0;
UPDATE growing SET done = NULL, s = 50;
SELECT is(pg_temp.told('g'), 'nothing', 'not known to be finished');
UPDATE growing SET done = true;
SELECT is(pg_temp.told('g'), '1 outbound charged 1', 'finished again');
SELECT is(pg_temp.amiss(), '0 moved', 'growing rows: all is well');

-- another increment from an instant on
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('landline_outbound', '2025-03-06 00:00+08', '6/6');
UPDATE growing SET s = 61;
SELECT is(pg_temp.told('g'), '1 outbound charged 2', 'the increment of the call''s start');
UPDATE growing SET at = '2025-03-06 00:00+08';
SELECT is(pg_temp.told('g'), '1 outbound charged 1.1', 'also when the start is corrected');

-- many at once
SELECT ccc.buy(2, 'landline_10000', bought_at => '2025-04-01 00:00+08');
INSERT INTO calls SELECT 'many' || n, '075586010002', 'x', '2025-04-01 00:00+08'::timestamptz + n * interval '1 minute', 6
FROM generate_series(1, 5000) AS n;
SELECT is(pg_temp.used(2), '1:0 2:500', 'many calls');
UPDATE calls SET seconds = seconds + 0.5 WHERE call_id LIKE 'many%';
SELECT is(pg_temp.used(2), '1:0 2:1000', 'corrected at once');
UPDATE calls SET started_at = started_at - interval '1 month', seconds = 6 WHERE call_id LIKE 'many%' AND started_at < '2025-04-01 16:40:30+08';
SELECT is(pg_temp.used(2), '1:10 2:800 short 990', 'and some of them moved to another package and increment');
UPDATE calls SET call_id = 'one' WHERE call_id LIKE 'many%';
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE account_id = 2), 1::bigint, 'all with one id: one is billed');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE call_id = 'one'), 4999::bigint, 'the others contradict it');
SELECT is(pg_temp.amiss(), '0 moved', 'many: all is well');
SELECT * FROM finish();
ROLLBACK;
