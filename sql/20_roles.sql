/*
 * Who may do what. The tables, and whatever writes the ledger, belong to
 * ccc_owner, a role that nobody logs in as; people and programs are members
 * of the others, tenants of ccc_tenant, a monitoring system of ccc_monitor.
 * Roles are the cluster's, so they may already be there.
 */
DO $$
DECLARE
    roles     text[] := ARRAY['ccc_owner', 'ccc_admin', 'ccc_writer', 'ccc_reader', 'ccc_tenant', 'ccc_monitor'];
    r         text;
    -- by its name as it is, which a cast to regrole would fold
    installer oid := (SELECT o.oid FROM pg_catalog.pg_roles AS o WHERE o.rolname = CURRENT_USER);
BEGIN
    FOREACH r IN ARRAY roles LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', r);
        END IF;
    END LOOP;

    IF EXISTS (SELECT FROM pg_catalog.pg_roles
               WHERE rolname = 'ccc_owner'
                 AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolbypassrls))
       OR EXISTS (SELECT FROM pg_catalog.pg_auth_members
                  WHERE 'ccc_owner'::pg_catalog.regrole IN (roleid, member))
    THEN
        RAISE EXCEPTION 'role "ccc_owner" has more rights, or members, than the owner of the ledger may have'
            USING ERRCODE = '55000',
                  HINT = 'Make it a role without LOGIN, SUPERUSER, CREATEROLE, BYPASSRLS, members and memberships, or drop it.';
    END IF;

    IF EXISTS (SELECT FROM pg_catalog.pg_default_acl AS d, pg_catalog.aclexplode(d.defaclacl) AS a
               WHERE d.defaclrole = installer
                 AND d.defaclnamespace = 0
                 AND a.grantee IN (SELECT o.oid FROM pg_catalog.pg_roles AS o WHERE o.rolname = ANY (roles)))
    THEN
        RAISE EXCEPTION 'default privileges of role "%" would give the roles of ccc_billing more than they may have', CURRENT_USER
            USING ERRCODE = '55000',
                  HINT = 'Take them back with ALTER DEFAULT PRIVILEGES, or install as another superuser.';
    END IF;

    -- nothing would tell a function that the script closes from one that they do
    IF EXISTS (SELECT FROM pg_catalog.pg_default_acl AS d
               WHERE d.defaclrole = installer
                 AND d.defaclnamespace = 0 AND d.defaclobjtype = 'f' AND pg_catalog.cardinality(d.defaclacl) = 0)
    THEN
        RAISE EXCEPTION 'default privileges of role "%" would leave nobody any right on functions', CURRENT_USER
            USING ERRCODE = '55000',
                  HINT = 'Give the role its own back with ALTER DEFAULT PRIVILEGES, or install as another superuser.';
    END IF;

    -- a function of its own would do for whoever calls it what only the extension's may
    IF EXISTS (SELECT FROM pg_catalog.pg_shdepend AS d
               WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = 'ccc_owner'::pg_catalog.regrole
                 AND d.deptype = 'o' AND d.objid <> 'ccc'::pg_catalog.regnamespace
                 AND d.dbid = (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname = pg_catalog.current_database()))
    THEN
        RAISE EXCEPTION 'role "ccc_owner" owns something in this database already'
            USING ERRCODE = '55000',
                  HINT = 'Look at what it is; REASSIGN OWNED or DROP OWNED rids the role of it.';
    END IF;
END
$$;

ALTER SCHEMA ccc OWNER TO ccc_owner;
COMMENT ON SCHEMA ccc IS 'ccc_billing: accounts, packages, the ledger of calls, and the functions that work on them';
REVOKE ALL ON SCHEMA ccc FROM PUBLIC, ccc_admin, ccc_writer, ccc_reader, ccc_tenant, ccc_monitor CASCADE;
GRANT USAGE ON SCHEMA ccc TO ccc_admin, ccc_writer, ccc_reader, ccc_tenant, ccc_monitor;
