-- An exceptional row that is corrected or deleted: its exception is resolved,
-- and what the corrected row says is billed.
BEGIN;
SELECT plan(66);

\ir setup/tiny_packages.psql
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();

\ir setup/told.psql
CREATE FUNCTION pg_temp.open() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL';

-- every kind: corrected, made faulty again, deleted
CREATE TEMP TABLE bad (id text, caller text, started_at timestamptz, seconds numeric, reason text);
INSERT INTO bad VALUES
    ('nan', '075586010001', '2025-03-05 00:00+08', 'NaN', 'bad_length'), ('neg', '075586010001', '2025-03-05 00:00+08', -1, 'bad_length'),
    ('long', '075586010001', '2025-03-05 00:00+08', 86401, 'bad_length'), ('nostart', '075586010001', NULL, 60, 'no_start'),
    ('inf', '075586010001', 'infinity', 60, 'bad_start'), ('ahead', '075586010001', now() + interval '2 days', 60, 'bad_start'),
    ('unknown', '13800138000', '2025-03-05 00:00+08', 60, 'unknown_number'), ('suspended', '075586010001', '2026-03-05 00:00+08', 60, 'number_suspended');
INSERT INTO calls SELECT id, caller, 'x', started_at, seconds FROM bad;
SELECT is(pg_temp.open(), (SELECT count(*) FROM bad), 'an exception each');
UPDATE calls SET (caller, started_at, seconds) = ('075586010001', '2025-03-05 00:00+08', 60);
SELECT is(pg_temp.told(id), '1 charged 1', id || ' corrected is billed') FROM bad;
SELECT is(pg_temp.open(), 0::bigint, 'no exception is open');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NOT NULL), (SELECT count(*) FROM bad), 'resolved ones are kept');
UPDATE calls AS c SET (caller, started_at, seconds) = (b.caller, b.started_at, b.seconds) FROM bad AS b WHERE b.id = c.call_id;
SELECT is((SELECT string_agg(reason, ' ') FROM ccc.exceptions WHERE call_id = id AND resolved_at IS NULL), reason, id || ' made faulty again') FROM bad;
SELECT is(pg_temp.used(1), '1:0', 'their time is given back');
UPDATE calls SET callee = 'y';
SELECT is(pg_temp.open(), (SELECT count(*) FROM bad), 'changed, but still faulty: one exception each');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL AND record ->> 'callee' = 'y'), (SELECT count(*) FROM bad), 'that shows the row as it is');
DELETE FROM calls;
SELECT is(pg_temp.open(), 0::bigint, 'deleted: none is open');
SELECT is(pg_temp.amiss(), '0 moved', 'every kind: all is well');

-- ids that are none
INSERT INTO calls VALUES (NULL, '075586010001', 'x', '2025-03-05 00:00+08', 60), ('', '075586010001', 'x', '2025-03-05 00:00+08', 60),
                         (repeat('i', 256), '075586010001', 'x', '2025-03-05 00:00+08', 60);
SELECT is(pg_temp.open(), 3::bigint, 'rows without an id, and with one too long');
UPDATE calls SET call_id = 'id' || coalesce(length(call_id), -1);
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '0, 1:3', 'corrected, they are billed');
UPDATE calls SET call_id = NULL;
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '3, 1:0', 'and back');
DELETE FROM calls;
SELECT is(pg_temp.open(), 0::bigint, 'deleted');

-- identical faulty rows
INSERT INTO calls (call_id, caller, callee, started_at, seconds) SELECT 'same', 'y', 'x', '2025-03-05 00:00+08', 60 FROM generate_series(1, 3);
ALTER TABLE calls ADD id integer;
UPDATE calls SET id = 1;
SELECT is(pg_temp.open(), 3::bigint, 'three identical rows that are nobody''s');
DELETE FROM calls WHERE ctid = (SELECT min(ctid) FROM calls);
SELECT is(pg_temp.open(), 2::bigint, 'one deleted: two exceptions are left');
UPDATE calls SET caller = '075586010001' WHERE ctid = (SELECT min(ctid) FROM calls);
SELECT is(pg_temp.told('same'), '1 charged 1; nobody unknown_number', 'one corrected: it is billed, one is left');
UPDATE calls SET caller = '075586010001';
SELECT is(pg_temp.told('same'), '1 charged 1', 'the other corrected is a repeat');
DELETE FROM calls WHERE ctid = (SELECT min(ctid) FROM calls);
SELECT is(pg_temp.told('same'), '1 charged 1', 'which keeps the charge');
DELETE FROM calls;
SELECT is(pg_temp.told('same') || pg_temp.open(), 'nothing0', 'until it is deleted');
SELECT is(pg_temp.amiss(), '0 moved', 'identical faulty rows: all is well');

-- a row that could not be billed when it was stored, and one like it that could
INSERT INTO calls VALUES ('twin', '075586010002', 'x', '2025-03-05 00:00+08', 60, 1);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86010002', bought_at => '2025-01-01 00:00+08');
INSERT INTO calls VALUES ('twin', '075586010002', 'x', '2025-03-05 00:00+08', 60, 2);
SELECT is(pg_temp.told('twin'), '1 charged 1; nobody unknown_number', 'an exception, and a charge once the number is known');
SAVEPOINT s;
DELETE FROM calls WHERE id = 1;
SELECT is(pg_temp.told('twin'), '1 charged 1', 'the exceptional row deleted, the other keeps its charge');
SELECT is(pg_temp.used(1), '1:1', 'and its time');
ROLLBACK TO s;
DELETE FROM calls WHERE id = 2;
UPDATE calls SET seconds = 61;
SELECT is(pg_temp.told('twin'), '1 charged 2', 'or the other deleted and this one corrected');
DELETE FROM calls;
INSERT INTO calls VALUES ('twin', '075586010003', 'x', '2025-03-05 00:00+08', 60, 1);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86010003', bought_at => '2025-01-01 00:00+08');
INSERT INTO calls VALUES ('twin', '075586010003', 'x', '2025-03-05 00:00+08', 60, 2);
UPDATE calls SET seconds = 300 WHERE id = 1;
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'twin'), 1::numeric, 'the exceptional row corrected is the one that contradicts');
SELECT is((SELECT string_agg(reason || (record ->> 'seconds'), ' ') FROM ccc.exceptions WHERE call_id = 'twin' AND resolved_at IS NULL), 'conflicting_repeat300',
          'by an exception of its own');
DELETE FROM calls;
SELECT is(pg_temp.told('twin') || pg_temp.used(1), 'nothing1:0', 'all deleted');
SELECT is(pg_temp.amiss(), '0 moved', 'twins: all is well');

-- a mapping that raises
CREATE TABLE raw (id text, started text, length text, note text);
SELECT ccc.attach('raw', 'id', 'started::timestamp', 'length::numeric', '''075586010001''', '''x''', time_zone => 'Asia/Shanghai');
INSERT INTO raw VALUES ('r1', '2025-03-05 10:00', 'a minute'), ('r2', 'yesterday at ten', '61'), ('r3', '2025-03-05 10:00', '61'), ('r4', '2025-03-05 10:00', '');
SELECT is(pg_temp.open() || ', ' || pg_temp.told('r3'), '3, 1 charged 2', 'three rows fail, one is billed');
UPDATE raw SET length = '61' WHERE id = 'r1';
SELECT is(pg_temp.open() || ', ' || pg_temp.told('r1'), '2, 1 charged 2', 'one corrected');
UPDATE raw SET length = 'two minutes' WHERE id = 'r3';
SELECT is(pg_temp.open() || ', ' || pg_temp.told('r3'), '3, nothing', 'one made faulty');
UPDATE raw SET note = 'still faulty';
SELECT is(pg_temp.open(), 3::bigint, 'faulty rows changed otherwise');
UPDATE raw SET length = '120', started = '2025-03-05 11:00';
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '0, 1:8', 'all corrected');
UPDATE raw SET length = 'none';
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '4, 1:0', 'all made faulty');
DELETE FROM raw WHERE id < 'r3';
SELECT is(pg_temp.open(), 2::bigint, 'two of them deleted');
INSERT INTO raw SELECT * FROM raw WHERE id = 'r3';
DELETE FROM raw WHERE ctid = (SELECT min(ctid) FROM raw WHERE id = 'r3');
SELECT is(pg_temp.open(), 2::bigint, 'of two alike one');
DELETE FROM raw;
SELECT is(pg_temp.open(), 0::bigint, 'all');
SELECT is(pg_temp.amiss(), '0 moved', 'mappings that raise: all is well');

-- rows that are good and faulty by turns, thousands in a statement
INSERT INTO raw SELECT 'n' || n, '2025-03-05 10:00', CASE n % 3 WHEN 0 THEN 'x' ELSE '6' END FROM generate_series(1, 3000) AS n;
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '1000, 1:1000 short 1000', 'a third of three thousand');
UPDATE raw SET length = CASE substr(id, 2)::integer % 3 WHEN 1 THEN 'x' ELSE '6' END;
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '1000, 1:1000 short 1000', 'another third');
DELETE FROM raw WHERE substr(id, 2)::integer % 2 = 0;
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '500, 1:1000', 'half deleted');
DELETE FROM raw;
SELECT is(pg_temp.open() || ', ' || pg_temp.used(1), '0, 1:0', 'all deleted');

-- old records are deleted by a job, and their charges stay
CREATE TABLE kept (id text, caller text, started_at timestamptz, seconds numeric);
SELECT ccc.attach('kept', 'id', 'started_at', 'seconds', 'caller', '''x''', on_delete => 'keep');
INSERT INTO kept VALUES ('k1', '075586010001', '2025-03-05 00:00+08', 60), ('k2', '075586010001', '2025-03-05 00:00+08', 60),
                        ('k2', '075586010001', '2025-03-05 00:00+08', 120), ('k3', 'y', '2025-03-05 00:00+08', 60);
CREATE TEMP TABLE before AS SELECT count(*) AS n FROM ccc.ledger;
DELETE FROM kept WHERE id = 'k1' OR seconds = 60 AND id = 'k2';
SELECT is(pg_temp.told('k1') || ', ' || pg_temp.told('k2'), '1 charged 1, 1 charged 1; 1 conflicting_repeat', 'deleted, the charges stay');
SELECT is((SELECT count(*) FROM ccc.ledger), (SELECT n FROM before), 'nothing is posted');
UPDATE kept SET caller = '075586010001' WHERE id = 'k3';
SELECT is(pg_temp.told('k3'), '1 charged 1', 'a faulty row is corrected there as anywhere');
UPDATE kept SET seconds = 121 WHERE id = 'k3';
SELECT is(pg_temp.told('k3'), '1 charged 3', 'and a billed one');
UPDATE kept SET seconds = 0 WHERE id = 'k3';
SELECT is(pg_temp.told('k3'), 'nothing', 'to no length');
INSERT INTO kept VALUES ('k1', '075586010001', '2025-03-05 00:00+08', 60);
SELECT is(pg_temp.told('k1'), '1 charged 1', 'one stored again costs nothing');
SELECT throws_ok('TRUNCATE kept', '55000', NULL, 'TRUNCATE is refused there too');
DELETE FROM kept;
SELECT is(pg_temp.told('k1') || ', ' || pg_temp.used(1), '1 charged 1, 1:2', 'the charges stay');
SELECT is(pg_temp.amiss(), '0 moved', 'at the end all is well');
SELECT * FROM finish();
ROLLBACK;
