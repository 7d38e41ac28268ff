/*
 * What a row of the catalogue builds on must be there before it.
 */
CREATE FUNCTION ccc.check_pool(pool text, valid_from timestamptz, what text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    begins timestamptz := (SELECT min(p.valid_from) FROM ccc.pools AS p WHERE p.code = check_pool.pool);
BEGIN
    IF begins IS NULL THEN
        RAISE EXCEPTION '% needs the pool "%", which does not exist', what, pool
            USING ERRCODE = '23503', HINT = 'Add the pool with its billing increment to ccc.pools first.';
    ELSIF valid_from < begins THEN
        RAISE EXCEPTION '% is valid from before the first increment of the pool "%"', what, pool
            USING ERRCODE = '23514',
                  DETAIL = format('The pool begins at %s UTC.', to_char(timezone('UTC', begins), 'YYYY-MM-DD HH24:MI:SS')),
                  HINT = 'Give the pool an increment that is valid from then or before.';
    END IF;
END
$$;
COMMENT ON FUNCTION ccc.check_pool(text, timestamptz, text) IS
    'refuses what builds on a pool that does not exist (23503) or begins later (23514); without an instant only the former';
REVOKE ALL ON FUNCTION ccc.check_pool(text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccc.check_pool(text, timestamptz, text) TO ccc_admin;

CREATE FUNCTION ccc.check_catalogue() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, ccc, pg_temp
    AS $$
DECLARE
    item ccc.products;
BEGIN
    -- what a restore brings is marked already, and comes in any order
    IF TG_OP = 'INSERT' AND NEW.edited THEN
        RETURN NEW;
    END IF;
    IF TG_TABLE_NAME IN ('prices', 'trials') THEN
        SELECT * INTO item FROM ccc.products AS p WHERE p.code = NEW.product;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'product "%" does not exist', NEW.product
                USING ERRCODE = '23503', HINT = 'Add it to ccc.products first.';
        END IF;
    END IF;
    CASE TG_TABLE_NAME
        WHEN 'products' THEN
            IF NEW.kind = 'package' AND NEW.pool IS NOT NULL THEN
                PERFORM ccc.check_pool(NEW.pool, NULL, format('product "%s"', NEW.code));
            END IF;
        WHEN 'prices' THEN
            IF item.kind = 'package' THEN
                PERFORM ccc.check_pool(item.pool, NEW.valid_from, format('the price of product "%s"', NEW.product));
            END IF;
        WHEN 'call_rules' THEN
            IF NEW.pool IS NOT NULL THEN
                PERFORM ccc.check_pool(NEW.pool, NEW.valid_from, 'the call rule');
            END IF;
        WHEN 'trials' THEN
            IF item.kind <> 'seat' THEN
                RAISE EXCEPTION 'product "%" is no seat', NEW.product
                    USING ERRCODE = '23514', HINT = 'A trial gives seats.';
            END IF;
    END CASE;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ccc.check_catalogue() IS
    'trigger: refuses a row whose product or pool does not exist (23503), or that does not fit it (23514)';
REVOKE ALL ON FUNCTION ccc.check_catalogue() FROM PUBLIC;

-- the name makes it run before keep_built_in and replace_built_in, which mark every row as edited
CREATE TRIGGER check_catalogue BEFORE INSERT OR UPDATE ON ccc.products
    FOR EACH ROW EXECUTE FUNCTION ccc.check_catalogue();
CREATE TRIGGER check_catalogue BEFORE INSERT OR UPDATE ON ccc.prices
    FOR EACH ROW EXECUTE FUNCTION ccc.check_catalogue();
CREATE TRIGGER check_catalogue BEFORE INSERT OR UPDATE ON ccc.call_rules
    FOR EACH ROW EXECUTE FUNCTION ccc.check_catalogue();
CREATE TRIGGER check_catalogue BEFORE INSERT OR UPDATE ON ccc.trials
    FOR EACH ROW EXECUTE FUNCTION ccc.check_catalogue();
COMMENT ON TRIGGER check_catalogue ON ccc.products IS 'what a product builds on';
COMMENT ON TRIGGER check_catalogue ON ccc.prices IS 'what a price builds on';
COMMENT ON TRIGGER check_catalogue ON ccc.call_rules IS 'what a rule builds on';
COMMENT ON TRIGGER check_catalogue ON ccc.trials IS 'what a trial builds on';

-- The triggers of the extension's own tables fire for a restore of data alone
-- and for rows of a replication as well.
DO $$
DECLARE
    own record;
BEGIN
    FOR own IN SELECT t.tgrelid::regclass AS relation, t.tgname AS name
               FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
               WHERE c.relnamespace = 'ccc'::regnamespace AND NOT t.tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', own.relation, own.name);
    END LOOP;
END $$;
