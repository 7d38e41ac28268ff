-- The call table of FusionPBX, by its preset.
BEGIN;
SELECT plan(18);

\ir setup/two_accounts.psql

CREATE TABLE v_xml_cdr (
    xml_cdr_uuid uuid PRIMARY KEY, domain_uuid uuid, extension_uuid uuid, domain_name text, accountcode text, direction text, context text,
    caller_id_name text, caller_id_number text, caller_destination text, source_number text, destination_number text,
    start_epoch numeric, start_stamp timestamptz, answer_stamp timestamptz, answer_epoch numeric, end_epoch numeric, end_stamp timestamptz,
    duration numeric, mduration numeric, billsec numeric, billmsec numeric, record_path text, record_name text, leg char(1),
    missed_call boolean, hangup_cause text, json jsonb
);
SELECT lives_ok($$SELECT ccc.attach('v_xml_cdr', 'fusionpbx')$$, 'v_xml_cdr');
SELECT is((SELECT format('%s, %s', on_delete, finished) FROM ccc.sources WHERE cdr = 'v_xml_cdr'::regclass), 'keep, leg IS DISTINCT FROM ''b''',
          'a retention job is expected, and b-legs are not billed');
CREATE FUNCTION pg_temp.id(n integer) RETURNS text LANGUAGE sql AS $$ SELECT '00000000-0000-0000-0000-00000000000' || n $$;
CREATE FUNCTION pg_temp.store(n integer, direction text, src text, dst text, answered boolean, billsec numeric, leg text DEFAULT 'a') RETURNS void
LANGUAGE sql AS $$
    INSERT INTO v_xml_cdr (xml_cdr_uuid, direction, caller_id_number, destination_number, start_epoch, start_stamp, answer_stamp, answer_epoch,
                           billsec, leg)
    VALUES (pg_temp.id(n)::uuid, direction, src, dst, 1741572000, '2025-03-10T10:00:00+08:00',
            CASE WHEN answered THEN '2025-03-10T10:00:09+08:00' ELSE '1970-01-01T00:00:00+00:00' END::timestamptz,
            CASE WHEN answered THEN 1741572009 ELSE 0 END, billsec, leg) $$;
SELECT pg_temp.store(1, 'outbound', '075586013381', '13800138000', true, 61);
SELECT pg_temp.store(2, 'inbound', '13800138000', '4008123456', true, 60);
SELECT pg_temp.store(3, 'outbound', '075586013381', '13800138000', false, 70);
SELECT pg_temp.store(4, 'local', '101', '102', true, 61);
SELECT pg_temp.store(5, 'outbound', '075586013381', '13800138000', true, 61, 'b');
SELECT pg_temp.store(6, 'outbound', '075586013382', '4008123456', true, 60);
SELECT pg_temp.store(7, 'inbound', '075586013382', '4008123456', true, 60);
SELECT pg_temp.store(8, NULL, '075586013381', '13800138000', true, 60.2, NULL);
SELECT is(pg_temp.told(pg_temp.id(1)), '1 outbound 2', 'a call out');
SELECT is(pg_temp.start(pg_temp.id(1)), '2025-03-10 10:00+08', 'when it started');
SELECT is(pg_temp.told(pg_temp.id(2)), '1 inbound 1', 'a call in');
SELECT is(pg_temp.told(pg_temp.id(3)), 'nothing', 'not answered: answer_stamp is of 1970');
SELECT is(pg_temp.told(pg_temp.id(4)), 'unknown_number', 'between extensions: no number of ours');
SELECT is(pg_temp.told(pg_temp.id(5)), 'nothing', 'the other leg of a call');
SELECT is(pg_temp.told(pg_temp.id(6)) || ', ' || pg_temp.told(pg_temp.id(7)), '2 outbound 1, 1 inbound 1',
          'between two domains: each record is of its own side');
SELECT is(pg_temp.told(pg_temp.id(8)), '1 outbound 2', 'neither direction nor leg, and a fraction of a second');

-- the application updates rows later, and its job deletes old ones
CREATE TEMP TABLE entries AS SELECT count(*) AS n FROM ccc.ledger;
UPDATE v_xml_cdr SET record_path = '/recordings', record_name = 'a.mp3', json = '{}', hangup_cause = 'NORMAL_CLEARING';
SELECT is((SELECT count(*) FROM ccc.ledger), (SELECT n FROM entries), 'an update that bills nothing posts nothing');
UPDATE v_xml_cdr SET billsec = 121 WHERE xml_cdr_uuid = pg_temp.id(1)::uuid;
SELECT is(pg_temp.told(pg_temp.id(1)), '1 outbound 3', 'a correction');
UPDATE v_xml_cdr SET leg = 'a' WHERE xml_cdr_uuid = pg_temp.id(5)::uuid;
SELECT is(pg_temp.told(pg_temp.id(5)), '1 outbound 2', 'a leg that counts after all');
SELECT is(pg_temp.minutes(), 10::numeric, 'all that packages paid');
DELETE FROM v_xml_cdr;
SELECT is(pg_temp.minutes(), 10::numeric, 'deleted records leave their charges');

-- an older table, without leg and direction
CREATE TABLE older (xml_cdr_uuid uuid, caller_id_number text, destination_number text, start_stamp timestamptz, answer_epoch numeric, billsec numeric);
SELECT lives_ok($$SELECT ccc.attach('older', 'fusionpbx')$$, 'leg and direction are not needed');
INSERT INTO older VALUES (pg_temp.id(9)::uuid, '075586013381', '13800138000', '2025-03-10 10:00+08', 1741572009, 61);
SELECT is(pg_temp.told(pg_temp.id(9)), '1 outbound 2', 'rows are billed without them');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
