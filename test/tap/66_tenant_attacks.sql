-- What a tenant may try to see more than its own, and does not.
BEGIN;
SELECT no_plan();
\ir setup/two_tenants.psql
CREATE ROLE test_reader IN ROLE ccc_reader;
CREATE SCHEMA lair AUTHORIZATION tenant_1;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
GRANT CREATE ON SCHEMA public TO tenant_1;
CREATE TABLE public.heard (who name, what text);
GRANT INSERT ON public.heard TO PUBLIC;

-- functions so cheap that the planner would call them first: they write down
-- every value that they are shown
SET ROLE tenant_1;
CREATE FUNCTION lair.leak(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
BEGIN
    INSERT INTO public.heard VALUES (current_user, $1::text);
    RETURN true;
END $$;
CREATE FUNCTION lair.leak_stable(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 IMMUTABLE AS
    $$ BEGIN RAISE NOTICE '%', $1; RETURN lair.leak($1); END $$;
CREATE FUNCTION lair.same(anyelement, anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
    $$ BEGIN PERFORM lair.leak($1), lair.leak($2); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;
CREATE OPERATOR lair.=== (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = lair.same, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE VIEW lair.trap AS SELECT * FROM ccc.call_charges WHERE lair.leak(call_id);
GRANT SELECT ON lair.trap TO PUBLIC;
RESET ROLE;
SET client_min_messages = warning;

CREATE TEMP TABLE relations AS
    SELECT c.oid::regclass::text AS name, c.relkind FROM pg_class AS c
    WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind IN ('r', 'v') AND has_table_privilege('ccc_tenant', c.oid, 'SELECT')
      AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'account_id');

-- whole rows, for each table and view
CREATE FUNCTION pg_temp.listen(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    overheard bigint;
BEGIN
    DELETE FROM public.heard;
    PERFORM pg_temp.as_role('tenant_1', statement);
    -- what is of account 2 says so: its id is the first column, of exceptions the second, of numbers the fifth
    SELECT count(*) INTO overheard FROM public.heard
        WHERE what ~ '^\(2,|^\(calls,(2)?,|of 2|13382|^2$|^nobody' OR what ~ '^\([^,]+,("[^"]+"|infinity),("[^"]+"|infinity),("[^"]+"|infinity),2,';
    RETURN overheard;
END $$;
-- policy and function side by side, on every row of the table
SET enable_indexscan = off;
SET enable_bitmapscan = off;
DELETE FROM public.heard;
SELECT pg_temp.as_role('none', 'SELECT count(*) FROM ccc.ledger AS t WHERE lair.leak(t)');
SELECT cmp_ok((SELECT count(*) FROM heard WHERE what LIKE '(2,%'), '>', 0::bigint, 'the leak does leak to one who may see all');
SELECT is(pg_temp.listen(format('SELECT count(*) FROM %s AS t WHERE lair.leak(t)', name)), 0::bigint, 'a leaking function in WHERE: ' || name)
FROM relations ORDER BY name;
SELECT cmp_ok((SELECT count(*) FROM heard), '>', 0::bigint, 'which did run');
SELECT is(pg_temp.listen(format('SELECT count(*) FROM %s AS t WHERE account_id = 2 AND lair.leak_stable(account_id)', name)), 0::bigint,
          'an immutable one behind another account''s id: ' || name)
FROM relations ORDER BY name;
SELECT is(pg_temp.listen(statement), 0::bigint, statement)
FROM unnest(ARRAY[
    'SELECT * FROM ccc.call_charges WHERE call_id OPERATOR(lair.===) ''x''::text',
    'SELECT * FROM ccc.call_charges WHERE lair.leak(account_id) OR lair.leak(call_id)',
    'SELECT * FROM ccc.call_charges WHERE lair.leak(number::text) AND lair.leak_stable(started_at)',
    'SELECT account_id, count(*) FROM ccc.ledger GROUP BY account_id HAVING lair.leak(account_id)',
    'SELECT * FROM ccc.packages AS p JOIN ccc.accounts AS a ON lair.same(p.account_id, a.account_id)',
    'SELECT * FROM ccc.accounts AS a LEFT JOIN ccc.ledger AS l ON lair.leak(l.call_id)',
    'SELECT * FROM ccc.accounts ORDER BY lair.leak(account_id)',
    'SELECT (SELECT count(*) FROM ccc.ledger AS l WHERE lair.leak(l.call_id) AND l.account_id >= a.account_id) FROM ccc.accounts AS a',
    'SELECT * FROM ccc.exceptions AS e WHERE lair.leak(e.record ->> ''call_id'')',
    'SELECT * FROM ccc.balances(''2026-01-01'') AS b WHERE lair.leak(b)',
    'SELECT * FROM ccc.tenants AS t WHERE lair.leak(t.account_id)',
    'SELECT * FROM ccc.ledger TABLESAMPLE SYSTEM (100) AS l WHERE lair.leak(l.call_id)',
    'SELECT * FROM lair.trap']) AS statement;

SAVEPOINT trusted;
ALTER FUNCTION lair.leak(anyelement) LEAKPROOF;
SELECT cmp_ok(pg_temp.listen('SELECT count(*) FROM ccc.ledger AS t WHERE lair.leak(t.call_id)'), '>', 0::bigint,
              'only a superuser could have it called first, and then it would be heard');
ROLLBACK TO trusted;

-- errors that would tell
SELECT is(pg_temp.as_role('tenant_1', 'SELECT count(*) FROM ccc.ledger WHERE 1 / (account_id - 2) < 5'), '6', 'no division by another account''s id');
SELECT is(pg_temp.as_role('tenant_1', 'SELECT count(*) FROM ccc.numbers WHERE 1 / (right(number::text, 1)::integer - 2) < 5'), '2', 'nor by a digit of another''s number');

-- what is the tenant's own, used by another
SELECT is(pg_temp.as_role('tenant_2', 'SELECT string_agg(DISTINCT account_id::text, '','') FROM lair.trap'), '2', 'another who looks through the tenant''s view sees the own account');

-- settings, roles, plans
SELECT is(pg_temp.as_role('tenant_1', 'SET LOCAL row_security = off; SELECT count(*) FROM ccc.ledger'), '42501', 'without row security there is no reading');
SET row_security = on;
SET SESSION AUTHORIZATION tenant_1;
SELECT throws_ok('SET ROLE tenant_2', '42501', NULL, 'a tenant takes no other''s role');
RESET SESSION AUTHORIZATION;
SELECT is(pg_temp.as_role('ccc_tenant', 'SELECT count(*) FROM ccc.accounts'), '0', 'the role of all tenants sees no account');
SELECT is(pg_temp.as_role('tenant_1', statement), '42501', 'a tenant: ' || statement)
FROM unnest(ARRAY[
    'SELECT ccc.grant_account(''tenant_1'', 2)', 'SELECT ccc.revoke_account(''tenant_2'', 2)', 'INSERT INTO ccc.tenants VALUES (2, ''tenant_1'')',
    'UPDATE ccc.tenants SET account_id = 2', 'DELETE FROM ccc.tenants', 'DELETE FROM ccc.ledger', 'UPDATE ccc.accounts SET balance = 1000000',
    'SELECT * FROM ccc.ledger FOR UPDATE', 'LOCK TABLE ccc.accounts IN ACCESS EXCLUSIVE MODE', 'TRUNCATE ccc.ledger',
    'ALTER TABLE ccc.ledger DISABLE ROW LEVEL SECURITY', 'DROP POLICY own_accounts ON ccc.ledger',
    'CREATE POLICY all_of_it ON ccc.ledger USING (true)', 'ALTER FUNCTION lair.leak(anyelement) LEAKPROOF', 'CREATE VIEW ccc.mine AS SELECT 1',
    'SELECT ccc.top_up(1, 5)', 'SELECT ccc.buy(1, ''landline_10000'')', 'SELECT ccc.sign_in(1, ''a'')', 'SELECT ccc.replay(1)', 'SELECT * FROM ccc.sources',
    'SELECT * FROM ccc.check_integrity()', 'SELECT ccc.due_rentals(now())', 'SELECT ccc.check_free_seat(NULL, NULL, NULL)', 'SELECT ccc.lock_account(1)',
    'SELECT * FROM calls', 'INSERT INTO calls VALUES (''x'')', 'SELECT ccc.attach(''calls'', ''call_id'', ''started_at'', ''seconds'', ''caller'', ''callee'')',
    'GRANT ccc_tenant TO test_reader']) AS statement;
SELECT is((SELECT string_agg(tablename, ',') FROM pg_stats WHERE schemaname = 'ccc'), NULL, 'not analyzed yet');
SELECT ccc.sign_in(2, 'agent ' || n, 'premium', '2025-01-02 00:00+08') FROM generate_series(1, 3) AS n;
INSERT INTO calls SELECT 'bad ' || n % 2, '075586013382', 'often called', '2025-02-01 00:00+08', -1 FROM generate_series(1, 100) AS n;
ANALYZE ccc.ledger, ccc.numbers, ccc.packages, ccc.accounts, ccc.agent_sessions, ccc.exception_log;
SELECT cmp_ok(pg_temp.as_role('none', 'SELECT count(*) FROM pg_stats WHERE schemaname = ''ccc''')::integer, '>', 0, 'statistics hold values');
SELECT is(pg_temp.as_role('tenant_1', 'SELECT count(*) FROM pg_stats WHERE schemaname = ''ccc'''), '0', 'which a tenant does not see');
SELECT cmp_ok((SELECT coalesce(array_length(s.histogram_bounds::text::text[], 1), 0) + coalesce(cardinality(s.most_common_freqs), 0)
               FROM pg_stats AS s WHERE (s.schemaname, s.tablename, s.attname) = ('ccc', 'ledger', 'call_id')), '<=', 3,
              'of calls'' ids hardly any, by which estimates would tell more');

-- estimates that lead to what another has are those of what nobody has
CREATE FUNCTION pg_temp.estimate(query text) RETURNS text LANGUAGE sql AS
    $$SELECT pg_temp.as_role('tenant_1', 'EXPLAIN (FORMAT json) SELECT FROM ccc.' || query)::jsonb #>> '{0,Plan,Plan Rows}'$$;
SELECT is(pg_temp.estimate(there), pg_temp.estimate(nowhere), 'the estimate for ' || there)
FROM (VALUES
    ('exception_log WHERE callee = ''often called''', 'exception_log WHERE callee = ''never called'''),
    ('exception_log WHERE caller = ''075586013382''', 'exception_log WHERE caller = ''075586013389'''),
    ('exception_log WHERE call_id = ''bad 1''', 'exception_log WHERE call_id = ''bad 9'''),
    ('accounts WHERE name < ''account 2''', 'accounts WHERE name < ''z'''),
    ('agent_sessions WHERE agent = ''agent 3''', 'agent_sessions WHERE agent = ''agent 9'''),
    ('agent_sessions WHERE agent < ''agent 3''', 'agent_sessions WHERE agent < ''z'''),
    ('numbers WHERE number = ''075586013382''', 'numbers WHERE number = ''075586013389''')) AS v (there, nowhere);

-- nor does the execution tell whether anybody has a row that meets conditions
CREATE FUNCTION pg_temp.executed(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
    scans bigint := pg_stat_get_xact_numscans('ccc.tenants'::regclass);
BEGIN
    PERFORM set_config('role', 'tenant_1', true);
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, BUFFERS off, COSTS off, TIMING off, SUMMARY off) SELECT FROM ccc.' || query LOOP
        IF line !~ 'Filter: \(|Index Cond|Sort Key|Buckets' THEN
            plan := plan || line || E'\n';
        END IF;
    END LOOP;
    PERFORM set_config('role', 'none', true);
    RETURN plan || pg_stat_get_xact_numscans('ccc.tenants'::regclass) - scans || ' scans';
END $$;
CREATE TEMP TABLE probes (there text, nowhere text);
INSERT INTO probes VALUES
    ('accounts WHERE account_id = 2 AND name = ''account 2''', 'accounts WHERE account_id = 2 AND name = ''account 3'''),
    ('accounts WHERE name > ''account 1a''', 'accounts WHERE name > ''z'''),
    ('agent_sessions WHERE account_id = 2 AND agent = ''agent of 2''', 'agent_sessions WHERE account_id = 2 AND agent = ''agent of 3'''),
    ('exception_log WHERE callee = ''often called''', 'exception_log WHERE callee = ''never called'''),
    ('ledger WHERE call_id = ''1 of 2''', 'ledger WHERE call_id = ''1 of 3'''),
    ('ledger WHERE account_id = 2 AND billed > 30000', 'ledger WHERE account_id = 2 AND billed > 50000'),
    ('packages WHERE granted = 120000', 'packages WHERE granted = 120001'),
    ('purchases WHERE product = ''seat_premium'' AND quantity = 4', 'purchases WHERE product = ''seat_premium'' AND quantity = 5'),
    ('rentals WHERE since < ''2025-01-01 00:00:01+08'' AND quantity = 4', 'rentals WHERE since < ''2025-01-01 00:00:01+08'' AND quantity = 5'),
    ('usage WHERE account_id = 2 AND billed = 160020', 'usage WHERE account_id = 2 AND billed = 160021'),
    ('wallet_entries WHERE entry_no = 1 AND account_id = 2', 'wallet_entries WHERE entry_no = 1 AND account_id = 3'),
    ('numbers WHERE account_id = 2 AND owner = ''customer''', 'numbers WHERE account_id = 3 AND owner = ''customer'''),
    ('tenants WHERE account_id = 2', 'tenants WHERE account_id = 3'),
    ('tenants WHERE account_id = 2 AND role = ''tenant_2''::regrole', 'tenants WHERE account_id = 3 AND role = ''tenant_2''::regrole'),
    ('tenants WHERE role = ''tenant_2''::regrole', 'tenants WHERE role = ''test_reader''::regrole');
SELECT is(pg_temp.executed(there), pg_temp.executed(nowhere), 'by index: ' || there) FROM probes;
INSERT INTO probes
    SELECT format('rentals WHERE auto_renew AND paid_until = %L', paid_until), format('rentals WHERE auto_renew AND paid_until = %L', paid_until + interval '1 day')
    FROM ccc.rentals WHERE account_id = 2 AND auto_renew
    UNION
    SELECT format('exception_log WHERE %s resolved_at IS NULL AND content = %s', s, content), format('exception_log WHERE %s resolved_at IS NULL AND content = 0', s)
    FROM ccc.exception_log, unnest(ARRAY['', 'source = ''calls''::regclass AND ']) AS s WHERE account_id = 2;
SELECT cmp_ok(count(*), '>', 2::bigint, 'there is something to be found by the other indexes') FROM probes
    WHERE there LIKE 'rentals WHERE auto_renew%' OR there LIKE '%content%';
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT is(pg_temp.executed(there), pg_temp.executed(nowhere), 'by whatever index there is: ' || there) FROM probes;
RESET enable_seqscan;
-- where the policy's own condition is not the first; an id of an exception is a
-- random one, and of numbers no more is told than when they came into service
SELECT set_eq($$
    SELECT DISTINCT i.indexrelid::regclass::text, a.attname::text
    FROM relations AS r JOIN pg_index AS i ON i.indrelid = r.name::regclass
         CROSS JOIN generate_series(0, i.indnkeyatts - 1) AS k
         JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]
         JOIN pg_attribute AS first ON first.attrelid = i.indrelid AND first.attnum = i.indkey[0]
         JOIN pg_opclass AS c ON c.oid = i.indclass[k]
         JOIN pg_amop AS o ON o.amopfamily = c.opcfamily AND o.amoplefttype = c.opcintype AND o.amoprighttype = c.opcintype
         JOIN pg_operator AS p ON p.oid = o.amopopr JOIN pg_proc AS f ON f.oid = p.oprcode
    WHERE f.proleakproof AND first.attname <> CASE r.name WHEN 'ccc.tenants' THEN 'role' ELSE 'account_id' END$$,
    $$VALUES ('ccc.exception_log_pkey', 'exception_id'), ('ccc.numbers_pkey', 'since')$$,
    'indexes of columns that lead to others'' rows');
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
SELECT is(pg_temp.executed(there), pg_temp.executed(nowhere), 'by a scan of all: ' || there) FROM probes;
RESET enable_indexscan;
RESET enable_indexonlyscan;
RESET enable_bitmapscan;

-- a plan made for one is not another's
PREPARE accounts AS SELECT array_agg(DISTINCT account_id) FROM ccc.call_charges;
SET plan_cache_mode = force_generic_plan;
SELECT is(pg_temp.as_role(role, 'EXECUTE accounts'), seen, format('a prepared plan, run by %s', role))
FROM (VALUES ('none', '{1,2}'), ('tenant_1', '{1}'), ('test_reader', '{1,2}'), ('tenant_2', '{2}'), ('tenant_1', '{1}')) AS v (role, seen);
SELECT is(pg_temp.as_role(role, 'SELECT ccc.explain_call(2, ''1 of 2'') LIMIT 1') ~ 'outbound call', seen, format('a function''s plans, called by %s', role))
FROM (VALUES ('test_reader', true), ('tenant_1', NULL), ('tenant_2', true), ('tenant_1', NULL), ('ccc_tenant', NULL)) AS v (role, seen);

-- names planted before pg_catalog, and the tenant's own tables before ccc's
SET ROLE tenant_1;
CREATE FUNCTION lair.yes(bigint, bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR lair.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = lair.yes);
CREATE FUNCTION lair.pg_has_role(oid, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION lair.pg_has_role(regrole, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE TABLE lair.tenants AS SELECT 2::bigint AS account_id, 'tenant_1'::regrole AS role;
RESET ROLE;
CREATE TEMP TABLE tried AS
SELECT statement, result AS expected, pg_temp.as_role('tenant_1', format('SET LOCAL search_path = lair, pg_catalog; %s', statement)) AS result
FROM (VALUES
    ('SELECT 1::bigint = 2::bigint', 'true'),
    ('SELECT array_agg(DISTINCT account_id) FROM ccc.call_charges', '{1}'),
    ('SELECT array_agg(account_id) FROM ccc.accounts', '{1}'),
    ('SELECT array_agg(account_id) FROM ccc.tenants', '{1}'),
    ('SELECT count(*) FROM ccc.explain_call(2, ''1 of 2'')', '0'),
    ('SELECT count(*) FROM ccc.account_overview(2)', '0'),
    ('SELECT count(*) FROM ccc.seats(2, ''2025-02-03'')', '0')) AS v (statement, result);
SET search_path = public;
SELECT is(result, expected, 'under a planted path: ' || statement) FROM tried;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
