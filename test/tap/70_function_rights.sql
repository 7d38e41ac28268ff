-- Who owns what, and who may call what.
BEGIN;
SELECT plan(20);

CREATE TEMP VIEW functions AS
    SELECT p.oid, p.oid::regprocedure::text AS name, p.proname::text, p.prosecdef, p.proconfig, p.proowner::regrole::text AS owner, l.lanname::text AS language
    FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
    WHERE p.pronamespace = 'ccc'::regnamespace;

SELECT is_empty($$SELECT name FROM functions WHERE prosecdef AND NOT coalesce(proconfig::text ~ 'search_path=pg_catalog.*pg_temp', false)$$,
                'every function that runs with more rights than its caller pins search_path, temporary objects last');
SELECT is_empty($$SELECT name FROM functions WHERE prosecdef AND owner <> 'ccc_owner'$$, 'and is the owner''s, not a superuser''s');
SELECT is_empty($$SELECT name FROM functions WHERE proname ~ '^(bill|attach|detach|check_mapping|create_calls_table)$' AND prosecdef$$,
                'what touches tables of others is the invoker''s');
SELECT is_empty($$SELECT name FROM functions WHERE has_function_privilege('public', oid, 'EXECUTE') AND language IN ('plpgsql')$$,
                'PUBLIC may call no function in PL/pgSQL');
SELECT is_empty($$SELECT name FROM functions WHERE has_function_privilege('public', oid, 'EXECUTE')
                    AND proname IN ('bill', 'attach', 'detach', 'check_mapping', 'create_calls_table', 'open_account', 'top_up', 'buy', 'quote',
                                    'add_own_number', 'wallet_balance', 'check_integrity', 'explain_call', 'balances', 'deduct', 'catalogue_changed',
                                    'put_in_service', 'move_money')$$,
                'nor any that reads or changes');
SELECT is((SELECT count(*) FROM functions WHERE proname IN ('bill', 'attach', 'detach', 'create_calls_table', 'open_account', 'top_up', 'buy', 'quote',
                                    'add_own_number', 'wallet_balance', 'check_integrity', 'explain_call', 'balances', 'deduct')), 15::bigint,
          'and they are there');
SELECT is_empty($$SELECT r, name FROM functions, unnest('{ccc_writer,ccc_reader}'::text[]) AS r
                  WHERE proname IN ('bill', 'attach', 'detach', 'open_account', 'top_up', 'buy', 'add_own_number') AND has_function_privilege(r, oid, 'EXECUTE')$$,
                'writers and readers neither attach nor buy');
SELECT ok(NOT has_schema_privilege('public', 'ccc', 'USAGE'), 'PUBLIC may not use the schema');
SELECT is_empty($$SELECT r FROM unnest('{public,ccc_admin,ccc_writer,ccc_reader}'::text[]) AS r WHERE has_schema_privilege(r, 'ccc', 'CREATE')$$,
                'nobody else creates in the schema');

CREATE TEMP VIEW tables AS
    SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relowner::regrole::text AS owner, c.reloptions
    FROM pg_class AS c WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind IN ('r', 'v');
SELECT is_empty($$SELECT name FROM tables WHERE owner <> 'ccc_owner'$$, 'tables and views are the owner''s');
SELECT is_empty($$SELECT name, p FROM tables, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p
                  WHERE has_table_privilege('public', oid, p)$$, 'PUBLIC has no right on any');
SELECT is_empty($$SELECT name, r, p FROM tables, unnest('{ccc_admin,ccc_writer,ccc_reader}'::text[]) AS r, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER}'::text[]) AS p
                  WHERE name ~ '(accounts|purchases|packages|other_usage|wallet_entries|requests|rentals|agent_sessions|numbers|ledger|exception_log|tenants)$' AND has_table_privilege(r, oid, p)$$,
                'nobody else writes accounts, money or the ledger');
SELECT is_empty($$SELECT name, r, p FROM tables, unnest('{ccc_writer,ccc_reader}'::text[]) AS r, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER}'::text[]) AS p
                  WHERE has_table_privilege(r, oid, p)$$, 'writers and readers change nothing');
SELECT is_empty($$SELECT name FROM tables WHERE name !~ '(products|prices|pools|call_rules|trials)$' AND has_table_privilege('ccc_writer', oid, 'SELECT')$$,
                'writers read no more than the catalogue');
SELECT is_empty($$SELECT name FROM tables WHERE relkind = 'v' AND NOT reloptions @> '{security_invoker=true}' AND name !~ '^ccc.monitoring'$$,
                'views are security_invoker, but for totals over all accounts');
SELECT is_empty($$SELECT rolname FROM pg_roles WHERE rolname LIKE 'ccc\_%' AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)$$,
                'the roles have no rights of their own');
SELECT is_empty($$SELECT member::regrole FROM pg_auth_members WHERE roleid = 'ccc_owner'::regrole$$, 'nobody is a member of the owner');
SELECT is_empty($$SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind = 'S'$$, 'there is no sequence');
SELECT is_empty($$SELECT i.indrelid::regclass FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                  WHERE i.indisunique AND a.attname <> 'account_id'
                    AND i.indrelid::regclass::text ~ '(accounts|purchases|packages|other_usage|wallet_entries|requests|rentals|agent_sessions|ledger)$'$$,
                'account_id is first in every key of a tenant table');
SELECT is_empty($$SELECT d.objid FROM pg_depend AS d
                  WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ccc_billing') AND d.deptype = 'e'
                    AND CASE d.classid WHEN 'pg_proc'::regclass THEN obj_description(d.objid, 'pg_proc')
                                       WHEN 'pg_class'::regclass THEN obj_description(d.objid, 'pg_class')
                                       WHEN 'pg_type'::regclass THEN obj_description(d.objid, 'pg_type') ELSE 'x' END IS NULL
                    AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type AS t WHERE t.oid = d.objid AND (t.typrelid <> 0 OR t.typelem <> 0)))$$,
                'every function, table and type has a comment');
SELECT * FROM finish();
ROLLBACK;
