/* ccc_billing: the charging engine of a cloud call centre */

-- complain if the script is sourced in psql rather than by CREATE EXTENSION
\echo Use "CREATE EXTENSION ccc_billing" to load this file. \quit

/*
 * Whatever somebody put into the schema beforehand could stand in for what
 * the functions of the ledger's owner mean.
 */
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_depend AS d
               WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                 AND d.refobjid = 'ccc'::pg_catalog.regnamespace
                 AND d.classid <> 'pg_catalog.pg_extension'::pg_catalog.regclass)
       OR EXISTS (SELECT FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
                  WHERE n.nspname = 'ccc' AND r.rolname <> 'ccc_owner' AND NOT r.rolsuper)
    THEN
        RAISE EXCEPTION 'schema "ccc" is somebody else''s, or not empty'
            USING ERRCODE = '55000',
                  HINT = 'Drop it, or install into another database.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS a
               WHERE n.nspname = 'ccc' AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner)
    THEN
        RAISE EXCEPTION 'others may create in schema "ccc"'
            USING ERRCODE = '55000',
                  HINT = 'Revoke that, or the default privileges (ALTER DEFAULT PRIVILEGES ... ON SCHEMAS) by which they may.';
    END IF;
END
$$;
