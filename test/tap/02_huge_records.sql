-- Records whose JSON is huge, or would be as text: they are exceptions like
-- any, but what is kept of one can be read, and dumped.
BEGIN;
SELECT plan(19);

CREATE TABLE huge (id text, a text, st timestamptz, s text, note text, n jsonb);
SELECT ccc.attach('huge', 'id', 'st', 'CASE WHEN n IS DISTINCT FROM ''null'' THEN s::numeric END', 'a', 'note');
-- of few bytes each, and of 131001 in text
CREATE FUNCTION pg_temp.numbers(n integer) RETURNS jsonb LANGUAGE sql AS $$SELECT ('[' || repeat('1e131000, ', n) || '0]')::jsonb$$;
CREATE VIEW pg_temp.told AS SELECT e.reason, e.detail, e.record, e.resolution FROM ccc.exceptions AS e;

-- what a row is known by is as it was: exceptions may be older than what reads them
INSERT INTO huge (s) VALUES (E'bad\x01');
SELECT is((SELECT content FROM ccc.exception_log), hashtextextended('"bad\u0001"', hashtextextended('s', 0)), 'a hash of the text of what the mapping reads');
INSERT INTO huge (s, n) VALUES ('bad', '[1.50, null]');
SELECT is((SELECT content FROM ccc.exception_log WHERE record ->> 's' = 'bad')::numeric,
          (SELECT CASE WHEN h < -2^63 THEN h + 2^64::numeric WHEN h >= 2^63 THEN h - 2^64::numeric ELSE h END
           FROM (SELECT hashtextextended('"bad"', hashtextextended('s', 0))::numeric + hashtextextended('[1.50, null]', hashtextextended('n', 0)) AS h) AS x),
          'of each column');
DELETE FROM huge;
SELECT results_eq('SELECT resolution FROM pg_temp.told', $$VALUES ('gone'), ('gone')$$, 'they are found by it');

-- as long as may be, and longer: as text, of which a character may take six
INSERT INTO huge (id, s, note, a, n) SELECT h.id, h.s, repeat('x', 1048576 - octet_length(to_jsonb(h)::text)), h.a, h.n
FROM (SELECT 'longest' AS id, E'"通\\话/\x01\b\f\n\r\t\x1f\x7f' AS a, NULL AS st, 'bad' AS s, '' AS note,
             '{"k": [1.50, -0.00012, 9, 10, 99, 100, 999, 1000, 9999, 10000, -99999999, 1e20, 0, 0.00, -0.5, 1e-20, 123456789012345678901234567890.12345, 1e131000],
               "": [true, false, null, [], {}, {"x": "y", "z": [[1]]}], "\n": 1e-7}'::jsonb AS n) AS h;
SELECT is(octet_length(record::text), 1048576, 'what takes a megabyte is kept') FROM pg_temp.told WHERE resolution IS NULL;
SELECT is((SELECT detail FROM pg_temp.told WHERE resolution IS NULL), 'invalid input syntax for type numeric: "bad"', 'with the detail of the fault');
UPDATE huge SET note = note || 'x';
SELECT results_eq('SELECT record, detail FROM pg_temp.told WHERE resolution IS NULL',
    $$VALUES (NULL::jsonb, 'invalid input syntax for type numeric: "bad"; the record is not kept: as JSON it takes more than 1048576 bytes')$$, 'what takes more is not, and the detail says both');
UPDATE huge SET note = E'\x01"', id = 'escaped', a = repeat(E'\x01', 174763);
SELECT is((SELECT record FROM pg_temp.told WHERE resolution IS NULL), NULL, 'what takes more when it is escaped neither');
UPDATE huge SET a = NULL, id = 'numbers', n = pg_temp.numbers(9);
SELECT is((SELECT record FROM pg_temp.told WHERE resolution IS NULL), NULL, 'nor when its numbers are written out');
UPDATE huge SET s = '60', id = 'unknown', n = NULL, st = '2025-03-01', a = repeat('x', 2000000);
SELECT results_eq('SELECT record, detail FROM pg_temp.told WHERE reason = ''unknown_number''',
    $$VALUES (NULL::jsonb, 'the record is not kept: as JSON it takes more than 1048576 bytes')$$, 'whatever the fault');
SELECT is((SELECT count(*) FROM pg_temp.told WHERE resolution IS NULL), 1::bigint, 'each is found when its row changes');
SELECT cmp_ok((SELECT max(length(record::text)) FROM pg_temp.told), '<=', 1048576, 'what is kept is no longer than that');

-- more than any text may take
UPDATE huge SET s = 'bad', a = NULL, n = pg_temp.numbers(8300);
SELECT results_eq('SELECT record, reason FROM pg_temp.told WHERE resolution IS NULL', $$VALUES (NULL::jsonb, 'mapping_failed')$$, 'a record that has no text at all');
INSERT INTO huge SELECT * FROM huge;
SELECT is((SELECT count(DISTINCT content) FROM ccc.exception_log WHERE resolved_at IS NULL), 1::bigint, 'is known as the same');
UPDATE huge SET n = n || '2';
SELECT is((SELECT count(*) FROM pg_temp.told WHERE resolution IS NULL), 2::bigint, 'or as another');
DELETE FROM huge;
SELECT is_empty('SELECT * FROM pg_temp.told WHERE resolution IS DISTINCT FROM ''gone''', 'and found again');

-- a value too long for memory, which core calls an internal error, fails no statement
CREATE TABLE longer (n integer, a text COLLATE "C.utf8");
SELECT ccc.attach('longer', 'lower(repeat(a, n))', '''2025-03-01 00:00+08''::timestamptz', '60', 'a', '''x''');
INSERT INTO longer VALUES (268435456, 'x');
SELECT is((SELECT reason FROM pg_temp.told WHERE record ->> 'n' = '268435456'), 'mapping_failed', 'nor does a value that has no room');

-- many of them need no more memory than a few: what shows a row tells of it
CREATE TYPE shown AS ENUM ('it');
CREATE TABLE peaks (bytes bigint);
CREATE FUNCTION show(shown) RETURNS json LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO peaks SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'ccc%';
    RETURN '"it"';
END
$$;
CREATE CAST (shown AS json) WITH FUNCTION show(shown);
CREATE TABLE many (a text, s shown);
SELECT ccc.attach('many', 'left(a, 9)', '''2025-03-01 00:00+08''::timestamptz', '60', '''1''', '''2''');
INSERT INTO many SELECT n || repeat('x', 4000000), 'it' FROM generate_series(1, 40) AS n;
SELECT is((SELECT count(*) FROM pg_temp.told WHERE detail LIKE '%the record is not kept%' AND reason = 'unknown_number' AND resolution IS NULL), 40::bigint, 'many are told');
SELECT cmp_ok((SELECT max(bytes) - min(bytes) FROM peaks), '<', 40000000::bigint, 'one after the other');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
