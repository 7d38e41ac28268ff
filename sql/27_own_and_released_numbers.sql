/*
 * Numbers that come without a purchase, the customers' own, and numbers that
 * leave an account.
 */
CREATE FUNCTION ccc.add_own_number(account_id bigint, number text, line text, since timestamptz DEFAULT now())
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account ccc.accounts := ccc.lock_account(account_id);
BEGIN
    IF number IS NULL OR since IS NULL THEN
        RAISE EXCEPTION 'number and start of service must not be null' USING ERRCODE = '22004';
    ELSIF line IS NULL OR line NOT IN ('landline', '400') THEN
        RAISE EXCEPTION 'line "%" is unknown', coalesce(line, 'null')
            USING ERRCODE = '22023', HINT = 'A number''s line is "landline" or "400".';
    ELSIF since = 'infinity' THEN
        RAISE EXCEPTION 'a service from "%" on is out of range', since USING ERRCODE = '22008', HINT = 'It must begin.';
    END IF;
    PERFORM ccc.put_in_service(account_id, number::ccc.phone_number, line, 'customer', since, 'infinity');
END
$$;
COMMENT ON FUNCTION ccc.add_own_number(bigint, text, text, timestamptz) IS
    'puts a customer''s own number into service: its calls are free; errors: 42704 no such account, 22P02 not a number, 22023 unknown line, 23505 number in service';
REVOKE ALL ON FUNCTION ccc.add_own_number(bigint, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.add_own_number(bigint, text, text, timestamptz) TO ccc_admin;

CREATE FUNCTION ccc.number_used_until(account_id bigint, number ccc.phone_number, since timestamptz, later_than timestamptz)
    RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        -- no index leads here, so nothing but rows that count are sorted into calls
        SELECT max(c.started_at) + interval '1 microsecond'
        FROM (SELECT l.started_at
              FROM ccc.ledger AS l JOIN ccc.numbers AS n ON n.number OPERATOR(ccc.=) l.number
              WHERE l.account_id = number_used_until.account_id AND l.number OPERATOR(ccc.=) number_used_until.number
                AND n.since = number_used_until.since AND l.started_at >= greatest(n.since, number_used_until.later_than)
                AND l.started_at < n.released_at
              GROUP BY l.call_id, l.direction, l.started_at
              HAVING sum(l.billed) > 0) AS c;
    END;
COMMENT ON FUNCTION ccc.number_used_until(bigint, ccc.phone_number, timestamptz, timestamptz) IS
    'just after the start of the latest billed call on a number that an account has since an instant, if that is later than another; null: none';
REVOKE ALL ON FUNCTION ccc.number_used_until(bigint, ccc.phone_number, timestamptz, timestamptz) FROM PUBLIC;

CREATE FUNCTION ccc.release_number(account_id bigint, number text, at timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    account ccc.accounts := ccc.lock_account(account_id);
    phone   ccc.phone_number := number;
    left_at timestamptz := coalesce(at, now());
    began   timestamptz;
BEGIN
    PERFORM ccc.lock_number(phone);
    SELECT n.since INTO began FROM ccc.numbers AS n
        WHERE n.number = phone AND n.account_id = release_number.account_id AND n.released_at = 'infinity';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % has no number "%"', account_id, coalesce(phone::text, 'null')
            USING ERRCODE = '42704', HINT = 'See ccc.numbers for those that it has.';
    ELSIF NOT isfinite(left_at) OR left_at <= began THEN
        RAISE EXCEPTION 'number "%" cannot be released at "%"', phone, left_at
            USING ERRCODE = '22023',
                  HINT = format('The account has it since %s %s.', to_char(timezone(account.time_zone, began), 'YYYY-MM-DD HH24:MI:SS'),
                                account.time_zone);
    ELSIF ccc.number_used_until(account_id, phone, began, left_at) IS NOT NULL THEN
        RAISE EXCEPTION 'number "%" of account % has billed calls after "%"', phone, account_id, left_at
            USING ERRCODE = '55000', HINT = 'Release it after its last call.';
    END IF;
    UPDATE ccc.numbers AS n SET released_at = left_at
        WHERE n.number = phone AND n.since = began;
    PERFORM ccc.rating_changed(account_id);
END
$$;
COMMENT ON FUNCTION ccc.release_number(bigint, text, timestamptz) IS
    'takes a number from an account from an instant on (null: now), so that another may have it; what is paid ahead is not given back: see ccc.refund(); errors: 22P02 not a number, 22023 before the account had it, 42704 not the account''s, 55000 calls after it are billed';
REVOKE ALL ON FUNCTION ccc.release_number(bigint, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.release_number(bigint, text, timestamptz) TO ccc_admin;
