-- Kamailio's acc_cdrs, by its preset.
BEGIN;
SELECT plan(21);

\ir setup/two_accounts.psql

CREATE TABLE acc_cdrs (
    id serial PRIMARY KEY,
    start_time timestamp without time zone NOT NULL DEFAULT '2000-01-01 00:00:00',
    end_time timestamp without time zone NOT NULL DEFAULT '2000-01-01 00:00:00',
    duration real NOT NULL DEFAULT 0
);
-- what a fresh Kamailio lacks, and how to mend it
CREATE FUNCTION pg_temp.attempt() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM ccc.attach('acc_cdrs', 'kamailio');
    RETURN 'attached';
EXCEPTION WHEN undefined_column THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN SQLERRM || ': ' || hint;
END $$;
SELECT is(pg_temp.attempt(),
          'table "public.acc_cdrs" lacks columns "callee", "caller", "callid" of preset "kamailio": Add the columns, as text, and have Kamailio fill them: '
          'modparam("acc", "cdr_extra", "callid=$dlg_var(callid);caller=$dlg_var(caller);callee=$dlg_var(callee)"), and for the first INVITE, '
          'after dlg_manage(): $dlg_var(callid) = $ci; $dlg_var(caller) = $fU; $dlg_var(callee) = $rU;',
          'the columns of cdr_extra are named, with the line that fills them');
ALTER TABLE acc_cdrs ADD callid text, ADD caller text, ADD callee text;
ALTER TABLE acc_cdrs DROP caller;
SELECT matches(pg_temp.attempt(), '^table "public.acc_cdrs" lacks column "caller" of', 'a dropped column is lacking');
ALTER TABLE acc_cdrs ADD caller text;
SELECT is(pg_temp.attempt(), 'attached', 'with them it is attached');
SELECT is((SELECT time_zone FROM ccc.sources WHERE cdr = 'acc_cdrs'::regclass), 'UTC', 'in UTC unless told');

INSERT INTO acc_cdrs (start_time, end_time, duration, callid, caller, callee) VALUES
    ('2025-03-10 02:00:00', '2025-03-10 02:01:00', 60.2, 'fraction', '075586013381', '13800138000'),
    ('2025-03-10 02:00:00', '2025-03-10 02:01:00', 60, 'minute', '+8675586013381', '13800138000'),
    ('2025-03-10 02:00:00', '2025-03-10 14:00:00', 43200.02, 'long', 'sip:075586013381@10.0.0.1', '13800138000'),
    ('2025-03-10 02:00:00', '2025-03-10 02:01:00', 59.999, 'in', '13800138000', '4008123456'),
    ('2025-03-10 02:00:00', '2025-03-10 02:00:00', 0, 'busy', '075586013381', '13800138000'),
    ('2025-03-10 02:00:00', '2025-03-11 02:00:01', 86401, 'lost BYE', '075586013381', '13800138000'),
    ('2025-03-10 02:00:00', '2025-03-10 02:01:00', 60, '', '075586013381', '13800138000'),
    ('2025-03-10 02:00:00', '2025-03-10 02:01:00', 60, 'expired', '', '');
INSERT INTO acc_cdrs (duration, callid, caller, callee) VALUES
    (0, 'failed', '075586013381', '13800138000'), (5, 'no start', '075586013381', '13800138000');
SELECT is(pg_temp.told('fraction'), '1 outbound 2', 'real: a fraction over a minute');
SELECT is(pg_temp.told('minute'), '1 outbound 1', 'real: a minute');
SELECT is(pg_temp.told('long'), '1 outbound 721', 'real: 12 hours and a fraction');
SELECT is(pg_temp.told('in'), '1 inbound 1', 'a call in');
SELECT is(pg_temp.start('in'), '2025-03-10 10:00+08', 'UTC, whatever the session''s zone');
SELECT is(pg_temp.told('busy'), 'nothing', 'not answered');
SELECT is(pg_temp.told('lost BYE'), 'bad_length', 'its BYE was lost: ended by the dialog''s timeout');
SELECT is(pg_temp.told(''), 'no_call_id', 'an id that cdr_extra does not fill');
SELECT is(pg_temp.told('expired'), 'unknown_number', 'numbers that cdr_extra does not fill');
SELECT is(pg_temp.told('failed'), 'nothing', 'neither start nor length');
SELECT is(pg_temp.told('no start'), 'no_start', 'a start of 2000-01-01 is none');
INSERT INTO acc_cdrs (start_time, duration, callid, caller, callee) SELECT start_time, duration, callid, caller, callee FROM acc_cdrs WHERE callid = 'minute';
SELECT is(pg_temp.told('minute'), '1 outbound 1', 'a repeat');
UPDATE acc_cdrs SET duration = 120.5 WHERE callid = 'fraction';
SELECT is(pg_temp.told('fraction'), '1 outbound 3', 'a correction');

-- a host that keeps local time
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach('acc_cdrs', 'kamailio', 'Asia/Shanghai')$$, 'in a zone that is told');
INSERT INTO acc_cdrs (start_time, duration, callid, caller, callee) VALUES ('2025-03-10 10:00:00', 61, 'local', '075586013381', '13800138000');
SELECT is(pg_temp.start('local'), '2025-03-10 10:00+08', 'that zone is used');
SELECT is((SELECT time_zone FROM ccc.sources WHERE cdr = 'acc_cdrs'::regclass), 'Asia/Shanghai', 'and kept');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
