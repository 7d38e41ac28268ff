-- A row of the catalogue has what it builds on: products have pools, prices have
-- products, rules have pools, from then on.
BEGIN;
SELECT plan(50);

INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('mobile', '2025-06-01 00:00+08', '6/6'), ('mobile', '2025-07-01 00:00+08', '60/60');
SELECT lives_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('mobile_1', 'package', 'mobile', 1, '1 month')$$, 'a product of a known pool');

-- what does not exist
SELECT throws_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('x', 'package', 'nowhere', 1, '1 month')$$, '23503', NULL, 'a product of an unknown pool');
SELECT throws_ok($$UPDATE ccc.products SET pool = 'nowhere' WHERE code = 'mobile_1'$$, '23503', NULL, 'a product that is moved to one');
SELECT throws_ok($$UPDATE ccc.products SET pool = 'nowhere' WHERE code = 'landline_10000'$$, '23503', NULL, 'a built-in product that is moved to one');
SELECT throws_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('x', '2025-07-01', '0:1')$$, '23503', NULL, 'a price of an unknown product');
SELECT throws_ok($$UPDATE ccc.prices SET product = 'x' WHERE product = 'landline_10000'$$, NULL, NULL, 'a built-in price that is given to one');
SELECT throws_ok($$INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment, pool) VALUES ('landline', 'platform', 'outbound', '2025-07-01', 'charge', 'nowhere')$$,
                 '23503', NULL, 'a rule that charges on an unknown pool');
SELECT throws_ok($$UPDATE ccc.call_rules SET pool = 'nowhere' WHERE pool = '400_inbound'$$, '23503', NULL, 'a rule that is changed to one');
SELECT lives_ok($$INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment) VALUES ('landline', 'platform', 'outbound', '2025-05-01', 'refuse')$$, 'a rule without a pool needs none');
SELECT lives_ok($$INSERT INTO ccc.products (code, kind, edition, term) VALUES ('seat_x', 'seat', 'premium', '1 month')$$, 'nor does a seat');
SELECT lives_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_x', '-infinity', '0:1')$$, 'whose price may be of any time');

-- from before the pool's first increment
SELECT throws_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mobile_1', '2025-05-31 23:59:59.999999+08', '0:1')$$, '23514', NULL, 'a price from before the pool');
SELECT throws_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mobile_1', '-infinity', '0:1')$$, '23514', NULL, 'from ever');
SELECT lives_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mobile_1', '2025-06-01 00:00+08', '0:1')$$, 'from when it begins');
SELECT throws_ok($$UPDATE ccc.prices SET valid_from = '2025-05-31 00:00+08' WHERE product = 'mobile_1'$$, '23514', NULL, 'a price that is moved to before');
SELECT throws_ok($$INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment, pool) VALUES ('landline', 'platform', 'outbound', '2025-05-31 23:59:59+08', 'charge', 'mobile')$$,
                 '23514', NULL, 'a rule from before the pool');
SELECT lives_ok($$INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment, pool) VALUES ('landline', 'platform', 'outbound', '2025-06-01 00:00+08', 'charge', 'mobile')$$,
                'from when it begins');
SELECT throws_ok($$UPDATE ccc.call_rules SET valid_from = '2025-05-15 00:00+08' WHERE pool = 'mobile'$$, '23514', NULL, 'a rule that is moved to before');

-- bands
SELECT throws_ok(format('INSERT INTO ccc.prices (product, valid_from, tiers) VALUES (%L, %L, %L)', 'mobile_1', '2025-08-01', t), '22P02', NULL, format('bands "%s"', t))
FROM unnest('{"0:1, 0:2","0:1, 10:2, 10:3","0:1, 20:2, 10:3","10:1","1:1","0:1, 10","0:-1","0:1, -5:2",""}'::text[]) AS t;

-- products
SELECT throws_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, maximum) VALUES ('x', 'package', 'mobile', 1, '1 month', 10, 9)$$, '23514', NULL, 'a maximum under the minimum');
SELECT throws_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term, step) VALUES ('x', 'package', 'mobile', 1, '1 month', 0)$$, '23514', NULL, 'no step');
SELECT throws_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('x', 'package', 'mobile', 0, '1 month')$$, '23514', NULL, 'no minutes');
SELECT throws_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('x', 'package', 'mobile', 1, '-1 month')$$, '23514', NULL, 'a term that goes back');
SELECT throws_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('x', 'package', 'mobile', 1, '90 seconds')$$, '23514', NULL, 'a term of minutes and seconds');
SELECT throws_ok($$INSERT INTO ccc.products (code, kind, term) VALUES ('x', 'package', '1 month')$$, '23514', NULL, 'a package without a pool');

-- what goes later is told
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SAVEPOINT gone;
DELETE FROM ccc.pools WHERE code = 'mobile';
SELECT set_eq($$SELECT detail FROM ccc.check_integrity() WHERE invariant = 'a row of the catalogue has what it builds on'$$,
              $$VALUES ('product mobile_1'), ('rule of pool mobile')$$, 'a pool that is deleted');
ROLLBACK TO gone;
DELETE FROM ccc.products WHERE code = 'mobile_1';
SELECT set_eq($$SELECT detail FROM ccc.check_integrity()$$, $$VALUES ('price of product mobile_1')$$, 'a product that is deleted');

SELECT throws_ok($$INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('', '2025-06-01', '60/60')$$, '23514', NULL, 'a pool without a name');

-- rows that came with the extension stay, also where a trigger is what deletes them
CREATE ROLE operator IN ROLE ccc_admin;
GRANT CREATE ON SCHEMA public TO operator;
SET ROLE operator;
CREATE TABLE public.commands (command text);
CREATE FUNCTION public.obey() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE NEW.command; RETURN NULL; END $$;
CREATE TRIGGER obey AFTER INSERT ON public.commands FOR EACH ROW EXECUTE FUNCTION public.obey();
RESET ROLE;
CREATE FUNCTION pg_temp.by_trigger(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', 'operator', true);
    INSERT INTO public.commands VALUES (command);
    PERFORM set_config('role', 'none', true);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.by_trigger(command), '55000', command)
FROM unnest(ARRAY[
    $$DELETE FROM ccc.call_rules WHERE (line, owner, direction) = ('landline', 'platform', 'inbound')$$,
    $$DELETE FROM ccc.pools WHERE code = '400_inbound'$$,
    $$UPDATE ccc.pools SET code = 'zzz' WHERE code = '400_inbound'$$,
    $$MERGE INTO ccc.trials AS t USING (VALUES (1)) AS v ON true WHEN MATCHED THEN DELETE$$]) AS t (command);
SELECT is(pg_temp.by_trigger($$UPDATE ccc.trials SET quantity = 5, built_in = false$$), 'done', 'a trigger edits one');
SELECT is(pg_temp.by_trigger($$INSERT INTO ccc.pools (code, valid_from, increment, edited) VALUES ('400_inbound', '-infinity', '6/6', true)$$), 'done', 'and restores one');
SELECT set_eq($$SELECT quantity::text, built_in, edited FROM ccc.trials UNION ALL SELECT increment::text, built_in, edited FROM ccc.pools WHERE code = '400_inbound'$$,
              $$VALUES ('5', true, true), ('6/6', true, true)$$, 'as anybody does');

-- an INSERT meets a built-in row as any other
SELECT throws_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('landline_10000', '-infinity', '0:9')$$, '23505', NULL, 'a key that is taken');
SELECT lives_ok($$INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('landline_10000', '-infinity', '0:9') ON CONFLICT DO NOTHING$$, 'or nothing');
SELECT lives_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('landline_custom', 'package', 'landline_outbound', 1, '1 month')
                  ON CONFLICT (code) DO UPDATE SET withdrawn_at = '2030-01-01 00:00+08'$$, 'or an edit');
SELECT results_eq($$SELECT p.minimum, p.withdrawn_at, r.tiers::text FROM ccc.products AS p, ccc.prices AS r WHERE p.code = 'landline_custom' AND r.product = 'landline_10000'$$,
                  $$VALUES (1000, timestamptz '2030-01-01 00:00+08', '0:1450')$$, 'and nothing else');

-- what a restore brings, in any order, is not checked
SELECT lives_ok($$INSERT INTO ccc.prices (product, valid_from, tiers, edited) VALUES ('later', '2025-07-01', '0:1', true)$$, 'a restored price before its product');
SELECT lives_ok($$INSERT INTO ccc.products (code, kind, pool, minutes, term, edited) VALUES ('later', 'package', 'later', 1, '1 month', true)$$, 'a restored product before its pool');
SELECT * FROM finish();
ROLLBACK;
