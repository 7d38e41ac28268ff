-- Statements that insert, update and delete at once, or by other tables.
BEGIN;
SELECT plan(26);

\ir setup/tiny_packages.psql
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
CREATE TABLE calls (call_id text PRIMARY KEY, caller text DEFAULT '075586010001', callee text DEFAULT 'x',
                    started_at timestamptz DEFAULT '2025-03-05 00:00+08', seconds numeric, note text);
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee');

\ir setup/told.psql
CREATE FUNCTION pg_temp.all_told() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(call_id || ' ' || billed_minutes, ', ' ORDER BY call_id), 'nothing')
           || coalesce((SELECT '; ' || string_agg(call_id || ' ' || reason, ', ' ORDER BY call_id) FROM ccc.exceptions WHERE resolved_at IS NULL), '')
    FROM ccc.call_charges $$;
CREATE FUNCTION pg_temp.entries() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ccc.ledger';

-- INSERT ... ON CONFLICT DO UPDATE
INSERT INTO calls (call_id, seconds) VALUES ('a', 60), ('b', 60) ON CONFLICT (call_id) DO UPDATE SET seconds = excluded.seconds;
SELECT is(pg_temp.all_told(), 'a 1, b 1', 'rows that are new');
INSERT INTO calls (call_id, seconds) VALUES ('b', 120), ('c', 180) ON CONFLICT (call_id) DO UPDATE SET seconds = excluded.seconds;
SELECT is(pg_temp.all_told(), 'a 1, b 2, c 3', 'one that is there and one that is new');
CREATE TEMP TABLE before AS SELECT pg_temp.entries() AS n;
INSERT INTO calls (call_id, seconds) VALUES ('a', 60), ('b', 120) ON CONFLICT (call_id) DO UPDATE SET seconds = excluded.seconds, note = 'same';
INSERT INTO calls (call_id, seconds) VALUES ('a', 600) ON CONFLICT (call_id) DO UPDATE SET seconds = excluded.seconds WHERE calls.note IS NULL;
INSERT INTO calls (call_id, seconds) VALUES ('a', 600) ON CONFLICT DO NOTHING;
SELECT is(pg_temp.entries(), (SELECT n FROM before), 'the same again, or none updated, posts nothing');
INSERT INTO calls (call_id, seconds) VALUES ('a', 0), ('d', 0), ('e', NULL) ON CONFLICT (call_id) DO UPDATE SET seconds = excluded.seconds;
SELECT is(pg_temp.all_told(), 'b 2, c 3', 'to no length');
INSERT INTO calls (call_id, seconds) VALUES ('a', 60), ('d', 60), ('e', 60) ON CONFLICT (call_id) DO UPDATE SET seconds = excluded.seconds;
SELECT is(pg_temp.all_told(), 'a 1, b 2, c 3, d 1, e 1', 'and to one');
INSERT INTO calls (call_id, seconds) VALUES ('d', 30), ('x', 61) ON CONFLICT (call_id) DO UPDATE SET call_id = 'renamed';
SELECT is(pg_temp.all_told(), 'a 1, b 2, c 3, e 1, renamed 1, x 2', 'a key changed');
INSERT INTO calls (call_id, seconds) SELECT 'u' || n % 1500, n FROM generate_series(1, 1500) AS n;
INSERT INTO calls (call_id, seconds) SELECT 'u' || n, 60 FROM generate_series(0, 2999) AS n ON CONFLICT (call_id) DO UPDATE SET seconds = excluded.seconds;
SELECT is((SELECT count(*) || ' ' || sum(billed_minutes) FROM ccc.call_charges WHERE call_id LIKE 'u%'), '3000 3000', 'thousands, half of them new');
DELETE FROM calls WHERE call_id LIKE 'u%' OR call_id IN ('renamed', 'x');
SELECT is(pg_temp.all_told(), 'a 1, b 2, c 3, e 1', 'thousands deleted');
SELECT is(pg_temp.amiss(), '0 moved', 'upserts: all is well');

-- MERGE
CREATE TEMP TABLE news (call_id text, seconds numeric, gone boolean);
INSERT INTO news VALUES ('a', 120, false), ('b', NULL, true), ('c', 180, false), ('f', 240, false), ('g', NULL, true);
MERGE INTO calls AS c USING news AS n ON n.call_id = c.call_id
    WHEN MATCHED AND n.gone THEN DELETE
    WHEN MATCHED THEN UPDATE SET seconds = n.seconds
    WHEN NOT MATCHED AND NOT n.gone THEN INSERT (call_id, seconds) VALUES (n.call_id, n.seconds);
SELECT is(pg_temp.all_told(), 'a 2, c 3, e 1, f 4', 'updated, deleted and inserted at once');
TRUNCATE before;
INSERT INTO before SELECT pg_temp.entries();
MERGE INTO calls AS c USING news AS n ON n.call_id = c.call_id
    WHEN MATCHED AND c.seconds = n.seconds THEN UPDATE SET note = 'merged'
    WHEN NOT MATCHED THEN DO NOTHING;
SELECT is(pg_temp.entries(), (SELECT n FROM before), 'the same again posts nothing');
MERGE INTO calls AS c USING (VALUES ('e'), ('h')) AS n (id) ON n.id = c.call_id
    WHEN MATCHED THEN UPDATE SET call_id = 'h'
    WHEN NOT MATCHED THEN INSERT (call_id, seconds) VALUES ('e2', 120);
SELECT is(pg_temp.all_told(), 'a 2, c 3, e2 2, f 4, h 1', 'a key changed beside a new row');
-- without a unique key: what goes and what comes may be of one key
CREATE TABLE loose (id integer, call_id text, seconds numeric);
SELECT ccc.attach('loose', 'call_id', 'timestamptz ''2025-03-05 00:00+08''', 'seconds', '''075586010001''', '''x''');
INSERT INTO loose VALUES (1, 'l', 60), (2, 'm', 60);
MERGE INTO loose AS l USING (VALUES (1), (3)) AS n (id) ON n.id = l.id
    WHEN MATCHED THEN DELETE
    WHEN NOT MATCHED THEN INSERT VALUES (3, 'l', 300);
SELECT is(pg_temp.told('l'), '1 charged 5', 'a row replaced by another of its key');
MERGE INTO loose AS l USING (VALUES (2, 'l'), (3, 'm'), (4, 'm')) AS n (id, call_id) ON n.id = l.id
    WHEN MATCHED THEN UPDATE SET call_id = n.call_id
    WHEN NOT MATCHED THEN INSERT VALUES (4, 'm', 300);
SELECT is(pg_temp.told('l') || ', ' || pg_temp.told('m'), '1 charged 1, 1 charged 5', 'ids exchanged, and a copy of one of them');
DELETE FROM loose WHERE id = 3;
SELECT is(pg_temp.told('m'), '1 charged 5', 'which keeps the charge');
DELETE FROM loose;
SELECT is(pg_temp.amiss(), '0 moved', 'merges: all is well');

-- UPDATE ... FROM, DELETE ... USING
INSERT INTO calls (call_id, seconds) SELECT 'n' || n, 1 FROM generate_series(1, 3000) AS n;
UPDATE calls AS c SET seconds = v.n % 3 * 60 FROM generate_series(1, 3000) AS v (n), generate_series(1, 2) AS twice WHERE c.call_id = 'n' || v.n;
SELECT is((SELECT count(*) || ' ' || sum(billed_minutes) FROM ccc.call_charges WHERE call_id LIKE 'n%'), '2000 3000', 'many updated from another table, joined twice');
DELETE FROM calls AS c USING generate_series(1, 3000) AS v (n) WHERE c.call_id = 'n' || v.n AND v.n % 3 = 2;
SELECT is((SELECT count(*) || ' ' || sum(billed_minutes) FROM ccc.call_charges WHERE call_id LIKE 'n%'), '1000 1000', 'many deleted by another table');
DELETE FROM calls WHERE call_id LIKE 'n%';

-- data-modifying CTEs
WITH gone AS (DELETE FROM calls WHERE call_id = 'a' RETURNING *)
INSERT INTO loose SELECT 1, call_id, seconds FROM gone;
SELECT is(pg_temp.told('a'), '1 charged 2', 'a row moved from table to table keeps its charge');
WITH gone AS (DELETE FROM loose RETURNING *)
INSERT INTO loose SELECT 2, call_id, seconds + 60 FROM gone;
SELECT is(pg_temp.told('a'), '1 charged 3', 'deleted and inserted with other content');
WITH one AS (UPDATE calls SET seconds = 301 WHERE call_id = 'c'), two AS (DELETE FROM calls WHERE call_id = 'h'),
     three AS (INSERT INTO calls (call_id, seconds) VALUES ('i', 1)), four AS (UPDATE calls SET seconds = 302 WHERE call_id = 'f')
UPDATE calls SET note = 'four statements', seconds = 361 WHERE call_id = 'e2';
SELECT is(pg_temp.all_told(), 'a 3, c 6, e2 7, f 6, i 1', 'several updates of one table, a deletion and a new row');
WITH gone AS (DELETE FROM calls RETURNING call_id), more AS (DELETE FROM loose RETURNING call_id)
SELECT is((SELECT count(*) FROM gone) + (SELECT count(*) FROM more), 5::bigint, 'all deleted');
SELECT is(pg_temp.all_told(), 'nothing', 'nothing is left');
SELECT is(pg_temp.used(1), '1:0', 'of the time either');

-- COPY, a cursor, cascades
INSERT INTO calls (call_id, seconds) VALUES ('p', 60), ('q', 60), ('r', 60);
DO $$
DECLARE
    c CURSOR FOR SELECT * FROM calls WHERE call_id = 'p' FOR UPDATE;
BEGIN
    OPEN c;
    MOVE c;
    UPDATE calls SET seconds = 121 WHERE CURRENT OF c;
END $$;
CREATE TABLE switches (name text PRIMARY KEY);
INSERT INTO switches VALUES ('q'), ('r');
CREATE TABLE legs (call_id text REFERENCES switches ON DELETE CASCADE ON UPDATE CASCADE, seconds numeric);
SELECT ccc.attach('legs', '''leg'' || call_id', 'timestamptz ''2025-03-05 00:00+08''', 'seconds', '''075586010001''', '''x''');
INSERT INTO legs VALUES ('q', 60), ('r', 120);
DELETE FROM switches WHERE name = 'q';
UPDATE switches SET name = 's';
SELECT is(pg_temp.all_told(), 'legs 2, p 3, q 1, r 1', 'by a cursor, by cascades of foreign keys');
SELECT is(pg_temp.amiss(), '0 moved', 'at the end all is well');
SELECT * FROM finish();
ROLLBACK;
