/*
 * Accounts, their money and what they bought. The account's row is its lock:
 * whoever posts anything to an account updates that row first. No foreign
 * keys: only the functions write here, a restore with several jobs fills the
 * tables in any order, and check_integrity() tells what does not fit.
 */
CREATE DOMAIN ccc.yuan AS numeric(20, 2)
    CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
COMMENT ON DOMAIN ccc.yuan IS 'amount of money in yuan, two decimals, neither NaN nor infinite';

CREATE TABLE ccc.accounts (
    account_id        bigint PRIMARY KEY,
    opened_at         timestamptz NOT NULL,
    last_posting_no   bigint NOT NULL DEFAULT 0,
    last_entry_no     bigint NOT NULL DEFAULT 0,
    last_purchase_no  integer NOT NULL DEFAULT 0,
    last_package_no   integer NOT NULL DEFAULT 0,
    last_session_no   bigint NOT NULL DEFAULT 0,
    last_rating_no    bigint NOT NULL DEFAULT 0,
    last_other_stretch timestamptz NOT NULL DEFAULT '-infinity',
    balance           ccc.yuan NOT NULL DEFAULT 0 CHECK (balance >= 0),
    name              text NOT NULL,
    time_zone         text NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE ccc.accounts IS 'tenants; the row is the lock of everything that is the account''s';
COMMENT ON COLUMN ccc.accounts.last_posting_no IS 'number of the latest posting to the ledger; given out under the row lock, so postings commit in its order';
COMMENT ON COLUMN ccc.accounts.last_entry_no IS 'number of the latest wallet entry';
COMMENT ON COLUMN ccc.accounts.last_session_no IS 'number of the latest session of an agent';
COMMENT ON COLUMN ccc.accounts.last_rating_no IS 'counts the changes of its numbers, and reratings: calls that were rated before one are rated again';
COMMENT ON COLUMN ccc.accounts.last_other_stretch IS 'no row of ccc.other_usage is of a later stretch: calls of later ones need not look there';
COMMENT ON COLUMN ccc.accounts.balance IS 'prepaid money: the sum of the wallet entries';
COMMENT ON COLUMN ccc.accounts.time_zone IS 'zone by whose calendar terms in months and days are counted';

CREATE TABLE ccc.purchases (
    account_id       bigint NOT NULL,
    purchase_no      integer NOT NULL,
    product          text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('seat', 'number', 'package')),
    quantity         integer NOT NULL CHECK (quantity > 0),
    periods          integer NOT NULL CHECK (periods > 0),
    unit_price       numeric NOT NULL CHECK (unit_price >= 0 AND unit_price < 'Infinity'),
    amount           ccc.yuan NOT NULL CHECK (amount >= 0),
    bought_at        timestamptz NOT NULL,
    valid_from       timestamptz NOT NULL,
    valid_until      timestamptz NOT NULL,
    package_no       integer,
    number           ccc.phone_number,
    renews           integer,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    refunded_at      timestamptz,
    refunded         ccc.yuan,
    periods_refunded integer NOT NULL DEFAULT 0,
    voided           boolean NOT NULL DEFAULT false,
    PRIMARY KEY (account_id, purchase_no),
    CONSTRAINT purchases_term_not_empty CHECK (valid_from < valid_until),
    CONSTRAINT purchases_refund_fits CHECK (
        CASE WHEN refunded_at IS NULL THEN refunded IS NULL AND NOT voided
             ELSE refunded BETWEEN 0 AND amount AND (NOT voided OR refunded = amount) END),
    CONSTRAINT purchases_periods_fit CHECK (periods_refunded BETWEEN 0 AND periods)
);
COMMENT ON TABLE ccc.purchases IS 'products bought and paid from the wallet';
COMMENT ON COLUMN ccc.purchases.kind IS 'of the product, as sold';
COMMENT ON COLUMN ccc.purchases.unit_price IS 'yuan for one unit of quantity and one period, as sold';
COMMENT ON COLUMN ccc.purchases.bought_at IS 'the payment''s instant: price and term count from it';
COMMENT ON COLUMN ccc.purchases.package_no IS 'the package that this purchase made, if any';
COMMENT ON COLUMN ccc.purchases.renews IS 'of a renewal: the purchase that the rental began with';
COMMENT ON COLUMN ccc.purchases.refunded IS 'yuan given back when it was refunded or voided';
COMMENT ON COLUMN ccc.purchases.periods_refunded IS 'of seats and numbers: how many of the periods were given back';
COMMENT ON COLUMN ccc.purchases.voided IS 'bought by mistake, never used, and given back whole';

CREATE TABLE ccc.wallet_entries (
    account_id  bigint NOT NULL,
    entry_no    bigint NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT now(),
    reason      text NOT NULL CHECK (reason IN ('top_up', 'purchase', 'renewal', 'refund', 'void')),
    amount      ccc.yuan NOT NULL,
    balance     ccc.yuan NOT NULL CHECK (balance >= 0),
    purchase_no integer,
    PRIMARY KEY (account_id, entry_no)
);
COMMENT ON TABLE ccc.wallet_entries IS 'every yuan in and out of a wallet, append-only';
COMMENT ON COLUMN ccc.wallet_entries.amount IS 'yuan, positive into the wallet';
COMMENT ON COLUMN ccc.wallet_entries.balance IS 'the wallet after this entry';

CREATE TABLE ccc.requests (
    account_id  bigint NOT NULL,
    request_id  text COLLATE "C" NOT NULL CHECK (request_id <> ''),
    content     jsonb NOT NULL,
    entry_no    bigint,
    purchase_no integer,
    PRIMARY KEY (account_id, request_id)
);
COMMENT ON TABLE ccc.requests IS 'money functions that were called with a request id: what was asked, and the result';

CREATE TABLE ccc.packages (
    account_id  bigint NOT NULL,
    package_no  integer NOT NULL,
    purchase_no integer NOT NULL,
    granted     bigint NOT NULL,
    refunded    bigint NOT NULL DEFAULT 0,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    refunded_at timestamptz NOT NULL DEFAULT 'infinity',
    -- what a call changes lies together: the log holds what lies between, too
    stretch     timestamptz NOT NULL DEFAULT '-infinity',
    used        bigint NOT NULL DEFAULT 0,
    stretch_used bigint NOT NULL DEFAULT 0,
    last_start  timestamptz NOT NULL DEFAULT '-infinity',
    price       ccc.yuan NOT NULL,
    product     text NOT NULL,
    pool        text NOT NULL,
    PRIMARY KEY (account_id, package_no),
    -- one constraint, for each is read anew by every statement
    CONSTRAINT packages_never_overdrawn CHECK (used >= 0 AND refunded >= 0 AND used + refunded <= granted)
) WITH (fillfactor = 50);
-- a call reads those that end after its start, and not all that there ever were
CREATE INDEX packages_by_end ON ccc.packages (account_id, valid_until);
COMMENT ON TABLE ccc.packages IS 'lots of call time bought for a pool; granted, used and refunded in seconds';
COMMENT ON COLUMN ccc.packages.price IS 'yuan paid for the whole package';
COMMENT ON COLUMN ccc.packages.used IS 'seconds drawn: the sum of the ledger''s charges on this package';
COMMENT ON COLUMN ccc.packages.refunded_at IS 'from then on the package covers only calls that started before';
COMMENT ON COLUMN ccc.packages.stretch IS 'start of the stretch of which this row holds the usage, as a rule the latest one whose calls drew on the package; -infinity: of none';
COMMENT ON COLUMN ccc.packages.stretch_used IS 'seconds of used that the calls of that stretch drew';
COMMENT ON COLUMN ccc.packages.last_start IS 'no call counted in stretch_used starts later';

CREATE TABLE ccc.other_usage (
    account_id bigint NOT NULL,
    pool       text NOT NULL,
    stretch    timestamptz NOT NULL,
    package_no integer NOT NULL,
    billed     bigint NOT NULL,
    last_start timestamptz NOT NULL,
    PRIMARY KEY (account_id, pool, stretch, package_no)
) WITH (fillfactor = 50);
COMMENT ON TABLE ccc.other_usage IS 'usage that no row of ccc.packages holds: of earlier stretches, and shortfalls';

CREATE VIEW ccc.usage WITH (security_invoker = true) AS
    SELECT u.account_id, u.pool, u.stretch, u.package_no, u.billed, u.last_start
    FROM ccc.other_usage AS u
    UNION ALL
    SELECT p.account_id, p.pool, p.stretch, p.package_no, p.stretch_used, p.last_start
    FROM ccc.packages AS p WHERE p.stretch > '-infinity';
COMMENT ON VIEW ccc.usage IS 'seconds that the calls of a stretch drew, by package: the sums of the ledger''s entries';
COMMENT ON COLUMN ccc.usage.stretch IS 'start of the stretch: time between neighbouring starts and ends of the pool''s packages, and starts of a month in the account''s zone';
COMMENT ON COLUMN ccc.usage.package_no IS 'the package, or 0 for the shortfall';
COMMENT ON COLUMN ccc.usage.last_start IS 'no call counted here starts later';

SELECT pg_catalog.pg_extension_config_dump('ccc.accounts', '');
SELECT pg_catalog.pg_extension_config_dump('ccc.purchases', '');
SELECT pg_catalog.pg_extension_config_dump('ccc.wallet_entries', '');
SELECT pg_catalog.pg_extension_config_dump('ccc.requests', '');
SELECT pg_catalog.pg_extension_config_dump('ccc.packages', '');
SELECT pg_catalog.pg_extension_config_dump('ccc.other_usage', '');

GRANT SELECT ON ccc.accounts, ccc.purchases, ccc.wallet_entries, ccc.requests, ccc.packages,
    ccc.other_usage, ccc.usage
    TO ccc_admin, ccc_reader;
