-- Rated again after a number was registered; purged without reversal; rows
-- that logical replication applies.
BEGIN;
SELECT plan(29);

SELECT ccc.open_account(1, 'one', '2026-01-01 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2026-01-05', 61), ('b', 'x', '075586013388', '2026-01-05', 61),
                         ('a', '075586013388', 'x', '2026-01-05', 62), ('c', '075586013388', '075586013389', '2026-01-05', 1),
                         ('d', '13800138000', 'x', '2026-01-05', 1), ('e', '075586013388', 'x', '2026-01-05', -1);
SELECT is(ccc.retry_exceptions(), 0::bigint, 'nothing to be rated yet');
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
SELECT is(ccc.retry_exceptions(), 3::bigint, 'resolved once the number is registered');
SELECT is((SELECT count(*) FROM ccc.call_charges), 3::bigint, 'and billed');
SELECT results_eq($$SELECT call_id, reason FROM ccc.exceptions WHERE resolved_at IS NULL ORDER BY call_id$$,
    $$VALUES ('a' COLLATE "C", 'conflicting_repeat'), ('d', 'unknown_number'), ('e', 'bad_length')$$, 'the others stay, one of them with its new reason');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE resolution = 'billed' AND resolved_at IS NOT NULL), 3::bigint, 'resolved exceptions keep their history');
CREATE TEMPORARY TABLE places AS SELECT exception_id, ctid AS place FROM ccc.exception_log;
SELECT is(ccc.retry_exceptions(), 0::bigint, 'again: nothing');
SELECT is_empty('SELECT FROM ccc.exception_log JOIN places USING (exception_id) WHERE exception_log.ctid <> place', 'and nothing is written');
INSERT INTO calls VALUES ('b', 'x', '+8675586013388', '2026-01-05', 61);
SELECT is((SELECT count(*) FROM ccc.ledger WHERE kind = 'r'), 1::bigint, 'a repeat of what was billed late is a repeat');
DELETE FROM calls WHERE call_id = 'a' AND seconds = 61;
SELECT is((SELECT seconds FROM ccc.call_charges WHERE call_id = 'a'), 62::numeric, 'the contradicting record takes the place of the one that is gone');
DELETE FROM calls WHERE call_id = 'a';
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'a'), 0::bigint, 'until it is gone too');

CREATE TABLE k (id text, a text, b text, t timestamp, s real);
SELECT ccc.attach('k', 'id', 't', 's', 'a', 'b', time_zone => 'Asia/Shanghai', replicated => true);
INSERT INTO k VALUES ('k1', '075586013388', 'x', '2026-01-05', 61), ('k2', '075586013388', 'x', '2026-01-06', 61);
SELECT is(ccc.purge('k', '2026-01-05 16:00+00'), 1::bigint, 'purged by the mapping''s start, in its zone');
SELECT is((SELECT string_agg(id, ',') FROM k), 'k2', 'the earlier one is gone');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'k%'), 2::bigint, 'and both charges stay');
CREATE TABLE u (id text, a text, b text, t bigint, s interval);
SELECT ccc.attach('u', 'id', 't', 's', 'a', 'b');
INSERT INTO u VALUES ('u1', '075586013388', 'x', 1767571200, '61 s'), ('u2', '075586013388', 'x', 1767671200, '1 hour');
SELECT is(ccc.purge('u', '2026-01-05 16:00+00'), 1::bigint, 'of Unix seconds too');
SELECT throws_ok($$SELECT ccc.purge('ccc.ledger', now())$$, '55000', NULL, 'only attached tables are purged');
DELETE FROM k;
SELECT is((SELECT string_agg(call_id, ',') FROM ccc.call_charges WHERE call_id LIKE 'k%'), 'k1', 'an ordinary deletion reverses');

SET LOCAL session_replication_role = replica;
INSERT INTO k VALUES ('k3', '075586013388', 'x', '2026-01-07', 61);
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'k3'), 2::numeric, 'an applied row is billed');
UPDATE k SET s = 300 WHERE id = 'k3';
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'k3'), 5::numeric, 'corrected');
DELETE FROM k;
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'k3'), 0::bigint, 'and reversed');
SELECT throws_ok('TRUNCATE k', '55000', NULL, 'an applied TRUNCATE is refused as any');
-- a retention job may run as the apply worker does
CREATE TABLE m (id text, a text, b text, t timestamptz, s real) PARTITION BY LIST (b);
CREATE TABLE m_x PARTITION OF m FOR VALUES IN ('x');
CREATE TABLE m_y PARTITION OF m FOR VALUES IN ('y');
SELECT ccc.attach('m', 'id', 't', 's', 'a', 'b', replicated => true);
INSERT INTO m SELECT 'm' || d || b, '075586013388', b, '2026-01-01'::timestamptz + d * interval '1 day', 61
FROM generate_series(1, 3) AS d, unnest('{x,y}'::text[]) AS b;
SELECT is(ccc.purge('m', '2026-01-03'), 2::bigint, 'purged where row triggers fire');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'm%'), 6::bigint, 'charges stay');
SELECT is(ccc.purge('m_x', '2026-01-04'), 1::bigint, 'of a partition alone');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'm%'), 6::bigint, 'they stay too');
DELETE FROM m;
SELECT is((SELECT string_agg(call_id, ',' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'm%'), 'm1x,m1y,m2x', 'those of rows that were deleted go');
SET LOCAL session_replication_role = origin;
INSERT INTO k VALUES ('k4', '075586013388', 'x', '2026-01-07', 61);
SELECT is((SELECT count(*) FROM ccc.ledger WHERE call_id = 'k4'), 1::bigint, 'a row of our own is billed once');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
-- with both of its triggers fired, an applied row would be billed twice
ALTER TABLE k ENABLE ALWAYS TRIGGER ccc_bill_insert;
SELECT is((SELECT detail FROM ccc.check_integrity()), 'table public.k', 'triggers that fire when they should not are told');
SELECT ccc.attach_partitions('k');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'and mended by attach_partitions()');
SELECT * FROM finish();
ROLLBACK;
