-- What those have who bill without the extension: numbers, packages with a
-- counter each, and a ledger with one index. Only bench/numbered.pgbench counts
-- postings in accounts.
-- Variables: numbers, packages: files with the accounts of bench/ours.sql.
\ir calls_table.sql

CREATE TABLE numbers (
    number     text PRIMARY KEY,
    account_id bigint NOT NULL,
    since      timestamptz NOT NULL,
    paid_until timestamptz NOT NULL
);

CREATE TABLE accounts (
    account_id      bigint PRIMARY KEY,
    last_posting_no bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE packages (
    account_id  bigint NOT NULL,
    package_no  integer NOT NULL,
    pool        text NOT NULL,
    granted     bigint NOT NULL,
    used        bigint NOT NULL DEFAULT 0,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    PRIMARY KEY (account_id, package_no),
    CHECK (used BETWEEN 0 AND granted)
) WITH (fillfactor = 50);

-- kind: c charge on a package, s shortfall, f free
CREATE TABLE ledger (
    account_id bigint NOT NULL,
    started_at timestamptz NOT NULL,
    posted_at  timestamptz NOT NULL DEFAULT now(),
    billed     integer NOT NULL,
    package_no integer,
    entry_no   integer NOT NULL,
    direction  "char" NOT NULL,
    kind       "char" NOT NULL,
    call_id    text NOT NULL,
    PRIMARY KEY (account_id, call_id, direction, entry_no)
);

COPY numbers FROM :'numbers';
COPY packages (account_id, package_no, pool, granted, valid_from, valid_until) FROM :'packages';
INSERT INTO accounts SELECT DISTINCT account_id, 0 FROM packages;
VACUUM ANALYZE;
