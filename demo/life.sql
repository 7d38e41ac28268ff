-- The life of an account: trial, seats, a number, packages, renewal, refund.
-- Included by demo.sql; the story began 65 days ago and ends now.
SELECT date_trunc('hour', now() - interval '65 days') AS day_0 \gset
SELECT :'day_0'::timestamptz + interval '5 days' AS day_5,
       :'day_0'::timestamptz + interval '31 days' AS day_31,
       :'day_0'::timestamptz + interval '40 days' AS day_40,
       :'day_0'::timestamptz + interval '64 days' AS day_64 \gset

\echo
\echo '== 10. The life of an account: it opens with ten seats for 30 days, needs fifteen, and buys five'
\echo
SELECT ccc.open_account(4, 'Dogwood Support', :'day_0'), ccc.top_up(4, 2500, 'transfer 1') \g /dev/null
SELECT product, quantity, periods, amount AS yuan, valid_until::timestamp(0)
    FROM ccc.buy(4, 'seat_standard', 5, 2, bought_at => :'day_0', auto_renew => true, request_id => 'order 1');
SELECT ccc.sign_in(4, 'agent ' || n, at => :'day_0'::timestamptz + n * interval '1 minute') FROM generate_series(1, 15) AS n \g /dev/null
SELECT * FROM ccc.seats(4, :'day_5');
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
    hint   text;
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s\n%s\n%s', sqlerrm, detail, hint);
END
$$;
SELECT pg_temp.refusal(format('SELECT ccc.sign_in(4, %L, at => %L)', 'agent 16', :'day_5')) AS a_sixteenth_agent;

\echo
\echo '== 11. The trial ends: five seats for fifteen agents, which is seen at once; the newest ten are signed out'
\echo
SELECT * FROM ccc.seats(4, :'day_31');
SELECT string_agg(agent, ', ') AS signed_out FROM ccc.sign_out_excess(4, :'day_31') AS agent;
SELECT edition, peak, min(day) AS from_day, max(day) AS to_day FROM ccc.seat_peaks(4, :'day_0', now()) GROUP BY 1, 2 ORDER BY 3;

\echo
\echo '== 12. A number is rented, and 800 minutes are needed: what is cheapest? And what are 49000?'
\echo
SELECT product, number, amount AS yuan, valid_until::timestamp(0)
    FROM ccc.buy(4, 'number_landline', number => '0755-8888 6666', bought_at => :'day_5');
SELECT 800 AS needed, r.* FROM ccc.recommend('landline_outbound', 800) AS r
UNION ALL
SELECT 49000, r.* FROM ccc.recommend('landline_outbound', 49000) AS r;
SELECT product, quantity, amount AS yuan, package_no FROM ccc.buy(4, 'landline_custom', 1000, bought_at => :'day_5');
SELECT ccc.create_calls_table('dogwood_calls') \g /dev/null
INSERT INTO dogwood_calls VALUES ('first', '0755 8888 6666', '13800138000', :'day_5', 725.5),
                                 ('second', '0755 8888 6666', '13800138000', :'day_40', 61);
\echo 'The second call came when the number was suspended: it is kept, and charged when the rental is renewed.'
SELECT call_id, reason, resolved_at FROM ccc.exceptions WHERE account_id = 4;
SELECT number, amount AS yuan, valid_from::timestamp(0), valid_until::timestamp(0) FROM ccc.renew(4, 2, 2, request_id => 'order 2');
SELECT call_id, outcome, billed_minutes, amount AS yuan FROM ccc.call_charges WHERE account_id = 4 ORDER BY started_at;

\echo
\echo '== 13. The seats renew from the wallet when they are due, once, whatever number of times it is run'
\echo
SELECT product, valid_from::timestamp(0), valid_until::timestamp(0), amount AS yuan, outcome FROM ccc.renew_due(:'day_64');
SELECT count(*) AS renewed_by_a_second_run FROM ccc.renew_due(:'day_64');

\echo
\echo '== 14. The package is given back: what is unused of it, at its price'
\echo
SELECT ccc.refund(4, 3) AS yuan_given_back;
SELECT entry_no, reason, product, quantity, amount AS yuan, balance FROM ccc.wallets WHERE account_id = 4 ORDER BY entry_no;
SELECT section, item, state, amount, unit, until::timestamp(0) FROM ccc.account_overview(4);
