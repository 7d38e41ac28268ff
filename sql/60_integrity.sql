/*
 * Proof: every counter recomputed from the entries that it stands for.
 */
CREATE FUNCTION ccc.check_rentals(OUT invariant text, OUT account_id bigint, OUT detail text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT 'what is given back of a purchase is in the wallet', p.account_id, format('purchase %s', p.purchase_no)
    FROM ccc.purchases AS p
         LEFT JOIN ccc.wallet_entries AS w
             ON w.account_id = p.account_id AND w.purchase_no = p.purchase_no AND w.reason IN ('refund', 'void')
         LEFT JOIN ccc.packages AS k ON k.account_id = p.account_id AND k.package_no = p.package_no
    WHERE p.refunded IS DISTINCT FROM w.amount
       OR p.voided IS DISTINCT FROM coalesce(w.reason = 'void', false)
       OR (k.refunded_at < 'infinity') <> (p.refunded_at IS NOT NULL)
       OR (p.voided AND k.refunded <> k.granted);

    RETURN QUERY
    WITH paid AS (
        SELECT p.account_id, coalesce(p.renews, p.purchase_no) AS purchase_no, sum(p.periods - p.periods_refunded) AS periods
        FROM ccc.purchases AS p WHERE p.kind <> 'package' GROUP BY 1, 2
        UNION ALL
        SELECT r.account_id, 0, 1 FROM ccc.rentals AS r WHERE r.purchase_no = 0)
    SELECT 'a rental is paid for the periods that were bought', account_id,
           format('rental of purchase %s: %s periods, bought and kept %s', purchase_no, r.periods, p.periods)
    FROM ccc.rentals AS r FULL JOIN paid AS p USING (account_id, purchase_no)
         LEFT JOIN ccc.accounts AS a USING (account_id)
    WHERE coalesce(r.periods, 0) <> coalesce(p.periods, 0)
       OR r.paid_until IS DISTINCT FROM CASE WHEN NOT ccc.is_time_zone(a.time_zone) THEN r.paid_until
                                             ELSE ccc.period_start(r, r.periods, a.time_zone) END;

    RETURN QUERY
    SELECT 'a rental is of what its purchase bought', r.account_id, format('rental of purchase %s', r.purchase_no)
    FROM ccc.rentals AS r JOIN ccc.purchases AS p USING (account_id, purchase_no)
    WHERE (r.product, r.quantity, r.number, r.since) IS DISTINCT FROM (p.product, p.quantity, p.number, p.valid_from);

    RETURN QUERY
    SELECT 'a rented number is in service while it is paid', r.account_id, format('number %s', r.number)
    FROM ccc.rentals AS r
         LEFT JOIN ccc.numbers AS n ON n.number = r.number AND n.since = r.since AND n.account_id = r.account_id
    WHERE r.number IS NOT NULL AND n.paid_until IS DISTINCT FROM r.paid_until;

    RETURN QUERY
    SELECT 'an agent has one session at a time', s.account_id, format('session %s of agent %s', s.session_no, s.agent)
    FROM (SELECT s.*, lead(s.signed_in_at) OVER (PARTITION BY s.account_id, s.agent ORDER BY s.signed_in_at) AS next_in
          FROM ccc.agent_sessions AS s) AS s
    WHERE s.signed_out_at > s.next_in;

    RETURN QUERY
    SELECT 'sessions are counted by their account', a.account_id, format('last session %s', a.last_session_no)
    FROM ccc.accounts AS a
    WHERE a.last_session_no < (SELECT max(s.session_no) FROM ccc.agent_sessions AS s WHERE s.account_id = a.account_id);
END
$$;
COMMENT ON FUNCTION ccc.check_rentals() IS 'violated invariants of rentals, refunds and agents'' sessions, one row for each: a part of ccc.check_integrity()';
REVOKE ALL ON FUNCTION ccc.check_rentals() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_rentals() TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.check_integrity(OUT invariant text, OUT account_id bigint, OUT detail text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    -- what depends on the zone is not looked at below where this tells of one
    RETURN QUERY
    SELECT 'an account has a time zone', a.account_id, format('zone %s', a.time_zone)
    FROM ccc.accounts AS a
    WHERE NOT ccc.is_time_zone(a.time_zone);

    RETURN QUERY
    WITH drawn AS (
        SELECT l.account_id, l.package_no, sum(l.billed) AS billed
        FROM ccc.ledger AS l WHERE l.kind = 'c' GROUP BY 1, 2)
    SELECT 'package.used = sum of its charges', coalesce(p.account_id, d.account_id),
           format('package %s: used %s s, charged %s s', coalesce(p.package_no, d.package_no),
                  coalesce(p.used::text, 'no such package'), coalesce(d.billed, 0))
    FROM ccc.packages AS p FULL JOIN drawn AS d USING (account_id, package_no)
    WHERE p.used IS DISTINCT FROM coalesce(d.billed, 0);

    RETURN QUERY
    SELECT 'usage = sum of the ledger''s charges and shortfalls', a.account_id,
           format('pool %s, stretch from %s, package %s: counted %s s, in the ledger %s s',
                  a.pool, coalesce(u.stretch, l.stretch), coalesce(u.package_no, l.package_no),
                  coalesce(u.billed, 0), coalesce(l.billed, 0))
    FROM (SELECT DISTINCT x.account_id, x.pool
          FROM (SELECT v.account_id, v.pool FROM ccc.usage AS v
                UNION ALL
                SELECT p.account_id, p.pool FROM ccc.packages AS p
                UNION ALL
                SELECT e.account_id, e.pool FROM ccc.ledger AS e WHERE e.kind = 's') AS x
          WHERE NOT EXISTS (SELECT FROM ccc.accounts AS z WHERE z.account_id = x.account_id AND NOT ccc.is_time_zone(z.time_zone))) AS a,
         LATERAL (SELECT * FROM ccc.usage AS v WHERE v.account_id = a.account_id AND v.pool = a.pool) AS u
         FULL JOIN LATERAL (SELECT * FROM ccc.usage_in_ledger(a.account_id, a.pool, '-infinity')) AS l
             ON l.stretch = u.stretch AND l.package_no = u.package_no
    WHERE coalesce(u.billed, 0) <> coalesce(l.billed, 0) OR u.last_start < l.last_start;

    RETURN QUERY
    SELECT 'no other usage is later than its account says', u.account_id,
           format('stretch from %s; the account: %s', max(u.stretch), max(a.last_other_stretch))
    FROM ccc.other_usage AS u LEFT JOIN ccc.accounts AS a USING (account_id)
    GROUP BY u.account_id
    HAVING max(u.stretch) > max(a.last_other_stretch);

    RETURN QUERY
    SELECT 'a charge lies within its package''s validity', l.account_id,
           format('call %s on package %s', l.call_id, l.package_no)
    FROM ccc.ledger AS l JOIN ccc.packages AS p USING (account_id, package_no)
    WHERE l.kind = 'c'
      AND (l.started_at < p.valid_from OR l.started_at >= least(p.valid_until, p.refunded_at))
    GROUP BY l.account_id, l.package_no, l.call_id, l.direction, l.started_at
    HAVING sum(l.billed) <> 0;

    RETURN QUERY
    SELECT 'the entries of a call are counted from 1, and none is negative in sum', l.account_id,
           format('call %s, direction %s', l.call_id, l.direction)
    FROM ccc.ledger AS l
    GROUP BY l.account_id, l.call_id, l.direction
    HAVING min(l.entry_no) <> 1 OR max(l.entry_no) <> count(*) OR sum(l.billed) < 0;

    RETURN QUERY
    SELECT 'a billed call is on a number that its account had', l.account_id, format('call %s on number %s', l.call_id, l.number)
    FROM (SELECT e.account_id, e.call_id, e.direction, e.number, e.started_at
          FROM ccc.ledger AS e GROUP BY 1, 2, 3, 4, 5 HAVING sum(e.billed) > 0) AS l
    WHERE NOT EXISTS (SELECT FROM ccc.numbers AS n
                      WHERE n.number = l.number AND n.account_id = l.account_id
                        AND n.since <= l.started_at AND l.started_at < least(n.paid_until, n.released_at));

    RETURN QUERY
    SELECT 'a posting is numbered by its account', l.account_id,
           format('posting %s of %s', max(l.posting_no), coalesce(a.last_posting_no::text, 'no such account'))
    FROM ccc.ledger AS l LEFT JOIN ccc.accounts AS a USING (account_id)
    GROUP BY l.account_id, a.last_posting_no
    HAVING a.last_posting_no IS NULL OR max(l.posting_no) > a.last_posting_no OR min(l.posting_no) < 1;

    RETURN QUERY
    WITH money AS (
        SELECT w.account_id, sum(w.amount::numeric) AS amount, count(*) AS entries
        FROM ccc.wallet_entries AS w GROUP BY 1)
    SELECT 'wallet = sum of its entries', a.account_id,
           format('balance %s, entries add up to %s; last entry %s, entries %s',
                  a.balance, coalesce(m.amount, 0), a.last_entry_no, coalesce(m.entries, 0))
    FROM ccc.accounts AS a LEFT JOIN money AS m USING (account_id)
    WHERE a.balance <> coalesce(m.amount, 0) OR a.last_entry_no <> coalesce(m.entries, 0);

    RETURN QUERY
    SELECT 'each wallet entry carries the balance after it', w.account_id, format('entry %s', w.entry_no)
    FROM (SELECT e.account_id, e.entry_no, e.balance,
                 sum(e.amount::numeric) OVER (PARTITION BY e.account_id ORDER BY e.entry_no) AS running
          FROM ccc.wallet_entries AS e) AS w
    WHERE w.balance <> w.running;

    RETURN QUERY
    SELECT 'a purchase is paid and its package is as bought', p.account_id, format('purchase %s', p.purchase_no)
    FROM ccc.purchases AS p
         LEFT JOIN ccc.wallet_entries AS w
             ON w.account_id = p.account_id AND w.purchase_no = p.purchase_no
                AND w.reason = CASE WHEN p.renews IS NULL THEN 'purchase' ELSE 'renewal' END
         LEFT JOIN ccc.packages AS k ON k.account_id = p.account_id AND k.purchase_no = p.purchase_no
    WHERE w.amount IS DISTINCT FROM -p.amount
       OR k.package_no IS DISTINCT FROM p.package_no
       OR (k.package_no IS NOT NULL
           AND (k.price, k.valid_from, k.valid_until) IS DISTINCT FROM (p.amount, p.valid_from, p.valid_until));

    RETURN QUERY
    SELECT 'what an account has is an account''s', x.account_id, x.what
    FROM (SELECT p.account_id, format('purchase %s', p.purchase_no) AS what FROM ccc.purchases AS p
          UNION ALL
          SELECT w.account_id, format('wallet entry %s', w.entry_no) FROM ccc.wallet_entries AS w
          UNION ALL
          SELECT r.account_id, format('request %s', r.request_id) FROM ccc.requests AS r
          UNION ALL
          SELECT r.account_id, format('rental of purchase %s', r.purchase_no) FROM ccc.rentals AS r
          UNION ALL
          SELECT s.account_id, format('session %s', s.session_no) FROM ccc.agent_sessions AS s) AS x
    WHERE NOT EXISTS (SELECT FROM ccc.accounts AS a WHERE a.account_id = x.account_id);

    RETURN QUERY
    SELECT 'a package and a payment are of a purchase', x.account_id, x.what
    FROM (SELECT k.account_id, k.purchase_no, format('package %s', k.package_no) AS what FROM ccc.packages AS k
          UNION ALL
          SELECT w.account_id, w.purchase_no, format('wallet entry %s', w.entry_no)
          FROM ccc.wallet_entries AS w WHERE w.purchase_no IS NOT NULL) AS x
    WHERE NOT EXISTS (SELECT FROM ccc.purchases AS p
                      WHERE p.account_id = x.account_id AND p.purchase_no = x.purchase_no);

    RETURN QUERY
    SELECT 'a row of the catalogue has what it builds on', NULL::bigint, x.what
    FROM (SELECT format('price of product %s', p.product) AS what FROM ccc.prices AS p
          WHERE NOT EXISTS (SELECT FROM ccc.products AS q WHERE q.code = p.product)
          UNION ALL
          SELECT format('trial of product %s', t.product) FROM ccc.trials AS t
          WHERE NOT EXISTS (SELECT FROM ccc.products AS q WHERE q.code = t.product AND q.kind = 'seat')
          UNION ALL
          SELECT format('product %s', p.code) FROM ccc.products AS p
          WHERE p.kind = 'package' AND NOT EXISTS (SELECT FROM ccc.pools AS q WHERE q.code = p.pool)
          UNION ALL
          SELECT format('rule of pool %s', r.pool) FROM ccc.call_rules AS r
          WHERE r.pool IS NOT NULL AND NOT EXISTS (SELECT FROM ccc.pools AS q WHERE q.code = r.pool AND q.valid_from <= r.valid_from)) AS x;

    RETURN QUERY
    SELECT 'purchases and packages are counted by their account', a.account_id,
           format('last purchase %s, last package %s', a.last_purchase_no, a.last_package_no)
    FROM ccc.accounts AS a
         LEFT JOIN (SELECT p.account_id, max(p.purchase_no) AS purchase_no, max(p.package_no) AS package_no
                    FROM ccc.purchases AS p GROUP BY 1) AS m USING (account_id)
    WHERE a.last_purchase_no <> coalesce(m.purchase_no, 0) OR a.last_package_no <> coalesce(m.package_no, 0);

    RETURN QUERY SELECT * FROM ccc.check_rentals();

    RETURN QUERY
    SELECT 'a number serves one account at a time', n.account_id, format('number %s', n.number)
    FROM ccc.numbers AS n JOIN ccc.numbers AS m
         ON m.number = n.number AND m.since > n.since AND m.since < n.released_at;

    RETURN QUERY
    SELECT 'an attached table and its partitions have their triggers', NULL::bigint, format('table %s', r.relation)
    FROM ccc.sources AS s, LATERAL ccc.billed_relations(s.cdr) AS r
    WHERE s.detached_at IS NULL AND NOT ccc.has_billing_triggers(r.relation, s.replicated);

    RETURN QUERY
    SELECT 'an exception is of the table that is attached', e.account_id, format('%s exceptions of table %s', count(*), e.source)
    FROM ccc.exception_log AS e
    WHERE e.resolved_at IS NULL
      AND EXISTS (SELECT FROM pg_partition_ancestors(e.source) AS a JOIN ccc.sources AS s ON s.cdr = a.relid
                  WHERE s.detached_at IS NULL AND a.relid <> e.source)
    GROUP BY e.account_id, e.source;

    RETURN QUERY
    SELECT 'a subscription that fills an attached table commits in one phase', NULL::bigint, format('subscription %I', u.subname)
    FROM ccc.sources AS s, LATERAL ccc.billed_relations(s.cdr) AS r,
         pg_subscription_rel AS f JOIN pg_subscription AS u ON u.oid = f.srsubid
    WHERE s.detached_at IS NULL AND s.replicated AND f.srrelid = r.relation AND u.subtwophasestate <> 'd'
    GROUP BY u.subname;

    RETURN QUERY
    SELECT 'an attached table can be billed', NULL::bigint, format('table %s', s.cdr)
    FROM ccc.sources AS s JOIN pg_class AS c ON c.oid = s.cdr
    WHERE s.detached_at IS NULL
      AND (c.relpersistence <> 'p'
           OR c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits AS i WHERE s.cdr IN (i.inhparent, i.inhrelid)));
END
$$;
COMMENT ON FUNCTION ccc.check_integrity() IS
    'violated invariants, one row for each; none when all is well. Reads the whole ledger';
REVOKE ALL ON FUNCTION ccc.check_integrity() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_integrity() TO ccc_admin, ccc_reader;
