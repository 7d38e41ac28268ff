/*
 * An account on one page.
 */
CREATE FUNCTION ccc.upcoming(account_id bigint, since timestamptz, until timestamptz,
        OUT item text, OUT state text, OUT amount numeric, OUT unit text, OUT at timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT CASE WHEN r.number IS NULL THEN format('%s x %s', r.quantity, r.product) ELSE format('%s %s', r.product, r.number) END,
               CASE WHEN r.auto_renew THEN coalesce('not renewable: ' || q.obstacle, 'renews') ELSE 'ends' END,
               CASE WHEN r.auto_renew THEN q.amount END, CASE WHEN r.auto_renew THEN 'yuan' END, r.paid_until
        FROM ccc.rentals AS r JOIN ccc.accounts AS a ON a.account_id = r.account_id
             LEFT JOIN ccc.numbers AS n ON n.number OPERATOR(ccc.=) r.number AND n.since = r.since,
             LATERAL ccc.quote_renewal(r, 1, a.time_zone) AS q
        WHERE r.account_id = upcoming.account_id AND r.paid_until > upcoming.since AND r.paid_until <= upcoming.until
          AND (n.released_at IS NULL OR n.released_at > r.paid_until)
        UNION ALL
        SELECT format('package %s, %s', b.package_no, b.product), 'expires', b.remaining_minutes, 'minutes', b.valid_until
        FROM ccc.balances(upcoming.since) AS b
        WHERE b.account_id = upcoming.account_id AND b.remaining_minutes > 0 AND b.valid_until <= upcoming.until;
    END;
COMMENT ON FUNCTION ccc.upcoming(bigint, timestamptz, timestamptz) IS
    'what ends in a span of time: rentals, with the yuan of a renewal that goes on by itself, and packages, with the minutes that would be lost';
REVOKE ALL ON FUNCTION ccc.upcoming(bigint, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.upcoming(bigint, timestamptz, timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.account_overview(account_id bigint, at timestamptz DEFAULT now(),
        OUT section text, OUT item text, OUT state text, OUT amount numeric, OUT unit text, OUT until timestamptz) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT p.section, p.item, p.state, p.amount, p.unit, p.until
        FROM (SELECT 1 AS part, 0 AS line, 'account' AS section, a.name AS item, a.time_zone AS state,
                     NULL::numeric AS amount, NULL::text AS unit, NULL::timestamptz AS until
              FROM ccc.accounts AS a WHERE a.account_id = account_overview.account_id
              UNION ALL
              SELECT 2, 0, 'wallet', 'balance', NULL,
                     coalesce((SELECT w.balance FROM ccc.wallet_entries AS w
                               WHERE w.account_id = account_overview.account_id AND w.made_at <= at
                               ORDER BY w.entry_no DESC LIMIT 1), 0), 'yuan', NULL
              FROM ccc.accounts AS a WHERE a.account_id = account_overview.account_id
              UNION ALL
              SELECT 3, 0, 'seats', s.edition,
                     format('%s online%s', s.online, CASE WHEN s.online > s.in_force THEN format(', %s too many', s.online - s.in_force) END),
                     s.in_force, 'in force', s.next_end
              FROM ccc.seats(account_overview.account_id, at) AS s
              UNION ALL
              SELECT 4, 0, 'numbers', n.number::text,
                     format('%s, %s', n.line, CASE WHEN n.owner = 'customer' THEN 'own' WHEN n.paid_until <= at THEN 'suspended' ELSE 'in service' END),
                     NULL, NULL, nullif(n.paid_until, 'infinity')
              FROM ccc.numbers AS n
              WHERE n.account_id = account_overview.account_id AND n.since <= at AND n.released_at > at
              UNION ALL
              SELECT 5, b.package_no, 'packages', format('package %s, %s', b.package_no, b.product),
                     format('%s of %s minutes used', b.used_minutes, b.granted_minutes), b.remaining_minutes, 'minutes', b.valid_until
              FROM ccc.balances(at) AS b
              WHERE b.account_id = account_overview.account_id AND b.remaining_minutes > 0
              UNION ALL
              SELECT 6, 0, 'shortfalls', s.pool, NULL, s.short_minutes, 'minutes', NULL
              FROM ccc.shortfalls AS s WHERE s.account_id = account_overview.account_id
              UNION ALL
              SELECT 7, 0, 'next 30 days', u.item, u.state, u.amount, u.unit, u.at
              FROM ccc.upcoming(account_overview.account_id, at,
                                CASE WHEN at < '294276-01-01 00:00+00' THEN at + interval '720 hours' ELSE 'infinity' END) AS u) AS p
        ORDER BY p.part, CASE p.part WHEN 7 THEN p.until END, p.line, p.item COLLATE "C";
    END;
COMMENT ON FUNCTION ccc.account_overview(bigint, timestamptz) IS
    'an account''s state at an instant, for a person: wallet, seats in force and online, numbers and until when they are paid, packages with the minutes left, shortfalls as they are now, and what ends or renews in the next 30 days; none when there is no such account';
REVOKE ALL ON FUNCTION ccc.account_overview(bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.account_overview(bigint, timestamptz) TO ccc_admin, ccc_reader;
