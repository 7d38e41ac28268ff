-- The call table of FreeSWITCH's mod_cdr_pg_csv, by its preset.
BEGIN;
SELECT plan(17);

\ir setup/two_accounts.psql

CREATE TABLE cdr (
    id serial PRIMARY KEY, local_ip_v4 inet NOT NULL, caller_id_name varchar, caller_id_number varchar, destination_number varchar NOT NULL,
    context varchar NOT NULL, start_stamp timestamptz NOT NULL, answer_stamp timestamptz, end_stamp timestamptz NOT NULL,
    duration integer NOT NULL, billsec integer NOT NULL, hangup_cause varchar NOT NULL, uuid uuid NOT NULL, bleg_uuid uuid, accountcode varchar
);
SELECT lives_ok($$SELECT ccc.attach(cdr => 'cdr', preset => 'freeswitch')$$, 'the table of mod_cdr_pg_csv');
CREATE FUNCTION pg_temp.id(n integer) RETURNS text LANGUAGE sql AS $$ SELECT '00000000-0000-0000-0000-00000000000' || n $$;
-- stamps are local time without offset, read in the zone of the writer's session
CREATE FUNCTION pg_temp.store(n integer, src text, dst text, started text, answered text, billsec integer) RETURNS void LANGUAGE sql
SET TimeZone = 'Asia/Shanghai' AS $$
    INSERT INTO cdr (local_ip_v4, caller_id_number, destination_number, context, start_stamp, answer_stamp, end_stamp, duration, billsec, hangup_cause, uuid)
    SELECT '10.0.0.1', src, dst, 'default', started::timestamptz, answered::timestamptz, started::timestamptz + interval '70 s', 70, billsec, 'NORMAL_CLEARING',
           pg_temp.id(n)::uuid $$;
SELECT pg_temp.store(1, '075586013381', '13800138000', '2025-03-10 10:00:00', '2025-03-10 10:00:09', 61);
SELECT pg_temp.store(2, '13800138000', '4008123456', '2025-03-10 10:00:00', '2025-03-10 10:00:09', 60);
SELECT pg_temp.store(3, '075586013381', '13800138000', '2025-03-10 10:00:00', NULL, 0);
SELECT pg_temp.store(4, '075586013381', '13800138000', '2025-03-10 10:00:00', NULL, 70);
SELECT pg_temp.store(5, '075586013381', '13800138000', '2025-03-10 10:00:00', '1970-01-01 00:00:00', 70);
SELECT pg_temp.store(6, NULL, '4008123456', '2025-03-10 10:00:00', '2025-03-10 10:00:09', 60);
SELECT is(pg_temp.told(pg_temp.id(1)), '1 outbound 2', 'a call out');
SELECT is(pg_temp.start(pg_temp.id(1)), '2025-03-10 10:00+08', 'when it started');
SELECT is(pg_temp.told(pg_temp.id(2)), '1 inbound 1', 'a call in');
SELECT is(pg_temp.told(pg_temp.id(3)), 'nothing', 'not answered');
SELECT is(pg_temp.told(pg_temp.id(4)), 'nothing', 'not answered, whatever its billsec');
SELECT is(pg_temp.told(pg_temp.id(5)), 'nothing', 'not answered, with a stamp of 1970');
SELECT is(pg_temp.told(pg_temp.id(6)), '1 inbound 1', 'a caller withheld');
-- spooled to disk, and replayed days later although some of it had arrived
SELECT pg_temp.store(1, '075586013381', '13800138000', '2025-03-10 10:00:00', '2025-03-10 10:00:09', 61);
SELECT pg_temp.store(7, '075586013381', '13800138000', '2025-03-07 10:00:00', '2025-03-07 10:00:09', 61);
SELECT is(pg_temp.told(pg_temp.id(1)), '1 outbound 2', 'a record that had arrived costs nothing');
SELECT is(pg_temp.told(pg_temp.id(7)), '1 outbound 2', 'one that had not is billed');
SELECT is(pg_temp.minutes(), 6::numeric, 'all that packages paid');
UPDATE cdr SET billsec = 121 WHERE uuid = pg_temp.id(7)::uuid;
SELECT is(pg_temp.told(pg_temp.id(7)), '1 outbound 3', 'a correction');
DELETE FROM cdr WHERE uuid = pg_temp.id(7)::uuid;
SELECT is(pg_temp.minutes(), 4::numeric, 'a deleted record takes its charge back');

-- stamps kept without zone
CREATE TABLE local_time (caller_id_number text, destination_number text, start_stamp timestamp, answer_stamp timestamp, billsec integer, uuid text);
SELECT throws_ok($$SELECT ccc.attach('local_time', 'freeswitch')$$, '22023', NULL, 'stamps without zone: it has to be told');
SELECT ccc.attach('local_time', 'freeswitch', 'Asia/Shanghai');
INSERT INTO local_time VALUES ('075586013381', 'x', '2025-03-10 10:00:00', '2025-03-10 10:00:09', 61, 'local'),
                              ('075586013381', 'x', '2025-03-10 10:00:00', '1970-01-01 08:00:00', 61, 'local unanswered');
SELECT is(pg_temp.start('local'), '2025-03-10 10:00+08', 'and is used');
SELECT is(pg_temp.told('local unanswered'), 'nothing', 'not answered, with a stamp of 1970 in local time');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
