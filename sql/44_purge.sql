/*
 * Old records go, their charges stay.
 */
CREATE FUNCTION ccc.records_before(cdr regclass, before timestamptz, OUT relation oid, OUT place tid) RETURNS SETOF record
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE ROWS 100000 AS 'MODULE_PATHNAME', 'records_before';
COMMENT ON FUNCTION ccc.records_before(regclass, timestamptz) IS
    'where the records of an attached table lie whose calls started before an instant; errors: 42501 not able to act as the table''s owner, who looks, or partitions have another, or row-level security is forced on it, 55000 not attached, or its mapping cannot be used';
REVOKE ALL ON FUNCTION ccc.records_before(regclass, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.records_before(regclass, timestamptz) TO ccc_admin;

CREATE FUNCTION ccc.purge(cdr regclass, before timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'purge';
COMMENT ON FUNCTION ccc.purge(regclass, timestamptz) IS
    'deletes the records of an attached table whose calls started before an instant, and leaves their charges as they are; gives how many; errors: 42501 no right to delete, or not able to act as the table''s owner, or partitions have another, or row-level security is forced on it, 55000 not attached, or its mapping cannot be used';
REVOKE ALL ON FUNCTION ccc.purge(regclass, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.purge(regclass, timestamptz) TO ccc_admin;
