/*
 * Money given back: what is unused of a purchase, or the whole of one that was
 * made by mistake and that nothing used.
 */
CREATE FUNCTION ccc.seats_used_until(rental ccc.rentals, later_than timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        -- agents online less the seats of other lots: above 0 the lot is used
        WITH changes AS (
            SELECT e.at, e.delta
            FROM ccc.agent_sessions AS s,
                 LATERAL (VALUES (s.signed_in_at, 1), (s.signed_out_at, -1)) AS e (at, delta)
            WHERE s.account_id = (seats_used_until.rental).account_id AND s.edition = (seats_used_until.rental).edition
            UNION ALL
            SELECT e.at, e.delta
            FROM ccc.rentals AS r,
                 LATERAL (VALUES (r.since, -r.quantity), (r.paid_until, r.quantity)) AS e (at, delta)
            WHERE r.account_id = (seats_used_until.rental).account_id AND r.edition = (seats_used_until.rental).edition
              AND r.purchase_no <> (seats_used_until.rental).purchase_no
            UNION ALL
            VALUES ((seats_used_until.rental).since, 0)),
        spans AS (
            SELECT c.at, sum(sum(c.delta)) OVER (ORDER BY c.at) AS needed,
                   least(lead(c.at, 1, 'infinity') OVER (ORDER BY c.at), (seats_used_until.rental).paid_until, clock_timestamp()) AS until
            FROM changes AS c GROUP BY c.at)
        SELECT max(s.until) FROM spans AS s
        WHERE s.needed > 0 AND s.until > greatest(s.at, (seats_used_until.rental).since, later_than);
    END;
COMMENT ON FUNCTION ccc.seats_used_until(ccc.rentals, timestamptz) IS
    'when more agents were last online, up to now, than the account''s other seats of the edition allowed, if that is later than an instant; null: never';
REVOKE ALL ON FUNCTION ccc.seats_used_until(ccc.rentals, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.rental_used_until(rental ccc.rentals, later_than timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT CASE WHEN (rental_used_until.rental).number IS NULL THEN ccc.seats_used_until(rental, later_than)
                    ELSE ccc.number_used_until((rental_used_until.rental).account_id, (rental_used_until.rental).number,
                                               (rental_used_until.rental).since, later_than) END;
    END;
COMMENT ON FUNCTION ccc.rental_used_until(ccc.rentals, timestamptz) IS
    'end of the time in which seats or a number were used, if it is later than an instant; null: they were not';
REVOKE ALL ON FUNCTION ccc.rental_used_until(ccc.rentals, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.check_refundable(purchase ccc.purchases) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    later integer;
BEGIN
    IF purchase.refunded_at IS NOT NULL THEN
        RAISE EXCEPTION 'purchase % of account % was % before', purchase.purchase_no, purchase.account_id,
                CASE WHEN purchase.voided THEN 'voided' ELSE 'refunded' END
            USING ERRCODE = '55000', HINT = 'Money is given back once.';
    END IF;
    SELECT max(p.purchase_no) INTO later FROM ccc.purchases AS p
        WHERE p.account_id = purchase.account_id AND p.purchase_no > purchase.purchase_no
          AND p.renews = coalesce(purchase.renews, purchase.purchase_no) AND p.periods_refunded < p.periods;
    IF later IS NOT NULL THEN
        RAISE EXCEPTION 'purchase % of account % was renewed by purchase %', purchase.purchase_no, purchase.account_id, later
            USING ERRCODE = '55000', HINT = 'Refund or void the later one first; where some of it was used, so was all before.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_refundable(ccc.purchases) IS
    'refuses (55000) a purchase that was given back before, or was renewed by one that was not wholly';
REVOKE ALL ON FUNCTION ccc.check_refundable(ccc.purchases) FROM PUBLIC;

CREATE FUNCTION ccc.give_back(account ccc.accounts, purchase ccc.purchases, reason text, amount numeric, at timestamptz)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    UPDATE ccc.purchases AS p SET refunded_at = at, refunded = give_back.amount, voided = (reason = 'void')
        WHERE p.account_id = purchase.account_id AND p.purchase_no = purchase.purchase_no;
    UPDATE ccc.rentals AS r SET auto_renew = false
        WHERE r.account_id = purchase.account_id AND r.purchase_no = coalesce(purchase.renews, purchase.purchase_no);
    RETURN (ccc.move_money(account, reason, amount, purchase.purchase_no)).entry_no;
END
$$;
COMMENT ON FUNCTION ccc.give_back(ccc.accounts, ccc.purchases, text, numeric, timestamptz) IS
    'puts yuan for a purchase back into the wallet of a locked account, and ends its renewal; gives the wallet entry''s number';
REVOKE ALL ON FUNCTION ccc.give_back(ccc.accounts, ccc.purchases, text, numeric, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.cut_package(purchase ccc.purchases, at timestamptz) RETURNS numeric
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    package ccc.packages;
BEGIN
    UPDATE ccc.packages AS p SET refunded_at = greatest(p.valid_from, least(p.valid_until, at))
        WHERE p.account_id = purchase.account_id AND p.package_no = purchase.package_no
        RETURNING * INTO package;
    PERFORM ccc.recharge_from(package.account_id, package.pool, ARRAY[package.refunded_at]);
    UPDATE ccc.packages AS p
        SET refunded = CASE WHEN at >= p.valid_until THEN 0 ELSE p.granted - p.used END
        WHERE p.account_id = package.account_id AND p.package_no = package.package_no
        RETURNING * INTO package;
    RETURN div(package.price * 100 * package.refunded, package.granted) / 100;
END
$$;
COMMENT ON FUNCTION ccc.cut_package(ccc.purchases, timestamptz) IS
    'ends what a package covers at an instant, charges later calls again, and gives the yuan of the time that is left';
REVOKE ALL ON FUNCTION ccc.cut_package(ccc.purchases, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.give_periods_back(rental ccc.rentals, purchase ccc.purchases, n integer, time_zone text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    PERFORM ccc.set_paid_periods(rental, rental.periods - n, time_zone);
    UPDATE ccc.purchases AS p SET periods_refunded = n
        WHERE p.account_id = purchase.account_id AND p.purchase_no = purchase.purchase_no;
END
$$;
COMMENT ON FUNCTION ccc.give_periods_back(ccc.rentals, ccc.purchases, integer, text) IS 'takes the last periods of a rental from it, which a purchase had paid';
REVOKE ALL ON FUNCTION ccc.give_periods_back(ccc.rentals, ccc.purchases, integer, text) FROM PUBLIC;

CREATE FUNCTION ccc.cut_rental(purchase ccc.purchases, at timestamptz, time_zone text) RETURNS numeric
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    rental ccc.rentals := ccc.rental_of(purchase);
    until  timestamptz := greatest(at, ccc.rental_used_until(rental, at));
    unused integer := 0;
BEGIN
    WHILE unused < purchase.periods AND ccc.period_start(rental, rental.periods - unused - 1, time_zone) >= until LOOP
        unused := unused + 1;
    END LOOP;
    PERFORM ccc.give_periods_back(rental, purchase, unused, time_zone);
    RETURN div(purchase.amount * 100 * unused, purchase.periods) / 100;
END
$$;
COMMENT ON FUNCTION ccc.cut_rental(ccc.purchases, timestamptz, text) IS
    'takes from a rental the periods of a purchase that begin at an instant or later and were not used, and gives their yuan';
REVOKE ALL ON FUNCTION ccc.cut_rental(ccc.purchases, timestamptz, text) FROM PUBLIC;

CREATE FUNCTION ccc.refund(account_id bigint, purchase_no integer, at timestamptz DEFAULT NULL, request_id text DEFAULT NULL)
    RETURNS numeric
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account  ccc.accounts := ccc.lock_account(account_id);
    cut_at   timestamptz := coalesce(at, now());
    content  jsonb := jsonb_strip_nulls(jsonb_build_object(
                 'function', 'refund', 'purchase_no', purchase_no, 'at', timezone('UTC', at)));
    request  ccc.requests := ccc.earlier_request(account_id, request_id, content);
    purchase ccc.purchases;
    amount   numeric;
    entry    bigint;
BEGIN
    IF request.entry_no IS NOT NULL THEN
        RETURN (SELECT w.amount FROM ccc.wallet_entries AS w
                WHERE w.account_id = refund.account_id AND w.entry_no = request.entry_no);
    END IF;
    IF at IS NOT NULL THEN
        PERFORM ccc.check_admin('refund at a given instant');
    END IF;
    IF NOT isfinite(cut_at) OR cut_at > clock_timestamp() THEN
        RAISE EXCEPTION 'a refund at "%" is out of range', cut_at
            USING ERRCODE = '22023', HINT = 'A refund is made now, or as of an instant before.';
    END IF;
    purchase := ccc.purchase_made(account_id, purchase_no);
    PERFORM ccc.check_refundable(purchase);
    amount := CASE purchase.kind WHEN 'package' THEN ccc.cut_package(purchase, cut_at)
                                 ELSE ccc.cut_rental(purchase, cut_at, account.time_zone) END;
    entry := ccc.give_back(account, purchase, 'refund', amount, cut_at);
    PERFORM ccc.remember_request(account_id, request_id, content, entry, NULL);
    RETURN round(amount, 2);
END
$$;
COMMENT ON FUNCTION ccc.refund(bigint, integer, timestamptz, text) IS
    'gives back, in yuan rounded down to 0.01, what is unused of a purchase at an instant (null: now; another is for administrators): of a package the time left, at its price; of seats and numbers the whole periods that begin then or later; calls that start then or later are charged again without the package; errors: 22023 in the future, 23505 request id used for another request, 42501 not an administrator, 42704 no such account or purchase, 55000 given back before, or renewed since';
REVOKE ALL ON FUNCTION ccc.refund(bigint, integer, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.refund(bigint, integer, timestamptz, text) TO ccc_admin;

CREATE FUNCTION ccc.void_package(purchase ccc.purchases) RETURNS boolean
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    BEGIN ATOMIC
        WITH unused AS (
            UPDATE ccc.packages AS p SET refunded = p.granted, refunded_at = p.valid_from
            WHERE p.account_id = (void_package.purchase).account_id AND p.package_no = (void_package.purchase).package_no
              AND p.used = 0
            RETURNING p.package_no)
        SELECT EXISTS (SELECT FROM unused);
    END;
COMMENT ON FUNCTION ccc.void_package(ccc.purchases) IS 'makes a package cover nothing; false when calls were charged on it';
REVOKE ALL ON FUNCTION ccc.void_package(ccc.purchases) FROM PUBLIC;

CREATE FUNCTION ccc.void_rental(purchase ccc.purchases, time_zone text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    rental ccc.rentals := ccc.rental_of(purchase);
BEGIN
    IF ccc.rental_used_until(rental, purchase.valid_from) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM ccc.give_periods_back(rental, purchase, purchase.periods, time_zone);
    IF purchase.renews IS NULL THEN
        DELETE FROM ccc.numbers AS n WHERE n.number = rental.number AND n.since = rental.since;
        DELETE FROM ccc.rentals AS r WHERE r.account_id = rental.account_id AND r.purchase_no = rental.purchase_no;
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION ccc.void_rental(ccc.purchases, text) IS
    'takes the periods of a purchase from its rental, which ends, as does the number''s service, if it was the first; false when they were used';
REVOKE ALL ON FUNCTION ccc.void_rental(ccc.purchases, text) FROM PUBLIC;

CREATE FUNCTION ccc.void_purchase(account_id bigint, purchase_no integer, request_id text DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account  ccc.accounts := ccc.lock_account(account_id);
    content  jsonb := jsonb_build_object('function', 'void_purchase', 'purchase_no', purchase_no);
    request  ccc.requests := ccc.earlier_request(account_id, request_id, content);
    purchase ccc.purchases := ccc.purchase_made(account_id, purchase_no);
    unused   boolean;
    entry    bigint;
BEGIN
    IF request.entry_no IS NOT NULL THEN
        RETURN purchase.refunded;
    END IF;
    PERFORM ccc.check_refundable(purchase);
    unused := CASE purchase.kind WHEN 'package' THEN ccc.void_package(purchase)
                                 ELSE ccc.void_rental(purchase, account.time_zone) END;
    IF NOT unused THEN
        RAISE EXCEPTION 'purchase % of account % was used', purchase_no, account_id
            USING ERRCODE = '55000', HINT = 'Refund what is left of it with ccc.refund().';
    END IF;
    entry := ccc.give_back(account, purchase, 'void', purchase.amount, now());
    PERFORM ccc.remember_request(account_id, request_id, content, entry, NULL);
    RETURN purchase.amount;
END
$$;
COMMENT ON FUNCTION ccc.void_purchase(bigint, integer, text) IS
    'takes back a purchase that was a mistake and that nothing used, and gives its whole amount back, yuan; errors: 23505 request id used for another request, 42704 no such account or purchase, 55000 used, given back before, or renewed since';
REVOKE ALL ON FUNCTION ccc.void_purchase(bigint, integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.void_purchase(bigint, integer, text) TO ccc_admin;
