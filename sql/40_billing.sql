/*
 * Billing: call tables, attached and detached, and the deduction asked by
 * itself. attach and its kin are the invoker's: they can do to a table only
 * what the caller may.
 */
CREATE TYPE ccc.package_state AS (
    package_no  integer,
    valid_from  timestamptz,
    valid_until timestamptz,
    remaining   bigint
);
COMMENT ON TYPE ccc.package_state IS 'a package as the deduction sees it: validity, and seconds left';

CREATE FUNCTION ccc.deduct(packages ccc.package_state[], started_at timestamptz, billed bigint,
                           OUT package_no integer, OUT seconds bigint) RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'deduct_from';
COMMENT ON FUNCTION ccc.deduct(ccc.package_state[], timestamptz, bigint) IS
    'how so many billed seconds of a call would be spread over packages, in order; package_no null is the shortfall; errors: 22003 negative seconds, 22004 a null in a package';
REVOKE ALL ON FUNCTION ccc.deduct(ccc.package_state[], timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.deduct(ccc.package_state[], timestamptz, bigint) TO ccc_admin, ccc_writer, ccc_reader;

CREATE FUNCTION ccc.bill() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'bill';
COMMENT ON FUNCTION ccc.bill() IS
    'trigger, for each statement: bills the call records that the statement stored, takes back the charges of those that it updated or deleted, and refuses TRUNCATE; set up by ccc.attach()';
REVOKE ALL ON FUNCTION ccc.bill() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.bill() TO ccc_admin;

CREATE FUNCTION ccc.check_mapping(cdr regclass, field text, expression text, time_zone text DEFAULT NULL) RETURNS void
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'check_mapping';
COMMENT ON FUNCTION ccc.check_mapping(regclass, text, text, text) IS
    'refuses an expression that cannot serve as a field (call_id, started_at, seconds, caller, callee, finished, direction) of a call table''s mapping, read as the table''s owner; errors: 42501 not able to act as that owner, or a schema that is closed to it, and those of the expression';
REVOKE ALL ON FUNCTION ccc.check_mapping(regclass, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_mapping(regclass, text, text, text) TO ccc_admin;

CREATE FUNCTION ccc.billed_relations(cdr regclass, OUT relation regclass, OUT has_rows boolean) RETURNS SETOF record
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        -- pg_partition_tree() would lock them, and who waits for a lock is to hold no weaker one
        WITH RECURSIVE tree (relid, level) AS (
            SELECT cdr::oid, 0
            UNION ALL
            SELECT i.inhrelid, t.level + 1
            FROM tree AS t
                 JOIN pg_class AS c ON c.oid = t.relid AND c.relkind = 'p'
                 JOIN pg_inherits AS i ON i.inhparent = t.relid AND NOT i.inhdetachpending)
        SELECT c.oid::regclass, c.relkind <> 'p'
        FROM tree AS t JOIN pg_class AS c ON c.oid = t.relid
        ORDER BY t.level, c.oid;
    END;
COMMENT ON FUNCTION ccc.billed_relations(regclass) IS
    'the table, and the partitions under it, none of them locked, parents first: all that needs triggers, for a row can be written straight into a partition';
REVOKE ALL ON FUNCTION ccc.billed_relations(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.billed_relations(regclass) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.lock_call_table(cdr regclass, exclusively boolean) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'lock_call_table';
COMMENT ON FUNCTION ccc.lock_call_table(regclass, boolean) IS
    'locks a table of the caller''s and its partitions as making triggers does, or, exclusively, as dropping them, after all others who attach or detach one; errors: 42P01 no table, 42501 not the caller''s';
REVOKE ALL ON FUNCTION ccc.lock_call_table(regclass, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.lock_call_table(regclass, boolean) TO ccc_admin;

CREATE FUNCTION ccc.check_call_table(cdr regclass) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    relation pg_class;
    problem  text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = cdr) THEN
        RAISE EXCEPTION 'call table does not exist' USING ERRCODE = '42P01';
    END IF;
    FOR relation IN SELECT c.* FROM ccc.billed_relations(cdr) AS r JOIN pg_class AS c ON c.oid = r.relation LOOP
        problem := CASE
            WHEN relation.relispartition AND relation.oid = cdr THEN 'a partition'
            WHEN relation.relkind NOT IN ('r', 'p') THEN 'not an ordinary or partitioned table'
            WHEN relation.relpersistence = 't' THEN 'temporary'
            WHEN relation.relpersistence = 'u' THEN 'unlogged'
            WHEN relation.relkind = 'r' AND NOT relation.relispartition
                 AND EXISTS (SELECT FROM pg_inherits WHERE relation.oid IN (inhparent, inhrelid)) THEN 'part of an inheritance tree'
            WHEN relation.relnamespace = 'ccc'::regnamespace THEN 'one of ccc''s own'
        END;
        IF problem IS NOT NULL THEN
            RAISE EXCEPTION 'table "%" cannot be billed: it is %', relation.oid::regclass, problem
                USING ERRCODE = '42809',
                      HINT = CASE problem WHEN 'a partition' THEN 'Attach the partitioned table.'
                                          ELSE 'Attach a permanent, logged, ordinary or partitioned table.' END;
        END IF;
        IF NOT pg_has_role(relation.relowner, 'USAGE') THEN
            RAISE EXCEPTION 'must be owner of table "%"', relation.oid::regclass
                USING ERRCODE = '42501', HINT = 'Attach as the table''s owner, or as a member of the owning role.';
        ELSIF relation.relowner <> (SELECT c.relowner FROM pg_class AS c WHERE c.oid = cdr) THEN
            RAISE EXCEPTION 'partition "%" belongs to another than table "%"', relation.oid::regclass, cdr
                USING ERRCODE = '42501', HINT = 'Give them one owner with ALTER TABLE ... OWNER TO.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ccc.check_call_table(regclass) IS
    'refuses a table that cannot be billed (42809), or is not the caller''s or has partitions of another owner (42501)';
REVOKE ALL ON FUNCTION ccc.check_call_table(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_call_table(regclass) TO ccc_admin;

CREATE FUNCTION ccc.has_billing_triggers(relation regclass, replicated boolean) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        -- where applied rows have a trigger of their own, no other fires for them
        SELECT count(*) FILTER (WHERE (t.tgname, t.tgtype, coalesce(t.tgoldtable, ''), coalesce(t.tgnewtable, ''))
                                          IN (('ccc_bill_insert', 4, '', 'ccc_stored'),
                                              ('ccc_bill_update', 16, 'ccc_gone', 'ccc_stored'),
                                              ('ccc_bill_delete', 8, 'ccc_gone', ''))
                                  AND (t.tgenabled = 'O' OR t.tgenabled = 'A' AND NOT replicated)) = 3
               AND count(*) FILTER (WHERE t.tgname = 'ccc_bill_truncate' AND t.tgtype = 34
                                      AND (t.tgenabled = 'A' OR t.tgenabled = 'O' AND NOT replicated)) = 1
               AND (NOT replicated OR c.relkind = 'p'
                    OR count(*) FILTER (WHERE t.tgenabled = 'R' AND t.tgname = 'ccc_bill_replicated' AND t.tgtype = 29) = 1)
        FROM pg_class AS c
             LEFT JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgqual IS NULL AND t.tgattr = ''
                 AND t.tgfoid IN (SELECT p.oid FROM pg_proc AS p
                                  WHERE p.pronamespace = 'ccc'::regnamespace AND p.proname = 'bill')
        WHERE c.oid = relation
        GROUP BY c.relkind;
    END;
COMMENT ON FUNCTION ccc.has_billing_triggers(regclass, boolean) IS
    'whether a table has its billing triggers, as attach() makes them, enabled; that for replicated rows too, if asked for';
REVOKE ALL ON FUNCTION ccc.has_billing_triggers(regclass, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.has_billing_triggers(regclass, boolean) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.lacking_triggers(cdr regclass) RETURNS regclass[]
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT ARRAY(SELECT r.relation
                     FROM ccc.sources AS s, ccc.billed_relations(lacking_triggers.cdr) AS r
                     WHERE s.cdr = lacking_triggers.cdr AND s.detached_at IS NULL
                       AND NOT ccc.has_billing_triggers(r.relation, s.replicated));
    END;
COMMENT ON FUNCTION ccc.lacking_triggers(regclass) IS
    'an attached table, and the partitions under it, so far as they lack billing triggers';
REVOKE ALL ON FUNCTION ccc.lacking_triggers(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.lacking_triggers(regclass) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.create_billing_triggers(relation regclass, replicated boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    name text;
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER ccc_bill_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS ccc_stored '
                   'FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill()', relation);
    EXECUTE format('CREATE OR REPLACE TRIGGER ccc_bill_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS ccc_gone NEW TABLE AS ccc_stored '
                   'FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill()', relation);
    EXECUTE format('CREATE OR REPLACE TRIGGER ccc_bill_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS ccc_gone '
                   'FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill()', relation);
    EXECUTE format('CREATE OR REPLACE TRIGGER ccc_bill_truncate BEFORE TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill()', relation);
    FOREACH name IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER ccc_bill_%s', relation, name);
    END LOOP;
    IF replicated THEN
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER ccc_bill_truncate', relation);
    END IF;
    IF replicated AND (SELECT c.relkind FROM pg_class AS c WHERE c.oid = relation) <> 'p' THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER ccc_bill_replicated AFTER INSERT OR UPDATE OR DELETE ON %s '
                       'FOR EACH ROW EXECUTE FUNCTION ccc.bill()', relation);
        EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER ccc_bill_replicated', relation);
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.create_billing_triggers(regclass, boolean) IS
    'makes the triggers of a call table or partition; those of replicated rows are row triggers, for the apply worker fires no others but that of TRUNCATE';
REVOKE ALL ON FUNCTION ccc.create_billing_triggers(regclass, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.create_billing_triggers(regclass, boolean) TO ccc_admin;

CREATE FUNCTION ccc.adopt_exceptions(cdr regclass) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    BEGIN ATOMIC
        -- the order in which every session locks: accounts, then exceptions
        SELECT FROM ccc.accounts AS a
        WHERE a.account_id IN (
            SELECT e.account_id FROM ccc.exception_log AS e JOIN ccc.billed_relations(cdr) AS r ON r.relation = e.source
            WHERE e.resolved_at IS NULL AND e.source <> cdr)
        ORDER BY a.account_id FOR NO KEY UPDATE;
        WITH open AS (
            SELECT e.exception_id
            FROM ccc.exception_log AS e JOIN ccc.billed_relations(cdr) AS r ON r.relation = e.source
            WHERE e.resolved_at IS NULL AND e.source <> cdr
            ORDER BY e.exception_id FOR UPDATE OF e)
        UPDATE ccc.exception_log AS e SET source = cdr
        FROM open AS o
        WHERE e.exception_id = o.exception_id
            AND EXISTS (SELECT FROM ccc.sources AS s WHERE s.cdr = adopt_exceptions.cdr AND s.detached_at IS NULL);
    END;
COMMENT ON FUNCTION ccc.adopt_exceptions(regclass) IS
    'makes the open exceptions of tables that were billed by themselves, and are partitions of an attached one by now, exceptions of that: there its statements find them';
REVOKE ALL ON FUNCTION ccc.adopt_exceptions(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.adopt_exceptions(regclass) TO ccc_admin;

CREATE FUNCTION ccc.attach_partitions(cdr regclass) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    source  ccc.sources;
    lacking regclass[];
    locked  regclass;
    others  oid[];
    part    regclass;
BEGIN
    -- where one partition lacks them, as when it is new, who writes to the others goes on
    lacking := ccc.lacking_triggers(cdr);
    IF lacking <> '{}' THEN
        BEGIN
            locked := CASE cardinality(lacking) WHEN 1 THEN lacking[1] ELSE cdr END;
            PERFORM ccc.lock_call_table(locked, false);
        EXCEPTION WHEN undefined_table THEN
            NULL;       -- it was dropped meanwhile
        END;
        lacking := ARRAY(SELECT l.part FROM unnest(ccc.lacking_triggers(cdr)) AS l (part) WHERE locked IN (cdr, l.part));
    END IF;
    PERFORM ccc.check_call_table(cdr);
    SELECT * INTO source FROM ccc.sources AS s WHERE s.cdr = attach_partitions.cdr AND s.detached_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table "%" is not attached', cdr
            USING ERRCODE = '55000', HINT = 'Attach it with ccc.attach().';
    END IF;
    others := ARRAY(SELECT t.oid FROM pg_trigger AS t WHERE t.tgfoid = 'ccc.bill'::regproc);
    FOREACH part IN ARRAY lacking LOOP
        PERFORM ccc.create_billing_triggers(part, source.replicated);
    END LOOP;
    -- a name may come to mean another table at any moment, even of a table that is locked
    IF EXISTS (SELECT FROM unnest(lacking) AS l (part) WHERE NOT ccc.has_billing_triggers(l.part, source.replicated))
       OR EXISTS (SELECT FROM pg_trigger AS t
                  WHERE t.tgfoid = 'ccc.bill'::regproc
                    AND t.oid NOT IN (SELECT unnest(others)) AND t.tgrelid NOT IN (SELECT unnest(lacking))
                    -- others attach theirs meanwhile
                    AND NOT EXISTS (SELECT FROM ccc.sources AS s
                                    WHERE s.detached_at IS NULL
                                      AND (s.cdr = t.tgrelid OR s.cdr IN (SELECT a.relid FROM pg_partition_ancestors(t.tgrelid) AS a)))) THEN
        RAISE EXCEPTION 'the name of table "%", or of a partition, has come to mean another', cdr
            USING ERRCODE = '40001', HINT = 'Run it again when nobody renames the table or its schema.';
    END IF;
    PERFORM ccc.adopt_exceptions(cdr);
    RETURN cardinality(lacking);
END
$$;
COMMENT ON FUNCTION ccc.attach_partitions(regclass) IS
    'gives an attached table, and the partitions made since, the triggers that they lack, and what was told of partitions when they were billed by themselves to the table; gives how many tables lacked some triggers; errors as ccc.attach()';
REVOKE ALL ON FUNCTION ccc.attach_partitions(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.attach_partitions(regclass) TO ccc_admin;

CREATE FUNCTION ccc.is_being_backfilled(source regclass) RETURNS boolean
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT EXISTS (SELECT FROM pg_locks AS l
                       WHERE l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                         AND l.locktype = 'object' AND l.classid = 'ccc.sources'::regclass AND l.objid = source);
    END;
COMMENT ON FUNCTION ccc.is_being_backfilled(regclass) IS
    'whether a session backfills an attached table, or a partition of it, at the moment: it holds the lock that ccc.mark_backfill() takes';
REVOKE ALL ON FUNCTION ccc.is_being_backfilled(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.is_being_backfilled(regclass) TO ccc_admin;

CREATE FUNCTION ccc.attach(cdr regclass, call_id text, started_at text, seconds text, caller text, callee text,
                           finished text DEFAULT 'true', time_zone text DEFAULT NULL, direction text DEFAULT NULL,
                           on_delete text DEFAULT 'reverse', unknown text DEFAULT 'exception',
                           max_seconds bigint DEFAULT 86400, max_ahead bigint DEFAULT 86400,
                           replicated boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    fields text[][] := ARRAY[['call_id', call_id], ['started_at', started_at], ['seconds', seconds],
                             ['caller', caller], ['callee', callee], ['finished', finished]];
    field  text[];
BEGIN
    IF cdr IS NULL THEN
        RAISE EXCEPTION 'the call table must not be null' USING ERRCODE = '22004';
    END IF;
    PERFORM ccc.lock_call_table(cdr, false);
    PERFORM ccc.check_call_table(cdr);
    IF on_delete IS NULL OR on_delete NOT IN ('reverse', 'keep') THEN
        RAISE EXCEPTION 'on_delete "%" is unknown', coalesce(on_delete, 'null')
            USING ERRCODE = '22023', HINT = 'It is "reverse" or "keep".';
    ELSIF unknown IS NULL OR unknown NOT IN ('exception', 'ignore') THEN
        RAISE EXCEPTION 'unknown "%" is unknown', coalesce(unknown, 'null')
            USING ERRCODE = '22023', HINT = 'It is "exception" or "ignore".';
    ELSIF max_seconds IS NULL OR max_seconds NOT BETWEEN 1 AND 1000000000
          OR max_ahead IS NULL OR max_ahead NOT BETWEEN 0 AND 1000000000 THEN
        RAISE EXCEPTION 'max_seconds or max_ahead is out of range'
            USING ERRCODE = '22003', HINT = 'Both are seconds, up to 1000000000.';
    END IF;
    PERFORM ccc.check_time_zone(time_zone);

    FOREACH field SLICE 1 IN ARRAY fields LOOP
        PERFORM ccc.check_mapping(r.relation, field[1], field[2], time_zone) FROM ccc.billed_relations(cdr) AS r;
    END LOOP;
    IF direction IS NOT NULL THEN
        PERFORM ccc.check_mapping(r.relation, 'direction', direction, time_zone) FROM ccc.billed_relations(cdr) AS r;
    END IF;

    IF EXISTS (SELECT FROM ccc.sources AS s WHERE s.cdr = attach.cdr AND s.detached_at IS NULL) THEN
        RAISE EXCEPTION 'table "%" is attached already', cdr
            USING ERRCODE = '55000', HINT = 'To change its mapping, detach it first.';
    ELSIF ccc.is_being_backfilled(cdr) THEN
        RAISE EXCEPTION 'table "%" is being backfilled still', cdr
            USING ERRCODE = '55006', HINT = 'Wait for the end of that backfill, or cancel it.';
    END IF;
    INSERT INTO ccc.sources AS s (source_no, cdr, call_id, started_at, seconds, caller, callee, finished, direction,
                                  time_zone, on_delete, unknown, max_seconds, max_ahead, replicated, attached_at)
        SELECT coalesce(max(m.source_no), 0) + 1, attach.cdr, attach.call_id, attach.started_at, attach.seconds,
               attach.caller, attach.callee, attach.finished, attach.direction, attach.time_zone,
               attach.on_delete, attach.unknown, attach.max_seconds, attach.max_ahead, coalesce(attach.replicated, false), now()
        FROM ccc.sources AS m
        ON CONFLICT (cdr) DO UPDATE
        SET (call_id, started_at, seconds, caller, callee, finished, direction, time_zone,
             on_delete, unknown, max_seconds, max_ahead, replicated, attached_at, detached_at,
             backfill_since, backfilled_at)
          = (excluded.call_id, excluded.started_at, excluded.seconds, excluded.caller, excluded.callee,
             excluded.finished, excluded.direction, excluded.time_zone,
             excluded.on_delete, excluded.unknown, excluded.max_seconds, excluded.max_ahead, excluded.replicated,
             excluded.attached_at, NULL,
             NULL, CASE WHEN s.backfill_since IS NULL THEN s.backfilled_at ELSE clock_timestamp() END);

    PERFORM ccc.attach_partitions(cdr);
END
$$;
COMMENT ON FUNCTION ccc.attach(regclass, text, text, text, text, text, text, text, text, text, text, bigint, bigint, boolean) IS
    'bills every record stored in a call table from now on; the mapping is SQL expressions over the table''s columns, time_zone the zone of times without one; errors: 42501 not the caller''s table, partitions of another owner, or a mapping with a schema that is closed to the owner, 42809 a table that cannot be billed, 55000 attached already, 55006 a backfill from before it was detached is at work, and those of the expressions, each naming its field';
REVOKE ALL ON FUNCTION ccc.attach(regclass, text, text, text, text, text, text, text, text, text, text, bigint, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.attach(regclass, text, text, text, text, text, text, text, text, text, text, bigint, bigint, boolean) TO ccc_admin;

CREATE FUNCTION ccc.check_detachable(cdr regclass) RETURNS void
    LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    -- a partition that was detached from its table has its triggers still
    IF NOT EXISTS (SELECT FROM ccc.sources AS s WHERE s.cdr = check_detachable.cdr AND s.detached_at IS NULL)
       AND (EXISTS (SELECT FROM ccc.sources AS s JOIN pg_partition_ancestors(check_detachable.cdr) AS a ON a.relid = s.cdr
                    WHERE s.detached_at IS NULL)
            OR NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = check_detachable.cdr AND t.tgfoid = 'ccc.bill'::regproc)) THEN
        RAISE EXCEPTION 'table "%" is not attached', cdr
            USING ERRCODE = '55000', HINT = 'See ccc.sources for those that are.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_detachable(regclass) IS
    'refuses (55000) what is not attached and is no partition that was detached from a table that is';
REVOKE ALL ON FUNCTION ccc.check_detachable(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_detachable(regclass) TO ccc_admin;

CREATE FUNCTION ccc.detach(cdr regclass) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    trigger record;
BEGIN
    PERFORM ccc.check_detachable(cdr);
    IF EXISTS (SELECT FROM pg_class AS c WHERE c.oid = cdr) THEN
        PERFORM ccc.lock_call_table(cdr, true);
        PERFORM ccc.check_detachable(cdr);
    END IF;
    UPDATE ccc.sources AS s SET detached_at = now()
        WHERE s.cdr = detach.cdr AND s.detached_at IS NULL;
    FOR trigger IN
        SELECT t.tgname AS name, r.relation
        FROM ccc.billed_relations(cdr) AS r JOIN pg_trigger AS t ON t.tgrelid = r.relation
        WHERE t.tgfoid = 'ccc.bill'::regproc
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trigger.name, trigger.relation);
        IF EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = trigger.relation AND t.tgname = trigger.name) THEN
            RAISE EXCEPTION 'the name of table "%" has come to mean another', trigger.relation
                USING ERRCODE = '40001', HINT = 'Run it again when nobody renames the table or its schema.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ccc.detach(regclass) IS
    'stops billing a call table, and drops the triggers of a partition that was detached from one; what was billed stays; errors: 55000 not attached, 42501 not the caller''s table';
REVOKE ALL ON FUNCTION ccc.detach(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.detach(regclass) TO ccc_admin;

CREATE FUNCTION ccc.create_calls_table(name text DEFAULT 'calls') RETURNS regclass
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    AS $$
DECLARE
    parts pg_catalog.text[] := pg_catalog.parse_ident(name);
    cdr   pg_catalog.regclass;
BEGIN
    -- the table is the caller's, and goes where the caller's search_path says
    IF pg_catalog.array_length(parts, 1) OPERATOR(pg_catalog.>) 1 THEN
        name := pg_catalog.format('%I.%I', parts[1], parts[2]);
    ELSE
        name := pg_catalog.format('%I.%I', pg_catalog.current_schema(), parts[1]);
    END IF;
    EXECUTE pg_catalog.format('CREATE TABLE %s (call_id pg_catalog.text, caller pg_catalog.text, callee pg_catalog.text, '
                              'started_at pg_catalog.timestamptz, seconds pg_catalog.numeric)', name);
    cdr := name;
    PERFORM ccc.attach(cdr, 'call_id', 'started_at', 'seconds', 'caller', 'callee');
    RETURN cdr;
END
$$;
COMMENT ON FUNCTION ccc.create_calls_table(text) IS
    'makes and attaches a table of calls of the caller''s: call_id, caller, callee, started_at, seconds (null while the call lasts)';
REVOKE ALL ON FUNCTION ccc.create_calls_table(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.create_calls_table(text) TO ccc_admin;
