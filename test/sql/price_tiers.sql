-- type ccc.price_tiers, volume and graduated prices
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

-- text form: canonical output
SELECT input, input::price_tiers
FROM (VALUES (1, '0:0.15, 10000:0.145, 30000:0.142, 50000:0.138'), (2, '0:0.15,10000:0.145'), (3, ' 00 : 00.1500 , 5:150.000000 '),
             (4, '0:0'), (5, '0:0.000001'), (6, '0:125'), (7, '0:1, 1:2, 2:1'),
             (8, '0:9223372036854.775807, 9223372036854775807:0'))
     AS v (n, input)
ORDER BY n;

-- bad input
SELECT input, pg_temp.try(format('SELECT %L::price_tiers', input)) AS result
FROM (VALUES (1, ''), (2, '  '), (3, ','), (4, '0:0.15,'), (5, '0:0.15,,5:1'), (6, '0:0.15 5:1'), (7, '0:0.15; 5:1'),
             (8, '0'), (9, '0:'), (10, ':1'), (11, '0-0.15'), (12, '0:abc'), (13, '0:1x'), (14, '0:.5'), (15, '0:5.'),
             (16, '0:1e2'), (17, '0:-1'), (18, '0:+1'), (19, '0:NaN'), (20, '0:Infinity'), (21, '-1:1'), (22, '0.5:1'),
             (23, '0:0,15'), (24, '0:0.1234567'), (25, '0:1, 10:0.1500000'),
             (26, '1:0.15'), (27, '10000:0.145, 0:0.15'), (28, '0:1, 20:2, 10:3'), (29, '0:1, 10:2, 10:3'), (30, '0:1, 0:1'),
             (31, '0:1, 9223372036854775808:1'), (32, '0:9223372036854.775808'), (33, '0:9223372036855'),
             (34, '0:1, 5:99999999999999999999999'))
     AS v (n, input)
ORDER BY n;
SELECT 'cheap'::price_tiers;
SELECT '0:1, 9223372036854775808:1'::price_tiers;

-- at most 1000 tiers
SELECT n, pg_temp.try(format('SELECT length(%L::price_tiers::text)', (
    SELECT string_agg(i || ':1', ', ' ORDER BY i) FROM generate_series(0, n - 1) i))) AS result
FROM unnest(ARRAY[999, 1000, 1001]) n;

-- prices at each band's edge
CREATE TABLE price_list (tiers price_tiers);
INSERT INTO price_list VALUES ('0:0.15, 10000:0.145, 30000:0.142, 50000:0.138');
SELECT quantity, unit_price(tiers, quantity), volume_price(tiers, quantity), graduated_price(tiers, quantity)
FROM price_list,
     unnest(ARRAY[0, 1, 999, 1000, 1500, 9999, 10000, 10001, 12000, 29999, 30000, 30001, 49000, 49999, 50000, 50001, 1000000]) quantity
ORDER BY quantity;

-- one tier, free tiers, whole prices
SELECT tiers, quantity, unit_price(tiers, quantity), volume_price(tiers, quantity), graduated_price(tiers, quantity)
FROM unnest(ARRAY['0:125', '0:0', '0:0, 100:0.5', '0:2.5, 4:0']::price_tiers[]) tiers, unnest(ARRAY[0, 4, 100, 101]) quantity
ORDER BY tiers, quantity;

-- nothing overflows and nothing is rounded
SELECT quantity, volume_price(tiers, quantity), graduated_price(tiers, quantity)
FROM unnest(ARRAY['0:9223372036854.775807', '0:0.000001, 9223372036854775806:9223372036854.775807']::price_tiers[]) tiers,
     unnest(ARRAY[1, 9223372036854775806, 9223372036854775807]) quantity
ORDER BY tiers, quantity;
SELECT pg_temp.try(format('SELECT %s(%L, -1)', f, '0:1')) FROM unnest(ARRAY['unit_price', 'volume_price', 'graduated_price']) f;
SELECT volume_price('0:1', -1);
SELECT volume_price(NULL, 1) IS NULL AS null_tiers, volume_price('0:1', NULL) IS NULL AS null_quantity;

-- against the definition, computed from the rows
SELECT count(*) AS compared,
       count(*) FILTER (WHERE volume_price(tiers, q) <> q * (
           SELECT t.unit_price FROM tiers(tiers) t WHERE lower_bound <= q ORDER BY lower_bound DESC LIMIT 1)) AS volume_differs,
       count(*) FILTER (WHERE graduated_price(tiers, q) <> (
           SELECT coalesce(sum((least(q, upper_bound) - lower_bound) * t.unit_price), 0)
           FROM (SELECT *, lead(lower_bound, 1, q::bigint) OVER (ORDER BY lower_bound) AS upper_bound FROM tiers(tiers)) t
           WHERE lower_bound < q)) AS graduated_differs
FROM unnest(ARRAY['0:0.15', '0:3, 1:2, 2:1', '0:0.15, 10:0.145, 30:0.142']::price_tiers[]) tiers, generate_series(0, 60) q;

-- the tiers as rows
SELECT * FROM price_list, tiers(tiers);
SELECT (tiers('0:1.50, 7:0.000001')).*;
SELECT * FROM tiers(NULL);

-- binary form
CREATE TABLE received (tiers price_tiers);
SELECT price_tiers_send('0:0.15, 10000:0.145');
SELECT pg_temp.receive('received', price_tiers_send(t))
FROM unnest(ARRAY['0:0.15', '0:0.15, 10000:0.145', '0:9223372036854.775807, 9223372036854775807:0']::price_tiers[]) t;
SELECT tiers FROM received;
SELECT pg_temp.receive('received', int4send(1) || int8send(1) || int8send(150000));
SELECT input, pg_temp.try(format('SELECT pg_temp.receive(%L, %L)', 'received', field)) AS result
FROM (VALUES (1, 'no tier', int4send(0)),
             (2, 'negative count', int4send(-1)),
             (3, 'too many', int4send(1001)),
             (4, 'first bound', int4send(1) || int8send(1) || int8send(1)),
             (5, 'negative price', int4send(1) || int8send(0) || int8send(-1)),
             (6, 'equal bounds', int4send(2) || int8send(0) || int8send(1) || int8send(0) || int8send(1)),
             (7, 'descending bounds', int4send(2) || int8send(0) || int8send(1) || int8send(-5) || int8send(1)),
             (8, 'too short', int4send(2) || int8send(0) || int8send(1)),
             (9, 'too long', int4send(1) || int8send(0) || int8send(1) || int8send(1)))
     AS v (n, input, field)
ORDER BY n;
DROP TABLE received;

-- comparison: pairs in order, a prefix first
SELECT a, b, a = b AS "=", a <> b AS "<>", a < b AS "<", a <= b AS "<=", a > b AS ">", a >= b AS ">=",
       price_tiers_cmp(a, b) AS cmp
FROM (VALUES ('0:1'::price_tiers, '0:1.000'::price_tiers), ('0:1', '0:2'), ('0:2', '0:10'), ('0:1, 5:1', '0:1, 4:9'),
             ('0:1', '0:1, 5:1'), ('0:2', '0:1, 5:1')) AS v (a, b);

-- indexes, joins, values too long for a page
CREATE TABLE tariffs (tiers price_tiers);
INSERT INTO tariffs SELECT format('0:%s, 100:%s', a, b)::price_tiers FROM generate_series(1, 40) a, generate_series(1, 50) b;
INSERT INTO tariffs SELECT * FROM tariffs;
ANALYZE tariffs;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE INDEX tariffs_btree ON tariffs (tiers);
EXPLAIN (COSTS OFF) SELECT tiers FROM tariffs WHERE tiers > '0:40, 100:48' ORDER BY tiers;
SELECT tiers FROM tariffs WHERE tiers > '0:40, 100:48' ORDER BY tiers;
DROP INDEX tariffs_btree;
CREATE INDEX tariffs_hash ON tariffs USING hash (tiers);
EXPLAIN (COSTS OFF) SELECT tiers FROM tariffs WHERE tiers = '0:30.0, 100:6';
SELECT tiers FROM tariffs WHERE tiers = '0:30.0, 100:6';
RESET enable_seqscan;
RESET enable_bitmapscan;
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM tariffs a JOIN tariffs b USING (tiers);
SELECT count(*) FROM tariffs a JOIN tariffs b USING (tiers);
SET enable_hashjoin = off;
RESET enable_mergejoin;
SELECT count(*) FROM tariffs a JOIN tariffs b USING (tiers);
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT count(DISTINCT tiers), count(*) FROM tariffs;
TRUNCATE tariffs;
INSERT INTO tariffs SELECT string_agg(i || ':' || i, ',')::price_tiers FROM generate_series(0, 999) i;
SELECT unit_price(tiers, 998), (SELECT count(*) FROM tiers(tiers)), pg_column_size(tiers) < 16000 AS compressed FROM tariffs;
DROP TABLE tariffs, price_list;

-- hashing: equal values alike, the seed counts
SELECT price_tiers_hash('0:1, 5:2') = price_tiers_hash('0:1.0,5:2.0') AS alike,
       price_tiers_hash_extended('0:1', 0) <> price_tiers_hash_extended('0:1', 1) AS seeded,
       price_tiers_hash('0:1') = price_tiers_hash_extended('0:1', 0)::bit(32)::integer AS same_low_half;

-- operator classes are complete
SELECT opcname, amname, amvalidate(o.oid)
FROM pg_opclass o JOIN pg_am a ON a.oid = opcmethod
WHERE opcintype = 'price_tiers'::regtype ORDER BY amname;
