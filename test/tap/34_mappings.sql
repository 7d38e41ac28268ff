-- Mappings over tables of all kinds of column.
BEGIN;
SELECT plan(42);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-09-01 00:00+08');
SET TimeZone = 'America/Los_Angeles';

CREATE FUNCTION pg_temp.minutes(id text) RETURNS numeric LANGUAGE sql AS
    'SELECT sum(billed_minutes) FROM ccc.call_charges WHERE call_id = id';
CREATE FUNCTION pg_temp.start(id text) RETURNS timestamptz LANGUAGE sql AS
    'SELECT max(started_at) FROM ccc.call_charges WHERE call_id = id';

-- lengths
CREATE TABLE lengths (id text, a text, at timestamptz, r real, d double precision, i interval, n integer, ms bigint, t text, z timestamptz);
CREATE FUNCTION pg_temp.as_length(expression text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ccc.sources WHERE cdr = 'lengths'::regclass AND detached_at IS NULL) THEN
        PERFORM ccc.detach('lengths');
    END IF;
    PERFORM ccc.attach('lengths', 'id', 'at', expression, 'a', '''x''');
END $$;
SELECT pg_temp.as_length('r');
INSERT INTO lengths (id, a, at, r) VALUES ('r1', '075586013388', '2025-03-02 00:00+08', 60.2), ('r2', '075586013388', '2025-03-02 00:00+08', 60),
    ('r3', '075586013388', '2025-03-02 00:00+08', 43200.02), ('r4', '075586013388', '2025-03-02 00:00+08', 'NaN'),
    ('r5', '075586013388', '2025-03-02 00:00+08', 'Infinity');
SELECT is(pg_temp.minutes('r1'), 2::numeric, 'real: 60.2 s');
SELECT is(pg_temp.minutes('r2'), 1::numeric, 'real: 60 s');
SELECT is(pg_temp.minutes('r3'), 721::numeric, 'real: 43200.02 s are not cut to six digits');
SELECT is((SELECT string_agg(call_id || ' ' || reason, ', ' ORDER BY call_id) FROM ccc.exceptions), 'r4 bad_length, r5 bad_length',
          'real: NaN and infinity');
SELECT is((SELECT seconds FROM ccc.call_charges WHERE call_id = 'r1'), 60.2, 'real: what was meant');
SELECT pg_temp.as_length('d');
INSERT INTO lengths (id, a, at, d) VALUES ('d1', '075586013388', '2025-03-02 00:00+08', 60.00000000000001), ('d2', '075586013388', '2025-03-02 00:00+08', 0.1);
SELECT is(pg_temp.minutes('d1'), 2::numeric, 'double precision: a little over a minute');
SELECT is((SELECT seconds FROM ccc.call_charges WHERE call_id = 'd2'), 0.1, 'double precision: what was meant');
SET extra_float_digits = -15;
INSERT INTO lengths (id, a, at, d) VALUES ('d3', '075586013388', '2025-03-02 00:00+08', 61.5);
SELECT is((SELECT seconds FROM ccc.call_charges WHERE call_id = 'd3'), 61.5, 'whatever the session shows of floats');
RESET extra_float_digits;
SELECT pg_temp.as_length('i');
SET IntervalStyle = 'sql_standard';
INSERT INTO lengths (id, a, at, i) VALUES ('i1', '075586013388', '2025-03-02 00:00+08', '1:00:00.5'), ('i2', '075586013388', '2025-03-02 00:00+08', '-0:00:01');
SELECT is(pg_temp.minutes('i1'), 61::numeric, 'interval');
SELECT is((SELECT reason FROM ccc.exceptions WHERE call_id = 'i2'), 'bad_length', 'interval: negative');
RESET IntervalStyle;
SELECT pg_temp.as_length('z - at');
INSERT INTO lengths (id, a, at, z) VALUES ('z1', '075586013388', '2025-03-02 00:00+08', '2025-03-02 00:01:00.2+08'),
                                          ('z2', '075586013388', '2025-03-02 00:00+08', NULL);
SELECT is(pg_temp.minutes('z1'), 2::numeric, 'end less begin');
SELECT is(pg_temp.minutes('z2'), NULL::numeric, 'no end yet: not finished');
SELECT pg_temp.as_length('ms / 1000.0');
INSERT INTO lengths (id, a, at, ms) VALUES ('m1', '075586013388', '2025-03-02 00:00+08', 60001);
SELECT is(pg_temp.minutes('m1'), 2::numeric, 'milliseconds');
SELECT pg_temp.as_length('n + 0.0 -- comment');
INSERT INTO lengths (id, a, at, n) VALUES ('n1', '075586013388', '2025-03-02 00:00+08', 60);
SELECT is(pg_temp.minutes('n1'), 1::numeric, 'an integer, and a comment behind it');
SELECT pg_temp.as_length('CASE WHEN n > 0 THEN n ELSE 7 END');
INSERT INTO lengths (id, a, at, n) VALUES ('k1', '075586013388', '2025-03-02 00:00+08', NULL);
SELECT is(pg_temp.minutes('k1'), 1::numeric, 'a case');

-- starts
CREATE TABLE starts (id text, a text, s numeric, l timestamp, t text, e integer, eb bigint, ef double precision, en numeric, d date);
CREATE FUNCTION pg_temp.as_start(expression text, zone text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ccc.sources WHERE cdr = 'starts'::regclass AND detached_at IS NULL) THEN
        PERFORM ccc.detach('starts');
    END IF;
    PERFORM ccc.attach('starts', 'id', expression, 's', 'a', '''x''', time_zone => zone);
END $$;
SELECT pg_temp.as_start('l', 'Asia/Shanghai');
INSERT INTO starts (id, a, s, l) VALUES ('l1', '075586013388', 1, '2025-03-02 03:04:05.678901');
SELECT is(pg_temp.start('l1'), '2025-03-02 03:04:05.678901+08'::timestamptz, 'timestamp in the source''s zone');
SELECT pg_temp.as_start('l', 'America/New_York');
INSERT INTO starts (id, a, s, l) VALUES ('l2', '075586013388', 1, '2025-11-02 01:30'), ('l3', '075586013388', 1, '2026-03-08 02:30');
SELECT is(pg_temp.start('l2'), '2025-11-02 01:30-05'::timestamptz, 'a time that occurs twice is the second');
SELECT is(pg_temp.start('l3'), '2026-03-08 03:30-04'::timestamptz, 'a time that is skipped moves forward');
SELECT pg_temp.as_start('t', 'Asia/Shanghai');
INSERT INTO starts (id, a, s, t) VALUES ('t1', '075586013388', 1, '2025-03-02 03:04:05'), ('t2', '075586013388', 1, '2025-03-02T03:04:05Z');
SELECT is(pg_temp.start('t1'), '2025-03-02 03:04:05+08'::timestamptz, 'text without a zone');
SELECT is(pg_temp.start('t2'), '2025-03-02 03:04:05+00'::timestamptz, 'text with one');
SELECT pg_temp.as_start('e', NULL);
INSERT INTO starts (id, a, s, e) VALUES ('e1', '075586013388', 1, 1740842400);
SELECT is(pg_temp.start('e1'), '2025-03-01 23:20+08'::timestamptz, 'integer seconds since 1970');
SELECT pg_temp.as_start('ef', NULL);
INSERT INTO starts (id, a, s, ef) VALUES ('e2', '075586013388', 1, 1740842400.25);
SELECT is(pg_temp.start('e2'), '2025-03-01 23:20:00.25+08'::timestamptz, 'with fractions');
SELECT pg_temp.as_start('eb / 1000.0', NULL);
INSERT INTO starts (id, a, s, eb) VALUES ('e3', '075586013388', 1, 1740842400123);
SELECT is(pg_temp.start('e3'), '2025-03-01 23:20:00.123+08'::timestamptz, 'milliseconds since 1970');
SELECT pg_temp.as_start('en', NULL);
INSERT INTO starts (id, a, s, en) VALUES ('e4', '075586013388', 1, 1740842400.000001), ('e5', '075586013388', 1, 'NaN'),
    ('e6', '075586013388', 1, 'Infinity'), ('e7', '075586013388', 1, 1e40), ('e8', '075586013388', 1, -1e14);
SELECT is(pg_temp.start('e4'), '2025-03-01 23:20:00.000001+08'::timestamptz, 'to the microsecond');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE record ->> 'id' IN ('e5', 'e6', 'e7', 'e8')), 4::bigint, 'seconds that are no time are exceptions');

-- odd names
CREATE TABLE "Call ""Records""" ("Call ID" bigint, "select" text, "来电" text, "Started At" timestamptz, "ccc.x" integer);
SELECT ccc.attach('"Call ""Records"""', '"Call ID"', '"Started At"', '"ccc.x"', '"select"', '"来电"');
INSERT INTO "Call ""Records""" VALUES (9007199254740993, '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.minutes('9007199254740993'), 2::numeric, 'quoted names, and an id that is a number');
INSERT INTO "Call ""Records""" VALUES (2, '075586013388', 'x', '2025-03-02 00:00+08', -61);
SELECT is((SELECT source::text FROM ccc.exceptions WHERE call_id = '2'), '"Call ""Records"""', 'an exception names its source');

-- a domain, an enum, a composite, an array
CREATE DOMAIN msisdn AS text CHECK (VALUE <> 'bad');
CREATE TYPE way AS ENUM ('outbound', 'inbound');
CREATE TYPE party AS (number text, label text);
CREATE TABLE odd (id uuid, p party, q msisdn, at timestamptz, s integer[], dir way);
SELECT ccc.attach('odd', 'id', 'at', 's[2]', '(p).number', 'q', direction => 'dir');
INSERT INTO odd VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', ROW('075586013388', 'ours'), 'x', '2025-03-02 00:00+08', '{1,61}', 'outbound');
SELECT is(pg_temp.minutes('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), 2::numeric, 'uuid, composite, domain, array, enum');

-- generated columns and defaults
CREATE TABLE made (id text DEFAULT 'made', a text DEFAULT '075586013388', b text, at timestamptz DEFAULT '2025-03-02 00:00+08', h integer,
                   s integer GENERATED ALWAYS AS (h * 60 + 1) STORED);
SELECT ccc.attach('made', 'id', 'at', 's', 'a', 'b');
INSERT INTO made (h) VALUES (2);
SELECT is(pg_temp.minutes('made'), 3::numeric, 'defaults and generated columns');
SELECT is((SELECT seconds FROM ccc.call_charges WHERE call_id = 'made'), 121::numeric, 'as they were stored');

-- the row's name, whatever the table's, which may be a partition
CREATE TABLE named (id text, a text, b text, at timestamptz, s numeric, region text) PARTITION BY LIST (region);
CREATE TABLE named_1 PARTITION OF named DEFAULT;
SELECT throws_ok($$SELECT ccc.attach('named', 'named.id', 'at', 's', 'a', 'b')$$, '42P01', NULL, 'not by the table''s name');
SELECT ccc.attach('named', 'cdr.id', 'at', 's', 'a', 'b');
INSERT INTO named_1 VALUES ('n1', '075586013388', 'x', '2025-03-02 00:00+08', 61);
ALTER TABLE named RENAME TO renamed;
INSERT INTO renamed VALUES ('n2', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT isnt(pg_temp.minutes('n1'), NULL, 'straight into a partition');
SELECT isnt(pg_temp.minutes('n2'), NULL, 'after a renaming');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

-- whole numbers by other names
CREATE DOMAIN short AS smallint;
CREATE TABLE numbered (id text, a varchar(20), b text, at timestamptz, o oid, l short);
SELECT ccc.attach('numbered', 'id', 'at', 'coalesce(o::int4, l)', 'a', 'b');
INSERT INTO numbered VALUES ('w1', '075586013388', 'x', '2025-03-02 00:00+08', 61, NULL), ('w2', '075586013388', 'x', '2025-03-02 00:00+08', NULL, 62);
SELECT ccc.detach('numbered');
SELECT ccc.attach('numbered', 'id', 'at', 'o::int4', 'a', 'b');
INSERT INTO numbered VALUES ('w3', '075586013388', 'x', '2025-03-02 00:00+08', 61, NULL), ('w4', '075586013388', 'x', '2025-03-02 00:00+08', 0, NULL);
SELECT ccc.detach('numbered');
SELECT ccc.attach('numbered', 'id', 'at', 'l', 'a', 'b');
INSERT INTO numbered VALUES ('w5', '075586013388', 'x', '2025-03-02 00:00+08', NULL, 62), ('w6', '075586013388', 'x', '2025-03-02 00:00+08', 1, NULL);
SELECT is((SELECT string_agg(format('%s %s', call_id, seconds), ', ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'w_'),
          'w1 61, w2 62, w3 61, w5 62', 'are lengths as well');
SELECT is_empty($$SELECT FROM ccc.exceptions WHERE call_id LIKE 'w_'$$, 'and none is an exception');

-- a cast that is made, or dropped, later
CREATE TYPE odd_number AS ENUM ('075586013388');
CREATE FUNCTION odd_text(odd_number) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT '13800138000'$$;
CREATE TABLE cast_later (id text, a odd_number, b text, at timestamptz, s numeric);
SELECT ccc.attach('cast_later', 'id', 'at', 's', 'a', 'b');
INSERT INTO cast_later VALUES ('cast1', '075586013388', 'x', '2025-03-02 00:00+08', 61);
CREATE CAST (odd_number AS text) WITH FUNCTION odd_text(odd_number) AS IMPLICIT;
INSERT INTO cast_later VALUES ('cast2', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.minutes('cast2'), NULL, 'a cast that is made later is used');
DROP CAST (odd_number AS text);
INSERT INTO cast_later VALUES ('cast3', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT isnt(pg_temp.minutes('cast3'), NULL, 'and one that is dropped is not');

-- attributes of a composite type, and labels of an enum, that get other names
CREATE TYPE two_legs AS (a text, b text);
CREATE TABLE legs (id text, p two_legs, at timestamptz, s numeric);
SELECT ccc.attach('legs', 'id', 'at', 's', '(p).a', '(p).b');
INSERT INTO legs VALUES ('leg1', ROW('075586013388', 'x'), '2025-03-02 00:00+08', 61);
ALTER TYPE two_legs RENAME ATTRIBUTE a TO c;
ALTER TYPE two_legs RENAME ATTRIBUTE b TO a;
ALTER TYPE two_legs RENAME ATTRIBUTE c TO b;
INSERT INTO legs VALUES ('leg2', ROW('x', '075586013388'), '2025-03-02 00:00+08', 61);
SELECT results_eq($$SELECT direction, outcome FROM ccc.call_charges WHERE call_id LIKE 'leg_' ORDER BY call_id$$,
                  $$VALUES ('outbound', 'charged'), ('outbound', 'charged')$$, 'an attribute is looked up by the name it has');
CREATE TYPE progress AS ENUM ('ringing', 'done');
CREATE TABLE labels (id text, a text, b text, at timestamptz, s numeric, state progress);
SELECT ccc.attach('labels', 'id', 'at', 's', 'a', 'b', finished => $$state = 'done'$$);
INSERT INTO labels VALUES ('label1', '075586013388', 'x', '2025-03-02 00:00+08', 61, 'ringing');
ALTER TYPE progress RENAME VALUE 'ringing' TO 'other';
ALTER TYPE progress RENAME VALUE 'done' TO 'ringing';
ALTER TYPE progress RENAME VALUE 'other' TO 'done';
INSERT INTO labels VALUES ('label2', '075586013388', 'x', '2025-03-02 00:00+08', 61, 'done');
SELECT is(pg_temp.minutes('label1'), NULL, 'a call that rings');
SELECT isnt(pg_temp.minutes('label2'), NULL, 'and one that is done, by the labels of now');

-- names are looked up by the rights of whoever writes, each time
CREATE ROLE sees;
CREATE ROLE sees_not;
CREATE SCHEMA private;
GRANT USAGE ON SCHEMA private TO sees;
CREATE FUNCTION private.f(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE shared (LIKE renamed);
GRANT ALL ON shared TO sees, sees_not;
SELECT ccc.attach('shared', 'private.f(id)', 'at', 's', 'a', 'b');
SET ROLE sees;
INSERT INTO shared VALUES ('s1', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SET ROLE sees_not;
INSERT INTO shared VALUES ('s2', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SET ROLE sees;
INSERT INTO shared VALUES ('s3', '075586013388', 'x', '2025-03-02 00:00+08', 61);
RESET ROLE;
SELECT is((SELECT string_agg(call_id, ', ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 's_'), 's1, s3', 'and not of whoever came first');
SELECT * FROM finish();
ROLLBACK;
