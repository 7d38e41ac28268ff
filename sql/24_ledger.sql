/*
 * The ledger of calls. Append-only: what a call costs now is the sum of its
 * entries. One index, one row for an ordinary call, and no foreign keys: the
 * account's lock and check_integrity() stand in for them.
 */
CREATE TABLE ccc.ledger (
    account_id bigint NOT NULL,
    posting_no bigint NOT NULL,
    posted_at  timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    billed     bigint NOT NULL,
    content    bigint NOT NULL,
    number     ccc.phone_number NOT NULL,
    package_no integer,
    entry_no   integer NOT NULL,
    direction  "char" NOT NULL,
    kind       "char" NOT NULL,
    call_id    text COLLATE "C" NOT NULL,
    pool       text,
    seconds    numeric NOT NULL,
    PRIMARY KEY (account_id, call_id, direction, entry_no),
    -- one constraint, for each is read anew by every statement
    CONSTRAINT ledger_entry_fits CHECK (
        (direction = 'o' OR direction = 'i')
        AND CASE kind
            WHEN 'c' THEN package_no IS NOT NULL AND pool IS NULL
            WHEN 's' THEN package_no IS NULL AND pool IS NOT NULL
            ELSE package_no IS NULL AND pool IS NULL AND (kind = 'f' OR billed = 0 AND (kind = 'r' OR kind = 'x'))
            END)
);
COMMENT ON TABLE ccc.ledger IS 'charges of calls, append-only';
COMMENT ON COLUMN ccc.ledger.posting_no IS 'the posting, counted per account in the order of commits: a statement that is closed at a posting holds all entries up to it';
COMMENT ON COLUMN ccc.ledger.billed IS 'seconds, rounded by the pool''s increment and split over packages';
COMMENT ON COLUMN ccc.ledger.content IS 'hash of all that the record said: start, length, both numbers';
COMMENT ON COLUMN ccc.ledger.number IS 'our number';
COMMENT ON COLUMN ccc.ledger.entry_no IS 'counted within a call, from 1';
COMMENT ON COLUMN ccc.ledger.direction IS 'o outbound, i inbound';
COMMENT ON COLUMN ccc.ledger.kind IS 'c charge on a package, s shortfall, f free, r repeat of a billed record stored, x a repeat gone (both cost nothing)';
COMMENT ON COLUMN ccc.ledger.pool IS 'of a shortfall; a charge has the pool of its package';
COMMENT ON COLUMN ccc.ledger.seconds IS 'length of the call as recorded, before rounding';

SELECT pg_catalog.pg_extension_config_dump('ccc.ledger', '');
GRANT SELECT ON ccc.ledger TO ccc_admin, ccc_reader;

CREATE TABLE ccc.sources (
    source_no     integer PRIMARY KEY,
    cdr           regclass NOT NULL UNIQUE,
    call_id       text NOT NULL,
    started_at    text NOT NULL,
    seconds       text NOT NULL,
    caller        text NOT NULL,
    callee        text NOT NULL,
    finished      text NOT NULL,
    direction     text,
    time_zone     text,
    on_delete     text NOT NULL CHECK (on_delete IN ('reverse', 'keep')),
    unknown       text NOT NULL CHECK (unknown IN ('exception', 'ignore')),
    max_seconds   bigint NOT NULL CHECK (max_seconds BETWEEN 1 AND 1000000000),
    max_ahead     bigint NOT NULL CHECK (max_ahead BETWEEN 0 AND 1000000000),
    replicated    boolean NOT NULL,
    attached_at   timestamptz NOT NULL,
    detached_at   timestamptz,
    backfill_since timestamptz,
    backfilled_at timestamptz
);
COMMENT ON TABLE ccc.sources IS 'call tables that are or were attached, and how their columns map to a call';
COMMENT ON COLUMN ccc.sources.call_id IS 'SQL expression over the columns of the table, as are started_at, seconds, caller, callee, finished and direction';
COMMENT ON COLUMN ccc.sources.time_zone IS 'zone of times that the table stores without one';
COMMENT ON COLUMN ccc.sources.on_delete IS 'reverse: deleting a record takes its charge back; keep: it stays';
COMMENT ON COLUMN ccc.sources.unknown IS 'exception: a call without a number of ours is an exception; ignore: it is not looked at';
COMMENT ON COLUMN ccc.sources.max_seconds IS 'longer calls are exceptions';
COMMENT ON COLUMN ccc.sources.max_ahead IS 'calls that start more than so many seconds after now are exceptions';

COMMENT ON COLUMN ccc.sources.backfill_since IS 'a backfill from here on is at work, or was stopped: what an update moves is billed by the update; null: none is';
COMMENT ON COLUMN ccc.sources.backfilled_at IS 'end of the latest backfill: what is an exception since then was not billed';
COMMENT ON COLUMN ccc.sources.replicated IS 'rows that logical replication applies are billed too';

-- a table that was dropped has no name to be dumped by, and its number would be another's
SELECT pg_catalog.pg_extension_config_dump('ccc.sources', 'WHERE cdr IN (SELECT c.oid FROM pg_catalog.pg_class AS c)');
/*
 * A mapping runs as whoever writes the table's records: only the table's own
 * owner may give it one, also who may write this table. A backfill is not of
 * the mapping.
 */
CREATE FUNCTION ccc.check_source_owner() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    owner    oid := (SELECT c.relowner FROM pg_class AS c WHERE c.oid = NEW.cdr);
    backfill text[] := '{backfill_since,backfilled_at}';
BEGIN
    IF (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user)
       OR pg_has_role(current_user, owner, 'USAGE')
       OR (TG_OP = 'UPDATE' AND to_jsonb(NEW) - backfill = to_jsonb(OLD) - backfill)
       OR (TG_OP = 'UPDATE' AND owner IS NULL AND NEW.cdr = OLD.cdr AND NEW.detached_at IS NOT NULL)
    THEN
        IF TG_OP = 'INSERT' OR NEW.cdr = OLD.cdr THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'must be owner of table "%"', NEW.cdr
        USING ERRCODE = '42501', HINT = 'Attach and detach as the table''s owner, or as a member of the owning role.';
END
$$;
COMMENT ON FUNCTION ccc.check_source_owner() IS 'trigger: only its owner gives a table a mapping, and no mapping moves to another table';
REVOKE ALL ON FUNCTION ccc.check_source_owner() FROM PUBLIC;
CREATE TRIGGER check_source_owner BEFORE INSERT OR UPDATE ON ccc.sources
    FOR EACH ROW EXECUTE FUNCTION ccc.check_source_owner();
COMMENT ON TRIGGER check_source_owner ON ccc.sources IS 'mappings by the tables'' owners alone';

CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON ccc.sources
    FOR EACH ROW EXECUTE FUNCTION ccc.catalogue_changed();
CREATE TRIGGER catalogue_truncated AFTER TRUNCATE ON ccc.sources
    FOR EACH STATEMENT EXECUTE FUNCTION ccc.catalogue_changed();
COMMENT ON TRIGGER catalogue_changed ON ccc.sources IS 'news of changes to every session';
COMMENT ON TRIGGER catalogue_truncated ON ccc.sources IS 'news of changes to every session';
GRANT SELECT, INSERT, UPDATE ON ccc.sources TO ccc_admin;
GRANT SELECT ON ccc.sources TO ccc_reader;

CREATE TABLE ccc.exception_log (
    exception_id   uuid PRIMARY KEY,
    seen_at        timestamptz NOT NULL,
    resolved_at    timestamptz,
    account_id     bigint,
    started_at     timestamptz,
    content        bigint NOT NULL,
    billed         bigint,
    number         ccc.phone_number,
    source         regclass NOT NULL,
    direction      "char",
    reason         text NOT NULL,
    detail         text,
    resolution     text,
    call_id        text COLLATE "C",
    pool           text,
    seconds        numeric,
    caller         text,
    callee         text,
    said_direction text,
    record         jsonb
);
COMMENT ON TABLE ccc.exception_log IS 'records that could not be rated, kept until resolved and after';
COMMENT ON COLUMN ccc.exception_log.account_id IS 'null when no account could be told from the record';
COMMENT ON COLUMN ccc.exception_log.content IS 'hash of what the record said: finds the exception of a row that is corrected or deleted';
COMMENT ON COLUMN ccc.exception_log.billed IS 'of a conflicting repeat: what would be charged if the billed record went; so is pool';
COMMENT ON COLUMN ccc.exception_log.number IS 'our number on that side of the call';
COMMENT ON COLUMN ccc.exception_log.direction IS 'the side of the call that could not be rated; null when no side could be told';
COMMENT ON COLUMN ccc.exception_log.resolution IS 'gone: the record was corrected or deleted; billed: it was charged after all; dismissed: somebody dealt with it';
COMMENT ON COLUMN ccc.exception_log.said_direction IS 'the side that the record said it was of';
COMMENT ON COLUMN ccc.exception_log.record IS 'the row of the call table';

-- of expressions: a tenant's own condition on a column would be met by the index before the policy is asked
CREATE INDEX exception_log_open_by_content ON ccc.exception_log ((source::oid::bigint # 0), (content # 0)) WHERE resolved_at IS NULL;
CREATE INDEX exception_log_by_call ON ccc.exception_log (account_id, call_id);

SELECT pg_catalog.pg_extension_config_dump('ccc.exception_log', '');
GRANT SELECT ON ccc.exception_log TO ccc_admin, ccc_reader;
