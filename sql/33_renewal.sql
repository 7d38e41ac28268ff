/*
 * Seats and numbers are rented on: period n of a rental is counted from its
 * first instant, and the oldest unpaid one is paid first.
 */
CREATE FUNCTION ccc.period_start(rental ccc.rentals, n integer, time_zone text) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT CASE period_start.n WHEN 0 THEN (period_start.rental).since
                    ELSE ccc.term_end((period_start.rental).since, (period_start.rental).term, period_start.n,
                                      period_start.time_zone, (period_start.rental).day_rule) END;
    END;
COMMENT ON FUNCTION ccc.period_start(ccc.rentals, integer, text) IS 'start of a period of a rental, counted from 0; the end of so many periods';
REVOKE ALL ON FUNCTION ccc.period_start(ccc.rentals, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.period_start(ccc.rentals, integer, text) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.set_paid_periods(rental ccc.rentals, periods integer, time_zone text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    stop timestamptz := ccc.period_start(rental, periods, time_zone);
BEGIN
    PERFORM ccc.lock_number(rental.number);
    UPDATE ccc.rentals AS r SET periods = set_paid_periods.periods, paid_until = stop, unpaid_since = NULL
        WHERE r.account_id = rental.account_id AND r.purchase_no = rental.purchase_no;
    UPDATE ccc.numbers AS n SET paid_until = stop
        WHERE n.number = rental.number AND n.since = rental.since;
    PERFORM ccc.rating_changed(rental.account_id);
END
$$;
COMMENT ON FUNCTION ccc.set_paid_periods(ccc.rentals, integer, text) IS 'makes a rental, and the number''s service, paid for so many periods';
REVOKE ALL ON FUNCTION ccc.set_paid_periods(ccc.rentals, integer, text) FROM PUBLIC;

CREATE FUNCTION ccc.rental_of(purchase ccc.purchases) RETURNS ccc.rentals
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT r.* FROM ccc.rentals AS r
        WHERE r.account_id = (rental_of.purchase).account_id
          AND r.purchase_no = coalesce((rental_of.purchase).renews, (rental_of.purchase).purchase_no);
    END;
COMMENT ON FUNCTION ccc.rental_of(ccc.purchases) IS 'the rental that a purchase began or renewed; null for a package, and when that purchase was voided';
REVOKE ALL ON FUNCTION ccc.rental_of(ccc.purchases) FROM PUBLIC;

CREATE FUNCTION ccc.renewable(account_id bigint, purchase_no integer) RETURNS ccc.rentals
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    rental ccc.rentals := ccc.rental_of(ccc.purchase_made(account_id, purchase_no));
BEGIN
    IF rental.purchase_no IS NULL THEN
        RAISE EXCEPTION 'purchase % of account % cannot be renewed', purchase_no, account_id
            USING ERRCODE = '55000', HINT = 'Seats and numbers are renewed; packages, and what was voided, are bought anew.';
    END IF;
    RETURN rental;
END
$$;
COMMENT ON FUNCTION ccc.renewable(bigint, integer) IS
    'the rental that a purchase began or renewed; errors: 42704 no such purchase, 55000 a package, or voided';
REVOKE ALL ON FUNCTION ccc.renewable(bigint, integer) FROM PUBLIC;

CREATE FUNCTION ccc.quote_renewal(rental ccc.rentals, periods integer, time_zone text,
                                  OUT valid_from timestamptz, OUT valid_until timestamptz,
                                  OUT unit_price numeric, OUT amount numeric, OUT obstacle text) RETURNS record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    withdrawn_at timestamptz;
    start        timestamptz;
    tiers        ccc.price_tiers;
BEGIN
    PERFORM ccc.check_periods(periods);
    IF rental.periods IS NULL OR rental.periods NOT BETWEEN 0 AND 100000000 THEN
        RAISE EXCEPTION 'a rental of % periods is out of range', coalesce(rental.periods::text, 'null')
            USING ERRCODE = '22003', HINT = 'A rental is a row of ccc.rentals.';
    END IF;
    valid_from := rental.paid_until;
    valid_until := ccc.period_start(rental, rental.periods + periods, time_zone);
    amount := 0;
    SELECT coalesce(p.withdrawn_at, 'infinity') INTO withdrawn_at FROM ccc.products AS p WHERE p.code = rental.product;
    FOR n IN rental.periods .. rental.periods + periods - 1 LOOP
        start := ccc.period_start(rental, n, time_zone);
        tiers := ccc.price_at(rental.product, start);
        obstacle := CASE
            WHEN rental.number IS NOT NULL
                 AND NOT EXISTS (SELECT FROM ccc.numbers AS n
                                 WHERE n.number = rental.number AND n.since = rental.since AND n.released_at > start) THEN 'released'
            WHEN start >= withdrawn_at OR withdrawn_at IS NULL THEN 'withdrawn'
            WHEN tiers IS NULL THEN 'unpriced'
        END;
        EXIT WHEN obstacle IS NOT NULL;
        unit_price := coalesce(unit_price, ccc.unit_price(tiers, rental.quantity));
        amount := amount + ccc.volume_price(tiers, rental.quantity);
    END LOOP;
    amount := round(amount, 2);
END
$$;
COMMENT ON FUNCTION ccc.quote_renewal(ccc.rentals, integer, text) IS
    'what the next periods of a rental cost, each at the price of its start, yuan; or why they cannot be had: released, withdrawn, unpriced; error 22003 periods out of range';
REVOKE ALL ON FUNCTION ccc.quote_renewal(ccc.rentals, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.quote_renewal(ccc.rentals, integer, text) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.renew_rental(account ccc.accounts, rental ccc.rentals, periods integer) RETURNS ccc.purchases
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    quote    record := ccc.quote_renewal(rental, periods, account.time_zone);
    purchase ccc.purchases;
BEGIN
    IF quote.obstacle IS NOT NULL THEN
        RAISE EXCEPTION 'the rental that began with purchase % cannot be renewed: %', rental.purchase_no,
                CASE quote.obstacle WHEN 'released' THEN 'the number was released'
                                    WHEN 'withdrawn' THEN 'the product is no longer sold'
                                    ELSE 'the product has no price at the start of the period' END
            USING ERRCODE = '55000', HINT = 'Buy anew, or see ccc.products and ccc.prices.';
    END IF;
    PERFORM ccc.check_wallet(account, quote.amount);
    purchase.product := rental.product;
    purchase.kind := CASE WHEN rental.number IS NULL THEN 'seat' ELSE 'number' END;
    purchase.quantity := rental.quantity;
    purchase.periods := periods;
    purchase.unit_price := quote.unit_price;
    purchase.amount := quote.amount;
    purchase.bought_at := quote.valid_from;
    purchase.valid_from := quote.valid_from;
    purchase.valid_until := quote.valid_until;
    purchase.number := rental.number;
    purchase.renews := rental.purchase_no;

    purchase := ccc.pay(account, purchase);
    PERFORM ccc.set_paid_periods(rental, rental.periods + periods, account.time_zone);
    RETURN purchase;
END
$$;
COMMENT ON FUNCTION ccc.renew_rental(ccc.accounts, ccc.rentals, integer) IS
    'pays the next periods of a rental of a locked account; calls that were made on a suspended number are for the caller to charge; errors: 23514 not enough money, 55000 cannot be renewed';
REVOKE ALL ON FUNCTION ccc.renew_rental(ccc.accounts, ccc.rentals, integer) FROM PUBLIC;

CREATE FUNCTION ccc.renew(account_id bigint, purchase_no integer, periods integer DEFAULT 1, request_id text DEFAULT NULL)
    RETURNS ccc.purchases
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account  ccc.accounts := ccc.lock_account(account_id);
    content  jsonb := jsonb_build_object('function', 'renew', 'purchase_no', purchase_no, 'periods', periods);
    request  ccc.requests := ccc.earlier_request(account_id, request_id, content);
    rental   ccc.rentals;
    purchase ccc.purchases;
BEGIN
    IF request.purchase_no IS NOT NULL THEN
        RETURN ccc.purchase_made(account_id, request.purchase_no);
    END IF;
    PERFORM ccc.check_periods(periods);
    rental := ccc.renewable(account_id, purchase_no);
    purchase := ccc.renew_rental(account, rental, periods);
    IF rental.number IS NOT NULL THEN
        PERFORM ccc.retry_suspended(account_id);
    END IF;
    PERFORM ccc.remember_request(account_id, request_id, content, NULL, purchase.purchase_no);
    RETURN purchase;
END
$$;
COMMENT ON FUNCTION ccc.renew(bigint, integer, integer, text) IS
    'pays the next periods of the seats or the number that a purchase began or renewed, the oldest unpaid one first, each at the price of its start; errors: 22003 periods out of range, 23505 request id used for another request, 23514 not enough money, 42704 no such account or purchase, 55000 cannot be renewed';
REVOKE ALL ON FUNCTION ccc.renew(bigint, integer, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.renew(bigint, integer, integer, text) TO ccc_admin;

CREATE FUNCTION ccc.set_auto_renew(account_id bigint, purchase_no integer, auto_renew boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account ccc.accounts := ccc.lock_account(account_id);
    rental  ccc.rentals;
BEGIN
    IF auto_renew IS NULL THEN
        RAISE EXCEPTION 'auto_renew must not be null' USING ERRCODE = '22004';
    END IF;
    rental := ccc.renewable(account_id, purchase_no);
    UPDATE ccc.rentals AS r SET auto_renew = set_auto_renew.auto_renew, unpaid_since = NULL
        WHERE r.account_id = set_auto_renew.account_id AND r.purchase_no = rental.purchase_no;
END
$$;
COMMENT ON FUNCTION ccc.set_auto_renew(bigint, integer, boolean) IS
    'whether ccc.renew_due() goes on with the seats or the number that a purchase began or renewed; errors: 22004 null, 42704 no such account or purchase, 55000 a package, or voided';
REVOKE ALL ON FUNCTION ccc.set_auto_renew(bigint, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.set_auto_renew(bigint, integer, boolean) TO ccc_admin;

CREATE FUNCTION ccc.due_rentals(as_of timestamptz) RETURNS SETOF ccc.rentals
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT r.*
        FROM ccc.rentals AS r JOIN ccc.accounts AS a ON a.account_id = r.account_id
             LEFT JOIN ccc.numbers AS n ON n.number OPERATOR(ccc.=) r.number AND n.since = r.since
        WHERE r.auto_renew AND timezone('UTC', r.paid_until) <= timezone('UTC', as_of)    -- as rentals_due has it
          AND (r.number IS NULL OR n.released_at > r.paid_until)
          AND (r.unpaid_since IS DISTINCT FROM r.paid_until
               OR as_of < ccc.period_start(r, r.periods + 1, CASE WHEN ccc.is_time_zone(a.time_zone) THEN a.time_zone ELSE 'UTC' END));
    END;
COMMENT ON FUNCTION ccc.due_rentals(timestamptz) IS
    'rentals to renew by an instant: those that go on by themselves, whose next period has begun, and that were not let lapse';
REVOKE ALL ON FUNCTION ccc.due_rentals(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.due_rentals(timestamptz) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.due_accounts(as_of timestamptz, account_id bigint DEFAULT NULL) RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    IF as_of IS NULL OR NOT isfinite(as_of) THEN
        RAISE EXCEPTION 'renewal as of "%" is out of range', coalesce(as_of::text, 'null')
            USING ERRCODE = '22008', HINT = 'It must be finite.';
    END IF;
    IF account_id IS NOT NULL THEN
        RETURN ARRAY[account_id];
    END IF;
    RETURN (SELECT coalesce(array_agg(DISTINCT r.account_id ORDER BY r.account_id), '{}') FROM ccc.due_rentals(as_of) AS r);
END
$$;
COMMENT ON FUNCTION ccc.due_accounts(timestamptz, bigint) IS
    'accounts with something to renew by an instant, ascending; or the one that is given; error 22008';
REVOKE ALL ON FUNCTION ccc.due_accounts(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.due_accounts(timestamptz, bigint) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.lock_renewals(accounts bigint[], as_of timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    id    bigint;
    phone ccc.phone_number;
BEGIN
    FOREACH id IN ARRAY accounts LOOP
        PERFORM ccc.lock_account(id);
    END LOOP;
    FOR phone IN
        SELECT DISTINCT r.number FROM ccc.due_rentals(as_of) AS r WHERE r.account_id = ANY (accounts) ORDER BY 1
    LOOP
        PERFORM ccc.lock_number(phone);
    END LOOP;
END
$$;
COMMENT ON FUNCTION ccc.lock_renewals(bigint[], timestamptz) IS
    'locks accounts, which are given ascending, and then all numbers that are to be renewed with them; error 42704 no such account';
REVOKE ALL ON FUNCTION ccc.lock_renewals(bigint[], timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.renew_account(account_id bigint, as_of timestamptz,
        OUT purchase_no integer, OUT product text, OUT number ccc.phone_number,
        OUT valid_from timestamptz, OUT valid_until timestamptz, OUT amount numeric, OUT outcome text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    account  ccc.accounts;
    rental   ccc.rentals;
    quote    record;
    left_out integer[] := '{}';
    resumed  boolean := false;
BEGIN
    LOOP
        account := ccc.lock_account(renew_account.account_id);
        SELECT * INTO rental FROM ccc.due_rentals(as_of) AS r
            WHERE r.account_id = account.account_id AND r.purchase_no <> ALL (left_out)
            ORDER BY r.paid_until, r.purchase_no LIMIT 1;
        EXIT WHEN NOT FOUND;
        quote := ccc.quote_renewal(rental, 1, account.time_zone);
        outcome := coalesce(quote.obstacle, CASE WHEN quote.amount > account.balance THEN 'unpaid' ELSE 'renewed' END);
        IF outcome = 'renewed' THEN
            PERFORM ccc.renew_rental(account, rental, 1);
            resumed := resumed OR rental.number IS NOT NULL;
        ELSE
            UPDATE ccc.rentals AS r SET unpaid_since = rental.paid_until
                WHERE r.account_id = rental.account_id AND r.purchase_no = rental.purchase_no AND outcome = 'unpaid';
            left_out := left_out || rental.purchase_no;
        END IF;
        purchase_no := rental.purchase_no;
        product := rental.product;
        number := rental.number;
        valid_from := quote.valid_from;
        valid_until := quote.valid_until;
        amount := quote.amount;
        RETURN NEXT;
    END LOOP;
    IF resumed THEN
        PERFORM ccc.retry_suspended(renew_account.account_id);
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.renew_account(bigint, timestamptz) IS
    'a locked account''s part of ccc.renew_due(); calls that came on its suspended numbers are charged once, at the end';
REVOKE ALL ON FUNCTION ccc.renew_account(bigint, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.renew_due(as_of timestamptz DEFAULT now(), INOUT account_id bigint DEFAULT NULL,
        OUT purchase_no integer, OUT product text, OUT number ccc.phone_number,
        OUT valid_from timestamptz, OUT valid_until timestamptz, OUT amount numeric, OUT outcome text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    due bigint[] := ccc.due_accounts(as_of, account_id);
    id  bigint;
BEGIN
    PERFORM ccc.lock_renewals(due, as_of);
    FOREACH id IN ARRAY due LOOP
        RETURN QUERY SELECT id, r.* FROM ccc.renew_account(id, as_of) AS r;
    END LOOP;
END
$$;
COMMENT ON FUNCTION ccc.renew_due(timestamptz, bigint) IS
    'renews from the wallets, of one account or (null) of all in one transaction, what goes on by itself and whose next period has begun by an instant, the oldest period first, each once however often it is called; tells each renewal, and each that was not: unpaid (the wallet is too small), withdrawn or unpriced (the product); purchase_no is the one that the rental began with; errors: 22008, 42704 no such account';
REVOKE ALL ON FUNCTION ccc.renew_due(timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.renew_due(timestamptz, bigint) TO ccc_admin;

-- A procedure that commits can neither pin a setting nor run as another: its
-- search_path is the caller's, so that it uses no operator, and names schemas.
CREATE PROCEDURE ccc.renew_all_due(as_of timestamptz DEFAULT now())
    LANGUAGE plpgsql
    AS $$
DECLARE
    account pg_catalog.int8;
BEGIN
    FOREACH account IN ARRAY ccc.due_accounts(as_of) LOOP
        BEGIN
            PERFORM FROM ccc.renew_due(as_of, account);
        EXCEPTION WHEN read_only_sql_transaction THEN
            RAISE;
        WHEN OTHERS THEN
            RAISE WARNING 'renewals of account % failed: %', account, SQLERRM
                USING ERRCODE = SQLSTATE, HINT = 'The next run tries them again.';
        END;
        COMMIT;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE ccc.renew_all_due(timestamptz) IS
    'ccc.renew_due() of each account in a transaction of its own; an account that fails is told by a warning, and the others go on; errors: 22008, 25006 on a standby, 2D000 in a transaction block';
REVOKE ALL ON PROCEDURE ccc.renew_all_due(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE ccc.renew_all_due(timestamptz) TO ccc_admin;
