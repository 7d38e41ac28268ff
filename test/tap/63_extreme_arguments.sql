-- Every function that people may call, with each argument, and each two of up
-- to four, at the ends of their types: what is refused is refused with an
-- error that was meant and says what may be; nothing changes.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 5000);
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-01-01 00:00+08', auto_renew => true);
SELECT ccc.buy(1, 'seat_standard', 2, bought_at => '2025-01-01 00:00+08');
SELECT ccc.sign_in(1, 'agent', at => '2025-01-02 00:00+08');
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('dear', '-infinity', '1/1');
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('dear', 'package', 'dear', 1000000000, '100 years');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('dear', '-infinity', '0:9000000000000, 9223372036854775807:1');
SELECT ccc.create_calls_table();
CREATE TABLE other (call_id text, caller text, callee text, started_at timestamptz, seconds numeric);
ALTER TABLE calls OWNER TO ccc_admin;
ALTER TABLE other OWNER TO ccc_admin;
INSERT INTO calls VALUES ('c', '075586013388', 'x', '2025-01-03 00:00+08', 61);

-- what makes a call of a function work: by the argument's name, else by its type
CREATE TABLE usual (name text, type regtype, value text, PRIMARY KEY (name, type));
INSERT INTO usual VALUES
    ('account_id', 'bigint', '1'), ('product', 'text', $$'landline_custom'$$), ('quantity', 'integer', '1000'), ('purchase_no', 'integer', '1'),
    ('number', 'text', $$'0755-86013389'$$), ('line', 'text', $$'landline'$$), ('agent', 'text', $$'agent'$$), ('edition', 'text', $$'standard'$$),
    ('time_zone', 'text', $$'Asia/Shanghai'$$), ('pool', 'text', $$'landline_outbound'$$), ('name', 'text', $$'new'$$), ('preset', 'text', $$'kamailio'$$),
    ('day_rule', 'text', $$'end_of_day'$$), ('cdr', 'regclass', $$'calls'$$), ('call_id', 'text', $$'call_id'$$), ('started_at', 'text', $$'started_at'$$),
    ('seconds', 'text', $$'seconds'$$), ('caller', 'text', $$'caller'$$), ('callee', 'text', $$'callee'$$), ('finished', 'text', $$'true'$$),
    ('direction', 'text', 'NULL'), ('on_delete', 'text', $$'keep'$$), ('unknown', 'text', $$'ignore'$$), ('field', 'text', $$'call_id'$$),
    ('expression', 'text', $$'call_id'$$), ('number', 'ccc.phone_number', $$'075586013388'$$), ('', 'ccc.phone_number', $$'075586013388'$$),
    ('', 'bigint', '1000'), ('', 'integer', '1'), ('', 'numeric', '1'), ('', 'text', $$'x'$$), ('', 'boolean', 'false'), ('', 'timestamptz', $$'2025-01-05 00:00+08'$$),
    ('', 'interval', $$'1 month'$$), ('', 'regclass', $$'calls'$$), ('', 'regrole', $$'ccc_tenant'$$), ('', 'ccc.price_tiers', $$'0:0.15, 10000:0.145'$$), ('', 'ccc.billing_increment', $$'60/60'$$),
    ('', 'jsonb', $$'{}'$$), ('', 'bigint[]', $$'{1,1000}'$$), ('', 'uuid[]', 'ARRAY(SELECT exception_id FROM ccc.exception_log)'), ('', 'timestamptz[]', $$'{2025-01-01 00:00+08}'$$), ('', 'ccc.rentals', '(SELECT r FROM ccc.rentals AS r WHERE r.purchase_no = 2)'),
    ('', 'ccc.package_state[]', $$ARRAY[(1, '2025-01-01 00:00+08', '2025-07-01 00:00+08', 600)]::ccc.package_state[]$$);

CREATE TABLE extreme (type regtype, value text);
INSERT INTO extreme SELECT v.type::regtype, unnest(v.values) FROM (VALUES
    ('bigint', ARRAY['0', '-1', '9223372036854775807', $$'-9223372036854775808'$$]),
    ('integer', ARRAY['0', '-1', '2147483647', $$'-2147483648'$$]),
    ('numeric', ARRAY['0', '-1', '0.001', $$'NaN'$$, $$'Infinity'$$, $$'-Infinity'$$, '1e17', '1e30', '1e-30', $$'1e131071'$$, $$'-1e131071'$$]),
    ('text', ARRAY[$$''$$, $$' '$$, $$'nobody''s'$$, 'repeat($$x$$, 300)', 'repeat($$é$$, 200000)', $$'NaN'$$]),
    ('boolean', ARRAY['true']),
    ('timestamptz', ARRAY[$$'infinity'$$, $$'-infinity'$$, $$'4713-01-01 00:00+00 BC'$$, $$'4714-11-24 00:00+00 BC'$$, $$'294276-12-30 00:00+00'$$, $$'294276-12-31 23:59:59.999999+00'$$]),
    ('interval', ARRAY[$$'0'$$, $$'-1 month'$$, $$'-178000000 years'$$, $$'178000000 years'$$, $$'2147483647 days'$$, $$'2562047788 hours'$$, $$'1 microsecond'$$]),
    ('regclass', ARRAY['0', '4294967295', $$'pg_class'$$, $$'pg_class_oid_index'$$, $$'pg_views'$$, $$'ccc.ledger'$$, $$'other'$$]),
    ('regrole', ARRAY['0', '4294967295', $$'pg_monitor'$$]),
    ('ccc.price_tiers', ARRAY[$$'0:0'$$, $$'0:9223372036854, 9223372036854775807:9223372036854'$$]),
    ('ccc.billing_increment', ARRAY[$$'1/1'$$, $$'2147483647/2147483647'$$]),
    ('ccc.phone_number', ARRAY[$$'10086'$$]),
    ('jsonb', ARRAY[$$'[]'$$, $$'"x"'$$]),
    ('bigint[]', ARRAY[$$'{}'$$, $$'{{1,2},{3,4}}'$$, $$'{-9223372036854775808,9223372036854775807}'$$]),
    ('uuid[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{ffffffff-ffff-ffff-ffff-ffffffffffff}'$$]),
    ('timestamptz[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{-infinity, infinity}'$$, $$'{294276-12-31 00:00+00}'$$]),
    ('ccc.rentals', ARRAY['ROW(1, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::ccc.rentals',
                          $$ROW(1, 2, 'dear', 'standard', NULL, 2147483647, '294276-12-30', '100 years', 'instant', 2147483647, 'infinity', true, NULL)::ccc.rentals$$]),
    ('ccc.package_state[]', ARRAY[$$'{}'$$, $$'{NULL}'$$, 'ARRAY[(NULL, NULL, NULL, NULL)]::ccc.package_state[]',
                                  $$ARRAY[(1, '-infinity', 'infinity', 9223372036854775807), (2147483647, '-infinity', 'infinity', -1)]::ccc.package_state[]$$])) AS v (type, values);
INSERT INTO extreme SELECT DISTINCT type, 'NULL' FROM usual;

CREATE FUNCTION pg_temp.data() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    t    regclass;
    part text;
    whole text := '';
BEGIN
    FOR t IN SELECT c.oid FROM pg_class AS c WHERE c.relkind = 'r' AND (c.relnamespace = 'ccc'::regnamespace OR c.oid = 'calls'::regclass) ORDER BY c.relname LOOP
        EXECUTE format('SELECT md5(string_agg(x::text, E''\n'' ORDER BY x::text)) FROM %s AS x', t) INTO part;
        whole := concat_ws(' ', whole, t, part);
    END LOOP;
    RETURN md5(whole);
END $$;

-- the outcome of a call, which is undone: null when it worked, else what is wrong with the error
CREATE FUNCTION pg_temp.fault(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    code text;
    said text;
    tip  text;
    fact text;
BEGIN
    BEGIN
        EXECUTE call;
        RAISE EXCEPTION USING ERRCODE = 'ZZUND';
    EXCEPTION WHEN OTHERS OR query_canceled THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, said = MESSAGE_TEXT, tip = PG_EXCEPTION_HINT, fact = PG_EXCEPTION_DETAIL;
    END;
    RETURN CASE
        WHEN code = 'ZZUND' THEN NULL
        WHEN code NOT IN ('0LP01', '22003', '22004', '22008', '22023', '22P02', '23503', '23505', '23514', '42501', '42601', '42703', '42704', '42809', '42P01', '42P07', '54000', '55000')
             OR (code IN ('22003', '22008', '54000') AND tip || fact = '' AND said !~ 'must|^value overflows numeric format$') OR said ~ 'violates|numeric field|FOR loop'
            THEN format('%s: %s %s', call, code, said) END;
END $$;

CREATE FUNCTION pg_temp.faults(f oid) RETURNS SETOF text LANGUAGE sql AS $$
    WITH argument AS (
        SELECT a.n, a.type, coalesce(u.value, d.value) AS usual
        FROM (SELECT t.n, t.type, p.proargnames[t.n] AS name
              FROM pg_proc AS p, unnest(p.proargtypes) WITH ORDINALITY AS t (type, n) WHERE p.oid = f) AS a
             LEFT JOIN usual AS u ON u.type = a.type AND u.name = a.name
             LEFT JOIN usual AS d ON d.type = a.type AND d.name = ''),
    choice AS (SELECT a.n, e.value FROM argument AS a JOIN extreme AS e ON e.type = a.type),
    change (n1, v1, n2, v2) AS (
        SELECT 0, '', 0, ''
        UNION ALL SELECT c.n, c.value, 0, '' FROM choice AS c
        UNION ALL SELECT c.n, c.value, d.n, d.value FROM choice AS c JOIN choice AS d ON d.n > c.n
                  WHERE (SELECT count(*) FROM argument) <= 4)
    SELECT pg_temp.fault(c.call)
    FROM (SELECT format('SELECT %s(%s)', f::regproc, (SELECT string_agg(format('%s::%s', CASE a.n WHEN n1 THEN v1 WHEN n2 THEN v2 ELSE a.usual END, a.type::regtype), ', ' ORDER BY a.n)
                                                      FROM argument AS a)) AS call
          FROM change) AS c $$;

-- who may: an administrator
GRANT SELECT ON usual, extreme TO ccc_admin;
CREATE TABLE callable AS
    SELECT p.oid AS f, p.oid::regprocedure::text AS name
    FROM pg_proc AS p
    WHERE p.pronamespace = 'ccc'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype AND p.proname <> 'seat_peaks'
      AND has_function_privilege('ccc_admin', p.oid, 'EXECUTE') AND NOT p.proargtypes::oid[] && ARRAY['internal', 'cstring', 'bytea']::regtype[]::oid[];
SELECT cmp_ok(count(*), '>', 60::bigint, 'there are functions to call') FROM callable;
SELECT is((SELECT string_agg(DISTINCT a.type::regtype::text, ', ') FROM callable AS c JOIN pg_proc AS p ON p.oid = c.f, unnest(p.proargtypes) AS a (type)
           WHERE a.type NOT IN (SELECT u.type FROM usual AS u)), NULL, 'with arguments of types that are known here');
SELECT name AS before FROM pg_temp.data() AS d (name) \gset
GRANT SELECT ON callable TO ccc_admin;
GRANT ccc_admin TO SESSION_USER;
SET LOCAL ROLE ccc_admin;
SET LOCAL statement_timeout = '20 s';    -- of each function
SELECT format('SELECT is((SELECT string_agg(x.fault, E''\n'') FROM pg_temp.faults(%s) AS x (fault)), NULL, %L)', c.f, c.name) FROM callable AS c ORDER BY c.name \gexec
RESET ROLE;

-- what only many of what is dear costs, or grants
CREATE FUNCTION pg_temp.said(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    tip text;
BEGIN
    EXECUTE call;
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS tip = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE, SQLERRM, tip);
END $$;
SELECT is(pg_temp.said($$SELECT ccc.buy(1, 'dear', 1000000)$$),
          '23514 / the wallet of account 1 holds 4550.00 yuan, and 9000000000000000000.00 are needed / Top up at least 8999999999999995450.00 yuan.', 'more yuan than a wallet holds');
SELECT is(pg_temp.said($$SELECT ccc.buy(1, 'dear', 2147483647)$$),
          '22003 / a quantity of 2147483647 of product "dear" is out of range / A package grants at most 150000000000000000 minutes.', 'more seconds than a package holds');
SELECT matches(pg_temp.said($$SELECT ccc.term_end('2025-01-01', '1000 years', 1200, 'UTC')$$), '^22008 / 1200 times the term "1000 years" are out of range / They must', 'a term without end');
SELECT is(pg_temp.said($$SELECT ccc.open_account(2, 'x', '294276-12-30')$$), '22008 / an opening at "294276-12-30 00:00:00+00" is out of range / It must lie in the years 1 to 9999.', 'an opening too late');
SELECT is(pg_temp.said($$SELECT ccc.quote_renewal(r, NULL, 'UTC') FROM ccc.rentals AS r$$), '22003 / null periods are out of range / One pays for 1 to 1200 periods at a time.', 'no periods');
SELECT is(pg_temp.data(), :'before', 'nothing has changed');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
