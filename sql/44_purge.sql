/*
 * Old records go, their charges stay.
 */
CREATE FUNCTION ccc.purge(cdr regclass, before timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'purge';
COMMENT ON FUNCTION ccc.purge(regclass, timestamptz) IS
    'deletes the records of an attached table whose calls started before an instant, and leaves their charges as they are; gives how many; errors: 42501 no right to delete, 55000 not attached';
REVOKE ALL ON FUNCTION ccc.purge(regclass, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.purge(regclass, timestamptz) TO ccc_admin;
