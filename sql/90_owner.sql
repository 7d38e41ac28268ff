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

/*
 * Default privileges of the superuser who installs give and take rights on all
 * that is made. Nobody has more or less by them: what this script has not closed
 * to PUBLIC is everybody's, its owner has all of each, and nothing is any other
 * role's but the ccc_ ones'.
 */
DO $$
DECLARE
    o record;
BEGIN
    FOR o IN
        SELECT p.oid::pg_catalog.regprocedure::text AS name
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'ccc'::pg_catalog.regnamespace AND p.proacl IS NOT NULL
          -- closed where its owner had no right either: from 17 on that is kept nowhere else
          AND pg_catalog.cardinality(p.proacl) > 0
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs AS i
                          WHERE i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND i.objoid = p.oid)
    LOOP
        EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO PUBLIC', o.name);
    END LOOP;
    FOR o IN
        SELECT t.oid::pg_catalog.regtype::text AS name
        FROM pg_catalog.pg_type AS t
        WHERE t.typnamespace = 'ccc'::pg_catalog.regnamespace AND t.typacl IS NOT NULL
    LOOP
        EXECUTE pg_catalog.format('GRANT USAGE ON TYPE %s TO PUBLIC', o.name);
    END LOOP;
    FOR o IN
        SELECT m.kind, m.name, m.owner::pg_catalog.regrole::text AS owner,
               ARRAY(SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END
                     FROM pg_catalog.aclexplode(m.acl) AS a
                     WHERE a.grantee <> m.owner AND (a.grantee <> 0 OR m.kind = 'TABLE')
                       AND a.grantee NOT IN (SELECT r.oid FROM pg_catalog.pg_roles AS r
                                             WHERE r.rolname IN ('ccc_owner', 'ccc_admin', 'ccc_writer', 'ccc_reader', 'ccc_tenant', 'ccc_monitor'))) AS others
        FROM (SELECT 'TABLE', c.oid::pg_catalog.regclass::text, c.relacl, c.relowner
              FROM pg_catalog.pg_class AS c WHERE c.relnamespace = 'ccc'::pg_catalog.regnamespace
              UNION ALL
              SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::text, p.proacl, p.proowner
              FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'ccc'::pg_catalog.regnamespace
              UNION ALL
              SELECT 'TYPE', t.oid::pg_catalog.regtype::text, t.typacl, t.typowner
              FROM pg_catalog.pg_type AS t WHERE t.typnamespace = 'ccc'::pg_catalog.regnamespace
              UNION ALL
              SELECT 'SCHEMA', 'ccc', n.nspacl, n.nspowner
              FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'ccc') AS m (kind, name, acl, owner)
        WHERE m.acl IS NOT NULL
    LOOP
        EXECUTE pg_catalog.format('GRANT ALL ON %s %s TO %s', o.kind, o.name, o.owner);
        IF o.others <> '{}' THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE', o.kind, o.name, pg_catalog.array_to_string(o.others, ', '));
        END IF;
    END LOOP;
END
$$;
