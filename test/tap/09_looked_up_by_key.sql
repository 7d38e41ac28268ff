-- What a correction, a deletion or a backfill reads of the exceptions does not
-- grow with those that are open, also by plans that were made when none were.
BEGIN;
SELECT plan(6);

SELECT ccc.open_account(1, 'one', '2025-01-01');
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
SELECT ccc.create_calls_table();
\ir setup/growth.psql
-- index entries of exceptions that a statement reads
CREATE FUNCTION pg_temp.reads(statement text) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_temp.growth('SELECT sum(pg_stat_get_xact_tuples_returned(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid = ''ccc.exception_log''::regclass', statement) $$;

-- the plans
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-02-01', 61), ('a', '075586013388', 'x', '2025-02-01', 62), ('b', '075586013389', 'x', '2025-02-01', 61);
SELECT ccc.retry_exceptions();
SELECT ccc.backfill_blocks('calls', 0, 1000, '-infinity');
UPDATE calls SET seconds = seconds + 60;
DELETE FROM calls;

INSERT INTO calls SELECT 'c' || n, '075586013388', 'x', '2025-02-01', 61 FROM generate_series(1, 10) AS n;
INSERT INTO calls SELECT 'c' || 1 + n % 5, '075586013388', 'x', '2025-02-01', 100 + n FROM generate_series(1, 3000) AS n;
INSERT INTO calls SELECT 'd' || n, '075586013389', 'x', '2025-02-01', 61 FROM generate_series(1, 3000) AS n;
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL), 6000::bigint, 'many are open');
SELECT cmp_ok(pg_temp.reads('DELETE FROM calls WHERE call_id IN (''d1'', ''d2'')'), '<', 50::bigint, 'two deleted');
SELECT cmp_ok(pg_temp.reads('UPDATE calls SET seconds = 62 WHERE call_id IN (''d3'', ''d4'')'), '<', 50::bigint, 'two corrected');
SELECT cmp_ok(pg_temp.reads('DELETE FROM calls WHERE call_id IN (''c9'', ''c10'')'), '<', 50::bigint, 'two charges taken back');
SELECT cmp_ok(pg_temp.reads('DELETE FROM calls WHERE call_id LIKE ''d11%'''), '<', 2000::bigint, 'a hundred and more deleted');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
