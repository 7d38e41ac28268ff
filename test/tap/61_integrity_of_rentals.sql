-- check_integrity() tells what does not fit of rentals, money given back,
-- agents' sessions: each is tampered with, and told.
BEGIN;
SELECT plan(29);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(1, 2) AS a;
SELECT ccc.top_up(a, 10000) FROM generate_series(1, 2) AS a;
SELECT ccc.buy(1, 'number_landline', periods => 2, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'seat_premium', 5, 2, bought_at => '2025-03-01 00:00+08');
SELECT ccc.renew(1, 1), ccc.renew(1, 2, 3);
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08') FROM generate_series(1, 2);
SELECT ccc.refund(1, 4, '2025-06-01 00:00+08'), ccc.refund(1, 5, '2025-04-01 00:00+08'), ccc.void_purchase(1, 6);
SELECT ccc.sign_in(1, 'a', 'premium', '2025-03-02 00:00+08');
SELECT ccc.sign_out(1, 'a', '2025-03-03 00:00+08');
SELECT ccc.sign_in(1, 'a', 'premium', '2025-03-04 00:00+08');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'all is well');

-- what check_integrity() says after a statement, which is then taken back; a
-- statement that a constraint refuses is as good
CREATE FUNCTION pg_temp.after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE statement;
    SELECT string_agg(format('%s (%s)', invariant, detail), '; ') INTO said FROM ccc.check_integrity();
    RAISE EXCEPTION 'taken back' USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN
        RETURN said;
    WHEN check_violation OR unique_violation THEN
        RETURN 'refused';
END $$;
SELECT isnt(pg_temp.after(statement), NULL, statement)
FROM (VALUES
    (1, 'UPDATE ccc.rentals SET periods = periods + 1 WHERE purchase_no = 1'),
    (2, 'UPDATE ccc.rentals SET paid_until = paid_until + interval ''1 day'' WHERE purchase_no = 2'),
    (3, 'UPDATE ccc.rentals SET since = since - interval ''1 day'' WHERE purchase_no = 2'),
    (4, 'UPDATE ccc.rentals SET account_id = 3 WHERE purchase_no = 2'),
    (5, 'UPDATE ccc.rentals SET quantity = 0 WHERE purchase_no = 2'),
    (6, 'UPDATE ccc.rentals SET quantity = 6 WHERE purchase_no = 2'),
    (7, 'DELETE FROM ccc.rentals WHERE purchase_no = 2'),
    (8, 'INSERT INTO ccc.rentals SELECT account_id, 9, product, edition, number, quantity, since, term, day_rule, periods, paid_until FROM ccc.rentals WHERE purchase_no = 2'),
    (9, 'UPDATE ccc.rentals SET paid_until = paid_until + interval ''1 day'' WHERE purchase_no = 1'),
    (10, 'UPDATE ccc.numbers SET paid_until = paid_until + interval ''1 day'''),
    (11, 'UPDATE ccc.numbers SET account_id = 2'),
    (12, 'DELETE FROM ccc.numbers'),
    (13, 'UPDATE ccc.purchases SET periods_refunded = periods_refunded + 1 WHERE purchase_no = 1'),
    (14, 'UPDATE ccc.purchases SET periods = periods + 1 WHERE purchase_no = 3'),
    (15, 'UPDATE ccc.purchases SET renews = 1 WHERE purchase_no = 4'),
    (16, 'UPDATE ccc.purchases SET refunded = refunded - 1 WHERE purchase_no = 5'),
    (17, 'UPDATE ccc.purchases SET refunded_at = NULL, refunded = NULL WHERE purchase_no = 5'),
    (18, 'UPDATE ccc.purchases SET refunded_at = NULL, refunded = NULL, voided = false WHERE purchase_no = 6'),
    (19, 'UPDATE ccc.purchases SET voided = true WHERE purchase_no = 5'),
    (20, 'UPDATE ccc.packages SET refunded_at = ''infinity'' WHERE purchase_no = 5'),
    (21, 'UPDATE ccc.packages SET refunded = refunded - 60 WHERE purchase_no = 6'),
    (22, 'DELETE FROM ccc.wallet_entries WHERE reason = ''void'''),
    (23, 'UPDATE ccc.wallet_entries SET reason = ''refund'' WHERE reason = ''void'''),
    (24, 'UPDATE ccc.wallet_entries SET purchase_no = 6 WHERE reason = ''refund'' AND purchase_no = 5'),
    (25, 'UPDATE ccc.agent_sessions SET signed_out_at = ''2025-03-05'' WHERE session_no = 1'),
    (26, 'INSERT INTO ccc.agent_sessions SELECT account_id, 7, agent, edition, ''2025-03-02 12:00+08'', ''2025-03-02 13:00+08'' FROM ccc.agent_sessions WHERE session_no = 1'),
    (27, 'UPDATE ccc.agent_sessions SET account_id = 3 WHERE session_no = 1')) AS v (n, statement) ORDER BY n;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'all is well again');
SELECT * FROM finish();
ROLLBACK;
