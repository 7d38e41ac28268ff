-- Default privileges of the superuser who installs, as application databases
-- have them, give nobody anything of the extension's, and take nothing away.
BEGIN;
SELECT plan(19);

CREATE VIEW pg_temp.rights AS
    SELECT 'pg_class'::regclass AS kind, c.relname::text AS name, a.grantee, a.privilege_type
    FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE c.relnamespace = to_regnamespace('ccc') AND c.relkind IN ('r', 'v')
    UNION ALL
    SELECT 'pg_proc', p.oid::regprocedure::text, a.grantee, a.privilege_type
    FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE p.pronamespace = to_regnamespace('ccc')
    UNION ALL
    SELECT 'pg_type', t.oid::regtype::text, a.grantee, a.privilege_type
    FROM pg_type AS t, aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) AS a
    WHERE t.typnamespace = to_regnamespace('ccc') AND t.typelem = 0
    UNION ALL
    SELECT 'pg_namespace', n.nspname, a.grantee, a.privilege_type
    FROM pg_namespace AS n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
    WHERE n.nspname = 'ccc';
CREATE TABLE pg_temp.before AS SELECT * FROM pg_temp.rights;
SELECT cmp_ok((SELECT count(*) FROM pg_temp.before), '>', 300::bigint, 'there are rights to compare');

CREATE FUNCTION pg_temp.install_anew() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DROP EXTENSION ccc_billing;
    DROP SCHEMA ccc;
    CREATE EXTENSION ccc_billing;
END
$$;

SET client_min_messages = warning;
CREATE ROLE app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO app, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO app;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO app;
SELECT pg_temp.install_anew();
SELECT set_eq('SELECT * FROM pg_temp.rights', 'SELECT * FROM pg_temp.before', 'what default privileges grant is taken back');
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM app, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON ROUTINES FROM app, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM app, PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM app;
SELECT pg_temp.install_anew();
SELECT set_eq('SELECT * FROM pg_temp.rights', 'SELECT * FROM pg_temp.before', 'what they revoke from PUBLIC is granted');
SELECT lives_ok($$SELECT ccc.open_account(1, 'first'); SELECT ccc.top_up(1, 10000);
                  SELECT ccc.buy(1, 'number_landline', number => '0755-86013388'); SELECT ccc.buy(1, 'landline_10000');
                  SELECT ccc.create_calls_table();
                  INSERT INTO calls VALUES ('a', '075586013388', 'x', now(), 61)$$, 'and business is done');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
DROP TABLE calls;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM CURRENT_USER;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON ROUTINES FROM CURRENT_USER;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app;
SELECT pg_temp.install_anew();
SELECT set_eq('SELECT * FROM pg_temp.rights', 'SELECT * FROM pg_temp.before', 'what they take from the owner is given back');
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO CURRENT_USER;
ALTER DEFAULT PRIVILEGES GRANT ALL ON ROUTINES TO CURRENT_USER;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM app;
DROP EXTENSION ccc_billing;
DROP SCHEMA ccc;
CREATE SCHEMA ccc;
GRANT USAGE ON SCHEMA ccc TO app, ccc_tenant WITH GRANT OPTION;
CREATE ROLE friend;
SET ROLE app;
GRANT USAGE ON SCHEMA ccc TO friend;
SET ROLE ccc_tenant;
GRANT USAGE ON SCHEMA ccc TO friend, PUBLIC;
RESET ROLE;
CREATE EXTENSION ccc_billing;
SELECT set_eq('SELECT * FROM pg_temp.rights', 'SELECT * FROM pg_temp.before', 'and what was granted on the empty schema, and passed on, is taken back');

-- installed by somebody, whatever the name
CREATE FUNCTION pg_temp.install_as(name text, defaults text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE ROLE %I SUPERUSER', name);
    EXECUTE format('SET ROLE %I', name);
    EXECUTE defaults;
    PERFORM pg_temp.install_anew();
    RESET ROLE;
    RETURN 'installed';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 'refused';
END
$$;
SELECT is(pg_temp.install_as('Doctor "no".x', 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO app'), 'installed', 'a name to be quoted');
SELECT is(pg_temp.install_as('ccc_operator', 'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC'), 'installed', 'a name like the extension''s roles');
SELECT is(pg_temp.install_as('elsewhere', 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO ccc_reader'), 'installed', 'defaults for another schema');
SELECT is(pg_temp.install_as('CCC_owner', 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ccc_reader'), 'refused', 'a name like another''s has its own defaults');
SELECT set_eq('SELECT name, grantee, privilege_type FROM pg_temp.rights WHERE kind = ''pg_class''::regclass',
              'SELECT name, grantee, privilege_type FROM pg_temp.before WHERE kind = ''pg_class''::regclass', 'the same rights on tables');

DROP EXTENSION ccc_billing;
DROP SCHEMA ccc;
ALTER DEFAULT PRIVILEGES GRANT CREATE ON SCHEMAS TO app;
SELECT throws_ok('CREATE EXTENSION ccc_billing', '55000', 'others may create in schema "ccc"', 'nor may others create in its schema');
ALTER DEFAULT PRIVILEGES REVOKE CREATE ON SCHEMAS FROM app;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ccc_reader;
SELECT throws_ok('CREATE EXTENSION ccc_billing', '55000', NULL, 'what they would give roles of the extension is not told from what these have');
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM ccc_reader;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON ROUTINES FROM PUBLIC, CURRENT_USER;
SELECT throws_ok('CREATE EXTENSION ccc_billing', '55000', 'default privileges of role "' || CURRENT_USER || '" would leave nobody any right on functions',
                 'what nobody would have by them is not told from what nobody may have');
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO app;
SELECT lives_ok('CREATE EXTENSION ccc_billing', 'but from what somebody would have');
SELECT set_eq('SELECT * FROM pg_temp.rights', 'SELECT * FROM pg_temp.before', 'and the rights are as ever');
DROP EXTENSION ccc_billing;
DROP SCHEMA ccc;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO PUBLIC, CURRENT_USER;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM app;
SELECT lives_ok('CREATE EXTENSION ccc_billing', 'without them it is installed');
SELECT set_eq('SELECT * FROM pg_temp.rights', 'SELECT * FROM pg_temp.before', 'as before');
SELECT * FROM finish();
ROLLBACK;
