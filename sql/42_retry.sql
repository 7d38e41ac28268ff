/*
 * What could not be billed when it was stored, billed later; and what was,
 * rated again.
 */
CREATE FUNCTION ccc.retry_exceptions() RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retry_exceptions';
COMMENT ON FUNCTION ccc.retry_exceptions() IS
    'rates again what could not be rated (after a number was registered, say), from what the exceptions keep of the records; gives how many were resolved, which stay in ccc.exceptions with the time';
REVOKE ALL ON FUNCTION ccc.retry_exceptions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.retry_exceptions() TO ccc_admin;

CREATE FUNCTION ccc.retry_suspended(account_id bigint) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retry_suspended';
COMMENT ON FUNCTION ccc.retry_suspended(bigint) IS
    'rates again what came on suspended numbers of a locked account, for a renewal; gives how many exceptions were resolved';
REVOKE ALL ON FUNCTION ccc.retry_suspended(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.retry_suspended(bigint) TO ccc_owner;

CREATE FUNCTION ccc.dismiss_exceptions(exception_ids uuid[]) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    BEGIN ATOMIC
        -- the order in which every session locks: accounts, then exceptions
        SELECT FROM ccc.accounts AS a
        WHERE a.account_id IN (
            SELECT e.account_id FROM ccc.exception_log AS e
            WHERE e.exception_id = ANY (exception_ids) AND e.resolved_at IS NULL)
        ORDER BY a.account_id FOR NO KEY UPDATE;
        WITH open AS (
            SELECT e.exception_id FROM ccc.exception_log AS e
            WHERE e.exception_id = ANY (exception_ids) AND e.resolved_at IS NULL
            ORDER BY e.exception_id FOR UPDATE),
        dismissed AS (
            UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = 'dismissed'
            FROM open AS o WHERE e.exception_id = o.exception_id
            RETURNING e.exception_id)
        SELECT count(*) FROM dismissed;
    END;
COMMENT ON FUNCTION ccc.dismiss_exceptions(uuid[]) IS
    'resolves open exceptions that somebody has dealt with, without charging their records; gives how many; retry_exceptions() leaves them alone, a backfill bills their records if it can';
REVOKE ALL ON FUNCTION ccc.dismiss_exceptions(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.dismiss_exceptions(uuid[]) TO ccc_admin;

CREATE FUNCTION ccc.rerate(account_id bigint, since timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rerate';
COMMENT ON FUNCTION ccc.rerate(bigint, timestamptz) IS
    'rates the account''s calls that start at an instant or later by the call rules and increments as they are now, and charges again those that come out otherwise; gives how many; what cannot be rated now keeps its charge; errors: 42704 no such account, 55000 the account''s time zone is not recognized';
REVOKE ALL ON FUNCTION ccc.rerate(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.rerate(bigint, timestamptz) TO ccc_admin;
