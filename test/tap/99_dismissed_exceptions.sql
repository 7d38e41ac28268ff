-- Exceptions that somebody has dealt with are dismissed: not open any more, and
-- not billed unless somebody asks for it.
BEGIN;
SELECT plan(16);

SELECT ccc.open_account(1, 'one', '2025-01-01');
SELECT ccc.create_calls_table();
INSERT INTO calls SELECT 'c' || n, '075586013388', 'x', '2025-02-01', 61 FROM generate_series(1, 4) AS n;
CREATE FUNCTION pg_temp.ids(wanted text) RETURNS uuid[] LANGUAGE sql AS
    $$SELECT array_agg(e.exception_id) FROM ccc.exceptions AS e WHERE e.call_id ~ wanted$$;
CREATE FUNCTION pg_temp.said() RETURNS text LANGUAGE sql AS
    $$SELECT string_agg(format('%s %s', call_id, coalesce(resolution, 'open')), ', ' ORDER BY call_id) FROM ccc.exceptions$$;
CREATE FUNCTION pg_temp.billed() RETURNS text LANGUAGE sql AS
    $$SELECT coalesce(string_agg(call_id, ', ' ORDER BY call_id), 'none') FROM ccc.call_charges$$;

SELECT is(ccc.dismiss_exceptions(pg_temp.ids('[12]')), 2::bigint, 'two');
SELECT is(ccc.dismiss_exceptions(pg_temp.ids('[123]')), 1::bigint, 'and one more');
SELECT is(ccc.dismiss_exceptions('{}'), 0::bigint, 'none');
SELECT is(ccc.dismiss_exceptions(NULL), 0::bigint, 'nor of null');
SELECT is(ccc.dismiss_exceptions('{00000000-0000-0000-0000-000000000000}'), 0::bigint, 'nor of what there is not');
SELECT is(pg_temp.said(), 'c1 dismissed, c2 dismissed, c3 dismissed, c4 open', 'as it is told');
SELECT is((SELECT open_exceptions FROM ccc.monitoring), 1::bigint, 'one is open');
DELETE FROM calls WHERE call_id = 'c1';
UPDATE calls SET seconds = 121 WHERE call_id = 'c2';
SELECT is(pg_temp.said(), 'c1 dismissed, c2 dismissed, c2 open, c3 dismissed, c4 open', 'a correction is another record');
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
SELECT is(ccc.retry_exceptions() || '; ' || pg_temp.billed(), '2; c2, c4', 'what is dismissed is not tried again');
SELECT ccc.backfill_blocks('calls', 0, 1000, '-infinity');
SELECT is(pg_temp.said() || '; ' || pg_temp.billed(), 'c1 dismissed, c2 dismissed, c2 billed, c3 dismissed, c4 billed; c2, c3, c4', 'but a backfill bills it');
DELETE FROM calls;
SELECT is(pg_temp.billed(), 'none', 'and all goes with its records');

-- the row that was dismissed, and the same record stored once more
INSERT INTO calls VALUES ('d', '075586013389', 'x', '2025-02-01', 61);
SELECT ccc.dismiss_exceptions(pg_temp.ids('d'));
SELECT ccc.add_own_number(1, '075586013389', 'landline', '2025-01-01');
INSERT INTO calls VALUES ('d', '075586013389', 'x', '2025-02-01', 61);
SELECT is(pg_temp.billed(), 'd', 'stored once more, it is billed as any');
DELETE FROM calls WHERE ctid = (SELECT min(c.ctid) FROM calls AS c);
SELECT is(pg_temp.billed(), 'none', 'the rows say the same: the charge goes with the first that goes');
SELECT ccc.backfill_blocks('calls', 0, 1000, '-infinity');
SELECT is(pg_temp.billed(), 'd', 'and a backfill charges the one that stays');

CREATE ROLE some_reader IN ROLE ccc_reader, ccc_writer;
SET ROLE some_reader;
SELECT throws_ok('SELECT ccc.dismiss_exceptions(''{}'')', '42501', NULL, 'administrators dismiss');
RESET ROLE;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
