/*
 * What things cost, and buying them.
 */
CREATE FUNCTION ccc.product_on_sale(product text, quantity integer, at timestamptz) RETURNS ccc.products
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    found_product ccc.products;
BEGIN
    SELECT * INTO found_product FROM ccc.products AS p
        WHERE p.code = product_on_sale.product AND (p.withdrawn_at IS NULL OR at < p.withdrawn_at);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'product "%" is not on sale', coalesce(product, 'null')
            USING ERRCODE = '42704', HINT = 'See ccc.products for what is.';
    END IF;
    IF quantity IS NULL OR quantity < found_product.minimum OR quantity > found_product.maximum THEN
        RAISE EXCEPTION 'a quantity of % of product "%" is out of range', coalesce(quantity::text, 'null'), product
            USING ERRCODE = '22003',
                  HINT = CASE WHEN found_product.maximum IS NULL
                              THEN format('The minimum is %s.', found_product.minimum)
                              ELSE format('It must lie between %s and %s.', found_product.minimum, found_product.maximum)
                         END;
    END IF;
    IF found_product.minutes::numeric * quantity > 150000000000000000 THEN
        RAISE EXCEPTION 'a quantity of % of product "%" is out of range', quantity, product
            USING ERRCODE = '22003', HINT = 'A package grants at most 150000000000000000 minutes.';
    END IF;
    IF quantity % found_product.step <> 0 THEN
        RAISE EXCEPTION 'a quantity of % of product "%" is not a multiple of %', quantity, product, found_product.step
            USING ERRCODE = '22023',
                  HINT = format('The next one up is %s.', (quantity::bigint / found_product.step + 1) * found_product.step);
    END IF;
    RETURN found_product;
END
$$;
COMMENT ON FUNCTION ccc.product_on_sale(text, integer, timestamptz) IS
    'the product, if it is sold in this quantity then; errors: 42704 unknown or withdrawn, 22003 quantity out of range, 22023 off the step';
REVOKE ALL ON FUNCTION ccc.product_on_sale(text, integer, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.price_at(product text, at timestamptz) RETURNS ccc.price_tiers
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT p.tiers FROM ccc.prices AS p
        WHERE p.product = price_at.product AND p.valid_from <= at
        ORDER BY p.valid_from DESC LIMIT 1;
    END;
COMMENT ON FUNCTION ccc.price_at(text, timestamptz) IS 'price of a product at an instant: the latest one not after it; null when there is none';
REVOKE ALL ON FUNCTION ccc.price_at(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.price_at(text, timestamptz) TO ccc_admin, ccc_reader, ccc_writer;

CREATE FUNCTION ccc.price_in_force(product text, at timestamptz) RETURNS ccc.price_tiers
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    tiers ccc.price_tiers := ccc.price_at(product, at);
BEGIN
    IF tiers IS NULL THEN
        RAISE EXCEPTION 'product "%" has no price at %', product, coalesce(to_char(timezone('UTC', at), 'YYYY-MM-DD HH24:MI:SS"Z"'), 'null')
            USING ERRCODE = '55000', HINT = 'Add a row to ccc.prices that is valid from then or before.';
    END IF;
    RETURN tiers;
END
$$;
COMMENT ON FUNCTION ccc.price_in_force(text, timestamptz) IS 'the same; error 55000 when there is none';
REVOKE ALL ON FUNCTION ccc.price_in_force(text, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.quote(product text, quantity integer DEFAULT 1, at timestamptz DEFAULT now(),
                          OUT unit_price numeric, OUT amount numeric,
                          OUT cheaper_quantity integer, OUT cheaper_amount numeric) RETURNS record
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    item  ccc.products := ccc.product_on_sale(product, quantity, at);
    tiers ccc.price_tiers := ccc.price_in_force(product, at);
BEGIN
    quote.unit_price := ccc.unit_price(tiers, quantity);
    quote.amount := round(ccc.volume_price(tiers, quantity), 2);
    -- a total can only fall where a band begins
    SELECT c.quantity, c.amount INTO cheaper_quantity, cheaper_amount
        FROM ccc.tiers(tiers) AS t,
             LATERAL (SELECT (least(t.lower_bound, 2147483648) + item.step - 1) / item.step * item.step) AS s (quantity),
             LATERAL (SELECT s.quantity, round(ccc.volume_price(tiers, s.quantity), 2)) AS c (quantity, amount)
        WHERE s.quantity > quote.quantity AND s.quantity <= coalesce(item.maximum, 2147483647)
          AND c.amount < quote.amount
        ORDER BY c.amount, c.quantity
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION ccc.quote(text, integer, timestamptz) IS
    'price of a quantity of a product for one period at an instant, yuan, and the larger quantity that costs least where one costs less; errors as ccc.buy';
REVOKE ALL ON FUNCTION ccc.quote(text, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.quote(text, integer, timestamptz) TO ccc_admin, ccc_reader, ccc_writer;

CREATE FUNCTION ccc.check_purchase(item ccc.products, periods integer, number ccc.phone_number, bought_at timestamptz,
                                   auto_renew boolean) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    PERFORM ccc.check_periods(periods);
    PERFORM ccc.check_instant(bought_at, 'a purchase');
    IF item.kind = 'package' AND periods <> 1 THEN
        RAISE EXCEPTION 'product "%" is a package and has one period', item.code
            USING ERRCODE = '22023', HINT = 'Buy more packages instead.';
    ELSIF item.kind = 'number' AND number IS NULL THEN
        RAISE EXCEPTION 'product "%" needs a number', item.code
            USING ERRCODE = '22023', HINT = 'Give the number that was delivered in the argument "number".';
    ELSIF item.kind <> 'number' AND number IS NOT NULL THEN
        RAISE EXCEPTION 'product "%" takes no number', item.code USING ERRCODE = '22023';
    ELSIF auto_renew IS NULL THEN
        RAISE EXCEPTION 'auto_renew must not be null' USING ERRCODE = '22004';
    ELSIF auto_renew AND item.kind = 'package' THEN
        RAISE EXCEPTION 'product "%" cannot be renewed', item.code
            USING ERRCODE = '22023', HINT = 'Seats and numbers are renewed; packages are bought anew.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_purchase(ccc.products, integer, ccc.phone_number, timestamptz, boolean) IS
    'refuses a purchase whose parts do not fit: 22003, 22004, 22008, 22023';
REVOKE ALL ON FUNCTION ccc.check_purchase(ccc.products, integer, ccc.phone_number, timestamptz, boolean) FROM PUBLIC;

CREATE FUNCTION ccc.deliver(purchase ccc.purchases, item ccc.products, auto_renew boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    IF item.kind = 'package' THEN
        INSERT INTO ccc.packages (account_id, package_no, purchase_no, product, pool, price, granted, valid_from, valid_until)
            VALUES (purchase.account_id, purchase.package_no, purchase.purchase_no, item.code, item.pool,
                    purchase.amount, item.minutes * 60 * purchase.quantity, purchase.valid_from, purchase.valid_until);
        PERFORM ccc.recharge_from(purchase.account_id, item.pool, ARRAY[purchase.valid_from, purchase.valid_until]);
        RETURN;
    END IF;
    IF item.kind = 'number' THEN
        PERFORM ccc.put_in_service(purchase.account_id, purchase.number, item.line, 'platform',
                                   purchase.valid_from, purchase.valid_until);
    END IF;
    INSERT INTO ccc.rentals (account_id, purchase_no, product, edition, number, quantity, since,
                             term, day_rule, periods, paid_until, auto_renew)
        VALUES (purchase.account_id, purchase.purchase_no, item.code, item.edition, purchase.number, purchase.quantity, purchase.valid_from,
                item.term, item.day_rule, purchase.periods, purchase.valid_until, auto_renew);
END
$$;
COMMENT ON FUNCTION ccc.deliver(ccc.purchases, ccc.products, boolean) IS
    'what a purchase brings: a package, or the rental of seats or of a number, which is put in service';
REVOKE ALL ON FUNCTION ccc.deliver(ccc.purchases, ccc.products, boolean) FROM PUBLIC;

CREATE FUNCTION ccc.check_wallet(account ccc.accounts, amount numeric) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF amount > account.balance THEN
        RAISE EXCEPTION 'the wallet of account % holds % yuan, and % are needed', account.account_id, account.balance, amount
            USING ERRCODE = '23514', HINT = format('Top up at least %s yuan.', amount - account.balance);
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_wallet(ccc.accounts, numeric) IS 'refuses (23514) to take more yuan from a wallet than it holds';
REVOKE ALL ON FUNCTION ccc.check_wallet(ccc.accounts, numeric) FROM PUBLIC;

CREATE FUNCTION ccc.pay(account ccc.accounts, purchase ccc.purchases) RETURNS ccc.purchases
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    purchase.account_id := account.account_id;
    purchase.purchase_no := account.last_purchase_no + 1;
    purchase.package_no := CASE purchase.kind WHEN 'package' THEN account.last_package_no + 1 END;
    purchase.recorded_at := now();
    purchase.periods_refunded := 0;
    purchase.voided := false;
    INSERT INTO ccc.purchases SELECT purchase.*;
    PERFORM ccc.move_money(account, CASE WHEN purchase.renews IS NULL THEN 'purchase' ELSE 'renewal' END,
                           -purchase.amount, purchase.purchase_no);
    UPDATE ccc.accounts AS a
        SET last_purchase_no = purchase.purchase_no,
            last_package_no = coalesce(purchase.package_no, a.last_package_no)
        WHERE a.account_id = account.account_id;
    RETURN purchase;
END
$$;
COMMENT ON FUNCTION ccc.pay(ccc.accounts, ccc.purchases) IS
    'records a purchase of a locked account under the next numbers, and takes its amount from the wallet; gives it as recorded; to be called after ccc.check_wallet()';
REVOKE ALL ON FUNCTION ccc.pay(ccc.accounts, ccc.purchases) FROM PUBLIC;

CREATE FUNCTION ccc.purchase_made(account_id bigint, purchase_no integer) RETURNS ccc.purchases
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    purchase ccc.purchases;
BEGIN
    SELECT * INTO purchase FROM ccc.purchases AS p
        WHERE p.account_id = purchase_made.account_id AND p.purchase_no = purchase_made.purchase_no;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % has no purchase %', account_id, coalesce(purchase_no::text, 'null')
            USING ERRCODE = '42704', HINT = 'See ccc.purchases for those that it has.';
    END IF;
    RETURN purchase;
END
$$;
COMMENT ON FUNCTION ccc.purchase_made(bigint, integer) IS 'a purchase of an account; error 42704 when there is none';
REVOKE ALL ON FUNCTION ccc.purchase_made(bigint, integer) FROM PUBLIC;

CREATE FUNCTION ccc.buy(account_id bigint, product text, quantity integer DEFAULT 1, periods integer DEFAULT 1,
                        number text DEFAULT NULL, bought_at timestamptz DEFAULT NULL, request_id text DEFAULT NULL,
                        auto_renew boolean DEFAULT false)
    RETURNS ccc.purchases
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account  ccc.accounts := ccc.lock_account(account_id);
    at       timestamptz := coalesce(bought_at, now());
    phone    ccc.phone_number := number;
    content  jsonb := jsonb_strip_nulls(jsonb_build_object(
                 'function', 'buy', 'product', product, 'quantity', quantity, 'periods', periods,
                 'number', phone::text, 'bought_at', timezone('UTC', bought_at),
                 'auto_renew', nullif(auto_renew, false)));
    request  ccc.requests := ccc.earlier_request(account_id, request_id, content);
    item     ccc.products;
    tiers    ccc.price_tiers;
    amount   numeric;
    purchase ccc.purchases;
BEGIN
    IF request.purchase_no IS NOT NULL THEN
        RETURN ccc.purchase_made(account_id, request.purchase_no);
    END IF;
    IF bought_at IS NOT NULL THEN
        PERFORM ccc.check_admin('buy at a given instant');
    END IF;

    item := ccc.product_on_sale(product, quantity, at);
    PERFORM ccc.check_purchase(item, periods, phone, at, auto_renew);
    tiers := ccc.price_in_force(product, at);
    amount := round(ccc.volume_price(tiers, quantity) * periods, 2);
    PERFORM ccc.check_wallet(account, amount);

    purchase.product := product;
    purchase.kind := item.kind;
    purchase.quantity := quantity;
    purchase.periods := periods;
    purchase.unit_price := ccc.unit_price(tiers, quantity);
    purchase.amount := amount;
    purchase.bought_at := at;
    purchase.valid_from := at;
    purchase.valid_until := ccc.term_end(at, item.term, periods, account.time_zone, item.day_rule);
    IF purchase.valid_until <= at THEN
        RAISE EXCEPTION 'product "%" would end before it begins', product
            USING ERRCODE = '55000',
                  HINT = format('Its term is %s, by day rule "%s": give it a longer term, or another rule.', item.term, item.day_rule);
    END IF;
    purchase.number := phone;

    purchase := ccc.pay(account, purchase);
    PERFORM ccc.deliver(purchase, item, auto_renew);
    PERFORM ccc.remember_request(account_id, request_id, content, NULL, purchase.purchase_no);
    RETURN purchase;
END
$$;
COMMENT ON FUNCTION ccc.buy(bigint, text, integer, integer, text, timestamptz, text, boolean) IS
    'buys a product, paid from the wallet at once; bought_at null is now, another instant is for administrators; auto_renew: ccc.renew_due() goes on with seats or a number; the same request id again gives the same purchase and moves nothing; errors: 23514 not enough money, 42501 not an administrator, 42704 unknown account or product, 22003 or 22023 quantity or periods that do not fit, 22P02 not a number, 23505 number in service or request id used for another request, 55000 no price, or a term that ends before it begins';
REVOKE ALL ON FUNCTION ccc.buy(bigint, text, integer, integer, text, timestamptz, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.buy(bigint, text, integer, integer, text, timestamptz, text, boolean) TO ccc_admin;
