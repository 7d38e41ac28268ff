-- How ccc.attach(table, preset) is called, and what it refuses.
BEGIN;
SELECT plan(39);

SET client_min_messages = warning;
CREATE TABLE acc_cdrs (id integer, start_time timestamp, end_time timestamp, duration real, callid text, caller text, callee text);
CREATE FUNCTION pg_temp.refused(call text, OUT state text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT ' || call;
    message := 'done';
EXCEPTION WHEN OTHERS THEN
    state := SQLSTATE;
    message := SQLERRM;
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

-- the short form beside the long one, by position and by name
SELECT lives_ok($$SELECT ccc.attach('acc_cdrs', 'kamailio')$$, 'two arguments');
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach('acc_cdrs', 'kamailio', 'Asia/Shanghai')$$, 'three arguments');
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach('acc_cdrs'::regclass, 'kamailio'::text, NULL::text)$$, 'three arguments with types');
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach('acc_cdrs', preset => 'kamailio', time_zone => 'UTC')$$, 'by name');
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach(time_zone => 'UTC', preset => 'kamailio', cdr => 'acc_cdrs')$$, 'by name, in another order');
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach('acc_cdrs', 'callid', 'start_time', 'duration', 'caller', 'callee', 'true', 'UTC')$$, 'the long form by position');
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach(cdr => 'acc_cdrs', call_id => 'callid', started_at => 'start_time', seconds => 'duration',
                                    caller => 'caller', callee => 'callee', time_zone => 'UTC')$$, 'the long form by name');
SELECT ccc.detach('acc_cdrs');
SELECT lives_ok($$SELECT ccc.attach('acc_cdrs', 'callid', 'start_time::timestamptz', 'duration', 'caller', 'callee')$$, 'six arguments are the long form''s');
SELECT is((SELECT call_id FROM ccc.sources WHERE cdr = 'acc_cdrs'::regclass), 'callid', 'as it says');

-- what the preset leaves to the long form, or says otherwise
CREATE FUNCTION pg_temp.says() RETURNS text LANGUAGE sql AS
    $$SELECT format('%s %s %s %s', time_zone, on_delete, unknown, replicated) FROM ccc.sources WHERE cdr = 'acc_cdrs'::regclass$$;
SELECT ccc.detach('acc_cdrs');
SELECT ccc.attach('acc_cdrs', 'kamailio', NULL, NULL, NULL, NULL::boolean);
SELECT is(pg_temp.says(), 'UTC reverse exception f', 'nulls leave all as the preset has it');
SELECT ccc.detach('acc_cdrs');
SELECT ccc.attach('acc_cdrs', 'kamailio', on_delete => 'keep', unknown => 'ignore', replicated => true);
SELECT is(pg_temp.says(), 'UTC keep ignore t', 'by name');
SELECT ok(EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'acc_cdrs'::regclass AND tgname = 'ccc_bill_replicated'), 'with the trigger of replicated rows');
SELECT ccc.detach('acc_cdrs');
SELECT ccc.attach('acc_cdrs', 'kamailio', 'Asia/Shanghai', 'keep', 'ignore', true);
SELECT is(pg_temp.says(), 'Asia/Shanghai keep ignore t', 'by position');
SELECT ccc.detach('acc_cdrs');
SELECT is(pg_temp.refused($$ccc.attach('acc_cdrs', 'kamailio', unknown => 'forget')$$)::text,
          ROW('22023', 'unknown "forget" is unknown', '', 'It is "exception" or "ignore".')::text, 'checked as the long form checks them');
CREATE TABLE v_xml_cdr (xml_cdr_uuid uuid, start_stamp timestamptz, answer_epoch numeric, billsec numeric, caller_id_number text, destination_number text);
SELECT ccc.attach('v_xml_cdr', 'fusionpbx', on_delete => 'reverse');
SELECT is((SELECT on_delete FROM ccc.sources WHERE cdr = 'v_xml_cdr'::regclass), 'reverse', 'what a preset says can be said otherwise');
SELECT ccc.detach('v_xml_cdr');
SELECT ccc.attach('acc_cdrs', 'kamailio');
SELECT is(pg_temp.refused($$ccc.attach('acc_cdrs', 'kamailio')$$)::text, ROW('55000', 'table "public.acc_cdrs" is attached already', '', 'To change its mapping, detach it first.')::text,
          'attached already');
SELECT ccc.detach('acc_cdrs');

-- presets, columns and zones
SELECT is(pg_temp.refused($$ccc.attach('acc_cdrs', 'cisco')$$)::text,
          ROW('22023', 'preset "cisco" is unknown', '',
              'It is one of "asterisk", "freeswitch", "fusionpbx", "kamailio", "radius", "tencent", "yate", "yeti".')::text, 'an unknown preset');
SELECT is((pg_temp.refused($$ccc.attach('acc_cdrs', NULL)$$)).state, '22004', 'no preset');
SELECT is((pg_temp.refused($$ccc.attach(NULL, 'kamailio')$$)).state, '22004', 'no table');
SELECT is((pg_temp.refused($$ccc.attach(4711, 'kamailio')$$)).message, 'call table does not exist', 'a table that is not there');
SELECT is((pg_temp.refused($$ccc.attach('acc_cdrs', 'kamailio', 'Nowhere')$$)).message, 'time zone "Nowhere" not recognized', 'an unknown zone');
SELECT is(pg_temp.refused($$ccc.attach('acc_cdrs', 'yate')$$)::text,
          ROW('42703', 'table "public.acc_cdrs" lacks columns "billtime", "called", "chan", "direction", "ended", "time" of preset "yate"', '',
              'Add the column, and write it in the queries cdr_initialize, cdr_update and cdr_finalize of register.conf.')::text,
          'all the columns that are lacking, in one error');
CREATE TABLE empty ();
SELECT is((SELECT string_agg(DISTINCT (pg_temp.refused(format('ccc.attach(%L, %L)', 'empty', p.preset))).state, ' ') FROM ccc.presets() AS p), '42703',
          'every preset says what a table without columns lacks');
SELECT is((pg_temp.refused($$ccc.attach('empty', 'asterisk', 'UTC')$$)).message,
          'table "public.empty" lacks columns "billsec", "calldate", "disposition", "dst", "src", "uniqueid" of preset "asterisk"', 'what is optional is not lacking');
SELECT is_empty($$SELECT preset FROM ccc.presets() GROUP BY preset
                  HAVING NOT 'column_hint' = ANY (array_agg(field)) OR preset <> 'tencent' AND NOT array_agg(field) && '{zone_hint,time_zone}'$$,
                'every preset has a hint, and a zone or a hint for it');
CREATE TABLE cdr (calldate timestamp, src text, dst text, billsec integer, disposition text, uniqueid text);
SELECT is(pg_temp.refused($$ccc.attach('cdr', 'asterisk')$$)::text,
          ROW('22023', 'preset "asterisk" needs the argument "time_zone" for table "public.cdr"', 'The start is the column calldate, which has no time zone.',
              'Asterisk writes the local time of its host, or UTC with usegmtime=yes. Give that zone, "Asia/Shanghai" for instance.')::text, 'a zone that must be told');
ALTER TABLE cdr ALTER billsec TYPE text;
SELECT is((pg_temp.refused($$ccc.attach('cdr', 'asterisk', 'UTC')$$)).message,
          'expression for "seconds" is not valid: CASE types integer and text cannot be matched', 'a column of a wrong type');
SELECT is((SELECT count(*) FROM ccc.sources WHERE detached_at IS NULL), 0::bigint, 'nothing of all this was attached');

-- which spelling of a name counts
CREATE TABLE quoted ("Start_Time" timestamp, "DURATION" real, "CallID" text, "callEr" text, "callEE" text, callee text);
SELECT is((pg_temp.refused($$ccc.attach('quoted', 'kamailio')$$)).message, 'done', 'columns in mixed case');
SELECT is((SELECT format('%s %s %s %s %s', call_id, started_at, seconds, caller, callee) FROM ccc.sources WHERE cdr = 'quoted'::regclass),
          '"CallID" nullif("Start_Time", ''2000-01-01'') "DURATION" "callEr" callee', 'are quoted; the software''s own spelling comes first');
CREATE TABLE spelt (sessionid text, "SessionId" text, "CALLEE" text, callee text);
SELECT is((SELECT string_agg(expression, ' ' ORDER BY field) FROM ccc.preset_mapping('spelt', 'tencent') WHERE field IN ('call_id', 'callee')),
          '"SessionId" callee', 'then the one folded to lower case');

-- tables that cannot be billed, and whose they are
CREATE TEMP TABLE passing (LIKE acc_cdrs);
SELECT is((pg_temp.refused($$ccc.attach('passing', 'kamailio')$$)).message, 'table "passing" cannot be billed: it is temporary', 'a temporary table');
CREATE VIEW seen AS SELECT * FROM acc_cdrs;
SELECT is((pg_temp.refused($$ccc.attach('seen', 'kamailio')$$)).state, '42809', 'a view');
CREATE ROLE preset_admin IN ROLE ccc_admin;
CREATE ROLE preset_nobody;
CREATE SCHEMA theirs AUTHORIZATION preset_admin;
GRANT USAGE ON SCHEMA theirs TO preset_nobody;
SET ROLE preset_admin;
SELECT is((pg_temp.refused($$ccc.attach('acc_cdrs', 'kamailio')$$)).message, 'must be owner of table "acc_cdrs"', 'somebody else''s table');
CREATE TABLE theirs.cdr (start_time timestamp, duration real, callid text, caller text, callee text);
-- names planted in the way are not taken
CREATE FUNCTION theirs.lower(text) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION theirs.quote_ident(name) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE FUNCTION theirs.presets(OUT preset text, OUT field text, OUT choice integer, OUT expression text) RETURNS SETOF record LANGUAGE sql AS
    $$SELECT 'kamailio', 'call_id', 1, 'now()'$$;
SET search_path = theirs, pg_catalog, public;
SELECT is((pg_temp.refused($$ccc.attach('theirs.cdr', 'kamailio')$$)).message, 'done', 'an administrator''s own table');
SELECT is((SELECT format('%s %s', call_id, started_at) FROM ccc.sources WHERE cdr = 'theirs.cdr'::regclass), 'callid nullif(start_time, ''2000-01-01'')',
          'with its mapping');
SELECT is((pg_temp.refused($$ccc.detach('theirs.cdr')$$)).message, 'done', 'is detached');
SET ROLE preset_nobody;
SELECT is((pg_temp.refused($$ccc.attach('theirs.cdr', 'kamailio')$$)).state, '42501', 'not an administrator');
RESET ROLE;
RESET search_path;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
