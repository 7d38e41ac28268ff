/*
 * Tables, views and PL/pgSQL functions belong to ccc_owner. C functions and
 * types stay with the superuser who installs them.
 */
DO $$
DECLARE
    o record;
BEGIN
    FOR o IN
        SELECT CASE d.classid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN 'TABLE' ELSE 'ROUTINE' END AS kind,
               CASE d.classid WHEN 'pg_catalog.pg_class'::pg_catalog.regclass
                    THEN d.objid::pg_catalog.regclass::text ELSE d.objid::pg_catalog.regprocedure::text END AS name
        FROM pg_catalog.pg_depend AS d
             LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
             LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
             LEFT JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
        WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.refobjid = (SELECT e.oid FROM pg_catalog.pg_extension AS e WHERE e.extname = 'ccc_billing')
          AND d.deptype = 'e'
          AND (c.relkind IN ('r', 'v') OR l.lanname IN ('sql', 'plpgsql'))
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO ccc_owner', o.kind, o.name);
    END LOOP;
END
$$;
