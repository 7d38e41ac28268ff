/*
 * Numbers in service. One small table for all accounts, so that a call's two
 * numbers lead to the accounts that they belonged to at its start.
 */
CREATE TABLE ccc.numbers (
    number      ccc.phone_number NOT NULL,
    since       timestamptz NOT NULL,
    paid_until  timestamptz NOT NULL,
    released_at timestamptz NOT NULL DEFAULT 'infinity',
    account_id  bigint NOT NULL,
    line        text NOT NULL CHECK (line IN ('landline', '400')),
    owner       text NOT NULL CHECK (owner IN ('platform', 'customer')),
    PRIMARY KEY (number, since),
    CONSTRAINT numbers_times_in_order CHECK (since <= paid_until AND since <= released_at)
);
CREATE UNIQUE INDEX numbers_in_service ON ccc.numbers (number) WHERE released_at = 'infinity';
COMMENT ON TABLE ccc.numbers IS 'numbers in service: whose each is, and from when to when';
COMMENT ON COLUMN ccc.numbers.since IS 'the account has the number from here on';
COMMENT ON COLUMN ccc.numbers.paid_until IS 'end of service: from here on, until it is released, the number is suspended';
COMMENT ON COLUMN ccc.numbers.released_at IS 'from here on the number is no longer the account''s';
COMMENT ON COLUMN ccc.numbers.owner IS 'platform: rented from the operator; customer: the customer''s own, pays no communication fee';

CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON ccc.numbers
    FOR EACH ROW EXECUTE FUNCTION ccc.catalogue_changed();
CREATE TRIGGER catalogue_truncated AFTER TRUNCATE ON ccc.numbers
    FOR EACH STATEMENT EXECUTE FUNCTION ccc.catalogue_changed();
COMMENT ON TRIGGER catalogue_changed ON ccc.numbers IS 'news of changes to every session';
COMMENT ON TRIGGER catalogue_truncated ON ccc.numbers IS 'news of changes to every session';

SELECT pg_catalog.pg_extension_config_dump('ccc.numbers', '');
GRANT SELECT ON ccc.numbers TO ccc_admin, ccc_reader;

CREATE TABLE ccc.number_locks (
    number  ccc.phone_number PRIMARY KEY,
    changes bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE ccc.number_locks IS 'numbers that ever were in service; the row is the lock of the number''s services, of whichever account they are';
COMMENT ON COLUMN ccc.number_locks.changes IS 'counts the changes of its services';

SELECT pg_catalog.pg_extension_config_dump('ccc.number_locks', '');
GRANT SELECT ON ccc.number_locks TO ccc_admin, ccc_reader;

-- updated rather than locked: so that who cannot see a change gets 40001
CREATE FUNCTION ccc.lock_number(number ccc.phone_number) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    BEGIN ATOMIC
        INSERT INTO ccc.number_locks AS l (number) VALUES (lock_number.number)
            ON CONFLICT ON CONSTRAINT number_locks_pkey DO UPDATE SET changes = l.changes + 1;
    END;
COMMENT ON FUNCTION ccc.lock_number(ccc.phone_number) IS
    'locks the services of a number until the transaction ends, after the accounts; to be called before any change of them; error 40001 when one was made after the snapshot';
REVOKE ALL ON FUNCTION ccc.lock_number(ccc.phone_number) FROM PUBLIC;

CREATE FUNCTION ccc.rating_changed(account_id bigint) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    BEGIN ATOMIC
        UPDATE ccc.accounts AS a SET last_rating_no = a.last_rating_no + 1
            WHERE a.account_id = rating_changed.account_id;
    END;
COMMENT ON FUNCTION ccc.rating_changed(bigint) IS 'tells those who rate calls at the moment that a locked account''s are rated otherwise: its numbers are others, or rerate() is at work';
REVOKE ALL ON FUNCTION ccc.rating_changed(bigint) FROM PUBLIC;

CREATE FUNCTION ccc.put_in_service(account_id bigint, number ccc.phone_number, line text, owner text,
                                   since timestamptz, paid_until timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
BEGIN
    IF (line = 'landline' AND number::text LIKE '400_______') OR (line = '400' AND number::text LIKE '+86%') THEN
        RAISE EXCEPTION 'number "%" is not one of line "%"', number, line
            USING ERRCODE = '22023',
                  HINT = 'A 400-number has ten digits and begins with 400; its calls are paid by whom they reach, those of a landline by who makes them.';
    END IF;
    PERFORM ccc.lock_number(number);
    IF EXISTS (SELECT FROM ccc.numbers AS n
               WHERE n.number = put_in_service.number AND n.released_at > put_in_service.since)
    THEN
        RAISE EXCEPTION 'number "%" is already in service', number
            USING ERRCODE = '23505',
                  HINT = 'A number serves one account at a time: it must be released first. An account renews its own with ccc.renew().';
    END IF;
    INSERT INTO ccc.numbers (number, since, paid_until, account_id, line, owner)
        VALUES (number, since, paid_until, account_id, line, owner);
    PERFORM ccc.rating_changed(account_id);
END
$$;
COMMENT ON FUNCTION ccc.put_in_service(bigint, ccc.phone_number, text, text, timestamptz, timestamptz) IS
    'gives a number to an account from an instant on; errors: 22023 when its line is another, 23505 when it serves anybody then or later, 40001 when that changed after the snapshot';
REVOKE ALL ON FUNCTION ccc.put_in_service(bigint, ccc.phone_number, text, text, timestamptz, timestamptz) FROM PUBLIC;
