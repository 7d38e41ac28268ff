/*
 * The cheapest purchases for a need.
 */
CREATE FUNCTION ccc.cheapest_cover(minutes bigint, offers bigint[], OUT offer integer, OUT quantity bigint) RETURNS SETOF record
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cheapest_cover';
COMMENT ON FUNCTION ccc.cheapest_cover(bigint, bigint[]) IS
    'cheapest purchases that cover so many minutes, and of those the fewest; five numbers make an offer: minutes of a unit, least and greatest quantity, step, and unit price in millionths; error 54000 too large a need, or too dear, to be counted';
REVOKE ALL ON FUNCTION ccc.cheapest_cover(bigint, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.cheapest_cover(bigint, bigint[]) TO ccc_owner;

CREATE FUNCTION ccc.offers(pool text, at timestamptz,
        OUT product text, OUT minutes bigint, OUT low bigint, OUT high bigint, OUT step bigint, OUT unit_price numeric) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT p.code, p.minutes, q.low, q.high, p.step::bigint, b.unit_price
        FROM ccc.products AS p,
             LATERAL (SELECT t.lower_bound, t.unit_price,
                             lead(t.lower_bound) OVER (ORDER BY t.lower_bound) - 1 AS upper_bound
                      FROM ccc.tiers(ccc.price_at(p.code, at)) AS t) AS b,
             LATERAL (SELECT (greatest(least(b.lower_bound, 2147483648), p.minimum) + p.step - 1) / p.step * p.step AS low,
                             least(b.upper_bound, p.maximum, 2147483647) / p.step * p.step AS high) AS q
        WHERE p.kind = 'package' AND p.pool = offers.pool AND (p.withdrawn_at IS NULL OR at < p.withdrawn_at) AND q.low <= q.high
        ORDER BY p.code COLLATE "C", q.low;
    END;
COMMENT ON FUNCTION ccc.offers(text, timestamptz) IS
    'packages on sale for a pool at an instant: quantities from low to high, by step, of so many minutes each, at a unit price in yuan';
REVOKE ALL ON FUNCTION ccc.offers(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.offers(text, timestamptz) TO ccc_admin, ccc_reader, ccc_writer;

CREATE FUNCTION ccc.recommend(pool text, minutes bigint, at timestamptz DEFAULT now(),
        OUT product text, OUT quantity integer, OUT amount numeric, OUT granted_minutes bigint, OUT price_per_minute numeric,
        OUT purchases bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
BEGIN
    IF minutes IS NULL OR minutes <= 0 THEN
        RAISE EXCEPTION 'a need of % minutes is out of range', coalesce(minutes::text, 'null')
            USING ERRCODE = '22003', HINT = 'It must be positive.';
    ELSIF NOT EXISTS (SELECT FROM ccc.pools AS p WHERE p.code = recommend.pool) THEN
        RAISE EXCEPTION 'pool "%" does not exist', coalesce(pool, 'null')
            USING ERRCODE = '42704', HINT = 'See ccc.pools for those that do.';
    END IF;
    RETURN QUERY
    WITH offers AS MATERIALIZED (
        SELECT o.*, row_number() OVER (ORDER BY o.product COLLATE "C", o.low)::integer AS offer
        FROM ccc.offers(recommend.pool, recommend.at) AS o),
    bought AS (
        SELECT o.product, c.quantity::integer AS quantity, count(*) AS purchases, sum(o.minutes * c.quantity)::bigint AS granted,
               sum(round(o.unit_price * c.quantity, 2)) AS amount
        FROM ccc.cheapest_cover(recommend.minutes,
                 (SELECT array_agg(f.field ORDER BY o.offer, f.n)
                  FROM offers AS o,
                       LATERAL (VALUES (1, o.minutes), (2, o.low), (3, o.high), (4, o.step), (5, (o.unit_price * 1000000)::bigint)) AS f (n, field))) AS c
             JOIN offers AS o USING (offer)
        GROUP BY o.product, c.quantity)
    SELECT b.product, b.quantity, b.amount, b.granted,
           trim_scale(round(sum(b.amount) OVER () / recommend.minutes, 6)), b.purchases
    FROM bought AS b
    ORDER BY b.granted DESC, b.product COLLATE "C", b.quantity;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no package of the pool "%" is on sale', pool
            USING ERRCODE = '55000', HINT = 'See ccc.products and ccc.prices.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.recommend(text, bigint, timestamptz) IS
    'cheapest purchases that cover a need of minutes at the prices of an instant, the fewest of those; a row is so many equal purchases of a quantity: what they cost in yuan and grant together, and what the whole costs for a minute needed; errors: 22003 need not positive, 42704 no such pool, 54000 too large a need for the products'' steps and the decimals of their prices, 55000 nothing on sale';
REVOKE ALL ON FUNCTION ccc.recommend(text, bigint, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.recommend(text, bigint, timestamptz) TO ccc_admin, ccc_reader, ccc_writer;
