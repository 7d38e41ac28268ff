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

CREATE FUNCTION ccc.rerate(account_id bigint, since timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rerate';
COMMENT ON FUNCTION ccc.rerate(bigint, timestamptz) IS
    'rates the account''s calls that start at an instant or later by the call rules and increments as they are now, and charges again those that come out otherwise; gives how many; what cannot be rated now keeps its charge; error 42704 when there is no such account';
REVOKE ALL ON FUNCTION ccc.rerate(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.rerate(bigint, timestamptz) TO ccc_admin;
