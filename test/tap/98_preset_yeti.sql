-- Yeti's partitioned cdr.cdr, by its preset.
BEGIN;
SELECT plan(14);

\ir setup/two_accounts.psql

CREATE SCHEMA cdr;
CREATE TABLE cdr.cdr (
    id bigint NOT NULL, customer_id integer, duration integer, success boolean, src_prefix_in varchar, src_prefix_out varchar, dst_prefix_in varchar,
    dst_prefix_out varchar, time_start timestamptz NOT NULL, time_connect timestamptz, time_end timestamptz, routing_attempt integer, is_last_cdr boolean,
    uuid uuid
) PARTITION BY RANGE (time_start);
CREATE TABLE cdr.cdr_2025_03 PARTITION OF cdr.cdr FOR VALUES FROM ('2025-03-01 00:00+00') TO ('2025-04-01 00:00+00');
SELECT lives_ok($$SELECT ccc.attach('cdr.cdr', 'yeti')$$, 'a partitioned table');
CREATE FUNCTION pg_temp.id(n integer) RETURNS text LANGUAGE sql AS $$ SELECT '00000000-0000-0000-0000-00000000000' || n $$;
INSERT INTO cdr.cdr (id, duration, success, src_prefix_in, src_prefix_out, dst_prefix_in, dst_prefix_out, time_start, routing_attempt, is_last_cdr, uuid) VALUES
    (1, 0,  false, '101', '075586013381', '913800138000', '13800138000', '2025-03-10 10:00:00+08', 1, false, pg_temp.id(1)::uuid),
    (2, 61, true,  '101', '075586013381', '913800138000', '13800138000', '2025-03-10 10:00:03+08', 2, true,  pg_temp.id(2)::uuid),
    (3, 5,  false, '101', '075586013381', '913800138000', '13800138000', '2025-03-10 10:00:00+08', 1, true,  pg_temp.id(3)::uuid),
    (4, 60, true,  '13800138000', '+8613800138000', '4008123456', '4008123456', '2025-03-10 10:00:00+08', 1, true, pg_temp.id(4)::uuid),
    (5, NULL, true, '101', '075586013381', '913800138000', '13800138000', '2025-03-10 10:00:00+08', 1, true, pg_temp.id(5)::uuid);
SELECT is(pg_temp.told(pg_temp.id(1)) || ', ' || pg_temp.told(pg_temp.id(2)), 'nothing, 1 outbound 2', 'an attempt that failed, and the one that did not');
SELECT is(pg_temp.start(pg_temp.id(2)), '2025-03-10 10:00:03+08', 'when it started');
SELECT is(pg_temp.told(pg_temp.id(3)), 'nothing', 'no success, whatever its duration');
SELECT is(pg_temp.told(pg_temp.id(4)), '1 inbound 1', 'a call in');
SELECT is(pg_temp.told(pg_temp.id(5)), 'nothing', 'a length not known yet');
INSERT INTO cdr.cdr_2025_03 (id, duration, success, src_prefix_out, dst_prefix_out, time_start, uuid)
VALUES (6, 61, true, '075586013381', '13800138000', '2025-03-10 10:00:00+08', pg_temp.id(6)::uuid);
SELECT is(pg_temp.told(pg_temp.id(6)), '1 outbound 2', 'written straight into a partition');
UPDATE cdr.cdr SET duration = 121 WHERE id = 2;
SELECT is(pg_temp.told(pg_temp.id(2)), '1 outbound 3', 'a correction');
CREATE TABLE cdr.cdr_2025_04 PARTITION OF cdr.cdr FOR VALUES FROM ('2025-04-01 00:00+00') TO ('2025-05-01 00:00+00');
INSERT INTO cdr.cdr (id, duration, success, src_prefix_out, dst_prefix_out, time_start, uuid)
VALUES (7, 61, true, '075586013381', '13800138000', '2025-04-10 10:00:00+08', pg_temp.id(7)::uuid);
SELECT is(pg_temp.told(pg_temp.id(7)), '1 outbound 2', 'a partition made later');
SELECT is(ccc.attach_partitions('cdr.cdr'), 1::bigint, 'which gets its triggers');
SELECT is(pg_temp.minutes(), 8::numeric, 'all that packages paid');
DROP TABLE cdr.cdr_2025_04;
SELECT is(pg_temp.minutes(), 8::numeric, 'a partition that is dropped leaves its charges');
CREATE TABLE local_time (uuid uuid, time_start timestamp, duration integer, success boolean, src_prefix_out varchar, dst_prefix_out varchar);
SELECT throws_ok($$SELECT ccc.attach('local_time', 'yeti')$$, '22023', NULL, 'times without zone: it has to be told');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
