/*
 * What was there before attach, or was written while triggers were off.
 */
CREATE FUNCTION ccc.backfill_blocks(cdr regclass, first_block bigint, blocks integer, since timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'backfill_blocks';
COMMENT ON FUNCTION ccc.backfill_blocks(regclass, bigint, integer, timestamptz) IS
    'bills the rows of some blocks of a call table that start at an instant or later and were never billed; gives the block to go on from, null at the end';
REVOKE ALL ON FUNCTION ccc.backfill_blocks(regclass, bigint, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.backfill_blocks(regclass, bigint, integer, timestamptz) TO ccc_admin;

-- a procedure that commits can neither pin a setting nor run as another
CREATE PROCEDURE ccc.backfill(cdr regclass, since timestamptz DEFAULT '-infinity', blocks integer DEFAULT 1000)
    LANGUAGE plpgsql
    AS $$
DECLARE
    part pg_catalog.regclass;
    next pg_catalog.int8;
BEGIN
    FOR part IN SELECT r.relation FROM ccc.billed_relations(cdr) AS r WHERE r.has_rows LOOP
        next := 0;
        WHILE next IS NOT NULL LOOP
            next := ccc.backfill_blocks(part, next, blocks, since);
            COMMIT;
            RAISE INFO 'backfill of %: %', part,
                CASE WHEN next IS NULL THEN 'done' ELSE pg_catalog.format('%s blocks', next) END;
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE ccc.backfill(regclass, timestamptz, integer) IS
    'bills the rows of an attached call table that start at an instant or later and were never billed, so many blocks a transaction; can be called again at any time: what is billed is not billed again';
REVOKE ALL ON PROCEDURE ccc.backfill(regclass, timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE ccc.backfill(regclass, timestamptz, integer) TO ccc_admin;
