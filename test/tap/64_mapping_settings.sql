-- What a mapping makes of a record does not depend on the writer's settings,
-- be it when the mapping is first read in a session or later.
BEGIN;
SELECT plan(17);

SELECT ccc.open_account(1, 'one', '2025-01-01');
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
CREATE TABLE local (id bytea, a text, at text, s numeric, x xml);

-- a table of its own for each, so that its mapping is first read as the settings are then
CREATE FUNCTION pg_temp.bill(settings text, call_id text, caller text, started_at text DEFAULT '''2025-02-01 10:00''') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    CREATE TABLE calls (LIKE local);
    PERFORM ccc.attach('calls', call_id, started_at, 's', caller, '''x''', time_zone => 'Asia/Shanghai');
    EXECUTE settings;
    INSERT INTO calls VALUES ('\x5c01'::bytea, '0755/86013388', '2025-02-01 10:00 IST', 61, XMLPARSE(DOCUMENT '<a>1</a>'));
    RESET ALL;
    SELECT INTO said concat_ws(' at ', c.call_id, timezone('UTC', c.started_at)) FROM ccc.call_charges AS c;
    -- as it was stored so it goes, whatever the settings
    DELETE FROM calls;
    IF EXISTS (SELECT FROM ccc.call_charges) THEN
        said := 'stays ' || said;
    END IF;
    PERFORM ccc.detach('calls');
    DROP TABLE calls;
    RETURN said;
END $$;

CREATE FUNCTION pg_temp.same(settings text, call_id text, caller text, started_at text, wanted text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT is(pg_temp.bill('', call_id, caller, started_at), wanted, call_id || ', ' || caller || ', ' || started_at);
    RETURN NEXT is(pg_temp.bill(settings, call_id, caller, started_at), wanted, settings);
END $$;

SELECT pg_temp.same('SET standard_conforming_strings = off; SET escape_string_warning = off',
    '''id''', $$regexp_replace(a, '\D', '', 'g')$$, '''2025-02-01 10:00''', 'id at 2025-02-01 02:00:00');
SELECT pg_temp.same('SET backslash_quote = off', $$E'i\'d'$$, $$'075586013388'$$, '''2025-02-01 10:00''', 'i''d at 2025-02-01 02:00:00');
SELECT pg_temp.same('SET bytea_output = escape', 'id', $$'075586013388'$$, '''2025-02-01 10:00''', '\x5c01 at 2025-02-01 02:00:00');
SELECT pg_temp.same('SET transform_null_equals = on', $$COALESCE((a = NULL)::text, 'null')$$, $$'075586013388'$$, '''2025-02-01 10:00''',
    'null at 2025-02-01 02:00:00');
SELECT pg_temp.same('SET array_nulls = off', $$COALESCE(('{NULL}'::text[])[1], 'null')$$, $$'075586013388'$$, '''2025-02-01 10:00''',
    'null at 2025-02-01 02:00:00');
SELECT pg_temp.same('SET quote_all_identifiers = on', $$'pg_class'::regclass::text$$, $$'075586013388'$$, '''2025-02-01 10:00''',
    'pg_class at 2025-02-01 02:00:00');
SELECT pg_temp.same('SET default_text_search_config = english', $$to_tsvector('calling ' || a)::text$$, $$'075586013388'$$,
    '''2025-02-01 10:00''', '''0755/86013388'':2 ''calling'':1 at 2025-02-01 02:00:00');
SELECT pg_temp.same('SET timezone_abbreviations = ''India''', '''id''', $$'075586013388'$$, 'at', 'id at 2025-02-01 08:00:00');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
