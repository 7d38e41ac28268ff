/*
 * What was there before attach, or was written while triggers were off.
 */
CREATE FUNCTION ccc.backfill_blocks(cdr regclass, first_block bigint, blocks integer, since timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'backfill_blocks';
COMMENT ON FUNCTION ccc.backfill_blocks(regclass, bigint, integer, timestamptz) IS
    'a step of ccc.backfill(), which is to be called: bills the rows of some blocks of a call table that start at an instant or later and were never billed; gives the block to go on from, null at the end';
REVOKE ALL ON FUNCTION ccc.backfill_blocks(regclass, bigint, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.backfill_blocks(regclass, bigint, integer, timestamptz) TO ccc_admin;

CREATE FUNCTION ccc.mark_backfill(cdr regclass, since timestamptz) RETURNS regclass
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mark_backfill';
COMMENT ON FUNCTION ccc.mark_backfill(regclass, timestamptz) IS
    'tells every session that rows of a call table are backfilled, those from an instant on, and keeps other backfills from it, and from all that is attached with it, until ccc.end_backfill() or an error; gives the table that was attached; errors: 42501 not able to act as the table''s owner, or partitions have another, or row-level security is forced on it, 55000 not attached, or its mapping cannot be used, 55006 another backfill is at work, and what the mapping raises whatever the row says';
REVOKE ALL ON FUNCTION ccc.mark_backfill(regclass, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.mark_backfill(regclass, timestamptz) TO ccc_admin;

CREATE FUNCTION ccc.end_backfill(source regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'end_backfill';
COMMENT ON FUNCTION ccc.end_backfill(regclass) IS
    'tells every session that an attached table, which ccc.mark_backfill() gave, is backfilled no more';
REVOKE ALL ON FUNCTION ccc.end_backfill(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.end_backfill(regclass) TO ccc_admin;

CREATE FUNCTION ccc.await_writers(cdr regclass) RETURNS void
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'await_writers';
COMMENT ON FUNCTION ccc.await_writers(regclass) IS
    'waits until the transactions have ended that have written to a call table, or one of its partitions, by now';
REVOKE ALL ON FUNCTION ccc.await_writers(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.await_writers(regclass) TO ccc_admin;

/*
 * Rows may move while the blocks are gone through: an update moves one, and
 * bills it itself, as every statement does that begins after the mark; CLUSTER
 * and its like move them all, and the table is begun anew.
 */
-- a procedure that commits can neither pin a setting nor run as another
CREATE PROCEDURE ccc.backfill(cdr regclass, since timestamptz DEFAULT '-infinity', blocks integer DEFAULT 1000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    source pg_catalog.regclass := ccc.mark_backfill(cdr, since);
    parts  pg_catalog.regclass[];
    part   pg_catalog.regclass;
    file   pg_catalog.oid;
    next   pg_catalog.int8;
BEGIN
    IF source IS NULL OR blocks IS NULL THEN
        RAISE EXCEPTION 'arguments of ccc.backfill() must not be null'
            USING ERRCODE = '22004', HINT = 'Leave out what is to be as by default.';
    END IF;
    COMMIT;
    -- without a lock, that none who is waited for waits for
    parts := ARRAY(SELECT r.relation FROM ccc.billed_relations(cdr) AS r);
    COMMIT;
    FOREACH part IN ARRAY parts LOOP
        PERFORM ccc.await_writers(part);
    END LOOP;
    COMMIT;
    FOR part IN SELECT r.relation FROM ccc.billed_relations(cdr) AS r WHERE r.has_rows LOOP
        next := 0;
        file := NULL;
        WHILE next IS NOT NULL LOOP
            next := ccc.backfill_blocks(part, next, blocks, since);
            IF file OPERATOR(pg_catalog.<>) pg_catalog.pg_relation_filenode(part) THEN
                next := 0;
            END IF;
            file := pg_catalog.pg_relation_filenode(part);
            COMMIT;
            RAISE INFO 'backfill of %: %', part,
                CASE WHEN next IS NULL THEN 'done' ELSE pg_catalog.format('%s blocks', next) END;
        END LOOP;
    END LOOP;
    PERFORM ccc.end_backfill(source);
END
$$;
COMMENT ON PROCEDURE ccc.backfill(regclass, timestamptz, integer) IS
    'bills the rows of an attached call table that start at an instant or later and were never billed, so many blocks a transaction, after the transactions that have written to it by now; can be called again at any time: what is billed is not billed again; errors: 22004 an argument is null, 42501 not able to act as the table''s owner, who reads it, or partitions have another, or row-level security is forced on it, 55000 not attached, or its mapping cannot be used, 55006 while another backfill of the table, or of what it is attached with, is at work, and what the mapping raises whatever the row says';
REVOKE ALL ON PROCEDURE ccc.backfill(regclass, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE ccc.backfill(regclass, timestamptz, integer) TO ccc_admin;
