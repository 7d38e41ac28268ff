-- A session that has looked up many numbers one by one knows all that are in
-- service, and looks up none, until one of them changes.
BEGIN;
SELECT plan(17);

SELECT ccc.open_account(1, 'one', '2025-01-01'), ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
SELECT ccc.create_calls_table();
\ir setup/growth.psql
-- scans of the numbers in service that a statement makes
CREATE FUNCTION pg_temp.scans(statement text) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_temp.growth('SELECT sum(pg_stat_get_xact_numscans(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid = ''ccc.numbers''::regclass', statement) $$;
-- that many calls between numbers of nobody, one by one
CREATE FUNCTION pg_temp.meet(n integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. n LOOP
        INSERT INTO calls VALUES ('n' || i, '01062345678', '13900139000', '2025-02-01', 60);
    END LOOP;
END $$;
-- that many numbers in service, and no others; in how many blocks
CREATE FUNCTION pg_temp.have(n integer) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE ccc.numbers;
    INSERT INTO ccc.numbers SELECT ('+8621' || 50000000 + i)::ccc.phone_number, '2025-01-01', 'infinity', 'infinity', 1, 'landline', 'customer'
        FROM generate_series(1, n) AS i;
    RETURN pg_relation_size('ccc.numbers') / current_setting('block_size')::integer;
END $$;
CREATE FUNCTION pg_temp.memory() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name = 'ccc known services' $$;

SELECT is(pg_temp.scans($$INSERT INTO calls VALUES ('a', '075586013388', '13900139000', '2025-02-01', 60)$$), 2::bigint, 'two numbers are looked up');
SELECT is(pg_temp.scans($$INSERT INTO calls VALUES ('b', '075586013388', '13900139000', '2025-02-01', 60)$$), 1::bigint, 'then only the one that is nobody''s');
SELECT pg_temp.meet(60);
SELECT is(pg_temp.scans($$INSERT INTO calls VALUES ('c', '075586013388', '13900139000', '2025-02-01', 60)$$), 0::bigint, 'after many none');
SELECT is(pg_temp.scans($$INSERT INTO calls VALUES ('d', '01062345678', '13900139000', '2025-02-01', 60)$$), 0::bigint, 'nor of a call that is nobody''s');
SELECT is(pg_temp.scans($$INSERT INTO calls SELECT 'm' || n, 13900000000 + n, '075586013388', '2025-02-01', 60 FROM generate_series(1, 3000) AS n$$), 0::bigint,
          'nor by many in one statement');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE direction = 'inbound'), 3000::bigint, 'which are billed');
SELECT is(pg_temp.scans($$UPDATE calls SET callee = '13900139001' WHERE call_id = 'c'$$), 3::bigint, 'a correction looks each up');
SELECT is(pg_temp.scans($$INSERT INTO calls VALUES ('e', '075586013388', '13900139000', '2025-02-01', 60)$$), 0::bigint, 'an insert after it does not');

-- a number that comes with its call
WITH taken AS (
    INSERT INTO ccc.numbers VALUES ('01062345678', '2025-01-15', 'infinity', 'infinity', 1, 'landline', 'customer') RETURNING since)
INSERT INTO calls SELECT 'with', '01062345678', '13900139000', since + interval '1 day', 60 FROM taken;
SELECT isnt_empty($$SELECT FROM ccc.call_charges WHERE call_id = 'with'$$, 'a number of the very statement');
SELECT pg_temp.meet(60);
SELECT is(pg_temp.scans($$INSERT INTO calls VALUES ('f', '01062345678', '13900139000', '2025-02-01', 60)$$), 0::bigint, 'is known with the others');
DELETE FROM ccc.numbers WHERE number OPERATOR(ccc.=) '01062345678';
INSERT INTO calls VALUES ('without', '01062345678', '13900139000', '2025-02-01', 60);
SELECT is_empty($$SELECT FROM ccc.call_charges WHERE call_id = 'without'$$, 'until it is gone');

-- what is kept has a limit
SELECT cmp_ok(pg_temp.have(11400), '<=', 130::bigint, 'as many as are kept');
INSERT INTO calls SELECT 'l' || n, 13800000000 + n, 'x', '2025-02-01', 60 FROM generate_series(1, 10000) AS n;
SELECT is(pg_temp.scans($$INSERT INTO calls VALUES ('g', '01062345678', '13900139000', '2025-02-01', 60)$$), 0::bigint, 'are');
SELECT cmp_ok(pg_temp.memory(), '<=', 2200000::bigint, 'in 2 MB');
SELECT cmp_ok(pg_temp.have(12000), '>', 130::bigint, 'more');
INSERT INTO calls SELECT 'p' || n, 13800000000 + n, 'x', '2025-02-01', 60 FROM generate_series(1, 10000) AS n;
SELECT cmp_ok(pg_temp.scans($$INSERT INTO calls VALUES ('h', '01062345678', '13900139000', '2025-02-01', 60)$$), '>', 0::bigint, 'are looked up');
SELECT cmp_ok(pg_temp.memory(), '<=', 100000::bigint, 'and what was kept is freed');
SELECT * FROM finish();
ROLLBACK;
