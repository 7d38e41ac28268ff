/*
 * Money: opening an account, putting money in, asking a price, buying.
 * Every function that changes an account locks its row first.
 */
CREATE FUNCTION ccc.check_instant(at timestamptz, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF at < '0001-01-01 00:00+00' OR at >= '10000-01-01 00:00+00' THEN
        RAISE EXCEPTION '% at "%" is out of range', what, at
            USING ERRCODE = '22008', HINT = 'It must lie in the years 1 to 9999.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_instant(timestamptz, text) IS 'refuses (22008) an instant from which terms cannot be counted';
REVOKE ALL ON FUNCTION ccc.check_instant(timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_instant(timestamptz, text) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.check_periods(periods integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF periods IS NULL OR periods NOT BETWEEN 1 AND 1200 THEN
        RAISE EXCEPTION '% periods are out of range', coalesce(periods::text, 'null')
            USING ERRCODE = '22003', HINT = 'One pays for 1 to 1200 periods at a time.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_periods(integer) IS 'refuses (22003) a number of periods that cannot be paid at a time';
REVOKE ALL ON FUNCTION ccc.check_periods(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_periods(integer) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.term_end(start timestamptz, term interval, periods integer, time_zone text,
                             day_rule text DEFAULT 'instant') RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    months  numeric := (extract(year FROM term) * 12 + extract(month FROM term)) * periods;
    days    numeric := extract(day FROM term) * periods;
    hours   numeric := extract(hour FROM term) * periods;
    stop    timestamptz := start;
    midnight timestamp;
BEGIN
    PERFORM ccc.check_instant(start, 'a start') WHERE isfinite(start);
    IF least(months, days, hours) < 0 OR months / 12 + days / 365 + hours / 8760 > 150000 THEN
        RAISE EXCEPTION '% times the term "%" are out of range', periods, term
            USING ERRCODE = '22008', HINT = 'They must not be negative, nor more than 150000 years.';
    END IF;
    IF months <> 0 OR days <> 0 THEN
        stop := timezone(time_zone, timezone(time_zone, start)
                                    + make_interval(months => months::integer, days => days::integer));
    END IF;
    stop := stop + make_interval(hours => hours::integer);
    IF day_rule = 'instant' THEN
        RETURN stop;
    END IF;
    midnight := date_trunc('day', timezone(time_zone, stop));
    IF day_rule = 'end_of_day' THEN
        midnight := midnight + make_interval(days => 1);
    END IF;
    RETURN timezone(time_zone, midnight);
END
$$;
COMMENT ON FUNCTION ccc.term_end(timestamptz, interval, integer, text, text) IS
    'end of so many periods of a term from a start: months and days by the calendar of the zone, clamped at a month''s end, hours as elapsed time; then the day rule; error 22008';
REVOKE ALL ON FUNCTION ccc.term_end(timestamptz, interval, integer, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.term_end(timestamptz, interval, integer, text, text) TO ccc_admin, ccc_reader;

CREATE FUNCTION ccc.lock_account(account_id bigint) RETURNS ccc.accounts
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account ccc.accounts;
BEGIN
    SELECT * INTO account FROM ccc.accounts AS a
        WHERE a.account_id = lock_account.account_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % does not exist', coalesce(account_id::text, 'null')
            USING ERRCODE = '42704', HINT = 'Open it with ccc.open_account().';
    END IF;
    RETURN account;
END
$$;
COMMENT ON FUNCTION ccc.lock_account(bigint) IS
    'the account''s row, locked until the transaction ends; error 42704 when there is no such account';
REVOKE ALL ON FUNCTION ccc.lock_account(bigint) FROM PUBLIC;

CREATE FUNCTION ccc.is_time_zone(time_zone text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'is_time_zone';
COMMENT ON FUNCTION ccc.is_time_zone(text) IS
    'whether it names a zone that means the same wherever it is read: neither an abbreviation, which a session''s settings explain, nor an offset, whose sign means one thing here and another there';
REVOKE ALL ON FUNCTION ccc.is_time_zone(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.is_time_zone(text) TO ccc_owner, ccc_admin, ccc_reader;

CREATE FUNCTION ccc.check_time_zone(time_zone text) RETURNS void
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    IF NOT ccc.is_time_zone(time_zone) THEN
        RAISE EXCEPTION 'time zone "%" not recognized', time_zone
            USING ERRCODE = '22023', HINT = 'Use the full name of a zone, such as Asia/Shanghai, or UTC.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_time_zone(text) IS 'refuses what is no name of a time zone (22023)';
REVOKE ALL ON FUNCTION ccc.check_time_zone(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_time_zone(text) TO ccc_admin;

CREATE FUNCTION ccc.open_account(account_id bigint, name text, opened_at timestamptz DEFAULT now(),
                                 time_zone text DEFAULT 'Asia/Shanghai') RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    IF account_id IS NULL OR name IS NULL OR opened_at IS NULL OR time_zone IS NULL THEN
        RAISE EXCEPTION 'account, name, opening and time zone must not be null'
            USING ERRCODE = '22004';
    END IF;
    PERFORM ccc.check_instant(opened_at, 'an opening');
    PERFORM ccc.check_time_zone(time_zone);
    INSERT INTO ccc.accounts (account_id, name, opened_at, time_zone)
        VALUES (account_id, name, opened_at, time_zone)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % is open already', account_id
            USING ERRCODE = '23505', HINT = 'Each account is opened once, under an id of its own.';
    END IF;
    INSERT INTO ccc.rentals (account_id, purchase_no, product, edition, quantity, since, term, day_rule, periods, paid_until)
        SELECT account_id, 0, p.code, p.edition, t.quantity, opened_at, t.term, p.day_rule, 1,
               ccc.term_end(opened_at, t.term, 1, time_zone, p.day_rule)
        FROM (SELECT * FROM ccc.trials AS v WHERE v.valid_from <= opened_at ORDER BY v.valid_from DESC LIMIT 1) AS t
             JOIN ccc.products AS p ON p.code = t.product
        WHERE t.quantity > 0;
END
$$;
COMMENT ON FUNCTION ccc.open_account(bigint, text, timestamptz, text) IS
    'a new account with an empty wallet and the seats of the trial, which ccc.trials says; errors: 22004 null, 22008 opening out of range, 23505 open already, 22023 unknown time zone';
REVOKE ALL ON FUNCTION ccc.open_account(bigint, text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.open_account(bigint, text, timestamptz, text) TO ccc_admin;

CREATE FUNCTION ccc.check_admin(what text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    role name := current_setting('role');
BEGIN
    IF NOT pg_has_role(session_user, 'ccc_admin', 'MEMBER')
       OR (role <> 'none' AND NOT pg_has_role(role, 'ccc_admin', 'USAGE'))
    THEN
        RAISE EXCEPTION 'must be member of role "ccc_admin" to %', what
            USING ERRCODE = '42501', HINT = 'Leave the instant null: it is now.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_admin(text) IS
    'refuses (42501) who logged in, or set a role, without being an administrator: for what EXECUTE on a function alone does not allow';
REVOKE ALL ON FUNCTION ccc.check_admin(text) FROM PUBLIC;

CREATE FUNCTION ccc.earlier_request(account_id bigint, request_id text, content jsonb) RETURNS ccc.requests
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    request ccc.requests;
BEGIN
    IF request_id = '' OR octet_length(request_id) > 255 THEN
        RAISE EXCEPTION 'a request id has 1 to 255 bytes, not %', octet_length(request_id)
            USING ERRCODE = '22023', HINT = 'Leave it null for a request that need not be repeatable.';
    END IF;
    SELECT * INTO request FROM ccc.requests AS r
        WHERE r.account_id = earlier_request.account_id AND r.request_id = earlier_request.request_id;
    IF FOUND AND request.content <> content THEN
        RAISE EXCEPTION 'request "%" of account % was made before with other content', request_id, account_id
            USING ERRCODE = '23505',
                  DETAIL = format('Then: %s. Now: %s.', request.content, content),
                  HINT = 'Use a new request id for a new request.';
    END IF;
    RETURN request;
END
$$;
COMMENT ON FUNCTION ccc.earlier_request(bigint, text, jsonb) IS
    'the same request made before, or null; errors: 23505 when the id was used for another, 22023 empty or over 255 bytes; to be called under the account''s lock';
REVOKE ALL ON FUNCTION ccc.earlier_request(bigint, text, jsonb) FROM PUBLIC;

CREATE FUNCTION ccc.remember_request(account_id bigint, request_id text, content jsonb, entry_no bigint,
                                     purchase_no integer) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    BEGIN ATOMIC
        INSERT INTO ccc.requests (account_id, request_id, content, entry_no, purchase_no)
            SELECT remember_request.account_id, remember_request.request_id, remember_request.content,
                   remember_request.entry_no, remember_request.purchase_no
            WHERE remember_request.request_id IS NOT NULL;
    END;
COMMENT ON FUNCTION ccc.remember_request(bigint, text, jsonb, bigint, integer) IS 'keeps what a request asked and its result; nothing without a request id';
REVOKE ALL ON FUNCTION ccc.remember_request(bigint, text, jsonb, bigint, integer) FROM PUBLIC;

CREATE FUNCTION ccc.move_money(account ccc.accounts, reason text, amount numeric,
                               purchase_no integer DEFAULT NULL) RETURNS ccc.wallet_entries
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    entry ccc.wallet_entries;
BEGIN
    INSERT INTO ccc.wallet_entries (account_id, entry_no, reason, amount, balance, purchase_no)
        VALUES (account.account_id, account.last_entry_no + 1, reason, amount, account.balance + amount, purchase_no)
        RETURNING * INTO entry;
    UPDATE ccc.accounts AS a SET last_entry_no = entry.entry_no, balance = entry.balance
        WHERE a.account_id = account.account_id;
    RETURN entry;
END
$$;
COMMENT ON FUNCTION ccc.move_money(ccc.accounts, text, numeric, integer) IS
    'one wallet entry of a locked account, and its balance';
REVOKE ALL ON FUNCTION ccc.move_money(ccc.accounts, text, numeric, integer) FROM PUBLIC;

CREATE FUNCTION ccc.top_up(account_id bigint, amount numeric, request_id text DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account ccc.accounts := ccc.lock_account(account_id);
    content jsonb;
    request ccc.requests;
    entry   ccc.wallet_entries;
BEGIN
    IF amount IS NULL OR amount = 'NaN' OR amount = 'Infinity' OR amount <= 0 OR account.balance + amount >= 1e18 THEN
        RAISE EXCEPTION 'a top-up of % yuan is out of range', coalesce(amount::text, 'null')
            USING ERRCODE = '22003', HINT = 'The amount must be positive and finite.';
    ELSIF amount <> round(amount, 2) THEN
        RAISE EXCEPTION 'a top-up of % yuan has more than two decimals', amount
            USING ERRCODE = '22023', HINT = 'Money in the wallet is counted in 0.01 yuan.';
    END IF;
    content := jsonb_build_object('function', 'top_up', 'amount', trim_scale(amount));
    request := ccc.earlier_request(account_id, request_id, content);
    IF request.entry_no IS NOT NULL THEN
        RETURN (SELECT w.balance FROM ccc.wallet_entries AS w
                WHERE w.account_id = top_up.account_id AND w.entry_no = request.entry_no);
    END IF;
    entry := ccc.move_money(account, 'top_up', amount);
    PERFORM ccc.remember_request(account_id, request_id, content, entry.entry_no, NULL);
    RETURN entry.balance;
END
$$;
COMMENT ON FUNCTION ccc.top_up(bigint, numeric, text) IS
    'puts yuan into the wallet, and gives the balance after it; the same request id again gives the same result and moves nothing; errors: 22003 not positive and finite, 22023 finer than 0.01, 23505 request id used for another request, 42704 no such account';
REVOKE ALL ON FUNCTION ccc.top_up(bigint, numeric, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.top_up(bigint, numeric, text) TO ccc_admin;

CREATE FUNCTION ccc.wallet_balance(account_id bigint) RETURNS numeric
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
        SELECT a.balance::numeric FROM ccc.accounts AS a WHERE a.account_id = wallet_balance.account_id;
    END;
COMMENT ON FUNCTION ccc.wallet_balance(bigint) IS 'prepaid money of an account, yuan; null when there is no such account';
REVOKE ALL ON FUNCTION ccc.wallet_balance(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.wallet_balance(bigint) TO ccc_admin, ccc_reader;
