/*
 * What is rented by periods: lots of seats, and numbers. A purchase begins a
 * rental, renewals go on with it; period n is counted from the first instant.
 */
CREATE TABLE ccc.rentals (
    account_id   bigint NOT NULL,
    purchase_no  integer NOT NULL,
    product      text NOT NULL,
    edition      text CHECK (edition IN ('standard', 'premium')),
    number       ccc.phone_number,
    quantity     integer NOT NULL CHECK (quantity > 0),
    since        timestamptz NOT NULL,
    term         interval NOT NULL,
    day_rule     text NOT NULL,
    periods      integer NOT NULL CHECK (periods >= 0),
    paid_until   timestamptz NOT NULL,
    auto_renew   boolean NOT NULL DEFAULT false,
    unpaid_since timestamptz,
    PRIMARY KEY (account_id, purchase_no),
    CONSTRAINT rentals_of_seats_or_a_number CHECK ((edition IS NULL) <> (number IS NULL)),
    CONSTRAINT rentals_times_in_order CHECK (since <= paid_until)
);
COMMENT ON TABLE ccc.rentals IS 'lots of seats and rented numbers: paid from since to paid_until';
COMMENT ON COLUMN ccc.rentals.purchase_no IS 'the purchase that it began with; 0: the trial';
COMMENT ON COLUMN ccc.rentals.edition IS 'of seats';
COMMENT ON COLUMN ccc.rentals.term IS 'length of a period, as sold';
COMMENT ON COLUMN ccc.rentals.periods IS 'periods that are paid';
COMMENT ON COLUMN ccc.rentals.unpaid_since IS 'start of the period that the wallet could not pay when it was due; once that is over, ccc.renew_due() no longer tries';

-- of an expression: see exception_log_open_by_content
CREATE INDEX rentals_due ON ccc.rentals (timezone('UTC', paid_until)) WHERE auto_renew;

SELECT pg_catalog.pg_extension_config_dump('ccc.rentals', '');
GRANT SELECT ON ccc.rentals TO ccc_admin, ccc_reader;

CREATE TABLE ccc.agent_sessions (
    account_id    bigint NOT NULL,
    session_no    bigint NOT NULL,
    agent         text COLLATE "C" NOT NULL CHECK (agent <> ''),
    edition       text NOT NULL CHECK (edition IN ('standard', 'premium')),
    signed_in_at  timestamptz NOT NULL,
    signed_out_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (account_id, session_no),
    CONSTRAINT agent_sessions_times_in_order CHECK (signed_in_at < signed_out_at)
);
CREATE UNIQUE INDEX agent_sessions_online ON ccc.agent_sessions (account_id, agent) WHERE signed_out_at = 'infinity';
CREATE INDEX agent_sessions_by_end ON ccc.agent_sessions (account_id, signed_out_at);
COMMENT ON TABLE ccc.agent_sessions IS 'who was online when, on a seat of which edition';
COMMENT ON COLUMN ccc.agent_sessions.signed_out_at IS 'infinity while the agent is online';

SELECT pg_catalog.pg_extension_config_dump('ccc.agent_sessions', '');
GRANT SELECT ON ccc.agent_sessions TO ccc_admin, ccc_reader;
