-- Packages that ended long before the calls, of some accounts, each bought by
-- itself.
-- Variables: accounts; packages: of each.
SET client_min_messages = warning;

INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('ended', 'package', 'landline_outbound', 1, '1 hour');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('ended', '-infinity', '0:0.1');

CREATE PROCEDURE pg_temp.buy(accounts integer, packages integer) LANGUAGE plpgsql AS $$ BEGIN
    FOR n IN 1 .. packages LOOP
        FOR a IN 1 .. accounts LOOP
            PERFORM ccc.buy(a, 'ended', bought_at => timestamptz '2026-01-04 00:00+08' + n * interval '1 hour');
            COMMIT;
        END LOOP;
    END LOOP;
END $$;
CALL pg_temp.buy(:accounts, :packages);
VACUUM ANALYZE;
