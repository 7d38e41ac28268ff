-- The exceptions of rows that could not be mapped are found again when the
-- rows are corrected or deleted, though the table has changed meanwhile.
BEGIN;
SELECT plan(22);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.add_own_number(1, '075586010001', 'landline', '2025-01-01');
CREATE TABLE raw (note text, id text, started text, length text, gone integer);
SELECT ccc.attach('raw', 'id', 'started::timestamp', 'length::numeric', '''075586010001''', '''x''', time_zone => 'Asia/Shanghai');
CREATE FUNCTION pg_temp.open() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s', record ->> 'id', reason), ', ' ORDER BY record ->> 'id', reason), 'none')
    FROM ccc.exceptions WHERE resolved_at IS NULL $$;
CREATE FUNCTION pg_temp.billed() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(call_id::text, ', ' ORDER BY call_id), 'none') FROM ccc.call_charges $$;
INSERT INTO raw (id, started, length, gone) SELECT 'r' || n, '2025-03-05 10:00', 'a minute', n FROM generate_series(1, 6) AS n;
INSERT INTO raw (id) VALUES ('n');
INSERT INTO raw (id, length) VALUES ('o', 'an hour');
SELECT is(pg_temp.open(), 'o mapping_failed, r1 mapping_failed, r2 mapping_failed, r3 mapping_failed, r4 mapping_failed, r5 mapping_failed, r6 mapping_failed',
          'rows that cannot be mapped');

-- columns that the mapping does not read come and go
ALTER TABLE raw ADD COLUMN added text;
DELETE FROM raw WHERE id = 'r1';
SELECT is(pg_temp.open(), 'o mapping_failed, r2 mapping_failed, r3 mapping_failed, r4 mapping_failed, r5 mapping_failed, r6 mapping_failed', 'a column added: deleted');
UPDATE raw SET length = '61' WHERE id = 'r2';
SELECT is(pg_temp.open() || '; ' || pg_temp.billed(), 'o mapping_failed, r3 mapping_failed, r4 mapping_failed, r5 mapping_failed, r6 mapping_failed; r2', 'corrected');
ALTER TABLE raw ADD COLUMN full_of text DEFAULT 'something';
UPDATE raw SET length = '61' WHERE id = 'r3';
SELECT is(pg_temp.open() || '; ' || pg_temp.billed(), 'o mapping_failed, r4 mapping_failed, r5 mapping_failed, r6 mapping_failed; r2, r3', 'one with a default');
ALTER TABLE raw DROP COLUMN gone;
UPDATE raw SET length = '61' WHERE id = 'r4';
SELECT is(pg_temp.open() || '; ' || pg_temp.billed(), 'o mapping_failed, r5 mapping_failed, r6 mapping_failed; r2, r3, r4', 'one dropped');
ALTER TABLE raw RENAME COLUMN note TO remark;
ALTER TABLE raw ALTER COLUMN added TYPE jsonb USING '{"a": null}';
DELETE FROM raw WHERE id = 'r5';
SELECT is(pg_temp.open(), 'o mapping_failed, r6 mapping_failed', 'one renamed, one of another type');
UPDATE raw SET remark = 'to be looked at' WHERE id = 'r6';
SELECT is(pg_temp.open(), 'o mapping_failed, r6 mapping_failed', 'a change that the mapping does not see is none');
UPDATE raw SET length = 'two minutes' WHERE id = 'r6';
SELECT is(pg_temp.open(), 'o mapping_failed, r6 mapping_failed', 'one that does not help is a new exception instead of the old one');
SELECT is((SELECT string_agg(record ->> 'length', ', ' ORDER BY seen_at) FROM ccc.exceptions WHERE record ->> 'id' = 'r6'), 'a minute, two minutes', 'that shows the row as it is');
DELETE FROM raw WHERE id IN ('o', 'r6');
SELECT is(pg_temp.open(), 'none', 'none is left');

-- while the whole mapping cannot be read, every column counts, but for nulls
ALTER TABLE raw RENAME COLUMN length TO len;
INSERT INTO raw (id, started, len) VALUES ('w1', '2025-03-05 10:00', '61'), ('w2', '2025-03-05 10:00', '61');
ALTER TABLE raw ADD COLUMN more text;
DELETE FROM raw WHERE id = 'w1';
SELECT is(pg_temp.open(), 'w2 mapping_failed', 'a row deleted meanwhile');
ALTER TABLE raw RENAME COLUMN len TO length;
DELETE FROM raw;
SELECT is(pg_temp.billed(), 'none', 'all deleted');

-- partitions with their columns in another order
CREATE TABLE parted (at timestamptz, id text, length text) PARTITION BY RANGE (at);
CREATE TABLE part (length text, gone integer, id text, at timestamptz);
ALTER TABLE part DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
SELECT ccc.attach('parted', 'id', 'at', 'length::numeric', '''075586010001''', '''x''');
INSERT INTO parted VALUES ('2026-01-05', 'p1', 'x'), ('2026-01-05', 'p2', 'x'), ('2026-01-05', 'p3', 'x');
ALTER TABLE parted ADD COLUMN more text DEFAULT 'y';
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE source = 'parted'::regclass AND resolved_at IS NULL), 3::bigint, 'stored through the parent');
DELETE FROM part WHERE id = 'p1';
UPDATE part SET length = '60' WHERE id = 'p2';
SELECT is((SELECT string_agg(record ->> 'id', ', ') FROM ccc.exceptions WHERE source = 'parted'::regclass AND resolved_at IS NULL), 'p3', 'deleted and corrected in the partition');
SELECT is(pg_temp.billed(), 'p2', 'and billed');

-- a mapping that reads the whole row
CREATE TABLE whole (id text, length text, note text);
CREATE FUNCTION length_of(whole) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT ($1).length::numeric';
SELECT ccc.attach('whole', 'id', 'timestamptz ''2026-01-05 00:00+00''', 'public.length_of(cdr)', '''075586010001''', '''x''');
INSERT INTO whole VALUES ('h1', 'x', 'a'), ('h2', 'x', 'b');
ALTER TABLE whole ADD COLUMN more text;
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE source = 'whole'::regclass AND resolved_at IS NULL), 2::bigint, 'a mapping of the whole row');
DELETE FROM whole WHERE id = 'h1';
SELECT is((SELECT string_agg(record ->> 'id', ', ') FROM ccc.exceptions WHERE source = 'whole'::regclass AND resolved_at IS NULL), 'h2', 'which finds each');
UPDATE whole SET note = 'c';
SELECT is((SELECT string_agg(record ->> 'note', ', ') FROM ccc.exceptions WHERE source = 'whole'::regclass AND resolved_at IS NULL), 'c', 'and sees every change');
-- rows that were billed, or not, while the mapping raises for who takes them away
CREATE TABLE allowed (x integer);
CREATE FUNCTION public.norm(text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM x FROM public.allowed; RETURN $1; END $$;
CREATE TABLE checked (LIKE raw);
SELECT ccc.attach('checked', 'id', 'started::timestamp', 'length::numeric', 'public.norm(''075586010001'')', '''x''', time_zone => 'Asia/Shanghai');
CREATE ROLE pbx;
GRANT SELECT, INSERT, UPDATE, DELETE ON checked TO pbx;
INSERT INTO checked (id, started, length) SELECT 'c' || n, '2025-03-05 10:00', '61' FROM generate_series(1, 3) AS n;
SET ROLE pbx;
INSERT INTO checked (id, started, length) SELECT 'd' || n, '2025-03-05 10:00', '61' FROM generate_series(1, 3) AS n;
DELETE FROM checked WHERE id IN ('c1', 'd1');
UPDATE checked SET length = '600' WHERE id IN ('c2', 'd2');
RESET ROLE;
SELECT is((SELECT string_agg(call_id, ', ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'c_'), 'c1, c2, c3', 'charges of rows that could not be read stand');
SELECT is((SELECT string_agg(format('%s %s', record ->> 'id', reason), ', ' ORDER BY record ->> 'id', reason)
           FROM ccc.exceptions WHERE source = 'checked'::regclass AND resolved_at IS NULL),
          'c1 gone_unseen, c2 gone_unseen, c2 mapping_failed, d2 mapping_failed, d3 mapping_failed', 'which is told, of those that may have one');
SET ROLE pbx;
INSERT INTO checked (id, started, length) VALUES ('c1', '2025-03-05 10:00', '61');
DELETE FROM checked WHERE id = 'c1';
RESET ROLE;
SELECT is((SELECT string_agg(reason, ', ') FROM ccc.exceptions WHERE record ->> 'id' = 'c1' AND source = 'checked'::regclass AND resolved_at IS NULL),
          'gone_unseen', 'and is still when a row that says the same comes and goes');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
