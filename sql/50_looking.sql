/*
 * Looking: what is left, what each call cost and why, what could not be rated.
 */
CREATE FUNCTION ccc.minutes(seconds numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN trim_scale(round(seconds / 60, 6));
COMMENT ON FUNCTION ccc.minutes(numeric) IS 'seconds shown as minutes, to six decimals';

CREATE FUNCTION ccc.charge_amount(billed numeric, price numeric, granted bigint) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN trim_scale(round(billed * price / nullif(granted, 0), 6));
COMMENT ON FUNCTION ccc.charge_amount(numeric, numeric, bigint) IS
    'yuan for billed seconds of a package that was bought at a price and granted so many seconds, to six decimals';

CREATE VIEW ccc.package_balances WITH (security_invoker = true) AS
    SELECT p.account_id, p.package_no, p.product, p.pool,
           ccc.minutes(p.granted) AS granted_minutes,
           ccc.minutes(p.used) AS used_minutes,
           ccc.minutes(CASE WHEN least(p.valid_until, p.refunded_at) > now() THEN p.granted - p.used - p.refunded ELSE 0 END) AS remaining_minutes,
           ccc.minutes(CASE WHEN least(p.valid_until, p.refunded_at) > now() THEN 0 ELSE p.granted - p.used - p.refunded END) AS expired_minutes,
           ccc.minutes(p.refunded) AS refunded_minutes,
           p.valid_from, p.valid_until,
           ccc.charge_amount(60, p.price, p.granted) AS unit_price
    FROM ccc.packages AS p;
COMMENT ON VIEW ccc.package_balances IS 'packages and what is left of them now; unit_price in yuan per minute';

CREATE FUNCTION ccc.used_before(account_id bigint, at timestamptz, OUT package_no integer, OUT billed numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    divided integer[];
BEGIN
    RETURN QUERY
    SELECT u.package_no, sum(u.billed)
    FROM ccc.usage AS u
    WHERE u.account_id = used_before.account_id AND u.package_no > 0 AND u.stretch < at
    GROUP BY u.package_no HAVING max(u.last_start) < at;

    -- where one stretch has calls before the instant and after it, only the ledger tells
    SELECT array_agg(DISTINCT u.package_no) INTO divided
        FROM ccc.usage AS u
        WHERE u.account_id = used_before.account_id AND u.package_no > 0 AND u.stretch < at AND u.last_start >= at;
    IF divided IS NOT NULL THEN
        RETURN QUERY
        SELECT l.package_no, sum(l.billed)
        FROM ccc.ledger AS l
        WHERE l.account_id = used_before.account_id AND l.kind = 'c' AND l.started_at < at AND l.package_no = ANY (divided)
        GROUP BY l.package_no;
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.used_before(bigint, timestamptz) IS
    'seconds that the calls of an account drew which started before an instant, by package';
REVOKE ALL ON FUNCTION ccc.used_before(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.used_before(bigint, timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.balances(at timestamptz) RETURNS SETOF ccc.package_balances
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT p.account_id, p.package_no, p.product, p.pool,
               ccc.minutes(p.granted),
               ccc.minutes(s.used),
               ccc.minutes(CASE WHEN least(p.valid_until, p.refunded_at) > at THEN p.granted - s.used - s.refunded ELSE 0 END),
               ccc.minutes(CASE WHEN least(p.valid_until, p.refunded_at) > at THEN 0 ELSE p.granted - s.used - s.refunded END),
               ccc.minutes(s.refunded),
               p.valid_from, p.valid_until,
               ccc.charge_amount(60, p.price, p.granted)
        FROM (SELECT a.account_id, k.*
              FROM ccc.accounts AS a, LATERAL ccc.used_before(a.account_id, at) AS k) AS u
             RIGHT JOIN ccc.packages AS p ON p.account_id = u.account_id AND p.package_no = u.package_no,
             LATERAL (SELECT coalesce(u.billed, 0),
                             CASE WHEN p.refunded_at <= at THEN p.refunded ELSE 0 END) AS s (used, refunded)
        WHERE p.valid_from <= at;
    END;
COMMENT ON FUNCTION ccc.balances(timestamptz) IS
    'package balances as of an instant: the packages valid by then, less the calls that started before it';
REVOKE ALL ON FUNCTION ccc.balances(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.balances(timestamptz) TO ccc_admin, ccc_reader;

CREATE VIEW ccc.call_charges WITH (security_invoker = true) AS
    SELECT h.account_id, h.call_id,
           (array_agg(h.started_at ORDER BY h.entry_no DESC))[1] AS started_at,
           (array_agg(h.number ORDER BY h.entry_no DESC))[1] AS number,
           CASE h.direction WHEN 'o' THEN 'outbound' ELSE 'inbound' END AS direction,
           max(h.pool) FILTER (WHERE h.billed > 0) AS pool,
           CASE WHEN sum(h.billed) FILTER (WHERE h.kind = 's') > 0 THEN 'short'
                WHEN sum(h.billed) FILTER (WHERE h.kind = 'c') > 0 THEN 'charged'
                ELSE 'free' END AS outcome,
           (array_agg(h.seconds ORDER BY h.entry_no DESC))[1] AS seconds,
           ccc.minutes(sum(h.billed)) AS billed_minutes,
           ccc.minutes(coalesce(sum(h.billed) FILTER (WHERE h.kind = 'c'), 0)) AS covered_minutes,
           ccc.minutes(coalesce(sum(h.billed) FILTER (WHERE h.kind = 's'), 0)) AS short_minutes,
           coalesce(sum(h.amount), 0) AS amount
    FROM (SELECT l.account_id, l.call_id, l.direction, l.kind,
                 max(l.entry_no) AS entry_no,
                 (array_agg(l.started_at ORDER BY l.entry_no DESC))[1] AS started_at,
                 (array_agg(l.number ORDER BY l.entry_no DESC))[1] AS number,
                 (array_agg(l.seconds ORDER BY l.entry_no DESC))[1] AS seconds,
                 max(coalesce(l.pool, p.pool)) AS pool,
                 sum(l.billed) AS billed,
                 ccc.charge_amount(sum(l.billed), max(p.price), max(p.granted)) AS amount
          FROM ccc.ledger AS l
               LEFT JOIN ccc.packages AS p ON p.account_id = l.account_id AND p.package_no = l.package_no
          GROUP BY l.account_id, l.call_id, l.direction, l.kind, l.package_no, l.pool) AS h
    GROUP BY h.account_id, h.call_id, h.direction
    HAVING sum(h.billed) > 0;
COMMENT ON VIEW ccc.call_charges IS 'billed calls, one row for each side of a call, and what each cost; amount in yuan at the unit prices of the packages drawn on';

CREATE VIEW ccc.shortfalls WITH (security_invoker = true) AS
    SELECT u.account_id, u.pool, sum(u.billed)::bigint AS billed, ccc.minutes(sum(u.billed)) AS short_minutes
    FROM ccc.usage AS u
    WHERE u.package_no = 0
    GROUP BY u.account_id, u.pool
    HAVING sum(u.billed) > 0;
COMMENT ON VIEW ccc.shortfalls IS 'billed seconds that no package could cover, by account and pool';

CREATE VIEW ccc.exceptions WITH (security_invoker = true) AS
    SELECT e.source, e.account_id, e.call_id, e.reason, e.record, e.seen_at, e.resolved_at,
           CASE e.direction WHEN 'o' THEN 'outbound' WHEN 'i' THEN 'inbound' END AS direction,
           e.detail, e.resolution, e.exception_id
    FROM ccc.exception_log AS e;
COMMENT ON VIEW ccc.exceptions IS 'records that could not be rated: why, the row itself, and when it was resolved';

CREATE VIEW ccc.wallets WITH (security_invoker = true) AS
    SELECT w.account_id, w.entry_no, w.made_at, w.reason, w.amount, w.balance,
           w.purchase_no, p.product, p.quantity, p.periods
    FROM ccc.wallet_entries AS w
         LEFT JOIN ccc.purchases AS p USING (account_id, purchase_no);
COMMENT ON VIEW ccc.wallets IS 'every yuan in and out of the wallets, with what it bought';

GRANT SELECT ON ccc.package_balances, ccc.call_charges, ccc.shortfalls, ccc.exceptions, ccc.wallets TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.explain_call(account_id bigint, call_id text) RETURNS SETOF text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    zone  text := (SELECT a.time_zone FROM ccc.accounts AS a WHERE a.account_id = explain_call.account_id);
    stamp text := 'YYYY-MM-DD HH24:MI:SS';
    side  record;
    part  record;
BEGIN
    FOR side IN
        SELECT c.*,
               (SELECT p.increment FROM ccc.pools AS p
                WHERE p.code = c.pool AND p.valid_from <= c.started_at
                ORDER BY p.valid_from DESC LIMIT 1) AS increment
        FROM ccc.call_charges AS c
        WHERE c.account_id = explain_call.account_id AND c.call_id = explain_call.call_id
        ORDER BY c.direction
    LOOP
        RETURN NEXT format('%s call on %s, started %s %s, lasted %s s',
                           side.direction, side.number, to_char(timezone(zone, side.started_at), stamp), zone, side.seconds);
        RETURN NEXT CASE side.outcome
            WHEN 'free' THEN format('free: %s min by started minutes, nothing to pay', side.billed_minutes)
            ELSE format('pool %s, increment %s: %s min to pay', side.pool,
                        -- what it was rated by may have been replaced since
                        CASE WHEN ccc.minutes(ccc.billed_seconds(side.seconds, side.increment)) = side.billed_minutes
                             THEN side.increment::text
                             ELSE 'as it was when the call was rated' END,
                        side.billed_minutes)
        END;
        FOR part IN
            SELECT l.package_no, l.kind, sum(l.billed) AS billed, p.product, p.valid_until, p.price, p.granted
            FROM ccc.ledger AS l
                 LEFT JOIN ccc.packages AS p ON p.account_id = l.account_id AND p.package_no = l.package_no
            WHERE l.account_id = explain_call.account_id AND l.call_id = explain_call.call_id
              AND l.direction = CASE side.direction WHEN 'outbound' THEN 'o'::"char" ELSE 'i' END
              AND l.kind IN ('c', 's')
            GROUP BY l.kind, l.package_no, p.product, p.valid_from, p.valid_until, p.price, p.granted
            HAVING sum(l.billed) <> 0
            ORDER BY l.kind, p.valid_until, p.valid_from, l.package_no
        LOOP
            RETURN NEXT CASE part.kind
                WHEN 'c' THEN format('  %s min from package %s (%s, valid until %s), %s yuan at %s a minute',
                                     ccc.minutes(part.billed), part.package_no, part.product,
                                     to_char(timezone(zone, part.valid_until), stamp),
                                     ccc.charge_amount(part.billed, part.price, part.granted),
                                     ccc.charge_amount(60, part.price, part.granted))
                ELSE format('  %s min short: no package of the pool that was valid at the start had time left',
                            ccc.minutes(part.billed))
            END;
        END LOOP;
        RETURN QUERY
            SELECT format('stored again %s, at no cost', CASE r.n WHEN 1 THEN 'once' ELSE r.n || ' times' END)
            FROM (SELECT count(*) FILTER (WHERE l.kind = 'r') - count(*) FILTER (WHERE l.kind = 'x') AS n
                  FROM ccc.ledger AS l
                  WHERE l.account_id = explain_call.account_id AND l.call_id = explain_call.call_id
                    AND l.direction = CASE side.direction WHEN 'outbound' THEN 'o'::"char" ELSE 'i' END) AS r
            WHERE r.n > 0;
    END LOOP;
    RETURN QUERY
        SELECT format('not rated: %s%s%s', e.reason, ': ' || e.detail,
                      ' (resolved ' || to_char(timezone(zone, e.resolved_at), stamp) || ')')
        FROM ccc.exception_log AS e
        WHERE e.account_id = explain_call.account_id AND e.call_id = explain_call.call_id
        ORDER BY e.seen_at;
END
$$;
COMMENT ON FUNCTION ccc.explain_call(bigint, text) IS
    'how a call was charged and why, in lines for a person; none when the account has no such call';
REVOKE ALL ON FUNCTION ccc.explain_call(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.explain_call(bigint, text) TO ccc_admin, ccc_reader;
