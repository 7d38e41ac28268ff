-- type ccc.billing_increment and the rounding of call lengths
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

-- text form: good beside bad
SELECT input, pg_temp.try(format('SELECT %L::billing_increment', input)) AS result
FROM (VALUES (1, '60/60'), (2, '30/6'), (3, '6/6'), (4, '1/1'), (5, ' 60 / 60 '), (6, '0060/06'),
             (7, '2147483647/2147483647'), (8, '2147483648/1'), (9, '1/99999999999999999999'),
             (10, '0/60'), (11, '60/0'), (12, '-60/60'), (13, '+60/60'), (14, '60'), (15, '60/'), (16, '/60'),
             (17, '60/60/60'), (18, '60/60x'), (19, '6 0/60'), (20, '60.0/60'), (21, '1e2/60'), (22, ''), (23, ' '))
     AS v (n, input)
ORDER BY n;
SELECT 'sixty'::billing_increment;
SELECT '0/6'::billing_increment;

-- started seconds and minutes
SELECT seconds, billed_minutes(seconds), billed_seconds(seconds),
       billed_seconds(seconds, '30/6') AS "30/6",
       billed_seconds(seconds, '6/6') AS "6/6",
       billed_seconds(seconds, '1/1') AS "1/1"
FROM unnest(ARRAY[0, 0.000, 0.0001, 1, 5.9, 6, 6.1, 29.9, 30, 30.1, 36, 36.0000000001, 37, 59.99, 60, 60.0000000001,
                  60.2, 61, 119, 120, 120.5, 3600, 3600.00]) AS seconds;
SELECT billed_seconds(NULL) IS NULL AS null_seconds, billed_seconds(1, NULL) IS NULL AS null_increment;

-- limits, and what has no length
SELECT statement, pg_temp.try('SELECT ' || statement) AS result
FROM (VALUES (1, $$billed_seconds(9223372036854775807, '1/1')$$),
             (2, $$billed_seconds(9223372036854775806.5, '1/1')$$),
             (3, $$billed_seconds(9223372036854775807.1, '1/1')$$),
             (4, $$billed_seconds(9223372036854775807)$$),
             (5, $$billed_seconds(9223372036854775740)$$),
             (6, $$billed_seconds(9223372036854775807, '2147483647/2147483647')$$),
             (7, $$billed_minutes(9223372036854775807)$$),
             (8, $$billed_minutes(9223372036854775808)$$),
             (9, $$billed_seconds(1e131071)$$),
             (10, $$billed_seconds(1e-16000)$$),
             (11, $$billed_seconds(-0.0001)$$),
             (12, $$billed_minutes(-1)$$),
             (13, $$billed_seconds('NaN')$$),
             (14, $$billed_seconds('Infinity')$$),
             (15, $$billed_minutes('-Infinity')$$))
     AS v (n, statement)
ORDER BY n;
SELECT billed_seconds(-1);
SELECT billed_seconds('NaN');
SELECT billed_minutes(1e30);

-- against the definition, computed another way
SELECT count(*) AS compared, count(*) FILTER (WHERE billed_seconds(s, format('%s/%s', f, n)::billing_increment) <>
    CASE WHEN s = 0 THEN 0 WHEN s <= f THEN f ELSE f + ceil((s - f) / n) * n END) AS different
FROM generate_series(0, 200, 0.5) s, unnest(ARRAY[1, 6, 30, 60]) f, unnest(ARRAY[1, 6, 7, 60]) n;

-- binary form
CREATE TABLE received (increment billing_increment);
SELECT billing_increment_send('30/6');
SELECT pg_temp.receive('received', billing_increment_send(i))
FROM unnest('{60/60,30/6,1/2147483647,2147483647/1}'::billing_increment[]) i;
SELECT increment FROM received;
SELECT pg_temp.receive('received', int4send(0) || int4send(6));
SELECT pg_temp.receive('received', int4send(60) || int4send(-1));
SELECT pg_temp.try(format('SELECT pg_temp.receive(%L, %L)', 'received', field)) AS result
FROM unnest(ARRAY[int4send(0) || int4send(6), int4send(60), int4send(60) || int4send(60) || int4send(60)]) AS field;
DROP TABLE received;

-- comparison, indexes, joins
SELECT a, b, a = b AS "=", a <> b AS "<>", a < b AS "<", a <= b AS "<=", a > b AS ">", a >= b AS ">=",
       billing_increment_cmp(a, b) AS cmp
FROM (VALUES ('30/6'::billing_increment, '30/6'::billing_increment), ('30/6', '6/30'), ('6/6', '6/7'), ('1/2147483647', '2/1'))
     AS v (a, b);

CREATE TABLE increments (increment billing_increment);
INSERT INTO increments SELECT format('%s/%s', f, n)::billing_increment FROM generate_series(1, 40) f, generate_series(1, 50) n;
INSERT INTO increments SELECT * FROM increments;
ANALYZE increments;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE INDEX increments_btree ON increments (increment);
EXPLAIN (COSTS OFF) SELECT increment FROM increments WHERE increment > '40/48' ORDER BY increment;
SELECT increment FROM increments WHERE increment > '40/48' ORDER BY increment;
SELECT min(increment::text) FROM increments WHERE increment <= '1/1';
DROP INDEX increments_btree;
CREATE INDEX increments_hash ON increments USING hash (increment);
EXPLAIN (COSTS OFF) SELECT increment FROM increments WHERE increment = '30/6';
SELECT increment FROM increments WHERE increment = '30/6';
RESET enable_seqscan;
RESET enable_bitmapscan;
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM increments a JOIN increments b USING (increment);
SELECT count(*) FROM increments a JOIN increments b USING (increment);
SET enable_hashjoin = off;
RESET enable_mergejoin;
SELECT count(*) FROM increments a JOIN increments b USING (increment);
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT count(DISTINCT increment), count(*) FROM increments;
SELECT count(*) FROM (SELECT increment FROM increments GROUP BY increment) s;
DROP TABLE increments;

-- hashing: equal values alike, the seed counts
SELECT billing_increment_hash('60/60') = billing_increment_hash(' 060/60') AS alike,
       billing_increment_hash_extended('60/60', 0) <> billing_increment_hash_extended('60/60', 1) AS seeded,
       billing_increment_hash('60/60') = billing_increment_hash_extended('60/60', 0)::bit(32)::integer AS same_low_half;

-- operator classes are complete
SELECT opcname, amname, amvalidate(o.oid)
FROM pg_opclass o JOIN pg_am a ON a.oid = opcmethod
WHERE opcintype = 'billing_increment'::regtype ORDER BY amname;
