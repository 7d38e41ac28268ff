-- What a tenant sees: of every table, view and function that the catalogue
-- names, its own account's rows, all of them, and no other. What is added to
-- the schema is tested with the rest.
BEGIN;
SELECT no_plan();
\ir setup/two_tenants.psql
CREATE ROLE test_reader IN ROLE ccc_reader;
CREATE ROLE test_admin IN ROLE ccc_admin;

CREATE TEMP TABLE relations AS
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
           EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'account_id') AS of_accounts
    FROM pg_class AS c WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind NOT IN ('i', 'c', 'I', 't');

-- tables and views
SELECT is_empty($$SELECT name FROM relations WHERE relkind NOT IN ('r', 'v')$$, 'there are tables and views');
SELECT is_empty($$SELECT name FROM relations WHERE relkind = 'r' AND of_accounts AND (NOT relrowsecurity OR relforcerowsecurity)$$,
                'every table of accounts is under row-level security, its owner is not');
SELECT is_empty($$SELECT name FROM relations AS r WHERE relkind = 'r' AND of_accounts
                  AND (SELECT count(*) FROM pg_policy AS p WHERE p.polrelid = r.oid AND p.polcmd = 'r') <> 2$$, 'by two policies, for SELECT');
SELECT is_empty($$SELECT p.polname FROM pg_policy AS p JOIN relations AS r ON r.oid = p.polrelid WHERE p.polcmd <> 'r' OR NOT p.polpermissive$$,
                'there are no others');
SELECT is_empty($$SELECT name FROM relations WHERE relkind = 'v' AND has_table_privilege('ccc_tenant', oid, 'SELECT')
                    AND NOT reloptions @> '{security_invoker=true}'$$, 'what a tenant may look at is the invoker''s view');
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM relations WHERE NOT of_accounts AND has_table_privilege('ccc_tenant', oid, 'SELECT')),
          'ccc.call_rules ccc.pools ccc.prices ccc.products ccc.trials', 'what a tenant reads that is not of accounts is the catalogue');
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM relations WHERE of_accounts AND NOT has_table_privilege('ccc_tenant', oid, 'SELECT')),
          'ccc.requests', 'what is of accounts and not for their tenants');
SELECT is_empty($$SELECT name, p FROM relations, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p
                  WHERE has_table_privilege('ccc_tenant', oid, p)$$, 'tenants change nothing');

CREATE TEMP TABLE sights AS
    SELECT name, oid, a AS account_id,
           pg_temp.as_role('none', pg_temp.rows(format('SELECT * FROM %s WHERE account_id = %s', name, a))) AS truth,
           pg_temp.as_role('tenant_' || a, pg_temp.rows(format('SELECT * FROM %s', name))) AS sight
    FROM relations, generate_series(1, 2) AS a
    WHERE of_accounts AND has_table_privilege('ccc_tenant', oid, 'SELECT');
SELECT cmp_ok((SELECT count(*) FROM sights), '>=', 32::bigint, 'there is something to see');
SELECT is(sight, truth, format('tenant %s of %s', account_id, name)) FROM sights ORDER BY account_id, name;
SELECT is_empty('SELECT name, account_id FROM sights WHERE truth IS NULL', 'none of it is empty');
SELECT is_empty('SELECT name FROM sights GROUP BY name HAVING count(DISTINCT truth) < 2', 'nor the same for both');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE account_id IS NULL AND record ->> 'call_id' = 'nobody''s'), 1::bigint,
          'there is a record that is nobody''s, which no tenant saw');
SELECT is(pg_temp.as_role('tenant_1', 'SELECT * FROM ccc.requests'), '42501', 'requests are closed to tenants');

-- everybody else, as before
SELECT is(pg_temp.as_role(role, pg_temp.rows('SELECT * FROM ' || name)), pg_temp.as_role('none', pg_temp.rows('SELECT * FROM ' || name)),
          format('%s of %s', role, name))
FROM relations, unnest('{test_reader,test_admin}'::text[]) AS role
WHERE name !~ '^ccc.monitoring' ORDER BY role, name;

-- functions: those of an account with the account's id
CREATE TEMP TABLE functions AS
    SELECT p.oid, p.oid::regprocedure::text AS name, p.prosecdef, p.proname, coalesce(p.proargnames, '{}') AS argument_names, p.pronargs,
           has_function_privilege('public', p.oid, 'EXECUTE') AS is_public,
           'account_id' = ANY ((coalesce(p.proargnames, '{}'))[:p.pronargs]) AS of_an_account, p.prokind
    FROM pg_proc AS p WHERE p.pronamespace = 'ccc'::regnamespace AND has_function_privilege('ccc_tenant', p.oid, 'EXECUTE');
SELECT is_empty($$SELECT name FROM functions WHERE prosecdef AND (of_an_account OR proname NOT IN ('quote', 'recommend'))$$,
                'what runs with more rights than the tenant''s tells prices, nothing of an account');
SELECT is_empty($$SELECT f.name FROM functions AS f JOIN pg_proc AS p USING (oid) WHERE p.provolatile = 'v'$$, 'a tenant changes nothing by a function');
-- every argument gets a value by its name: one that is not known here must be added
CREATE FUNCTION pg_temp.call(account text, f functions) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT * FROM ccc.%I(%s)', f.proname,
        (SELECT string_agg(format('%I => %s', name, CASE name WHEN 'account_id' THEN account WHEN 'call_id' THEN quote_literal('same')
                WHEN 'edition' THEN quote_literal('premium') WHEN 'at' THEN quote_literal('2025-02-03 00:00+08')
                WHEN 'since' THEN quote_literal('2025-01-01 00:00+08') WHEN 'until' THEN quote_literal('2025-12-31 00:00+08')
                ELSE 'unknown argument' END), ', ')
         FROM unnest(f.argument_names[:f.pronargs]) AS name)) $$;
SELECT cmp_ok((SELECT count(*) FROM functions WHERE of_an_account), '>=', 8::bigint, 'there are functions of an account');
SELECT is(pg_temp.as_role('tenant_1', pg_temp.rows(pg_temp.call('1', f))), pg_temp.as_role('none', pg_temp.rows(pg_temp.call('1', f))),
          f.name || ' of the own account') FROM functions AS f WHERE of_an_account ORDER BY f.name;
SELECT ok(pg_temp.as_role('none', pg_temp.rows(pg_temp.call('1', f))) !~ '^.{5}$' AND pg_temp.as_role('none', pg_temp.rows(pg_temp.call('2', f))) !~ '^.{5}$',
          f.name || ' tells something of both') FROM functions AS f WHERE of_an_account ORDER BY f.name;
SELECT is(pg_temp.as_role('tenant_1', pg_temp.rows(pg_temp.call('2', f))), pg_temp.as_role('none', pg_temp.rows(pg_temp.call('999', f))),
          f.name || ' of another account is as of one that does not exist') FROM functions AS f WHERE of_an_account ORDER BY f.name;
SELECT is(pg_temp.as_role('tenant_1', pg_temp.rows(pg_temp.call('2', f))), pg_temp.as_role('tenant_1', pg_temp.rows(pg_temp.call('999', f))),
          f.name || ' does not tell which exist') FROM functions AS f WHERE of_an_account ORDER BY f.name;
-- and those that give rows of accounts
SELECT is(pg_temp.as_role('tenant_1', pg_temp.rows(pg_temp.call('', f))),
          pg_temp.as_role('none', pg_temp.rows(pg_temp.call('', f) || ' WHERE account_id = 1')), f.name || ' gives rows of the own account')
FROM functions AS f JOIN pg_proc AS p USING (oid)
WHERE NOT of_an_account AND p.proretset
  AND ('account_id' = ANY (argument_names)
       OR EXISTS (SELECT FROM pg_type AS t JOIN pg_attribute AS a ON a.attrelid = t.typrelid WHERE t.oid = p.prorettype AND a.attname = 'account_id'))
ORDER BY f.name;
SELECT is(pg_temp.as_role('tenant_1', $$SELECT array_agg(DISTINCT account_id) FROM ccc.balances('2025-02-03 00:00+08')$$), '{1}', 'balances, for instance');
SELECT is(pg_temp.as_role('tenant_1', $$SELECT amount FROM ccc.quote('landline_custom', 12000)$$), '1740.00', 'a tenant asks what things cost');
SELECT is(pg_temp.as_role('tenant_1', $$SELECT sum(amount) FROM ccc.recommend('landline_outbound', 12000)$$), '1740.00', 'and what is cheapest');

-- roles: the policies' price for those who are not tenants is nothing
CREATE FUNCTION pg_temp.plan_of(role text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    PERFORM set_config('role', role, true);
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        plan := plan || line || E'\n';
    END LOOP;
    PERFORM set_config('role', 'none', true);
    RETURN plan;
END $$;
SELECT is(pg_temp.plan_of(role, query), pg_temp.plan_of('none', query), format('the same plan for %s: %s', role, query))
FROM unnest('{test_reader,test_admin,ccc_owner}'::text[]) AS role,
     unnest(ARRAY['SELECT * FROM ccc.call_charges WHERE account_id = 1 AND call_id = ''same''', 'SELECT * FROM ccc.package_balances',
                  'SELECT * FROM ccc.wallets WHERE account_id = 1', 'SELECT * FROM ccc.ledger', 'SELECT * FROM ccc.exceptions']) AS query
ORDER BY role, query;
SELECT matches(pg_temp.plan_of('tenant_1', 'SELECT * FROM ccc.ledger WHERE seconds > 5'), 'Index Cond: \(account_id = ANY', 'a tenant reads its own part of the ledger');
SELECT * FROM finish();
ROLLBACK;
