-- What a monitoring system reads: right, without the ledger, and nothing of
-- any account.
BEGIN;
SELECT no_plan();

SELECT ccc.open_account(a, 'account ' || a, now() - interval '60 days'), ccc.top_up(a, 100000) FROM generate_series(1, 3) AS a;
SELECT results_eq('SELECT accounts, postings, tables_attached, tables_not_billed, open_exceptions, renewals_due, renewals_unpaid, numbers_suspended FROM ccc.monitoring',
                  'VALUES (3::bigint, 0::numeric, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint)', 'a fresh installation');
SELECT is_empty('SELECT * FROM ccc.monitoring_exceptions', 'no exceptions');
SELECT results_eq('SELECT * FROM ccc.monitoring_pools ORDER BY pool COLLATE "C"',
    $$VALUES ('400_inbound', 0::numeric, 0::numeric, 0::bigint, 0::bigint, 0::numeric, 0::bigint, 0::numeric),
             ('landline_outbound', 0, 0, 0, 0, 0, 0, 0)$$, 'pools without packages');
SELECT results_eq('SELECT * FROM ccc.monitoring_seats ORDER BY edition COLLATE "C"',
    $$VALUES ('premium', 0::numeric, 0::numeric, 0::bigint), ('standard', 0, 0, 0)$$, 'the trials are over');

-- packages: one that ends within a week, one that does not, one that is used up, one that is over
SELECT ccc.buy(a, 'number_landline', 1, 3, '0755-8601338' || a, now() - interval '59 days') FROM generate_series(1, 3) AS a;
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES
    ('tiny', 'package', 'landline_outbound', 10, '30 days'), ('long', 'package', 'landline_outbound', 100, '1 year');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('tiny', '-infinity', '0:1'), ('long', '-infinity', '0:1');
SELECT ccc.buy(1, 'tiny', bought_at => now() - interval '26 days'), ccc.buy(1, 'long', bought_at => now() - interval '10 days'),
       ccc.buy(2, 'tiny', bought_at => now() - interval '20 days'), ccc.buy(3, 'tiny', bought_at => now() - interval '50 days');
SELECT ccc.create_calls_table('public.calls');
INSERT INTO calls VALUES ('a', '075586013381', 'x', now() - interval '1 day 1 hour', 61), ('b', '075586013382', 'x', now() - interval '3 hours', 1200),
    ('c', '075586013383', 'x', now() - interval '3 days', 60), ('d', '1', '2', now() - interval '1 hour', 5), ('e', '075586013383', 'x', now(), -1);
SELECT results_eq($$SELECT * FROM ccc.monitoring_pools WHERE pool = 'landline_outbound'$$,
    $$VALUES ('landline_outbound', 1380::numeric, 660::numeric, 1::bigint, 2::bigint, 480 + 6000::numeric, 1::bigint, 480::numeric)$$, 'packages and shortfalls');
SELECT results_eq('SELECT reason, open_exceptions, exceptions_since FROM ccc.monitoring_exceptions ORDER BY reason COLLATE "C"',
    $$SELECT reason, count(*), min(seen_at) FROM ccc.exceptions GROUP BY reason ORDER BY reason COLLATE "C"$$, 'exceptions by reason');
SELECT results_eq('SELECT open_exceptions, exceptions_since FROM ccc.monitoring', 'SELECT count(*), min(seen_at) FROM ccc.exceptions', 'and in all');
DELETE FROM calls WHERE call_id = 'e';
SELECT is((SELECT open_exceptions FROM ccc.monitoring), 1::bigint, 'one that is resolved is not open');
SELECT results_eq('SELECT reason FROM ccc.monitoring_exceptions', $$VALUES ('unknown_number')$$, 'and its reason gone');
SELECT is((SELECT postings FROM ccc.monitoring), (SELECT sum(last_posting_no) FROM ccc.accounts), 'postings');

-- seats: three agents online on two seats
SELECT ccc.buy(1, 'seat_premium', 3, 1, bought_at => now() - interval '29 days 23 hours'), ccc.buy(1, 'seat_premium', 2), ccc.buy(2, 'seat_premium', 5);
SELECT ccc.sign_in(1, agent, 'premium', now() - interval '1 day') FROM unnest('{a,b,c}'::text[]) AS agent;
SELECT results_eq($$SELECT * FROM ccc.monitoring_seats WHERE edition = 'premium'$$, $$VALUES ('premium', 10::numeric, 3::numeric, 0::bigint)$$, 'seats');
SELECT ccc.refund(1, purchase_no) FROM ccc.purchases WHERE account_id = 1 AND kind = 'seat' ORDER BY purchase_no DESC LIMIT 1;
UPDATE ccc.rentals SET paid_until = now() WHERE account_id = 1 AND quantity = 3;
UPDATE ccc.rentals SET quantity = 2 WHERE account_id = 2 AND edition = 'premium';
SELECT results_eq($$SELECT * FROM ccc.monitoring_seats WHERE edition = 'premium'$$,
    $$SELECT 'premium', coalesce(sum(quantity), 0)::numeric, 3::numeric, 1::bigint FROM ccc.rentals WHERE edition = 'premium' AND paid_until > now()$$,
    'more agents online than seats');

-- renewals: due, then paid or not
SELECT ccc.buy(3, 'seat_standard', 1, 1, bought_at => now() - interval '31 days', auto_renew => true),
       ccc.buy(3, 'number_landline', 1, 1, '0755-86013399', now() - interval '32 days', auto_renew => true);
SELECT results_eq('SELECT renewals_due, renewals_due_since, renewals_unpaid, numbers_suspended FROM ccc.monitoring',
    $$VALUES (2::bigint, now() - interval '2 days', 0::bigint, 1::bigint)$$, 'renewals that nobody ran');
UPDATE ccc.accounts SET balance = 125 WHERE account_id = 3;
SELECT ccc.renew_due();
SELECT results_eq('SELECT renewals_due, renewals_due_since, renewals_unpaid, numbers_suspended FROM ccc.monitoring',
    $$VALUES (0::bigint, NULL::timestamptz, 1::bigint, 0::bigint)$$, 'one that the wallet could not pay');

-- tables that are not billed
CREATE TABLE parts (id text, a text, b text, t timestamptz, s numeric) PARTITION BY RANGE (t);
SELECT ccc.attach('parts', 'id', 't', 's', 'a', 'b');
SELECT results_eq('SELECT tables_attached, tables_not_billed FROM ccc.monitoring', 'VALUES (2::bigint, 0::bigint)', 'two tables, both billed');
CREATE TABLE part PARTITION OF parts DEFAULT;
ALTER TABLE calls DISABLE TRIGGER ccc_bill_update;
SELECT results_eq('SELECT tables_attached, tables_not_billed FROM ccc.monitoring', 'VALUES (2::bigint, 2::bigint)', 'a trigger off, a partition without');
SELECT ccc.attach_partitions('parts'), ccc.detach('calls');
SELECT results_eq('SELECT tables_attached, tables_not_billed FROM ccc.monitoring', 'VALUES (1::bigint, 0::bigint)', 'mended, and detached');

-- cheap: no plan reads the ledger
CREATE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    plan text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
        plan := plan || line || E'\n';
    END LOOP;
    RETURN plan;
END $$;
SELECT matches(pg_temp.plan_of('SELECT * FROM ccc.call_charges'), ' on ledger', 'what reads the ledger shows it');
SELECT doesnt_match(pg_temp.plan_of(query), ' on (ledger|calls)', query || ' reads no ledger')
FROM (SELECT 'SELECT * FROM ' || oid::regclass FROM pg_class WHERE relnamespace = 'ccc'::regnamespace AND relname LIKE 'monitoring%'
      UNION ALL SELECT 'SELECT * FROM ccc.due_rentals(now())') AS q (query);

-- rights: the figures, and nothing else
CREATE ROLE exporter IN ROLE ccc_monitor;
CREATE FUNCTION pg_temp.as_role(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', role, true);
    EXECUTE statement;
    PERFORM set_config('role', 'none', true);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SELECT is((SELECT string_agg(oid::regclass::text, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'ccc'::regnamespace AND relkind IN ('r', 'v')
             AND pg_temp.as_role('exporter', format('SELECT * FROM %s', oid::regclass)) = 'done'),
          'ccc.monitoring ccc.monitoring_exceptions ccc.monitoring_pools ccc.monitoring_seats', 'the exporter''s role reads the totals alone');
SELECT is(pg_temp.as_role('exporter', statement), '42501', 'not: ' || statement)
FROM unnest(ARRAY['SELECT ccc.due_rentals(now())', 'SELECT ccc.balances(now())', 'SELECT ccc.wallet_balance(1)', 'SELECT ccc.renew_due()', 'SELECT ccc.check_integrity()']) AS statement;
CREATE ROLE tenant IN ROLE ccc_tenant;
SELECT ccc.grant_account('tenant', 1);
SELECT is_empty($$SELECT oid::regclass FROM pg_class WHERE relnamespace = 'ccc'::regnamespace AND relname LIKE 'monitoring%'
                    AND pg_temp.as_role('tenant', format('SELECT * FROM %s', oid::regclass)) <> '42501'$$, 'tenants read no totals');
CREATE TABLE public.heard (what text);
GRANT INSERT ON public.heard TO PUBLIC;
GRANT CREATE ON SCHEMA public TO exporter;
SET ROLE exporter;
CREATE FUNCTION public.leak(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
    $$ BEGIN INSERT INTO public.heard VALUES ($1::text); RETURN true; END $$;
RESET ROLE;
INSERT INTO calls VALUES ('still billed', 'x', 'x', now(), 1);
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee');
INSERT INTO calls VALUES ('n' || 1, '1', '2', now(), 5), ('n' || 2, '1', '2', now(), 5);
SELECT pg_temp.as_role('exporter', 'SELECT * FROM ccc.monitoring_exceptions WHERE public.leak(reason)');
SELECT is((SELECT string_agg(what, ',') FROM heard), 'unknown_number', 'a leaking function hears totals, not rows');
SELECT * FROM finish();
ROLLBACK;
