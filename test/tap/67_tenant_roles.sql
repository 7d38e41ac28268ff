-- Which role sees which account: granted and revoked, inherited, renamed,
-- dropped and made again.
BEGIN;
SELECT no_plan();
\ir setup/two_tenants.psql
SELECT ccc.open_account(3, 'third', '2025-01-01');
CREATE FUNCTION pg_temp.sees(role text) RETURNS text LANGUAGE sql AS
    $$SELECT coalesce(pg_temp.as_role(role, 'SELECT string_agg(account_id::text, '','' ORDER BY account_id) FROM ccc.accounts'), 'nothing')$$;
CREATE FUNCTION pg_temp.callers(function regprocedure) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(r, ' ' ORDER BY r) FROM unnest('{ccc_admin,ccc_reader,ccc_writer,ccc_tenant,public}'::text[]) AS r WHERE has_function_privilege(r, function, 'EXECUTE') $$;
CREATE ROLE test_admin IN ROLE ccc_admin;

SELECT is(pg_temp.callers('ccc.grant_account(regrole, bigint)'), 'ccc_admin', 'administrators grant');
SELECT is(pg_temp.callers('ccc.revoke_account(regrole, bigint)'), 'ccc_admin', 'and revoke');
SELECT is(pg_temp.sees('tenant_1'), '1', 'a tenant sees what was granted');
SELECT is(pg_temp.as_role('test_admin', 'SELECT ccc.grant_account(''tenant_1'', 3)'), 'true', 'another account');
SELECT is(pg_temp.sees('tenant_1'), '1,3', 'is seen too');
SELECT is(pg_temp.as_role('test_admin', 'SELECT ccc.grant_account(''tenant_1'', 3)'), 'false', 'granted twice is granted once');
SELECT is(pg_temp.as_role('test_admin', 'SELECT ccc.grant_account(''tenant_2'', 3)'), 'true', 'to a second role');
SELECT is(pg_temp.sees('tenant_2'), '2,3', 'which sees it too');
SELECT is(pg_temp.as_role('tenant_1', 'SELECT string_agg(role || '' '' || account_id, '', '' ORDER BY account_id) FROM ccc.tenants'), 'tenant_1 1, tenant_1 3',
          'a tenant sees what was granted to it, not to whom else');
SELECT is(pg_temp.as_role('test_admin', 'SELECT ccc.revoke_account(''tenant_1'', 3)'), 'true', 'revoked');
SELECT is(pg_temp.sees('tenant_1'), '1', 'it is not seen at once');
SELECT is(pg_temp.sees('tenant_2'), '2,3', 'by the one, the other sees it still');
SELECT is(pg_temp.as_role('test_admin', 'SELECT ccc.revoke_account(''tenant_1'', 3)'), 'false', 'revoked twice');

-- who cannot be a tenant
CREATE ROLE nobodys;
CREATE ROLE all_tenants;
CREATE ROLE apart NOINHERIT IN ROLE ccc_tenant;
GRANT all_tenants TO ccc_tenant;
SELECT throws_ok($$SELECT ccc.grant_account('nobodys', 1)$$, '55000', 'role "nobodys" is not a tenant''s', 'a role that is no tenant''s');
SELECT throws_ok($$SELECT ccc.grant_account('apart', 1)$$, '55000', NULL, 'a role that does not inherit');
SELECT throws_ok($$SELECT ccc.grant_account('ccc_tenant', 1)$$, '0LP01', 'role "ccc_tenant" is every tenant''s', 'the role of all tenants');
SELECT throws_ok($$SELECT ccc.grant_account('all_tenants', 1)$$, '0LP01', NULL, 'a role that all of them inherit');
SELECT throws_ok($$SELECT ccc.grant_account('no such role', 1)$$, '42602', NULL, 'no name of a role');
SELECT throws_ok($$SELECT ccc.grant_account('no_such_role', 1)$$, '42704', NULL, 'no role');
SELECT throws_ok($$SELECT ccc.grant_account('4294967295', 1)$$, '42704', NULL, 'no role of such a number');
SELECT throws_ok($$SELECT ccc.grant_account('tenant_1', 999)$$, '42704', 'account 999 does not exist', 'no account');
SELECT throws_ok($$SELECT ccc.grant_account('tenant_1', NULL)$$, '22004', NULL, 'null account');
SELECT throws_ok($$SELECT ccc.grant_account(NULL, 1)$$, '22004', NULL, 'null role');
REVOKE all_tenants FROM ccc_tenant;

-- membership
CREATE ROLE company IN ROLE ccc_tenant;
CREATE ROLE employee IN ROLE company;
CREATE ROLE trainee NOINHERIT IN ROLE company;
SELECT ccc.grant_account('company', 3);
SELECT is(pg_temp.sees('employee'), '3', 'a member sees what its role sees');
SELECT is(pg_temp.sees('trainee'), '42501', 'one that does not inherit sees nothing');
SELECT is(pg_temp.sees('company'), '3', 'until it takes the role');
GRANT company TO tenant_1;
SELECT is(pg_temp.sees('tenant_1'), '1,3', 'a member sees its own as well');
REVOKE company FROM tenant_1;
SELECT is(pg_temp.sees('tenant_1'), '1', 'and no longer when it is none');
GRANT ccc_reader TO tenant_2;
SELECT is(pg_temp.sees('tenant_2'), '1,2,3', 'a tenant who is a reader sees all');
REVOKE ccc_reader FROM tenant_2;
REVOKE ccc_tenant FROM tenant_2;
SELECT is(pg_temp.sees('tenant_2'), '42501', 'who is no tenant any more, nothing');
GRANT ccc_tenant TO tenant_2;

-- names come and go
ALTER ROLE tenant_1 RENAME TO acme;
CREATE ROLE tenant_1 IN ROLE ccc_tenant;
SELECT is(pg_temp.sees('acme'), '1', 'a role that is renamed sees what it saw');
SELECT is(pg_temp.sees('tenant_1'), 'nothing', 'the next of the old name nothing');
DROP ROLE acme;
CREATE ROLE acme IN ROLE ccc_tenant;
SELECT is(pg_temp.sees('acme'), 'nothing', 'so does one that takes the name of one that was dropped');
SELECT is((SELECT count(*) FROM ccc.tenants WHERE role::text ~ '^\d+$'), 1::bigint, 'the dropped role''s grant');
SELECT is((SELECT count(*) FROM ccc.tenants WHERE role IN (SELECT r.oid FROM pg_catalog.pg_roles AS r) AND role::text ~ '^\d+$'), 0::bigint, 'is not dumped');
SELECT ccc.grant_account('acme', 2);
SELECT is((SELECT count(*) FROM ccc.tenants WHERE role::text ~ '^\d+$'), 0::bigint, 'and goes with the next grant');
SELECT is(pg_temp.sees('acme'), '2', 'which is as granted');

-- the first condition of the policies
SELECT is((SELECT string_agg(v::text, ',') FROM unnest('{-9223372036854775808,-1,0,1,2,3,9223372036854775807}'::bigint[]) AS v WHERE ccc.is_among(v, sorted)),
          array_to_string(sorted, ','), 'is_among of ' || sorted::text)
FROM (VALUES ('{1}'::bigint[]), ('{-9223372036854775808,9223372036854775807}'), ('{-1,0,1}'), ('{0,2,3}')) AS s (sorted);
SELECT is(ccc.is_among(1::bigint, '{}'), false, 'none is among none');
SELECT is((SELECT string_agg(v::text, ',') FROM unnest('{0,1,4294967295}'::oid[]) AS v WHERE ccc.is_among(v, '{-1,1,4294967295}')), '1,4294967295', 'of oids');
SELECT is(ccc.is_among(1, NULL), NULL, 'null of null');
SELECT is(bool_and(ccc.is_among(v, sorted) = (v % 3 = 0)), true, 'one by one')
FROM (SELECT array_agg(3::bigint * n ORDER BY n) AS sorted FROM generate_series(0, 99) AS n) AS s, generate_series(0, 299) AS v;
SELECT throws_ok('SELECT ccc.is_among(1, ''{1,NULL}'')', '22004', NULL, 'not with nulls in the array');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
