/*
 * Presets: what the call tables of well-known software mean, as data. An
 * expression names the columns that it needs in braces, as the software spells
 * them. A field may have several expressions: the first whose columns the table
 * has is taken, so that one without columns makes the others optional.
 */
CREATE FUNCTION ccc.presets(OUT preset text, OUT field text, OUT choice integer, OUT expression text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        VALUES
        -- a record of a session, of the side that its direction tells
        ('tencent', 'call_id', 1, '{SessionId}'),
        ('tencent', 'started_at', 1, 'nullif({StartTimestamp}, 0)'),
        ('tencent', 'seconds', 1, 'CASE WHEN {AcceptTimestamp} > 0 THEN {Duration} ELSE 0 END'),
        ('tencent', 'caller', 1, '{Caller}'),
        ('tencent', 'callee', 1, '{Callee}'),
        ('tencent', 'direction', 1, 'CASE {Direction}::text WHEN ''0'' THEN ''inbound'' WHEN ''1'' THEN ''outbound'' ELSE {Direction}::text END'),
        ('tencent', 'direction', 2, NULL),
        ('tencent', 'column_hint', 1, 'Load the fields of the pushed record under their own names, quoted or folded to lower case.'),

        -- several rows can have one uniqueid: sequence tells them apart, else their start
        ('asterisk', 'call_id', 1, 'nullif({uniqueid}, '''') || coalesce(''/'' || {sequence}, '''')'),
        ('asterisk', 'call_id', 2, 'nullif({uniqueid}, '''') || coalesce(''/'' || {calldate}, '''')'),
        ('asterisk', 'call_id', 3, 'nullif({uniqueid}, '''') || coalesce(''/'' || {start}, '''')'),
        ('asterisk', 'call_id', 4, '{uniqueid}'),    -- so that only uniqueid can be lacking
        ('asterisk', 'started_at', 1, '{calldate}'),
        ('asterisk', 'started_at', 2, '{start}'),
        ('asterisk', 'seconds', 1, 'CASE WHEN {disposition} = ''ANSWERED'' THEN {billsec} ELSE 0 END'),
        ('asterisk', 'caller', 1, '{src}'),
        ('asterisk', 'callee', 1, '{dst}'),
        ('asterisk', 'column_hint', 1, 'Asterisk fills each column that is there by its name: add it, and reload the module that writes the table.'),
        ('asterisk', 'zone_hint', 1, 'Asterisk writes the local time of its host, or UTC with usegmtime=yes.'),

        -- an unanswered call has no answer_stamp, or one of 1970
        ('freeswitch', 'call_id', 1, '{uuid}'),
        ('freeswitch', 'started_at', 1, '{start_stamp}'),
        ('freeswitch', 'seconds', 1, 'CASE WHEN {answer_stamp} > ''1970-01-03'' THEN {billsec} ELSE 0 END'),
        ('freeswitch', 'caller', 1, '{caller_id_number}'),
        ('freeswitch', 'callee', 1, '{destination_number}'),
        ('freeswitch', 'column_hint', 1, 'Add the column, and its variable to the schema in cdr_pg_csv.conf.xml: <field var="billsec" quote="false"/>, for instance.'),
        ('freeswitch', 'zone_hint', 1, 'FreeSWITCH writes the local time of its host.'),

        -- a record is of the side that its direction tells; old ones are deleted by a job
        ('fusionpbx', 'call_id', 1, '{xml_cdr_uuid}'),
        ('fusionpbx', 'started_at', 1, '{start_stamp}'),
        ('fusionpbx', 'seconds', 1, 'CASE WHEN {answer_epoch} > 0 THEN {billsec} ELSE 0 END'),
        ('fusionpbx', 'caller', 1, '{caller_id_number}'),
        ('fusionpbx', 'callee', 1, '{destination_number}'),
        ('fusionpbx', 'finished', 1, '{leg} IS DISTINCT FROM ''b'''),
        ('fusionpbx', 'finished', 2, 'true'),
        ('fusionpbx', 'direction', 1, 'CASE WHEN {direction} IN (''inbound'', ''outbound'') THEN {direction} END'),
        ('fusionpbx', 'direction', 2, NULL),
        ('fusionpbx', 'on_delete', 1, 'keep'),
        ('fusionpbx', 'column_hint', 1, 'Attach v_xml_cdr; FusionPBX adds what it lacks under Advanced, Upgrade, Schema.'),
        ('fusionpbx', 'zone_hint', 1, 'FusionPBX writes the local time of its host.'),

        -- 2000-01-01 stands for no start
        ('kamailio', 'call_id', 1, '{callid}'),
        ('kamailio', 'started_at', 1, 'nullif({start_time}, ''2000-01-01'')'),
        ('kamailio', 'seconds', 1, '{duration}'),
        ('kamailio', 'caller', 1, '{caller}'),
        ('kamailio', 'callee', 1, '{callee}'),
        ('kamailio', 'time_zone', 1, 'UTC'),
        ('kamailio', 'column_hint', 1, 'Add the columns, as text, and have Kamailio fill them: modparam("acc", "cdr_extra", "callid=$dlg_var(callid);caller=$dlg_var(caller);callee=$dlg_var(callee)"), and for the first INVITE, after dlg_manage(): $dlg_var(callid) = $ci; $dlg_var(caller) = $fU; $dlg_var(callee) = $rU;'),

        -- a row grows until its Stop
        ('radius', 'call_id', 1, '{acctuniqueid}'),
        ('radius', 'started_at', 1, '{acctstarttime}'),
        ('radius', 'seconds', 1, '{acctsessiontime}'),
        ('radius', 'caller', 1, '{callingstationid}'),
        ('radius', 'callee', 1, '{calledstationid}'),
        ('radius', 'finished', 1, '{acctstoptime} IS NOT NULL'),
        ('radius', 'column_hint', 1, 'Attach radacct as FreeRADIUS''s schema for PostgreSQL makes it.'),
        ('radius', 'zone_hint', 1, 'FreeRADIUS writes instants, which a column without zone keeps as the local time of its session.'),

        -- a row for each channel: what came in there is inbound, what went out outbound
        ('yate', 'call_id', 1, 'nullif({chan}, '''') || ''/'' || {time}'),
        ('yate', 'started_at', 1, '{time}'),
        ('yate', 'seconds', 1, '{billtime}'),
        ('yate', 'caller', 1, '{caller}'),
        ('yate', 'callee', 1, '{called}'),
        ('yate', 'finished', 1, '{ended}'),
        ('yate', 'direction', 1, 'CASE {direction} WHEN ''incoming'' THEN ''inbound'' WHEN ''outgoing'' THEN ''outbound'' ELSE {direction} END'),
        ('yate', 'unknown', 1, 'ignore'),
        ('yate', 'time_zone', 1, 'UTC'),
        ('yate', 'column_hint', 1, 'Add the column, and write it in the queries cdr_initialize, cdr_update and cdr_finalize of register.conf.'),

        ('yeti', 'call_id', 1, '{uuid}'),
        ('yeti', 'started_at', 1, '{time_start}'),
        ('yeti', 'seconds', 1, 'CASE WHEN {success} THEN {duration} ELSE 0 END'),
        ('yeti', 'caller', 1, '{src_prefix_out}'),
        ('yeti', 'callee', 1, '{dst_prefix_out}'),
        ('yeti', 'column_hint', 1, 'Attach cdr.cdr of the database of CDRs.'),
        ('yeti', 'zone_hint', 1, 'Versions of Yeti with such a column wrote the local time of the database''s session.');
    END;
COMMENT ON FUNCTION ccc.presets() IS
    'the presets of ccc.attach(): for each field of a mapping the expressions to choose from, with the columns that they need in braces; column_hint and zone_hint go with the errors';
REVOKE ALL ON FUNCTION ccc.presets() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.presets() TO ccc_admin;

CREATE FUNCTION ccc.find_column(cdr regclass, spelling text) RETURNS name
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT a.attname
        FROM pg_attribute AS a
        WHERE a.attrelid = cdr AND a.attnum > 0 AND NOT a.attisdropped
          AND lower(a.attname::text COLLATE "C") = lower(spelling COLLATE "C")
        ORDER BY a.attname::text = spelling DESC, a.attname::text = lower(spelling COLLATE "C") DESC, a.attnum
        LIMIT 1;
    END;
COMMENT ON FUNCTION ccc.find_column(regclass, text) IS
    'the column that a table has for what software spells so: as spelt, else folded to lower case, else in any case; null: none';
REVOKE ALL ON FUNCTION ccc.find_column(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.find_column(regclass, text) TO ccc_admin;

CREATE FUNCTION ccc.fill_columns(cdr regclass, INOUT expression text, OUT missing text[])
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    spelling text;
    found    name;
BEGIN
    missing := '{}';
    FOR spelling IN SELECT DISTINCT m[1] FROM regexp_matches(expression, '[{]([A-Za-z_]+)[}]', 'g') AS m ORDER BY 1 LOOP
        found := ccc.find_column(cdr, spelling);
        IF found IS NULL THEN
            missing := missing || spelling;
        ELSE
            expression := replace(expression, '{' || spelling || '}', quote_ident(found));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ccc.fill_columns(regclass, text) IS
    'a preset''s expression with a table''s columns in place of those in braces, and which of them the table lacks';
REVOKE ALL ON FUNCTION ccc.fill_columns(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.fill_columns(regclass, text) TO ccc_admin;

CREATE FUNCTION ccc.preset_mapping(cdr regclass, preset text, OUT field text, OUT expression text, OUT missing text[]) RETURNS SETOF record
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT DISTINCT ON (p.field) p.field, f.expression, f.missing
        FROM ccc.presets() AS p, LATERAL ccc.fill_columns(cdr, p.expression) AS f
        WHERE p.preset = preset_mapping.preset
        ORDER BY p.field, cardinality(f.missing), p.choice;
    END;
COMMENT ON FUNCTION ccc.preset_mapping(regclass, text) IS
    'what a preset makes of a table: the arguments that ccc.attach() gets, and the columns that the table lacks; a start for a mapping of one''s own';
REVOKE ALL ON FUNCTION ccc.preset_mapping(regclass, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.preset_mapping(regclass, text) TO ccc_admin;

CREATE FUNCTION ccc.preset_time_zone(cdr regclass, preset text, mapping jsonb) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    PERFORM ccc.check_mapping(cdr, 'started_at', mapping->>'started_at');
    RETURN NULL;
EXCEPTION
    WHEN invalid_parameter_value THEN    -- the column has no zone
        IF mapping->>'time_zone' IS NULL THEN
            RAISE EXCEPTION 'preset "%" needs the argument "time_zone" for table "%"', preset, cdr
                USING ERRCODE = '22023',
                      DETAIL = format('The start is the column %s, which has no time zone.', mapping->>'started_at'),
                      HINT = concat_ws(' ', mapping->>'zone_hint', 'Give that zone, "Asia/Shanghai" for instance.');
        END IF;
        RAISE NOTICE 'times of table "%" are taken to be %', cdr, mapping->>'time_zone'
            USING HINT = 'If they are not, detach the table and give the argument "time_zone".';
        RETURN mapping->>'time_zone';
END
$$;
COMMENT ON FUNCTION ccc.preset_time_zone(regclass, text, jsonb) IS
    'the zone of a preset''s table whose times have none; null: they have one; errors: 22023 the software has no zone of its own';
REVOKE ALL ON FUNCTION ccc.preset_time_zone(regclass, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.preset_time_zone(regclass, text, jsonb) TO ccc_admin;

CREATE FUNCTION ccc.attach(cdr regclass, preset text, time_zone text DEFAULT NULL, on_delete text DEFAULT NULL,
                           unknown text DEFAULT NULL, replicated boolean DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    mapping jsonb;
    lacking text[];
BEGIN
    IF cdr IS NULL OR preset IS NULL THEN
        RAISE EXCEPTION 'the call table and the preset must not be null' USING ERRCODE = '22004';
    END IF;
    PERFORM ccc.lock_call_table(cdr, false);
    PERFORM ccc.check_call_table(cdr);
    mapping := (SELECT jsonb_object_agg(m.field, m.expression) FROM ccc.preset_mapping(cdr, preset) AS m);
    IF mapping IS NULL THEN
        RAISE EXCEPTION 'preset "%" is unknown', preset
            USING ERRCODE = '22023',
                  HINT = format('It is one of %s.', (SELECT string_agg(DISTINCT '"' || p.preset || '"', ', ') FROM ccc.presets() AS p));
    END IF;
    lacking := ARRAY(SELECT DISTINCT unnest(m.missing) FROM ccc.preset_mapping(cdr, preset) AS m ORDER BY 1);
    IF lacking <> '{}' THEN
        RAISE EXCEPTION 'table "%" lacks % "%" of preset "%"', cdr,
                CASE cardinality(lacking) WHEN 1 THEN 'column' ELSE 'columns' END, array_to_string(lacking, '", "'), preset
            USING ERRCODE = '42703', HINT = mapping->>'column_hint';
    END IF;
    PERFORM ccc.attach(cdr, call_id => mapping->>'call_id', started_at => mapping->>'started_at', seconds => mapping->>'seconds',
                       caller => mapping->>'caller', callee => mapping->>'callee',
                       finished => coalesce(mapping->>'finished', 'true'),
                       time_zone => coalesce(time_zone, ccc.preset_time_zone(cdr, preset, mapping)),
                       direction => mapping->>'direction',
                       on_delete => coalesce(on_delete, mapping->>'on_delete', 'reverse'),
                       unknown => coalesce(unknown, mapping->>'unknown', 'exception'),
                       replicated => coalesce(replicated, false));
END
$$;
COMMENT ON FUNCTION ccc.attach(regclass, text, text, text, text, boolean) IS
    'bills the call table of a well-known software by its preset (tencent, asterisk, freeswitch, fusionpbx, kamailio, radius, yate, yeti); time_zone is the zone of times stored without one; on_delete, unknown and replicated are as in the long form, null: as the preset has it; errors: 22023 an unknown preset or a zone that must be told, 42703 columns that the table lacks, and those of the long form';
REVOKE ALL ON FUNCTION ccc.attach(regclass, text, text, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.attach(regclass, text, text, text, text, boolean) TO ccc_admin;
