/*
 * The catalogue: what is on sale, at what price, and how calls are treated.
 * Rows, not code: an administrator adds versions, each from an instant on.
 * Rows that came with the extension are marked built_in, rows that a user
 * added or changed edited; only those are dumped. No foreign keys: a restore
 * with several jobs fills the tables in any order.
 */
CREATE TABLE ccc.products (
    code         text PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('seat', 'number', 'package')),
    pool         text,
    line         text CHECK (line IN ('landline', '400')),
    edition      text CHECK (edition IN ('standard', 'premium')),
    minutes      bigint CHECK (minutes BETWEEN 1 AND 1000000000),
    term         interval NOT NULL,
    minimum      integer NOT NULL DEFAULT 1 CHECK (minimum >= 1),
    maximum      integer,
    step         integer NOT NULL DEFAULT 1 CHECK (step >= 1),
    day_rule     text NOT NULL DEFAULT 'instant' CHECK (day_rule IN ('instant', 'end_of_day', 'first_day')),
    withdrawn_at timestamptz,
    built_in     boolean NOT NULL DEFAULT false,
    edited       boolean NOT NULL DEFAULT false,
    CONSTRAINT products_kind_fits CHECK (
        CASE kind
            WHEN 'package' THEN pool IS NOT NULL AND minutes IS NOT NULL AND line IS NULL AND edition IS NULL
            WHEN 'number' THEN line IS NOT NULL AND pool IS NULL AND minutes IS NULL AND edition IS NULL
            ELSE edition IS NOT NULL AND pool IS NULL AND minutes IS NULL AND line IS NULL
        END),
    CONSTRAINT products_quantities_fit CHECK (maximum >= minimum),
    CONSTRAINT products_term_in_months_days_hours CHECK (
        term > interval '0' AND extract(minute FROM term) = 0 AND extract(second FROM term) = 0)
);
COMMENT ON TABLE ccc.products IS 'things on sale';
COMMENT ON COLUMN ccc.products.pool IS 'for a package: the kind of call that it pays for';
COMMENT ON COLUMN ccc.products.minutes IS 'for a package: minutes that one unit of quantity grants';
COMMENT ON COLUMN ccc.products.term IS 'validity of one period: months and days by the calendar of the account''s time zone, hours as elapsed time';
COMMENT ON COLUMN ccc.products.step IS 'a quantity must be a multiple of this';
COMMENT ON COLUMN ccc.products.day_rule IS 'end of a term: the instant itself, the midnight that closes its day, or the midnight that opens it';
COMMENT ON COLUMN ccc.products.withdrawn_at IS 'from then on no longer sold';

CREATE TABLE ccc.prices (
    product    text NOT NULL,
    valid_from timestamptz NOT NULL,
    tiers      ccc.price_tiers NOT NULL,
    built_in   boolean NOT NULL DEFAULT false,
    edited     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (product, valid_from)
);
COMMENT ON TABLE ccc.prices IS 'price of a product from an instant on, yuan per unit of quantity (and period), by quantity band';

CREATE TABLE ccc.pools (
    code       text NOT NULL CHECK (code <> ''),
    valid_from timestamptz NOT NULL,
    increment  ccc.billing_increment NOT NULL,
    built_in   boolean NOT NULL DEFAULT false,
    edited     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (code, valid_from)
);
COMMENT ON TABLE ccc.pools IS 'kinds of paid call, each with the billing increment from an instant on';

CREATE TABLE ccc.call_rules (
    line       text NOT NULL CHECK (line IN ('landline', '400')),
    owner      text NOT NULL CHECK (owner IN ('platform', 'customer')),
    direction  text NOT NULL CHECK (direction IN ('outbound', 'inbound')),
    valid_from timestamptz NOT NULL,
    treatment  text NOT NULL CHECK (treatment IN ('charge', 'free', 'refuse')),
    pool       text,
    built_in   boolean NOT NULL DEFAULT false,
    edited     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (line, owner, direction, valid_from),
    CONSTRAINT call_rules_charged_on_a_pool CHECK ((treatment = 'charge') = (pool IS NOT NULL))
);
COMMENT ON TABLE ccc.call_rules IS 'treatment of a call by our number''s line, its owner and the direction, from an instant on';

CREATE TABLE ccc.trials (
    valid_from timestamptz PRIMARY KEY,
    product    text NOT NULL,
    quantity   integer NOT NULL CHECK (quantity >= 0),
    term       interval NOT NULL CHECK (term > interval '0' AND extract(minute FROM term) = 0 AND extract(second FROM term) = 0),
    built_in   boolean NOT NULL DEFAULT false,
    edited     boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE ccc.trials IS 'seats that an account gets for nothing when it is opened, by the instant of opening';
COMMENT ON COLUMN ccc.trials.quantity IS 'how many seats; 0: there is no trial';

SELECT pg_catalog.pg_extension_config_dump('ccc.products', 'WHERE edited');
SELECT pg_catalog.pg_extension_config_dump('ccc.prices', 'WHERE edited');
SELECT pg_catalog.pg_extension_config_dump('ccc.pools', 'WHERE edited');
SELECT pg_catalog.pg_extension_config_dump('ccc.call_rules', 'WHERE edited');
SELECT pg_catalog.pg_extension_config_dump('ccc.trials', 'WHERE edited');

GRANT SELECT ON ccc.products, ccc.prices, ccc.pools, ccc.call_rules, ccc.trials TO ccc_reader, ccc_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ccc.products, ccc.prices, ccc.pools, ccc.call_rules, ccc.trials TO ccc_admin;

INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, step, built_in) VALUES
    ('landline_10000',  'package', 'landline_outbound', 10000, '6 months', 1, 1, true),
    ('landline_30000',  'package', 'landline_outbound', 30000, '6 months', 1, 1, true),
    ('landline_50000',  'package', 'landline_outbound', 50000, '6 months', 1, 1, true),
    ('landline_custom', 'package', 'landline_outbound', 1, '6 months', 1000, 1000, true),
    ('400_10000',       'package', '400_inbound', 10000, '6 months', 1, 1, true),
    ('400_30000',       'package', '400_inbound', 30000, '6 months', 1, 1, true),
    ('400_50000',       'package', '400_inbound', 50000, '6 months', 1, 1, true),
    ('400_custom',      'package', '400_inbound', 1, '6 months', 1000, 1000, true);
INSERT INTO ccc.products (code, kind, edition, term, built_in) VALUES
    ('seat_standard', 'seat', 'standard', '720 hours', true),
    ('seat_premium',  'seat', 'premium', '720 hours', true);
INSERT INTO ccc.products (code, kind, line, term, maximum, built_in) VALUES
    ('number_landline', 'number', 'landline', '720 hours', 1, true),
    ('number_400',      'number', '400', '720 hours', 1, true);

INSERT INTO ccc.prices (product, valid_from, tiers, built_in) VALUES
    ('seat_standard',   '-infinity', '0:125', true),
    ('seat_premium',    '-infinity', '0:239', true),
    ('number_landline', '-infinity', '0:50', true),
    ('number_400',      '-infinity', '0:108', true),
    ('landline_10000',  '-infinity', '0:1450', true),
    ('landline_30000',  '-infinity', '0:4260', true),
    ('landline_50000',  '-infinity', '0:6900', true),
    ('landline_custom', '-infinity', '0:0.15, 10000:0.145, 30000:0.142, 50000:0.138', true),
    ('400_10000',       '-infinity', '0:1480', true),
    ('400_30000',       '-infinity', '0:4350', true),
    ('400_50000',       '-infinity', '0:7000', true),
    ('400_custom',      '-infinity', '0:0.15, 10000:0.148, 30000:0.145, 50000:0.14', true);

INSERT INTO ccc.pools (code, valid_from, increment, built_in) VALUES
    ('landline_outbound', '-infinity', '60/60', true),
    ('400_inbound',       '-infinity', '60/60', true);

INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment, pool, built_in) VALUES
    ('landline', 'platform', 'outbound', '-infinity', 'charge', 'landline_outbound', true),
    ('landline', 'platform', 'inbound',  '-infinity', 'free',   NULL, true),
    ('400',      'platform', 'inbound',  '-infinity', 'charge', '400_inbound', true),
    ('400',      'platform', 'outbound', '-infinity', 'refuse', NULL, true),
    ('landline', 'customer', 'outbound', '-infinity', 'free',   NULL, true),
    ('landline', 'customer', 'inbound',  '-infinity', 'free',   NULL, true),
    ('400',      'customer', 'inbound',  '-infinity', 'free',   NULL, true),
    ('400',      'customer', 'outbound', '-infinity', 'free',   NULL, true);

INSERT INTO ccc.trials (valid_from, product, quantity, term, built_in) VALUES
    ('-infinity', 'seat_standard', 10, '720 hours', true);

CREATE FUNCTION ccc.catalogue_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'catalogue_changed';
COMMENT ON FUNCTION ccc.catalogue_changed() IS
    'trigger: makes every session read the changed catalogue table again before it rates its next call';
REVOKE ALL ON FUNCTION ccc.catalogue_changed() FROM PUBLIC;

-- for each row, so that rows of a replication are told too
CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON ccc.pools
    FOR EACH ROW EXECUTE FUNCTION ccc.catalogue_changed();
CREATE TRIGGER catalogue_truncated AFTER TRUNCATE ON ccc.pools
    FOR EACH STATEMENT EXECUTE FUNCTION ccc.catalogue_changed();
COMMENT ON TRIGGER catalogue_changed ON ccc.pools IS 'news of changes to every session';
COMMENT ON TRIGGER catalogue_truncated ON ccc.pools IS 'news of changes to every session';
CREATE TRIGGER catalogue_changed AFTER INSERT OR UPDATE OR DELETE ON ccc.call_rules
    FOR EACH ROW EXECUTE FUNCTION ccc.catalogue_changed();
CREATE TRIGGER catalogue_truncated AFTER TRUNCATE ON ccc.call_rules
    FOR EACH STATEMENT EXECUTE FUNCTION ccc.catalogue_changed();
COMMENT ON TRIGGER catalogue_changed ON ccc.call_rules IS 'news of changes to every session';
COMMENT ON TRIGGER catalogue_truncated ON ccc.call_rules IS 'news of changes to every session';

/*
 * A dump has the rows that a user added or edited, marked so: one that comes
 * under the key of a built-in row takes its place, so that a dump restores over
 * a fresh installation. What a user adds meets the key as anywhere. A built-in
 * row can be edited; it cannot be deleted or given another key, for a restore
 * would bring it back. What takes the place deletes as the tables' owner, as
 * nobody else does.
 */
CREATE FUNCTION ccc.replace_built_in() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    key      text := array_to_string(TG_ARGV, ', ');
    replaced bigint := 0;
BEGIN
    IF NEW.edited THEN
        EXECUTE format('DELETE FROM %s AS t WHERE t.built_in AND NOT t.edited AND (%s) = (SELECT %2$s FROM (SELECT ($1).*) AS n)',
                       TG_RELID::regclass, key)
            USING NEW;
        GET DIAGNOSTICS replaced = ROW_COUNT;
    END IF;
    NEW.built_in := replaced > 0;
    NEW.edited := true;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ccc.replace_built_in() IS
    'trigger: marks rows that a user adds, and lets those of a dump take the places of rows that came with the extension; its arguments are the key''s columns';
REVOKE ALL ON FUNCTION ccc.replace_built_in() FROM PUBLIC;

CREATE FUNCTION ccc.keep_built_in() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    key      text := array_to_string(TG_ARGV, ', ');
    same_key boolean;
BEGIN
    IF OLD.built_in AND NOT (TG_OP = 'DELETE' AND current_user = 'ccc_owner') THEN
        IF TG_OP = 'UPDATE' THEN
            EXECUTE format('SELECT (SELECT (%s) FROM (SELECT ($1).*) AS o) = (SELECT (%1$s) FROM (SELECT ($2).*) AS n)', 'ROW(' || key || ')')
                INTO same_key USING OLD, NEW;
        END IF;
        IF same_key IS NOT TRUE THEN
            RAISE EXCEPTION 'this row of "%" came with the extension: it can be neither deleted nor given another key', TG_TABLE_NAME
                USING ERRCODE = '55000',
                      HINT = 'Edit it, add a row with a later "valid_from", or set "withdrawn_at" of the product.';
        END IF;
        NEW.built_in := true;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.edited := true;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ccc.keep_built_in() IS
    'trigger: marks rows that a user edits, and refuses to delete rows that came with the extension or to give them another key; its arguments are the key''s columns';
REVOKE ALL ON FUNCTION ccc.keep_built_in() FROM PUBLIC;

CREATE TRIGGER replace_built_in BEFORE INSERT ON ccc.products
    FOR EACH ROW EXECUTE FUNCTION ccc.replace_built_in('code');
CREATE TRIGGER replace_built_in BEFORE INSERT ON ccc.prices
    FOR EACH ROW EXECUTE FUNCTION ccc.replace_built_in('product', 'valid_from');
CREATE TRIGGER replace_built_in BEFORE INSERT ON ccc.pools
    FOR EACH ROW EXECUTE FUNCTION ccc.replace_built_in('code', 'valid_from');
CREATE TRIGGER replace_built_in BEFORE INSERT ON ccc.call_rules
    FOR EACH ROW EXECUTE FUNCTION ccc.replace_built_in('line', 'owner', 'direction', 'valid_from');
CREATE TRIGGER replace_built_in BEFORE INSERT ON ccc.trials
    FOR EACH ROW EXECUTE FUNCTION ccc.replace_built_in('valid_from');
COMMENT ON TRIGGER replace_built_in ON ccc.products IS 'a dump''s rows in the places of built-in ones';
COMMENT ON TRIGGER replace_built_in ON ccc.prices IS 'a dump''s rows in the places of built-in ones';
COMMENT ON TRIGGER replace_built_in ON ccc.pools IS 'a dump''s rows in the places of built-in ones';
COMMENT ON TRIGGER replace_built_in ON ccc.call_rules IS 'a dump''s rows in the places of built-in ones';
COMMENT ON TRIGGER replace_built_in ON ccc.trials IS 'a dump''s rows in the places of built-in ones';

CREATE TRIGGER keep_built_in BEFORE UPDATE OR DELETE ON ccc.products
    FOR EACH ROW EXECUTE FUNCTION ccc.keep_built_in('code');
CREATE TRIGGER keep_built_in BEFORE UPDATE OR DELETE ON ccc.prices
    FOR EACH ROW EXECUTE FUNCTION ccc.keep_built_in('product', 'valid_from');
CREATE TRIGGER keep_built_in BEFORE UPDATE OR DELETE ON ccc.pools
    FOR EACH ROW EXECUTE FUNCTION ccc.keep_built_in('code', 'valid_from');
CREATE TRIGGER keep_built_in BEFORE UPDATE OR DELETE ON ccc.call_rules
    FOR EACH ROW EXECUTE FUNCTION ccc.keep_built_in('line', 'owner', 'direction', 'valid_from');
CREATE TRIGGER keep_built_in BEFORE UPDATE OR DELETE ON ccc.trials
    FOR EACH ROW EXECUTE FUNCTION ccc.keep_built_in('valid_from');
COMMENT ON TRIGGER keep_built_in ON ccc.products IS 'built-in rows stay, and edited ones are marked';
COMMENT ON TRIGGER keep_built_in ON ccc.prices IS 'built-in rows stay, and edited ones are marked';
COMMENT ON TRIGGER keep_built_in ON ccc.pools IS 'built-in rows stay, and edited ones are marked';
COMMENT ON TRIGGER keep_built_in ON ccc.call_rules IS 'built-in rows stay, and edited ones are marked';
COMMENT ON TRIGGER keep_built_in ON ccc.trials IS 'built-in rows stay, and edited ones are marked';
