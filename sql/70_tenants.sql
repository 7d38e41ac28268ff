/*
 * A tenant's role sees its own account and nothing of the others. Which role
 * sees which account is data; every table of accounts has the same two
 * policies, so that all views and functions, which are the invoker's, show
 * each caller what is the caller's. The ledger's owner, who writes, is subject
 * to none, and for administrators and readers the policy is the constant true,
 * which leaves nothing in the plan.
 */
CREATE TABLE ccc.tenants (
    account_id bigint NOT NULL,
    role       regrole NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (role, account_id)      -- as the policy asks: no other's row is ever come by
);
COMMENT ON TABLE ccc.tenants IS 'roles that see an account, with the members that inherit them';
COMMENT ON COLUMN ccc.tenants.role IS 'follows a role that is renamed; one that is dropped sees nothing, and its row is neither dumped nor kept for long';

SELECT pg_catalog.pg_extension_config_dump('ccc.tenants', 'WHERE role IN (SELECT r.oid FROM pg_catalog.pg_roles AS r)');
GRANT SELECT ON ccc.tenants TO ccc_admin, ccc_reader, ccc_tenant;

CREATE FUNCTION ccc.is_among(value bigint, sorted bigint[]) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 0.0001 AS 'MODULE_PATHNAME', 'is_among';
COMMENT ON FUNCTION ccc.is_among(bigint, bigint[]) IS
    'whether a value is in an array in ascending order: a condition that the planner puts before every other; error 22004 where the array has nulls';
REVOKE ALL ON FUNCTION ccc.is_among(bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.is_among(bigint, bigint[]) TO ccc_owner, ccc_tenant;

CREATE FUNCTION ccc.is_among(value oid, sorted bigint[]) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 0.0001 AS 'MODULE_PATHNAME', 'oid_is_among';
COMMENT ON FUNCTION ccc.is_among(oid, bigint[]) IS
    'the same for an oid, which a cast would make dearer than other conditions';
REVOKE ALL ON FUNCTION ccc.is_among(oid, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.is_among(oid, bigint[]) TO ccc_owner, ccc_tenant;

DO $$
DECLARE
    t regclass;
BEGIN
    FOR t IN
        SELECT c.oid::pg_catalog.regclass
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'ccc'::pg_catalog.regnamespace AND c.relkind = 'r' AND a.attname = 'account_id'
        ORDER BY c.relname
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE pg_catalog.format('CREATE POLICY every_account ON %s FOR SELECT TO ccc_admin, ccc_reader USING (true)', t);
        EXECUTE pg_catalog.format('COMMENT ON POLICY every_account ON %s IS %L', t, 'all rows, for those who run the business');
        IF t <> 'ccc.tenants'::pg_catalog.regclass THEN
            -- = ANY can be the condition of an index scan; but it comes after cheaper
            -- conditions of the query, and that it was not asked would tell that
            -- nobody's row meets them: is_among() is cheaper than any
            EXECUTE pg_catalog.format('CREATE POLICY own_accounts ON %s FOR SELECT TO ccc_tenant USING ('
                                      'ccc.is_among(account_id, ARRAY(SELECT t.account_id FROM ccc.tenants AS t ORDER BY t.account_id)) '
                                      'AND account_id = ANY (ARRAY(SELECT t.account_id FROM ccc.tenants AS t)))', t);
            EXECUTE pg_catalog.format('COMMENT ON POLICY own_accounts ON %s IS %L', t, 'the accounts that the caller''s rows of ccc.tenants name');
        END IF;
    END LOOP;
END
$$;
CREATE POLICY own_roles ON ccc.tenants FOR SELECT TO ccc_tenant USING (
    ccc.is_among(role::oid, ARRAY(SELECT r.oid::bigint FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'USAGE') ORDER BY 1))
    AND role::oid = ANY (ARRAY(SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE pg_catalog.pg_has_role(r.oid, 'USAGE'))));
COMMENT ON POLICY own_roles ON ccc.tenants IS 'the roles that the caller is or inherits';

-- the planner estimates by statistics before the policy holds, and EXPLAIN
-- shows it: of who called whom, and of names, there are none, and of calls' ids
-- little more than how many there are, without which reports are planned badly
ALTER TABLE ccc.ledger ALTER COLUMN call_id SET STATISTICS 1;
ALTER TABLE ccc.accounts ALTER COLUMN name SET STATISTICS 0;
ALTER TABLE ccc.agent_sessions ALTER COLUMN agent SET STATISTICS 0;
ALTER TABLE ccc.exception_log ALTER COLUMN caller SET STATISTICS 0;
ALTER TABLE ccc.exception_log ALTER COLUMN callee SET STATISTICS 0;
ALTER TABLE ccc.exception_log ALTER COLUMN call_id SET STATISTICS 0;
ALTER TABLE ccc.exception_log ALTER COLUMN detail SET STATISTICS 0;

CREATE FUNCTION ccc.grant_account(role regrole, account_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    IF role IS NULL OR account_id IS NULL THEN
        RAISE EXCEPTION 'role and account must not be null' USING ERRCODE = '22004';
    ELSIF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = role) THEN
        RAISE EXCEPTION 'role "%" does not exist', role USING ERRCODE = '42704', HINT = 'Make it with CREATE ROLE.';
    ELSIF NOT EXISTS (SELECT FROM ccc.accounts AS a WHERE a.account_id = grant_account.account_id) THEN
        RAISE EXCEPTION 'account % does not exist', account_id
            USING ERRCODE = '42704', HINT = 'Open it with ccc.open_account().';
    ELSIF pg_has_role('ccc_tenant', role, 'MEMBER') THEN
        RAISE EXCEPTION 'role "%" is every tenant''s', role
            USING ERRCODE = '0LP01', HINT = 'Give each tenant a role of its own, a member of "ccc_tenant".';
    ELSIF NOT pg_has_role(role, 'ccc_tenant', 'USAGE') THEN
        RAISE EXCEPTION 'role "%" is not a tenant''s', role
            USING ERRCODE = '55000', HINT = format('GRANT ccc_tenant TO %s, a role with INHERIT.', role);
    END IF;
    -- of roles that were dropped, before another gets such a number
    DELETE FROM ccc.tenants AS t WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = t.role);
    INSERT INTO ccc.tenants (account_id, role) VALUES (account_id, role) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION ccc.grant_account(regrole, bigint) IS
    'lets a tenant''s role, and the roles that inherit it, see an account; false when it did already; errors: 22004 null, 42704 no such role or account, 55000 not a member of ccc_tenant, 0LP01 a role that all tenants have';
REVOKE ALL ON FUNCTION ccc.grant_account(regrole, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.grant_account(regrole, bigint) TO ccc_admin;

CREATE FUNCTION ccc.revoke_account(role regrole, account_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    DELETE FROM ccc.tenants AS t
        WHERE t.role = revoke_account.role AND t.account_id = revoke_account.account_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION ccc.revoke_account(regrole, bigint) IS 'takes an account out of a role''s sight; false when the role did not see it';
REVOKE ALL ON FUNCTION ccc.revoke_account(regrole, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.revoke_account(regrole, bigint) TO ccc_admin;

-- what a tenant may look at, and ask
GRANT SELECT ON ccc.products, ccc.prices, ccc.pools, ccc.call_rules, ccc.trials,
    ccc.accounts, ccc.purchases, ccc.wallet_entries, ccc.packages, ccc.other_usage, ccc.usage, ccc.numbers, ccc.ledger, ccc.exception_log,
    ccc.rentals, ccc.agent_sessions,
    ccc.package_balances, ccc.call_charges, ccc.shortfalls, ccc.exceptions, ccc.wallets
    TO ccc_tenant;
GRANT EXECUTE ON FUNCTION ccc.wallet_balance, ccc.balances, ccc.used_before, ccc.explain_call, ccc.account_overview, ccc.upcoming,
    ccc.seats, ccc.seats_in_force, ccc.agents_online, ccc.seat_peaks, ccc.quote_renewal, ccc.period_start, ccc.term_end,
    ccc.check_periods, ccc.check_instant, ccc.quote, ccc.recommend, ccc.price_at, ccc.offers, ccc.deduct
    TO ccc_tenant;
