/*
 * Stretches: the spans of time that make totals independent of the order in
 * which calls arrive, and charging again where a purchase makes it necessary.
 */
CREATE FUNCTION ccc.stretch(at timestamptz, bounds timestamptz[], time_zone text) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stretch';
COMMENT ON FUNCTION ccc.stretch(timestamptz, timestamptz[], text) IS
    'start of the stretch that holds an instant: the latest of the bounds and the month''s start in the zone';
REVOKE ALL ON FUNCTION ccc.stretch(timestamptz, timestamptz[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.stretch(timestamptz, timestamptz[], text) TO ccc_owner, ccc_admin, ccc_reader;

CREATE FUNCTION ccc.stretch_bounds(account_id bigint, pool text) RETURNS timestamptz[]
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT coalesce(array_agg(b.at ORDER BY b.at), ARRAY[]::timestamptz[])
        FROM ccc.packages AS p,
             LATERAL (VALUES (p.valid_from), (p.valid_until), (p.refunded_at)) AS b (at)
        WHERE p.account_id = stretch_bounds.account_id AND p.pool = stretch_bounds.pool AND b.at < 'infinity';
    END;
COMMENT ON FUNCTION ccc.stretch_bounds(bigint, text) IS 'starts and ends of an account''s packages in a pool, in order';
REVOKE ALL ON FUNCTION ccc.stretch_bounds(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.stretch_bounds(bigint, text) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.usage_in_ledger(account_id bigint, pool text, since timestamptz,
        OUT stretch timestamptz, OUT package_no integer, OUT billed bigint, OUT last_start timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        WITH bounds AS MATERIALIZED (   -- once, not for each call
            SELECT ccc.stretch_bounds(usage_in_ledger.account_id, usage_in_ledger.pool) AS starts),
        holdings AS (
            SELECT l.started_at, coalesce(l.package_no, 0) AS package_no, sum(l.billed) AS billed
            FROM ccc.ledger AS l
                 LEFT JOIN ccc.packages AS p ON p.account_id = l.account_id AND p.package_no = l.package_no
            WHERE l.account_id = usage_in_ledger.account_id AND l.kind IN ('c', 's')
              AND coalesce(l.pool, p.pool) = usage_in_ledger.pool AND l.started_at >= since
            GROUP BY l.call_id, l.direction, l.started_at, 2
            HAVING sum(l.billed) <> 0)
        SELECT ccc.stretch(h.started_at, b.starts, a.time_zone) AS stretch, h.package_no,
               sum(h.billed)::bigint, max(h.started_at)
        FROM holdings AS h, bounds AS b, ccc.accounts AS a
        WHERE a.account_id = usage_in_ledger.account_id
        GROUP BY 1, 2;
    END;
COMMENT ON FUNCTION ccc.usage_in_ledger(bigint, text, timestamptz) IS
    'what ccc.usage must hold for an account and pool, recomputed from the ledger''s entries of calls that start at an instant or later';
REVOKE ALL ON FUNCTION ccc.usage_in_ledger(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.usage_in_ledger(bigint, text, timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.rebalance(account_id bigint, pool text, since timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'rebalance';
COMMENT ON FUNCTION ccc.rebalance(bigint, text, timestamptz) IS
    'moves charges of the calls in a stretch and later ones to where charging in call order puts them; gives the seconds moved; since is the start of a stretch';
REVOKE ALL ON FUNCTION ccc.rebalance(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.rebalance(bigint, text, timestamptz) TO ccc_owner;

CREATE FUNCTION ccc.recharge(account_id bigint, pool text, since timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM ccc.lock_account(account_id);
    DELETE FROM ccc.other_usage AS u
        WHERE u.account_id = recharge.account_id AND u.pool = recharge.pool AND u.stretch >= since;
    UPDATE ccc.packages AS p SET stretch = DEFAULT, stretch_used = DEFAULT, last_start = DEFAULT
        WHERE p.account_id = recharge.account_id AND p.pool = recharge.pool AND p.stretch >= since;
    -- a package whose row holds an earlier stretch goes on holding it
    WITH found AS (
        SELECT u.*, p.stretch IS NOT NULL AND u.stretch = max(u.stretch) OVER (PARTITION BY u.package_no) AS held
        FROM ccc.usage_in_ledger(recharge.account_id, recharge.pool, since) AS u
             LEFT JOIN ccc.packages AS p ON p.account_id = recharge.account_id AND p.package_no = u.package_no AND p.stretch = '-infinity'),
    held AS (
        UPDATE ccc.packages AS p SET stretch = f.stretch, stretch_used = f.billed, last_start = f.last_start
        FROM found AS f
        WHERE p.account_id = recharge.account_id AND p.package_no = f.package_no AND f.held)
    INSERT INTO ccc.other_usage (account_id, pool, stretch, package_no, billed, last_start)
        SELECT recharge.account_id, recharge.pool, f.stretch, f.package_no, f.billed, f.last_start
        FROM found AS f WHERE NOT f.held;
    UPDATE ccc.accounts AS a SET last_other_stretch =
            (SELECT coalesce(max(u.stretch), '-infinity') FROM ccc.other_usage AS u WHERE u.account_id = recharge.account_id)
        WHERE a.account_id = recharge.account_id;
    RETURN ccc.rebalance(account_id, pool, since);
END
$$;
COMMENT ON FUNCTION ccc.recharge(bigint, text, timestamptz) IS
    'divides the calls from the start of a stretch on into stretches anew, and charges them again in call order; gives the seconds moved';
REVOKE ALL ON FUNCTION ccc.recharge(bigint, text, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.usage_is_outdated(account_id bigint, pool text, new_bounds timestamptz[]) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        WITH bounds AS (
            SELECT coalesce(array_agg(b.at) FILTER (WHERE b.at <> ALL (new_bounds)), ARRAY[]::timestamptz[]) AS starts
            FROM unnest(ccc.stretch_bounds(usage_is_outdated.account_id, usage_is_outdated.pool)) AS b (at))
        SELECT coalesce(bool_or(ccc.stretch(u.stretch, b.starts || new_bounds, a.time_zone) <> u.stretch
                                OR ccc.stretch(u.last_start, b.starts, a.time_zone) > u.stretch), false)
        FROM ccc.usage AS u, bounds AS b, ccc.accounts AS a
        WHERE u.account_id = usage_is_outdated.account_id AND u.pool = usage_is_outdated.pool
          AND a.account_id = usage_is_outdated.account_id;
    END;
COMMENT ON FUNCTION ccc.usage_is_outdated(bigint, text, timestamptz[]) IS
    'whether stretches of an account and pool had other bounds, apart from new ones, when calls were counted: the rules of its time zone, or the zone, have changed since';
REVOKE ALL ON FUNCTION ccc.usage_is_outdated(bigint, text, timestamptz[]) FROM PUBLIC;

CREATE FUNCTION ccc.recharge_from(account_id bigint, pool text, bounds timestamptz[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    since timestamptz;
BEGIN
    -- the earliest stretch that a new bound divides, or that comes after one
    SELECT min(u.stretch) INTO since
        FROM ccc.usage AS u, unnest(bounds) AS b (at)
        WHERE u.account_id = recharge_from.account_id AND u.pool = recharge_from.pool AND u.last_start >= b.at;
    IF since IS NULL THEN
        RETURN 0;
    END IF;
    IF ccc.usage_is_outdated(account_id, pool, bounds) THEN
        since := '-infinity';
    END IF;
    RETURN ccc.recharge(account_id, pool, since);
END
$$;
COMMENT ON FUNCTION ccc.recharge_from(bigint, text, timestamptz[]) IS
    'charges again what new starts or ends of packages make necessary; gives the seconds moved';
REVOKE ALL ON FUNCTION ccc.recharge_from(bigint, text, timestamptz[]) FROM PUBLIC;

CREATE FUNCTION ccc.replay(account_id bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    moved bigint := 0;
    p     text;
BEGIN
    PERFORM ccc.lock_account(account_id);
    -- ccc.usage, which is made anew, may lack some
    FOR p IN
        SELECT u.pool FROM ccc.usage AS u WHERE u.account_id = replay.account_id
        UNION
        SELECT k.pool FROM ccc.packages AS k WHERE k.account_id = replay.account_id
        UNION
        SELECT l.pool FROM ccc.ledger AS l WHERE l.account_id = replay.account_id AND l.kind = 's'
        ORDER BY 1
    LOOP
        moved := moved + ccc.recharge(account_id, p, '-infinity');
    END LOOP;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION ccc.replay(bigint) IS
    'charges an account''s calls again in call order; gives the seconds moved from one package, or the shortfall, to another: 0 when all is well; error 42704 when there is no such account';
REVOKE ALL ON FUNCTION ccc.replay(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.replay(bigint) TO ccc_admin;
