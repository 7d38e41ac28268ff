-- Texts of any length, and many of them: each is told apart, found again, and
-- takes no more memory than there is room for.
BEGIN;
SELECT plan(12);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01 00:00+08');
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.long(n integer) RETURNS text LANGUAGE sql AS $$SELECT repeat('x', 100000) || n$$;

INSERT INTO calls VALUES ('a', '075586013388', pg_temp.long(1), '2025-03-01 00:00+08', 61), ('a', '075586013388', pg_temp.long(1), '2025-03-01 00:00+08', 61),
                         ('a', '075586013388', pg_temp.long(2), '2025-03-01 00:00+08', 61);
SELECT is((SELECT count(*) FROM ccc.ledger WHERE kind = 'r'), 1::bigint, 'a long text says the same as itself');
SELECT is((SELECT string_agg(reason, ', ') FROM ccc.exceptions), 'conflicting_repeat', 'and not the same as another');
DELETE FROM calls;
SELECT is_empty('SELECT * FROM ccc.call_charges', 'and is found again');
SELECT is_empty('SELECT * FROM ccc.exceptions WHERE resolved_at IS NULL', 'as an exception too');

-- more than the room for a run of rows, in the order of a statement with others
SET LOCAL work_mem = '64kB';
CREATE FUNCTION pg_temp.peak() RETURNS bigint LANGUAGE sql AS
    $$SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+) kB')::bigint$$;
CREATE TEMP TABLE before AS SELECT pg_temp.peak() AS kb;
INSERT INTO calls SELECT 'c' || n, '075586013388', CASE WHEN n > 20 THEN repeat('x', 1000000) || n END, '2025-03-01 00:00+08', CASE WHEN n % 3 > 0 THEN 61 ELSE -1 END
FROM generate_series(1, 120) AS n;
UPDATE calls SET seconds = seconds + 60;
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE billed_minutes = CASE WHEN seconds = 121 THEN 3 ELSE 1 END), 120::bigint, 'corrected, each');
SELECT is_empty('SELECT * FROM ccc.exceptions WHERE resolved_at IS NULL', 'and none is told any more');

-- an update whose rows are long when gone, when stored, or now one and now the other
UPDATE calls SET callee = NULL, seconds = seconds + 60;
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE billed_minutes = CASE WHEN seconds = 181 THEN 4 ELSE 2 END), 120::bigint, 'long texts made short');
UPDATE calls SET callee = repeat('y', 1000000) || call_id WHERE call_id NOT LIKE '%5';
SELECT is((SELECT count(*) FROM calls JOIN ccc.call_charges AS c USING (call_id) WHERE length(callee) > 1000000 AND c.seconds = calls.seconds), 108::bigint, 'short ones long');
CREATE TEMP TABLE entries AS SELECT count(*) AS n FROM ccc.ledger;
UPDATE calls SET callee = CASE WHEN call_id LIKE '%5' THEN repeat('z', 1000000) || call_id WHEN call_id LIKE '%7' THEN callee END;
SELECT is((SELECT count(*) - n FROM ccc.ledger, entries GROUP BY n), 2 * 108::bigint, 'in pairs: what an update leaves as it was is not charged again');
-- a server with assertions may be one that keeps what is freed, to notice its use
SELECT cmp_ok((SELECT pg_temp.peak() - kb FROM before), '<',
    CASE WHEN current_setting('debug_assertions')::boolean THEN 500000 ELSE 80000 END::bigint, 'in the memory of some of the texts');
DELETE FROM calls;
SELECT is_empty('SELECT * FROM ccc.call_charges', 'and taken back');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
