-- A statement is closed at a posting number: its entries are never changed, and
-- what is posted later for its calls has a higher number.
BEGIN;
SELECT plan(22);

\ir setup/tiny_packages.psql
SELECT ccc.buy(1, 'tiny', 10, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'tiny_2', 20, bought_at => '2025-03-10 00:00+08');
SELECT ccc.create_calls_table();

\ir setup/told.psql
CREATE TEMP TABLE closed AS SELECT * FROM ccc.ledger WITH NO DATA;
CREATE TEMP TABLE closings (posting_no bigint, billed numeric);
-- closes a statement over all that is not in one yet
CREATE FUNCTION pg_temp.close() RETURNS numeric LANGUAGE sql AS $$
    INSERT INTO closed SELECT * FROM ccc.ledger WHERE posting_no > (SELECT coalesce(max(posting_no), 0) FROM closings);
    INSERT INTO closings
        SELECT a.last_posting_no, (SELECT coalesce(sum(l.billed), 0) / 60 FROM ccc.ledger AS l
                                   WHERE l.posting_no > (SELECT coalesce(max(posting_no), 0) FROM closings))
        FROM ccc.accounts AS a
        RETURNING ccc.minutes(billed * 60) $$;
-- what was changed or came under a number that was closed
CREATE FUNCTION pg_temp.touched() RETURNS bigint LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM (SELECT * FROM closed EXCEPT SELECT * FROM ccc.ledger) AS lost)
           + (SELECT count(*) FROM (SELECT * FROM ccc.ledger WHERE posting_no <= (SELECT max(posting_no) FROM closings) EXCEPT SELECT * FROM closed) AS late) $$;

INSERT INTO calls VALUES ('a', '075586010001', 'x', '2025-03-05 00:00+08', 240), ('b', '075586010001', 'x', '2025-03-15 00:00+08', 540);
SELECT is(pg_temp.close(), 13::numeric, 'a statement over two calls');
UPDATE calls SET seconds = 300 WHERE call_id = 'a';
SELECT is(pg_temp.touched(), 0::bigint, 'a correction leaves it as it is');
SELECT is((SELECT sum(billed) / 60 FROM ccc.ledger WHERE call_id = 'a' AND posting_no > (SELECT max(posting_no) FROM closings)), 1::numeric,
          'and adds the difference under a higher number');
SELECT is((SELECT sum(billed) FROM ccc.ledger WHERE call_id = 'b' AND posting_no > (SELECT max(posting_no) FROM closings)), 0::numeric,
          'what it moved of another call adds up to nothing');
SELECT is(pg_temp.close(), 1::numeric, 'the next statement has the adjustment');
DELETE FROM calls WHERE call_id = 'b';
SELECT is(pg_temp.touched(), 0::bigint, 'a deletion');
SELECT is(pg_temp.close(), -9::numeric, 'is an adjustment too');
INSERT INTO calls VALUES ('late', '075586010001', 'x', '2025-03-04 00:00+08', 420);
SELECT is(pg_temp.touched(), 0::bigint, 'a late record');
SELECT is(pg_temp.close(), 7::numeric, 'is of the next statement');
SELECT ccc.buy(1, 'tiny', 5, bought_at => '2025-03-02 00:00+08');
SELECT is(pg_temp.touched(), 0::bigint, 'a purchase after the fact');
SELECT is((SELECT string_agg(format('%s:%s', package, minutes), ' ' ORDER BY package)
           FROM (SELECT coalesce(package_no, 0) AS package, ccc.minutes(sum(billed)) AS minutes FROM ccc.ledger
                 WHERE posting_no > (SELECT max(posting_no) FROM closings) AND kind IN ('c', 's') GROUP BY 1) AS m), '0:-2 3:2', 'moves a shortfall to itself');
SELECT is(pg_temp.close(), 0::numeric, 'which costs no more minutes');
INSERT INTO calls VALUES ('late', '075586010001', 'x', '2025-03-04 00:00+08', 420), ('late', '075586010001', 'x', '2025-03-04 00:00+08', 60);
DELETE FROM calls WHERE seconds = 420;
SELECT is(pg_temp.touched() || ', ' || pg_temp.close(), '0, -6', 'another row takes over');
SET ccc_billing.replay = off;
INSERT INTO calls VALUES ('e', '075586010001', 'x', '2025-03-20 00:00+08', 600), ('d', '075586010001', 'x', '2025-03-03 00:00+08', 600);
UPDATE calls SET started_at = '2025-03-21 00:00+08' WHERE call_id = 'd';
RESET ccc_billing.replay;
SELECT is(pg_temp.touched() || ', ' || pg_temp.close(), '0, 20', 'without replay');
SELECT isnt(ccc.replay(1), NULL, 'and with it');
SELECT is(pg_temp.touched() || ', ' || pg_temp.close(), '0, 0', 'nothing closed is touched');

-- numbers are counted, one for all that a statement posts to the account
SELECT is((SELECT sum(billed) FROM closings), (SELECT sum(billed) / 60 FROM ccc.ledger), 'the statements add up to the ledger');
SELECT is((SELECT sum(billed_minutes) FROM ccc.call_charges), (SELECT sum(billed) FROM closings), 'and to what is charged now');
UPDATE calls SET seconds = seconds + 60;
SELECT is((SELECT count(DISTINCT posting_no) FROM ccc.ledger WHERE posting_no > (SELECT max(posting_no) FROM closings)), 1::bigint, 'one posting for a statement');
SELECT is((SELECT count(*) FROM (SELECT call_id, posting_no < lag(posting_no) OVER (PARTITION BY call_id, direction ORDER BY entry_no) AS falls FROM ccc.ledger) AS l WHERE falls),
          0::bigint, 'a call''s entries have them ascending');
SAVEPOINT s;
UPDATE calls SET seconds = 1;
ROLLBACK TO s;
SELECT is((SELECT max(posting_no) FROM ccc.ledger), (SELECT last_posting_no FROM ccc.accounts), 'what is rolled back leaves no gap behind');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');
SELECT * FROM finish();
ROLLBACK;
