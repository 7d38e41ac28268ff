-- Functions, operators, tables and types planted in a schema before pg_catalog
-- are not used by anything of ccc.
BEGIN;
SELECT plan(13);

CREATE SCHEMA evil;
-- every one of them says so and stops
CREATE TABLE evil.used (what text);
CREATE FUNCTION evil.stop(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted % was used', what USING ERRCODE = 'ZZ666'; END $$;
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM evil.stop('now'); END $$;
CREATE FUNCTION evil.round(numeric, integer) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('round'); END $$;
CREATE FUNCTION evil.trim_scale(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('trim_scale'); END $$;
CREATE FUNCTION evil.timezone(text, timestamptz) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('timezone'); END $$;
CREATE FUNCTION evil.timezone(text, timestamp) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('timezone'); END $$;
CREATE FUNCTION evil.to_char(timestamp, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('to_char'); END $$;
CREATE FUNCTION evil.date_trunc(text, timestamp) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('date_trunc'); END $$;
CREATE FUNCTION evil.isfinite(timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('isfinite'); END $$;
CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('format'); END $$;
CREATE FUNCTION evil.parse_ident(text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('parse_ident'); END $$;
CREATE FUNCTION evil.current_schema() RETURNS name LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM evil.stop('current_schema'); END $$;
CREATE FUNCTION evil.sum(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('sum'); END $$;
CREATE FUNCTION evil.upper(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('upper'); END $$;
CREATE FUNCTION evil.stop_bigint(bigint, bigint) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('bigint operator'); END $$;
CREATE FUNCTION evil.stop_int(integer, integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('integer operator'); END $$;
CREATE FUNCTION evil.stop_text(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('text operator'); END $$;
CREATE FUNCTION evil.stop_time(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('timestamptz operator'); END $$;
CREATE FUNCTION evil.stop_sum(numeric, numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('numeric operator'); END $$;
CREATE FUNCTION evil.stop_isum(bigint, bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('bigint sum'); END $$;
CREATE FUNCTION evil.stop_cat(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.stop('concatenation'); END $$;
DO $$
DECLARE
    o text;
BEGIN
    FOREACH o IN ARRAY '{=,<>,<,<=,>,>=}'::text[] LOOP
        EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.stop_bigint)', o);
        EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.stop_int)', o);
        EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.stop_text)', o);
        EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.stop_time)', o);
    END LOOP;
    FOREACH o IN ARRAY '{+,-,*,/}'::text[] LOOP
        EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = evil.stop_sum)', o);
        EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.stop_isum)', o);
    END LOOP;
END $$;
CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.stop_cat);
CREATE TABLE evil.accounts (account_id bigint);
CREATE TABLE evil.ledger (account_id bigint);
CREATE TABLE evil.pg_class (oid oid);
CREATE TABLE evil.pg_trigger (oid oid);
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (VALUE IS NULL);
CREATE DOMAIN evil.regclass AS pg_catalog.regclass CHECK (VALUE IS NULL);

-- what each statement comes to, kept to be looked at under an honest path
CREATE TABLE public.outcome (step pg_catalog.text, state pg_catalog.text);
CREATE PROCEDURE public.try(step pg_catalog.text, statement pg_catalog.text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'evil, pg_catalog, public', true);
    BEGIN
        EXECUTE statement;
        INSERT INTO public.outcome VALUES (step, 'done');
    EXCEPTION WHEN OTHERS THEN
        INSERT INTO public.outcome VALUES (step, SQLERRM);
    END;
    PERFORM pg_catalog.set_config('search_path', 'public', true);
END $$;

CALL public.try('evil is there', 'SELECT 1::bigint = 2::bigint');
CALL public.try('open_account', $$SELECT ccc.open_account(1, 'first', '2025-01-01')$$);
CALL public.try('top_up', $$SELECT ccc.top_up(1, 10000, 'r1')$$);
CALL public.try('quote', $$SELECT ccc.quote('landline_custom', 49000)$$);
CALL public.try('buy', $$SELECT ccc.buy(1, 'number_landline', 1, 20, '0755-86013388', '2025-03-01 00:00+08');
                         SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08', request_id => 'r2');
                         SELECT ccc.add_own_number(1, '021-55556666', 'landline', '2025-03-01 00:00+08')$$);
CALL public.try('create_calls_table', $$SELECT ccc.create_calls_table('public.calls')$$);
CREATE TABLE public.cdr (id text, a text, b text, at text, s double precision);
CALL public.try('attach', $$SELECT ccc.attach('public.cdr', 'upper(id) || ''-1''', 'at', 's + 1', 'a', 'b', time_zone => 'Asia/Shanghai')$$);
CALL public.try('billing', $$INSERT INTO public.calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61), ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61),
                                 ('b', 'x', '075586013388', '2025-03-02 00:00+08', 61), ('c', '075586013388', 'x', '2025-03-02 00:00+08', -1);
                             INSERT INTO public.cdr VALUES ('d', '075586013388', 'x', '2025-03-02 00:00', 60.25)$$);
CALL public.try('looking', $$SELECT * FROM ccc.package_balances; SELECT * FROM ccc.balances('2025-06-01'); SELECT * FROM ccc.call_charges;
                             SELECT * FROM ccc.exceptions; SELECT * FROM ccc.wallets; SELECT ccc.wallet_balance(1);
                             SELECT ccc.explain_call(1, 'a'); SELECT ccc.explain_call(1, 'c')$$);
CALL public.try('check_integrity', 'SELECT ccc.check_integrity()');
CALL public.try('detach', $$SELECT ccc.detach('public.cdr')$$);
SET search_path = public;

SELECT is(state, CASE step WHEN 'evil is there' THEN 'planted bigint operator was used' ELSE 'done' END, step) FROM outcome;
SELECT is((SELECT string_agg(format('%s %s', call_id, billed_minutes), ', ' ORDER BY call_id) FROM ccc.call_charges), 'D-1 2, a 2, b 2',
          'and all is billed as it should be');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
