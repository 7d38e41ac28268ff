-- What the extension promises of each of its objects, printed, so that no
-- change of a right, a setting or a signature goes unseen.
\pset format unaligned
\pset tuples_only on
\pset null -
SET search_path = pg_catalog;

CREATE FUNCTION pg_temp.role_name(role oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN role = 0 THEN 'PUBLIC'
                WHEN r.rolname LIKE 'ccc\_%' THEN r.rolname
                WHEN r.oid = e.extowner THEN 'installer'
                ELSE 'another' END
    FROM pg_extension AS e LEFT JOIN pg_roles AS r ON r.oid = role
    WHERE e.extname = 'ccc_billing'
$$;
-- Grants to others than the owner; MAINTAIN is not in every version.
CREATE FUNCTION pg_temp.grants(acl aclitem[], owner oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_agg(grantee || '=' || privileges, ' ' ORDER BY grantee COLLATE "C"), 'owner only')
    FROM (SELECT pg_temp.role_name(a.grantee) AS grantee,
                 string_agg(lower(a.privilege_type) || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ','
                            ORDER BY a.privilege_type COLLATE "C") AS privileges
          FROM aclexplode(acl) AS a
          WHERE a.grantee <> owner AND a.privilege_type <> 'MAINTAIN'
          GROUP BY a.grantee) AS g
$$;
CREATE TEMP VIEW member AS
    SELECT d.classid, d.objid
    FROM pg_depend AS d
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'ccc_billing');

-- The schema, and the roles.
SELECT nspname, pg_temp.role_name(nspowner) AS owner, pg_temp.grants(coalesce(nspacl, acldefault('n', nspowner)), nspowner) AS grants
    FROM pg_namespace WHERE nspname = 'ccc';
SELECT rolname,
       concat_ws(',', CASE WHEN rolcanlogin THEN 'login' END, CASE WHEN rolsuper THEN 'superuser' END,
                 CASE WHEN rolcreaterole THEN 'createrole' END, CASE WHEN rolcreatedb THEN 'createdb' END,
                 CASE WHEN rolreplication THEN 'replication' END, CASE WHEN rolbypassrls THEN 'bypassrls' END) AS attributes
    FROM pg_roles WHERE rolname LIKE 'ccc\_%' ORDER BY rolname COLLATE "C";
-- Of objects made by the extension, those outside of its schema.
SELECT pg_describe_object(m.classid, m.objid, 0)
    FROM member AS m, LATERAL pg_identify_object(m.classid, m.objid, 0) AS i
    WHERE i.schema IS DISTINCT FROM 'ccc' AND m.classid <> 'pg_cast'::regclass
    ORDER BY 1;
-- Of objects in its schema, those that it does not hold: none.
SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE p.pronamespace = 'ccc'::regnamespace AND p.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_proc'::regclass);
SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
      AND c.oid NOT IN (SELECT objid FROM member WHERE classid = 'pg_class'::regclass);

-- Functions: who may call them, as whom they run, and what the planner may
-- assume of them.
SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ') -> ' || coalesce(pg_get_function_result(p.oid), '-') AS signature,
       l.lanname AS language,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       CASE WHEN p.proisstrict THEN 'strict' ELSE 'called on null' END AS strictness,
       CASE p.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' ELSE 'parallel unsafe' END AS parallel,
       CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'invoker' END || CASE WHEN p.proleakproof THEN ',LEAKPROOF' ELSE '' END AS security,
       coalesce(array_to_string(p.proconfig, '; '), 'no settings') AS settings,
       pg_temp.role_name(p.proowner) AS owner,
       pg_temp.grants(coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner) AS grants
    FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
    WHERE p.pronamespace = 'ccc'::regnamespace
    ORDER BY p.proname COLLATE "C", pg_get_function_arguments(p.oid) COLLATE "C";
-- SECURITY DEFINER without a pinned search_path, or with one that lets the
-- caller's temporary tables in first: none.
SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE p.pronamespace = 'ccc'::regnamespace AND p.prosecdef
      AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS c (setting)
                      WHERE setting LIKE 'search\_path=%pg\_temp' OR setting = 'search_path=""');
-- Triggers, and functions with more rights than the caller's, that anybody
-- may call: none.
SELECT p.oid::regprocedure FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE p.pronamespace = 'ccc'::regnamespace AND a.grantee = 0
      AND (p.prosecdef OR p.prorettype = 'trigger'::regtype OR p.provolatile = 'v');

-- Tables and views.
SELECT c.relname, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' ELSE c.relkind::text END AS kind,
       pg_temp.role_name(c.relowner) AS owner,
       CASE WHEN c.relrowsecurity THEN 'row security' ELSE 'no row security' END || CASE WHEN c.relforcerowsecurity THEN ', forced' ELSE '' END AS rls,
       coalesce(array_to_string(c.reloptions, ','), 'no options') AS options,
       pg_temp.grants(coalesce(c.relacl, acldefault('r', c.relowner)), c.relowner) AS grants
    FROM pg_class AS c
    WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind NOT IN ('i', 't', 'c')
    ORDER BY c.relname COLLATE "C";
SELECT c.relname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                             || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
                             || CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || quote_ident(l.collname) ELSE '' END,
                             ', ' ORDER BY a.attnum) AS columns
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid JOIN pg_type AS t ON t.oid = a.atttypid
         LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
    WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind IN ('r', 'v', 'c') AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY c.relname ORDER BY c.relname COLLATE "C";
-- Rights on single columns.
SELECT c.relname, a.attname, pg_temp.grants(a.attacl, c.relowner)
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'ccc'::regnamespace AND a.attacl IS NOT NULL
    ORDER BY 1, 2;
-- Row-level security policies.
SELECT tablename, policyname, permissive, roles, cmd, qual, with_check
    FROM pg_policies WHERE schemaname = 'ccc' ORDER BY 1, 2;
-- Views that show a caller more than the caller may see: totals over all
-- accounts, for monitoring.
SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind = 'v'
      AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false);
-- Keys; of checks and exclusions the names.
SELECT c.conrelid::regclass,
       CASE WHEN c.contype IN ('p', 'u', 'f') THEN pg_get_constraintdef(c.oid) ELSE 'CHECK ' || c.conname END AS constraint
    FROM pg_constraint AS c
    WHERE c.connamespace = 'ccc'::regnamespace AND c.conrelid <> 0 AND c.contype IN ('p', 'u', 'f', 'c', 'x')
    ORDER BY c.conrelid::regclass::text COLLATE "C", array_position(ARRAY['p', 'u', 'f', 'c', 'x'], c.contype::text),
             c.conname COLLATE "C";
SELECT pg_get_indexdef(i.indexrelid)
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'ccc'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
    ORDER BY pg_get_indexdef(i.indexrelid) COLLATE "C";
SELECT t.tgrelid::regclass, t.tgname, t.tgenabled, t.tgfoid::regproc
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'ccc'::regnamespace AND NOT t.tgisinternal
    ORDER BY t.tgrelid::regclass::text COLLATE "C", t.tgname COLLATE "C";

-- Tables whose primary key does not begin with account_id: the catalogue and
-- what is the same for all accounts.
SELECT c.oid::regclass FROM pg_class AS c
    WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind = 'r'
      AND NOT EXISTS (SELECT FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
                      WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attname = 'account_id')
    ORDER BY c.oid::regclass::text COLLATE "C";
-- Unique and foreign keys, from a table whose primary key does, that do not
-- begin with it; the same of every unique index: none.
SELECT k.conrelid::regclass, pg_get_constraintdef(k.oid)
    FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1],
         LATERAL (SELECT p.conkey FROM pg_constraint AS p WHERE p.conrelid = k.conrelid AND p.contype = 'p') AS pk,
         LATERAL (SELECT b.attname FROM pg_attribute AS b WHERE b.attrelid = k.conrelid AND b.attnum = pk.conkey[1]) AS first
    WHERE k.connamespace = 'ccc'::regnamespace AND k.contype IN ('u', 'f') AND first.attname = 'account_id' AND a.attname <> 'account_id';
SELECT i.indexrelid::regclass
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
         JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attname = 'account_id'
         JOIN pg_constraint AS p ON p.conrelid = i.indrelid AND p.contype = 'p' AND p.conkey[1] = a.attnum
    WHERE c.relnamespace = 'ccc'::regnamespace AND i.indisunique AND i.indkey[0] <> a.attnum;
-- The type of account_id, wherever it is a column or an argument: bigint.
SELECT DISTINCT format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'ccc'::regnamespace AND a.attname = 'account_id';
SELECT DISTINCT format_type(t.type, NULL)
    FROM pg_proc AS p, unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[])) AS t (name, type)
    WHERE p.pronamespace = 'ccc'::regnamespace AND t.name = 'account_id';
-- Sequences and identity columns: none.
SELECT c.oid::regclass FROM pg_class AS c WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind = 'S';
SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'ccc'::regnamespace AND a.attidentity <> '';
-- Floating point, in a column, an argument, a result or a domain: none.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'ccc'::regnamespace AND ARRAY[t.oid, t.typbasetype, t.typelem] && ARRAY['float4'::regtype::oid, 'float8'::regtype];
SELECT p.oid::regprocedure FROM pg_proc AS p
    WHERE p.pronamespace = 'ccc'::regnamespace
      AND EXISTS (SELECT FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) AS u (oid) JOIN pg_type AS t USING (oid)
                  WHERE ARRAY[t.oid, t.typbasetype, t.typelem] && ARRAY['float4'::regtype::oid, 'float8'::regtype]);
-- Money that could be NaN, infinite or of any scale.
SELECT a.attrelid::regclass, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind = 'r' AND a.atttypid = 'numeric'::regtype
    ORDER BY a.attrelid::regclass::text COLLATE "C", a.attnum;

-- What pg_dump takes of which table.
SELECT u.oid::regclass, u.condition
    FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS u (oid, condition)
    WHERE e.extname = 'ccc_billing'
    ORDER BY u.oid::regclass::text COLLATE "C";
-- Tables that it leaves out: none.
SELECT c.oid::regclass FROM pg_class AS c, pg_extension AS e
    WHERE e.extname = 'ccc_billing' AND c.relnamespace = 'ccc'::regnamespace AND c.relkind IN ('r', 'p')
      AND c.oid <> ALL (e.extconfig);

-- Types.
SELECT format_type(t.oid, NULL) AS type,
       CASE t.typtype WHEN 'b' THEN 'base' WHEN 'd' THEN 'domain over ' || format_type(t.typbasetype, t.typtypmod) WHEN 'c' THEN 'composite' ELSE t.typtype::text END AS kind,
       t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, t.typinput, t.typoutput, t.typreceive, t.typsend,
       pg_temp.role_name(t.typowner) AS owner,
       pg_temp.grants(coalesce(t.typacl, acldefault('T', t.typowner)), t.typowner) AS grants
    FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
    WHERE t.typnamespace = 'ccc'::regnamespace AND t.typcategory <> 'A' AND (c.oid IS NULL OR c.relkind = 'c')
    ORDER BY t.typname COLLATE "C";
-- Operators.
SELECT o.oid::regoperator, o.oprcode, o.oprcom::regoper, o.oprnegate::regoper, o.oprrest, o.oprjoin,
       CASE WHEN o.oprcanmerge THEN 'merges' END, CASE WHEN o.oprcanhash THEN 'hashes' END
    FROM pg_operator AS o WHERE o.oprnamespace = 'ccc'::regnamespace
    ORDER BY o.oprname COLLATE "C", o.oprleft::regtype::text COLLATE "C", o.oprright::regtype::text COLLATE "C";
-- Operator classes, by core's own check of them.
SELECT c.opcname, m.amname, c.opcintype::regtype, CASE WHEN c.opcdefault THEN 'default' END,
       pg_temp.role_name(c.opcowner) AS owner, amvalidate(c.oid) AS valid
    FROM pg_opclass AS c JOIN pg_am AS m ON m.oid = c.opcmethod
    WHERE c.opcnamespace = 'ccc'::regnamespace
    ORDER BY c.opcname COLLATE "C", m.amname COLLATE "C";
-- Casts.
SELECT c.castsource::regtype, c.casttarget::regtype, c.castfunc::regprocedure, c.castcontext, c.castmethod
    FROM pg_cast AS c JOIN member AS m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid
    ORDER BY c.castsource::regtype::text COLLATE "C", c.casttarget::regtype::text COLLATE "C";
-- Base types without an order or a hash: none.
SELECT format_type(t.oid, NULL), m.amname
    FROM pg_type AS t, pg_am AS m
    WHERE t.typnamespace = 'ccc'::regnamespace AND t.typtype = 'b' AND t.typcategory <> 'A' AND m.amname IN ('btree', 'hash')
      AND NOT EXISTS (SELECT FROM pg_opclass AS c WHERE c.opcintype = t.oid AND c.opcmethod = m.oid AND c.opcdefault);

-- Objects without a comment: none.
SELECT pg_describe_object(m.classid, m.objid, 0)
    FROM member AS m
    WHERE obj_description(m.objid, (SELECT relname FROM pg_class WHERE oid = m.classid)) IS NULL
      AND NOT EXISTS (SELECT FROM pg_type AS t LEFT JOIN pg_class AS c ON c.oid = t.typrelid
                      WHERE m.classid = 'pg_type'::regclass AND t.oid = m.objid AND (t.typcategory = 'A' OR c.relkind IN ('r', 'v')))
    ORDER BY 1;
SELECT pg_describe_object('pg_trigger'::regclass, t.oid, 0)
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'ccc'::regnamespace AND NOT t.tgisinternal AND obj_description(t.oid, 'pg_trigger') IS NULL
    ORDER BY 1;
SELECT pg_describe_object('pg_policy'::regclass, p.oid, 0)
    FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
    WHERE c.relnamespace = 'ccc'::regnamespace AND obj_description(p.oid, 'pg_policy') IS NULL
    ORDER BY 1;
SELECT obj_description('ccc'::regnamespace, 'pg_namespace') IS NULL AS schema_lacks_comment;
-- Comments that are no lower-case noun phrase by their look.
SELECT pg_describe_object(m.classid, m.objid, 0), d.comment
    FROM member AS m, LATERAL obj_description(m.objid, (SELECT relname FROM pg_class WHERE oid = m.classid)) AS d (comment)
    WHERE d.comment ~ '\.$|^[A-Z][a-z]'
    ORDER BY 1;
