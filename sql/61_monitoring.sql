/*
 * Figures for a monitoring system, cheap at any size of the ledger: they are
 * read from accounts, packages, usage, rentals and open exceptions. They are
 * totals over all accounts, so these views, unlike the others, are the
 * owner's: ccc_monitor reads them and may see no account, number or call.
 */
CREATE FUNCTION ccc.renewals_waiting(OUT due bigint, OUT due_since timestamptz, OUT unpaid bigint) RETURNS record
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        SELECT count(*) FILTER (WHERE d.unpaid_since IS DISTINCT FROM d.paid_until),
               min(d.paid_until) FILTER (WHERE d.unpaid_since IS DISTINCT FROM d.paid_until),
               count(*) FILTER (WHERE d.unpaid_since = d.paid_until)
        FROM ccc.due_rentals(now()) AS d;
    END;
COMMENT ON FUNCTION ccc.renewals_waiting() IS
    'rentals that ccc.renew_due() has to renew now, since when the first of them, and how many the wallets could not pay at its last run';
REVOKE ALL ON FUNCTION ccc.renewals_waiting() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.renewals_waiting() TO ccc_admin, ccc_reader, ccc_monitor;
GRANT EXECUTE ON FUNCTION ccc.billed_relations(regclass), ccc.has_billing_triggers(regclass, boolean) TO ccc_monitor;

CREATE VIEW ccc.monitoring WITH (security_barrier = true) AS
    SELECT a.accounts, a.postings,
           pg_stat_get_tuples_inserted('ccc.ledger'::regclass) AS ledger_entries,
           pg_total_relation_size('ccc.ledger'::regclass) AS ledger_bytes,
           s.tables_attached, s.tables_not_billed,
           e.open_exceptions, e.exceptions_since,
           r.due AS renewals_due, r.due_since AS renewals_due_since, r.unpaid AS renewals_unpaid,
           n.numbers_suspended
    FROM (SELECT count(*) AS accounts, coalesce(sum(c.last_posting_no), 0) AS postings FROM ccc.accounts AS c) AS a,
         (SELECT count(*) AS tables_attached,
                 count(*) FILTER (WHERE EXISTS (SELECT FROM ccc.billed_relations(c.cdr) AS b
                                                WHERE NOT ccc.has_billing_triggers(b.relation, c.replicated))) AS tables_not_billed
          FROM ccc.sources AS c WHERE c.detached_at IS NULL AND EXISTS (SELECT FROM pg_class AS t WHERE t.oid = c.cdr)) AS s,
         (SELECT count(*) AS open_exceptions, min(x.seen_at) AS exceptions_since
          FROM ccc.exception_log AS x WHERE x.resolved_at IS NULL) AS e,
         ccc.renewals_waiting() AS r,
         (SELECT count(*) AS numbers_suspended
          FROM ccc.numbers AS x WHERE x.paid_until <= now() AND x.released_at > now()) AS n;
COMMENT ON VIEW ccc.monitoring IS 'state of the whole business in one row, for a monitoring system';
COMMENT ON COLUMN ccc.monitoring.postings IS 'postings to the ledger since ever: one for each account that a statement billed';
COMMENT ON COLUMN ccc.monitoring.ledger_entries IS 'entries written to the ledger since the server''s statistics began; an ordinary call is one';
COMMENT ON COLUMN ccc.monitoring.tables_not_billed IS 'attached tables that lack triggers, or have a partition that does: what is stored there is not billed';
COMMENT ON COLUMN ccc.monitoring.exceptions_since IS 'when the oldest open exception was seen';
COMMENT ON COLUMN ccc.monitoring.renewals_due IS 'rentals that go on by themselves and wait for ccc.renew_due()';
COMMENT ON COLUMN ccc.monitoring.renewals_unpaid IS 'rentals that the wallets could not pay';
COMMENT ON COLUMN ccc.monitoring.numbers_suspended IS 'numbers whose paid time is over and that were not released';

CREATE VIEW ccc.monitoring_exceptions WITH (security_barrier = true) AS
    SELECT e.reason, count(*) AS open_exceptions, min(e.seen_at) AS exceptions_since
    FROM ccc.exception_log AS e
    WHERE e.resolved_at IS NULL
    GROUP BY e.reason;
COMMENT ON VIEW ccc.monitoring_exceptions IS 'open exceptions by reason';

CREATE VIEW ccc.monitoring_pools WITH (security_barrier = true) AS
    SELECT q.pool, coalesce(u.billed_seconds, 0) AS billed_seconds, coalesce(u.short_seconds, 0) AS short_seconds,
           coalesce(s.accounts_short, 0) AS accounts_short,
           coalesce(p.packages, 0) AS packages, coalesce(p.remaining_seconds, 0) AS remaining_seconds,
           coalesce(p.expiring_packages, 0) AS expiring_packages, coalesce(p.expiring_seconds, 0) AS expiring_seconds
    FROM (SELECT DISTINCT v.code AS pool FROM ccc.pools AS v) AS q
         LEFT JOIN (SELECT v.pool, sum(v.billed) AS billed_seconds, sum(v.billed) FILTER (WHERE v.short) AS short_seconds
                    FROM (SELECT p.pool, p.used, false FROM ccc.packages AS p
                          UNION ALL
                          SELECT o.pool, o.billed, true FROM ccc.other_usage AS o WHERE o.package_no = 0) AS v (pool, billed, short)
                    GROUP BY v.pool) AS u ON u.pool = q.pool
         LEFT JOIN (SELECT v.pool, count(DISTINCT v.account_id) AS accounts_short
                    FROM ccc.other_usage AS v
                    WHERE v.package_no = 0 AND v.billed > 0 AND v.last_start > now() - interval '24 hours'
                    GROUP BY v.pool) AS s ON s.pool = q.pool
         LEFT JOIN (SELECT v.pool, count(*) AS packages, sum(v.granted - v.used) AS remaining_seconds,
                           count(*) FILTER (WHERE v.valid_until <= now() + interval '168 hours') AS expiring_packages,
                           sum(v.granted - v.used) FILTER (WHERE v.valid_until <= now() + interval '168 hours') AS expiring_seconds
                    FROM ccc.packages AS v
                    WHERE v.valid_from <= now() AND v.valid_until > now() AND v.refunded_at > now() AND v.used < v.granted
                    GROUP BY v.pool) AS p ON p.pool = q.pool;
COMMENT ON VIEW ccc.monitoring_pools IS 'billed time, shortfalls, and what packages that are valid now have left, by pool';
COMMENT ON COLUMN ccc.monitoring_pools.accounts_short IS 'accounts whose calls fell short in the last 24 hours';
COMMENT ON COLUMN ccc.monitoring_pools.packages IS 'packages with time left, as are the expiring ones';
COMMENT ON COLUMN ccc.monitoring_pools.expiring_packages IS 'packages that end within 7 days';

CREATE VIEW ccc.monitoring_seats WITH (security_barrier = true) AS
    SELECT e.edition, coalesce(sum(s.in_force), 0) AS in_force, coalesce(sum(s.online), 0) AS online,
           count(*) FILTER (WHERE s.online > s.in_force) AS accounts_over
    FROM (VALUES ('standard'), ('premium')) AS e (edition)
         LEFT JOIN (SELECT x.account_id, x.edition, sum(x.in_force) AS in_force, sum(x.online) AS online
                    FROM (SELECT r.account_id, r.edition, r.quantity AS in_force, 0 AS online
                          FROM ccc.rentals AS r WHERE r.edition IS NOT NULL AND r.since <= now() AND r.paid_until > now()
                          UNION ALL
                          SELECT a.account_id, a.edition, 0, 1
                          FROM ccc.agent_sessions AS a WHERE a.signed_in_at <= now() AND a.signed_out_at = 'infinity') AS x
                    GROUP BY x.account_id, x.edition) AS s ON s.edition = e.edition
    GROUP BY e.edition;
COMMENT ON VIEW ccc.monitoring_seats IS 'seats in force and agents online now, by edition';
COMMENT ON COLUMN ccc.monitoring_seats.accounts_over IS 'accounts with more agents online than seats in force';

GRANT SELECT ON ccc.monitoring, ccc.monitoring_exceptions, ccc.monitoring_pools, ccc.monitoring_seats
    TO ccc_admin, ccc_reader, ccc_monitor;
