-- type ccc.phone_number: many ways to write a number, one canonical form
\set SHOW_CONTEXT never
SET search_path = public, ccc;

-- what a statement yields, or the error's code and detail
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    detail text;
BEGIN
    EXECUTE statement INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(': ', sqlstate, nullif(detail, ''));
END
$$;

-- passes bytes to a type's receive function, and leaves no file behind
CREATE FUNCTION pg_temp.receive(target regclass, field bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stream bytea := '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) || int2send(1::smallint)
        || int4send(octet_length(field)) || field || int2send((-1)::smallint);
    escaped text;
BEGIN
    SELECT string_agg('\0' || (b >> 6) || (b >> 3 & 7) || (b & 7), '' ORDER BY i) INTO escaped
    FROM generate_series(0, octet_length(stream) - 1) i, get_byte(stream, i) b;
    EXECUTE format('COPY %s FROM PROGRAM %L (FORMAT binary)', target, 'printf %b ''' || escaped || '''');
END
$$;

-- one landline, written in many ways
SELECT input, input::phone_number AS number, input::phone_number = '+8675586013388' AS same
FROM (VALUES (1, '+8675586013388'), (2, '+86 755 8601 3388'), (3, '0086-755-86013388'), (4, '8675586013388'),
             (5, '075586013388'), (6, '0755 8601.3388'), (7, '(0755) 86013388'), (8, '+86 (0)755 8601 3388'), (9, '+86 0755 8601 3388'),
             (10, '86 (0)755 8601 3388'), (11, '0086 (0)755 8601 3388'), (12, '(+86) 755 8601 3388'), (13, '  075586013388  '),
             (14, 'sip:+8675586013388@pbx.example'), (15, 'sip:%2B8675586013388@pbx.example'), (16, 'sips:%2b8675586013388@pbx.example'),
             (17, 'SIP:075586013388:secret@pbx.example:5060'), (18, 'sip:075586013388;user=phone@pbx.example'), (19, 'sip:+8675586013388'),
             (20, 'sip:+8675586013388?subject=x'), (21, 'tel:+86-755-8601-3388;ext=2'), (22, 'TEL:075586013388'),
             (23, '075586013388@pbx.example'), (24, '<sip:+8675586013388@pbx.example>'),
             (25, '"Reception" <sip:+8675586013388@pbx.example>;tag=a1'), (26, '"a < b" < 075586013388 >'))
     AS v (n, input)
ORDER BY n;

-- each kind of number, at its limits: national, and with the country code
SELECT input, try_phone_number(input) AS plain, try_phone_number('0' || input) AS trunk,
       try_phone_number('86' || input) AS "86", try_phone_number('860' || input) AS "860",
       try_phone_number('+86' || input) AS "+86", try_phone_number('00860' || input) AS "00860"
FROM (VALUES (1, '13800138000'), (2, '19900000000'), (3, '12800138000'), (4, '1380013800'), (5, '138001380000'),
             (6, '4008123456'), (7, '8008123456'), (8, '400812345'), (9, '40081234567'), (10, '80081234567'), (11, '4018123456'),
             (12, '110'), (13, '119'), (14, '129'), (15, '130'), (16, '100'), (17, '1101'), (18, '10086'), (19, '12345'),
             (20, '116114'), (21, '1161141'), (22, '13345'),
             (23, '9558'), (24, '95588'), (25, '95588812'), (26, '955888123'), (27, '96110'), (28, '94110'), (29, '97110'),
             (30, '1088888888'), (31, '1018888888'), (32, '108888888'), (33, '10888888888'),
             (34, '2088888888'), (35, '2988888888'), (36, '2018888888'), (37, '208888888'),
             (38, '75586013388'), (39, '7558601338'), (40, '755860133'), (41, '755860133888'), (42, '75516013388'), (43, '75506013388'),
             (44, '86013388'), (45, '8601338'), (46, ''))
     AS v (n, input)
ORDER BY n;

-- foreign numbers
SELECT input, try_phone_number(input) AS number
FROM (VALUES (1, '+14155550123'), (2, '0014155550123'), (3, '14155550123'), (4, '+1 (415) 555-0123'), (5, '+44 (0)20 7946 0018'),
             (6, '0044 (0)20 7946 0018'), (7, '+44 020 7946 0018'), (8, '+1415 (0)555'), (9, '+123456'), (10, '+1234567'), (11, '+123456789012345'),
             (12, '+1234567890123456'), (13, '00123456789012345'), (14, '001234567890123456'), (15, '+0123456789'), (16, '+(0)123456789'),
             (17, '0000123456789'), (18, '+852 2345 6789'), (19, '+0086 755 8601 3388'))
     AS v (n, input)
ORDER BY n;

-- what is not a number
SELECT input
FROM (VALUES (''), (' '), ('+'), ('00'), ('86'), ('+86'), ('anonymous'), ('sip:anonymous@anonymous.invalid'), ('sip:@host'), ('sip:'), ('<>'),
             ('<13800138000'), ('1380013800x'), ('138****8000'), (E'1380013\xef\xbc\x98000'), ('13800+138000'), ('++8613800138000'), ('-13800138000'),
             ('.13800138000'), ('13800138000-'), ('13800138000,1'), ('13800138000/1'), ('http:13800138000'), ('tel:13800138000:x@y'), ('sip:13800138000:5060'),
             ('13800138000:x@y'), ('%2C8613800138000'), ('%2'), ('Bob 13800138000'), ('86013388'), ('8610086'), ('008610086000'), ('75586013388'),
             (E'138\xe2\x80\x8b00138000'), ('99999999999999999999999999'))
     AS v (input)
WHERE try_phone_number(input) IS NOT NULL OR pg_temp.try(format('SELECT %L::phone_number', input)) <> '22P02';
SELECT 'withheld'::phone_number;
SELECT ''::phone_number;
SELECT try_phone_number(NULL) IS NULL AS null_text;

-- at most 255 bytes
SELECT n, try_phone_number(rpad('13800138000@', n, 'x')) AS number FROM unnest(ARRAY[254, 255, 256, 100000]) n;

-- the text form reads back as the same number
SELECT count(*) AS numbers, count(*) FILTER (WHERE number::text::phone_number <> number) AS changed
FROM (SELECT try_phone_number(prefix || lead || repeat('5', length)) AS number
      FROM unnest(ARRAY['', '0', '86', '+86', '+', '00']) prefix, generate_series(1, 999) lead, generate_series(0, 9) length) s
WHERE number IS NOT NULL;

-- binary form
CREATE TABLE received (number phone_number);
SELECT phone_number_send('075586013388'), phone_number_send('10086');
SELECT pg_temp.receive('received', phone_number_send(n))
FROM unnest('{+8675586013388,4008123456,10086,+14155550123,+999999999999999,110}'::phone_number[]) n;
SELECT number FROM received;
SELECT pg_temp.receive('received', int8send(75586013388 - 75586000000));
SELECT value, pg_temp.try(format('SELECT pg_temp.receive(%L, int8send(%L))', 'received', value)) AS result
FROM unnest(ARRAY[-9223372036854775808, -8613800138000, 0, 86, 123456, 86013388, 8612800138000, 86075586013388, 1000000000000000, 9223372036854775807]) value;
SELECT pg_temp.try(format('SELECT pg_temp.receive(%L, %L)', 'received', field)) AS result
FROM unnest(ARRAY['\x00'::bytea, int8send(8613800138000) || '\x00']) field;
DROP TABLE received;

-- comparison: the order of the numbers with their country codes
SELECT a, b, a = b AS "=", a <> b AS "<>", a < b AS "<", a <= b AS "<=", a > b AS ">", a >= b AS ">=",
       phone_number_cmp(a, b) AS cmp
FROM (VALUES ('10086'::phone_number, '+8610086'::phone_number), ('10086', '4008123456'), ('+8675586013388', '+14155550123')) AS v (a, b);
SELECT n FROM unnest('{13800138000,4008123456,075586013388,10086,+14155550123,110,95588}'::phone_number[]) n ORDER BY n;

-- indexes, joins
CREATE TABLE lines (number phone_number);
INSERT INTO lines SELECT ('0755' || 86010000 + i)::phone_number FROM generate_series(1, 2000) i;
INSERT INTO lines SELECT * FROM lines;
ANALYZE lines;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE INDEX lines_btree ON lines (number);
EXPLAIN (COSTS OFF) SELECT number FROM lines WHERE number > '0755 8601 1998' ORDER BY number;
SELECT number FROM lines WHERE number > '0755 8601 1998' ORDER BY number;
DROP INDEX lines_btree;
CREATE INDEX lines_hash ON lines USING hash (number);
EXPLAIN (COSTS OFF) SELECT number FROM lines WHERE number = '0755 8601 0388';
SELECT number FROM lines WHERE number = '0755 8601 0388';
RESET enable_seqscan;
RESET enable_bitmapscan;
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM lines a JOIN lines b USING (number);
SELECT count(*) FROM lines a JOIN lines b USING (number);
SET enable_hashjoin = off;
RESET enable_mergejoin;
SELECT count(*) FROM lines a JOIN lines b USING (number);
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT count(DISTINCT number), count(*) FROM lines;
DROP TABLE lines;

-- hashing: equal values alike, the seed counts
SELECT phone_number_hash('10086') = phone_number_hash('+8610086') AS alike,
       phone_number_hash_extended('10086', 0) <> phone_number_hash_extended('10086', 1) AS seeded,
       phone_number_hash('10086') = phone_number_hash_extended('10086', 0)::bit(32)::integer AS same_low_half;

-- operator classes are complete
SELECT opcname, amname, amvalidate(o.oid)
FROM pg_opclass o JOIN pg_am a ON a.oid = opcmethod
WHERE opcintype = 'phone_number'::regtype ORDER BY amname;
