-- What attach refuses: a bad expression is told by its field and SQLSTATE, a
-- table that cannot be billed by its kind; and nothing has changed.
BEGIN;
SELECT plan(76);

CREATE TABLE cdr (id text, a text, b text, at timestamptz, local timestamp, s numeric, flag boolean, j jsonb);
CREATE TABLE other (id text);
CREATE FUNCTION luck(text) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT $1';

-- the SQLSTATE of attaching with one field's expression in place of a good one,
-- and whether the message names the field
CREATE FUNCTION pg_temp.refusal(field text, expression text, zone text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
BEGIN
    PERFORM ccc.attach('cdr',
        CASE field WHEN 'call_id' THEN expression ELSE 'id' END,
        CASE field WHEN 'started_at' THEN expression ELSE 'at' END,
        CASE field WHEN 'seconds' THEN expression ELSE 's' END,
        CASE field WHEN 'caller' THEN expression ELSE 'a' END,
        CASE field WHEN 'callee' THEN expression ELSE 'b' END,
        finished => CASE field WHEN 'finished' THEN expression ELSE 'true' END,
        direction => CASE field WHEN 'direction' THEN expression END,
        time_zone => zone);
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
    RETURN SQLSTATE || CASE WHEN message LIKE '%"' || field || '"%' THEN '' ELSE ' and the field is not named: ' || message END;
END $$;

SELECT is(pg_temp.refusal(field, '(SELECT id FROM public.other LIMIT 1)'), '0A000', field || ': a subquery')
FROM unnest('{call_id,caller,callee,direction}'::text[]) AS field;
SELECT is(pg_temp.refusal('seconds', '(SELECT 1)'), '0A000', 'seconds: a subquery');
SELECT is(pg_temp.refusal('started_at', '(SELECT now())'), '0A000', 'started_at: a subquery');
SELECT is(pg_temp.refusal('finished', 'EXISTS (SELECT FROM public.other)'), '0A000', 'finished: a subquery');
SELECT is(pg_temp.refusal('call_id', 'id || ARRAY(SELECT id FROM public.other)::text'), '0A000', 'a subquery inside');
SELECT is(pg_temp.refusal('seconds', 'sum(s)'), '0A000', 'an aggregate');
SELECT is(pg_temp.refusal('seconds', 'count(*)'), '0A000', 'an aggregate of rows');
SELECT is(pg_temp.refusal('seconds', 'row_number() OVER ()'), '0A000', 'a window function');
SELECT is(pg_temp.refusal('seconds', 'generate_series(1, 2)'), '0A000', 'a set-returning function');
SELECT is(pg_temp.refusal('seconds', 'random()'), '0A000', 'a volatile function');
SELECT is(pg_temp.refusal('started_at', 'clock_timestamp()'), '0A000', 'a volatile clock');
SELECT is(pg_temp.refusal('call_id', 'public.luck(id)'), '0A000', 'a volatile function of a user');
SELECT is(pg_temp.refusal('call_id', 'set_config(''a.b'', id, false)'), '0A000', 'a function with an effect');
CREATE FUNCTION chance(text, float8 DEFAULT random()) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1 || $2';
SELECT is(pg_temp.refusal('call_id', 'public.chance(id)'), '0A000', 'a volatile default');
SELECT is(pg_temp.refusal('call_id', expression), '0A000', expression)
FROM unnest('{age(at)::text,age(local)::text,pg_trigger_depth()::text,current_schemas(true)::text,inet_server_port()::text,pg_client_encoding()::text,pg_postmaster_start_time()::text}'::text[]) AS expression;
SELECT is(pg_temp.refusal('finished', expression), '0A000', expression)
FROM unnest(ARRAY['has_table_privilege(''pg_class'', ''SELECT'')', 'pg_has_role(''ccc_admin'', ''USAGE'')', 'row_security_active(''pg_class'')']) AS expression;
SELECT is(pg_temp.refusal('call_id', 'txid_current_if_assigned()::text'), '0A000', 'a transaction');
SELECT lives_ok(format('SELECT ccc.check_mapping(''cdr'', ''call_id'', %L)', expression), expression)
FROM unnest(ARRAY['to_char(at, ''YYYY-MM-DD'') || age(at, ''2020-01-01'')::text', 'concat(id, at::text, j)']) AS expression;
SELECT is(pg_temp.refusal('call_id', 'ctid::text'), '0A000', 'a system column');
SELECT is(pg_temp.refusal('call_id', 'tableoid::text'), '0A000', 'the table''s own id');
SELECT is(pg_temp.refusal('call_id', 'xmin::text'), '0A000', 'a transaction id');
SELECT is(pg_temp.refusal('call_id', 'id, a'), '42601', 'two expressions');
SELECT is(pg_temp.refusal('call_id', 'id AS x'), '42601', 'an alias');
SELECT is(pg_temp.refusal('call_id', 'id x'), '42601', 'a bare alias');
SELECT is(pg_temp.refusal('call_id', 'id; DROP TABLE public.other'), '42601', 'a second statement');
SELECT is(pg_temp.refusal('call_id', 'id) ; DROP TABLE public.other; --'), '42601', 'a second statement behind a bracket');
SELECT is(pg_temp.refusal('call_id', 'id FROM public.other'), '42601', 'a FROM');
SELECT is(pg_temp.refusal('call_id', 'id WHERE true'), '42601', 'a WHERE');
SELECT is(pg_temp.refusal('call_id', 'id LIMIT 1'), '42601', 'a LIMIT');
SELECT is(pg_temp.refusal('call_id', 'id ORDER BY 1'), '42601', 'an ORDER BY');
SELECT is(pg_temp.refusal('call_id', 'DISTINCT id'), '42601', 'a DISTINCT');
SELECT is(pg_temp.refusal('call_id', ''), '42601', 'nothing');
SELECT is(pg_temp.refusal('call_id', '-- nothing'), '42601', 'a comment only');
SELECT is(pg_temp.refusal('call_id', 'id ||'), '42601', 'half an expression');
SELECT is(pg_temp.refusal('call_id', 'nowhere'), '42703', 'an unknown column');
SELECT is(pg_temp.refusal('call_id', 'other.id'), '42P01', 'a column of another table');
SELECT is(pg_temp.refusal('caller', 'nofunction(a)'), '42883', 'an unknown function');
SELECT is(pg_temp.refusal('caller', '$1'), '42P02', 'a parameter');
SELECT is(pg_temp.refusal('seconds', 'at'), '42804', 'an instant for a length');
SELECT is(pg_temp.refusal('seconds', 'flag'), '42804', 'a truth for a length');
SELECT is(pg_temp.refusal('finished', 's'), '42804', 'a number for a truth');
SELECT is(pg_temp.refusal('started_at', 'flag'), '22023', 'a truth for an instant');
SELECT is(pg_temp.refusal('started_at', 'flag', 'UTC'), '42804', 'a truth for an instant, with a zone');
SELECT is(pg_temp.refusal('started_at', 'local'), '22023', 'a time without a zone, and no zone given');
SELECT is(pg_temp.refusal(field, NULL), '22004', field || ': null')
FROM unnest('{call_id,started_at,seconds,caller,callee,finished}'::text[]) AS field;

-- other arguments
SELECT throws_ok($$SELECT ccc.attach(NULL, 'id', 'at', 's', 'a', 'b')$$, '22004', NULL, 'no table');
SELECT throws_ok($$SELECT ccc.attach('cdr', 'id', 'at', 's', 'a', 'b', time_zone => 'Mars/Olympus')$$, '22023', NULL, 'an unknown zone');
SELECT throws_ok($$SELECT ccc.attach('cdr', 'id', 'at', 's', 'a', 'b', on_delete => 'ignore')$$, '22023', NULL, 'an unknown on_delete');
SELECT throws_ok($$SELECT ccc.attach('nowhere', 'id', 'at', 's', 'a', 'b')$$, '42P01', NULL, 'a table that is not there');

-- tables that cannot be billed
CREATE TEMP TABLE temporary (LIKE cdr);
CREATE UNLOGGED TABLE unlogged (LIKE cdr);
CREATE VIEW looked_at AS SELECT * FROM cdr;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM cdr;
CREATE TABLE parted (LIKE cdr) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parted DEFAULT;
CREATE FOREIGN DATA WRAPPER nobody;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nobody;
CREATE FOREIGN TABLE far_away (id text, a text, b text, at timestamptz, s numeric) SERVER nowhere;
SELECT throws_ok(format($$SELECT ccc.attach(%L, 'id', 'at', 's', 'a', 'b')$$, t), '42809', NULL, t || ' is refused')
FROM unnest('{temporary,unlogged,looked_at,kept,part,far_away,ccc.ledger}'::text[]) AS t;

SELECT is_empty('SELECT * FROM ccc.sources', 'no source was made');
SELECT is_empty($$SELECT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'ccc.bill'::regproc$$, 'no trigger was made');
SELECT has_table('other', 'nothing was dropped');
SELECT * FROM finish();
ROLLBACK;
