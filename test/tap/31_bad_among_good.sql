-- Bad rows in the middle of a good batch: by INSERT and by COPY, over the runs
-- in which rows are read, and a mapping that raises for one row only.
BEGIN;
SELECT plan(26);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();

COPY calls FROM stdin;
c1	075586013388	x	2025-03-02 00:00+08	61
c2	075586013388	x	2025-03-02 00:00+08	NaN
\N	075586013388	x	2025-03-02 00:00+08	61
c3	13800138000	x	2025-03-02 00:00+08	61
c4	075586013388	x	infinity	61
c5	075586013388	x	2025-03-02 00:00+08	-1
c6	075586013388	x	2025-03-02 00:00+08	61
c7	075586013388	x	\N	61
c8	\N	\N	\N	\N
c9	075586013388	x	2025-03-02 00:00+08	61
\.
SELECT is((SELECT count(*) FROM calls), 10::bigint, 'COPY: all rows land');
SELECT is((SELECT string_agg(call_id, ' ' ORDER BY call_id) FROM ccc.call_charges), 'c1 c6 c9', 'COPY: the good ones are billed');
SELECT is((SELECT string_agg(reason, ' ' ORDER BY record ->> 'call_id' NULLS FIRST) FROM ccc.exceptions),
          'no_call_id bad_length unknown_number bad_start bad_length no_start', 'COPY: the bad ones are told');
SELECT results_eq($$SELECT record FROM ccc.exceptions WHERE reason = 'unknown_number'$$,
                  $$SELECT to_jsonb(c) FROM calls AS c WHERE call_id = 'c3'$$, 'the exception keeps the record');

-- a mapping that raises for some rows only
CREATE TABLE raw (id text, a text, b text, at text, s text, part integer, whole integer);
SELECT ccc.attach('raw', 'id', 'at::timestamptz', 's::numeric * part / whole', 'a', 'b', time_zone => 'Asia/Shanghai');
INSERT INTO raw
    SELECT 'r' || n, '075586013388', 'x',
           CASE n WHEN 1000 THEN 'yesterday noon or so' WHEN 2500 THEN '2025-02-30 00:00' ELSE '2025-03-03 00:00' END,
           CASE n WHEN 1 THEN 'ten' WHEN 1001 THEN '' WHEN 1002 THEN '1e200000' ELSE '61' END,
           1, CASE n WHEN 700 THEN 0 ELSE 1 END
    FROM generate_series(1, 2500) AS n;
SELECT is((SELECT count(*) FROM raw), 2500::bigint, 'all rows land');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'r%'), 2494::bigint, 'all but six are billed');
SELECT is((SELECT string_agg(record ->> 'id', ' ' ORDER BY (record ->> 'id') COLLATE "C") FROM ccc.exceptions
           WHERE source = 'raw'::regclass AND reason = 'mapping_failed'),
          'r1 r1000 r1001 r1002 r2500 r700', 'the six are exceptions');
SELECT is((SELECT used_minutes FROM ccc.package_balances), (2 * (3 + 2494))::numeric, 'the package paid for the good ones');
SELECT ok((SELECT detail FROM ccc.exceptions WHERE record ->> 'id' = 'r700') ~ 'division by zero', 'and what the expression raised is told');

-- seconds since 1970, beyond what a timestamp and what a bigint of microseconds holds
CREATE TABLE epochs (id text, a text, b text, at numeric, s numeric);
SELECT ccc.attach('epochs', 'id', 'at', 's', 'a', 'b');
INSERT INTO epochs VALUES ('e1', '075586013388', 'x', 1740931200, 61), ('e2', '075586013388', 'x', -1e12, 61), ('e3', '075586013388', 'x', 1e300, 61),
                          ('e4', '075586013388', 'x', -9223372036854.775808, 61), ('e5', '075586013388', 'x', 1740931200.5, 61);
SELECT is((SELECT string_agg(call_id, ' ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'e%'), 'e1 e5', 'seconds since 1970 that are instants are billed');
SELECT results_eq($$SELECT record ->> 'id', reason, detail FROM ccc.exceptions WHERE source = 'epochs'::regclass ORDER BY 1$$,
                  $$VALUES ('e2', 'mapping_failed', 'start out of range'), ('e3', 'mapping_failed', 'bigint out of range'), ('e4', 'mapping_failed', 'start out of range')$$,
                  'the others are exceptions, and why is told');

-- all rows bad
INSERT INTO raw SELECT 'bad' || n, '075586013388', 'x', 'never', '61', 1, 1 FROM generate_series(1, 50) AS n;
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE record ->> 'id' LIKE 'bad%'), 50::bigint, 'a batch of bad rows only');

-- a user's function that raises what it likes
CREATE FUNCTION pick(s text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF s = 'mine' THEN
        RAISE EXCEPTION 'not this one' USING ERRCODE = 'ZZ001';
    END IF;
    RETURN s::numeric;
END $$;
CREATE TABLE picked (id text, a text, b text, at timestamptz, s text);
SELECT ccc.attach('picked', 'id', 'at', 'public.pick(s)', 'a', 'b');
INSERT INTO picked VALUES ('p1', '075586013388', 'x', '2025-03-04 00:00+08', '1'), ('p2', '075586013388', 'x', '2025-03-04 00:00+08', 'mine'),
                          ('p3', '075586013388', 'x', '2025-03-04 00:00+08', '1');
SELECT is((SELECT string_agg(call_id, ' ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'p%'), 'p1 p3', 'rows beside it are billed');
SELECT is((SELECT detail FROM ccc.exceptions WHERE source = 'picked'::regclass), 'not this one', 'its message is told');

-- what says nothing of the record passes through, and record and charge roll back together
CREATE OR REPLACE FUNCTION pick(s text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF s = 'mine' THEN
        RAISE EXCEPTION 'as if' USING ERRCODE = '40001';
    END IF;
    RETURN s::numeric;
END $$;
SELECT throws_ok($$INSERT INTO picked VALUES ('p4', '075586013388', 'x', '2025-03-04 00:00+08', '1'),
                                             ('p5', '075586013388', 'x', '2025-03-04 00:00+08', 'mine')$$, '40001', NULL,
                 'a serialization failure ends the statement');
SELECT is((SELECT count(*) FROM picked), 3::bigint, 'no record');
SELECT is_empty($$SELECT call_id FROM ccc.call_charges WHERE call_id IN ('p4', 'p5')$$, 'no charge');
CREATE OR REPLACE FUNCTION pick(s text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'as if' USING ERRCODE = '53200';
END $$;
SELECT throws_ok($$INSERT INTO picked VALUES ('p4', '075586013388', 'x', '2025-03-04 00:00+08', '1')$$, '53200', NULL,
                 'lack of memory ends the statement');
SELECT is((SELECT count(*) FROM picked), 3::bigint, 'no record');

-- a mapping broken after it was attached
DROP FUNCTION pick(text);
SELECT lives_ok($$INSERT INTO picked VALUES ('p6', '075586013388', 'x', '2025-03-04 00:00+08', '1')$$, 'a mapping whose function is gone');
SELECT is((SELECT reason FROM ccc.exceptions WHERE record ->> 'id' = 'p6'), 'mapping_failed', 'makes exceptions');
CREATE FUNCTION pick(s text) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT s::numeric';
INSERT INTO picked VALUES ('p7', '075586013388', 'x', '2025-03-04 00:00+08', '1');
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'p7'), 1::numeric, 'until it is there again');

-- the statement that stored nothing
SELECT lives_ok('INSERT INTO calls SELECT * FROM calls WHERE false', 'no row at all');
-- a rolled back statement leaves nothing
SAVEPOINT s;
INSERT INTO calls VALUES ('gone', '075586013388', 'x', '2025-03-05 00:00+08', 61), ('gone 2', 'x', 'x', '2025-03-05 00:00+08', 61);
ROLLBACK TO s;
SELECT is_empty($$SELECT 1 FROM ccc.ledger WHERE call_id LIKE 'gone%' UNION ALL SELECT 1 FROM ccc.exceptions WHERE call_id LIKE 'gone%'$$,
                'record and charge roll back together');
INSERT INTO calls VALUES ('gone', '075586013388', 'x', '2025-03-05 00:00+08', 61);
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'gone'), 2::numeric, 'and the call may come later');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
