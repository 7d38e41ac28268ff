/*
 * What could not be billed when it was stored, billed later.
 */
CREATE FUNCTION ccc.retry_exceptions() RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'retry_exceptions';
COMMENT ON FUNCTION ccc.retry_exceptions() IS
    'rates again what could not be rated (after a number was registered, say), from what the exceptions keep of the records; gives how many were resolved, which stay in ccc.exceptions with the time';
REVOKE ALL ON FUNCTION ccc.retry_exceptions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.retry_exceptions() TO ccc_admin;
