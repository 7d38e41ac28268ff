-- check_integrity() is a test that can fail: each counter tampered with, and
-- each invariant broken, is reported.
BEGIN;
SELECT plan(45);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(1, 2) AS a;
SELECT ccc.top_up(a, 10000, 'r') FROM generate_series(1, 2) AS a;
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-02 00:00+08');
SELECT ccc.buy(1, 'seat_standard', 5, 2);
SELECT ccc.create_calls_table();
INSERT INTO calls SELECT 'c' || n, '075586013388', 'x', '2025-03-03 00:00+08', 36000 FROM generate_series(1, 3) AS n;
INSERT INTO calls VALUES ('in', 'x', '075586013388', '2025-03-03 00:00+08', 61), ('c1', '075586013388', 'x', '2025-03-03 00:00+08', 36000),
                         ('c2', '075586013388', 'x', '2025-03-03 00:00+08', 1), ('short', '075586013388', 'x', '2025-12-03 00:00+08', 60);
SELECT ccc.create_calls_table('other');

SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'all is well');

-- what check_integrity() says after a statement, which is then taken back
CREATE FUNCTION pg_temp.after(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        EXECUTE statement;
        SELECT string_agg(format('%s (%s)', invariant, detail), '; ') INTO said FROM ccc.check_integrity();
        RAISE EXCEPTION 'taken back' USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
        RETURN said;
    END;
END $$;
SELECT isnt(pg_temp.after(statement), NULL, statement)
FROM (VALUES
    (1, 'UPDATE ccc.packages SET used = used + 60 WHERE package_no = 2'),
    (2, 'UPDATE ccc.packages SET used = used - 60 WHERE package_no = 1'),
    (3, 'UPDATE ccc.packages SET used = 0'),
    (4, 'UPDATE ccc.other_usage SET billed = billed + 1 WHERE package_no = 0'),
    (5, 'DELETE FROM ccc.other_usage WHERE package_no = 0'),
    (6, 'INSERT INTO ccc.other_usage SELECT 2, pool, stretch, package_no, billed, last_start FROM ccc.other_usage'),
    (7, 'DELETE FROM ccc.ledger WHERE call_id = ''c3'''),
    (8, 'DELETE FROM ccc.ledger WHERE call_id = ''short'''),
    (9, 'DELETE FROM ccc.ledger WHERE call_id = ''c1'' AND entry_no = 1'),
    (10, 'UPDATE ccc.ledger SET billed = billed + 1 WHERE call_id = ''c3'''),
    (11, 'UPDATE ccc.ledger SET package_no = 2 WHERE call_id = ''c1'' AND kind = ''c'''),
    (12, 'UPDATE ccc.ledger SET package_no = 99 WHERE call_id = ''c3'''),
    (13, 'UPDATE ccc.ledger SET account_id = 2 WHERE call_id = ''c3'''),
    (14, 'UPDATE ccc.ledger SET account_id = 3 WHERE call_id = ''in'''),
    (15, 'UPDATE ccc.ledger SET started_at = ''2025-02-28'' WHERE call_id = ''c3'''),
    (16, 'UPDATE ccc.ledger SET started_at = ''2025-09-02'' WHERE call_id = ''c3'''),
    (17, 'UPDATE ccc.ledger SET entry_no = 2 WHERE call_id = ''c3'''),
    (18, 'UPDATE ccc.ledger SET billed = -60 WHERE call_id = ''in'''),
    (19, 'UPDATE ccc.accounts SET last_posting_no = 0'),
    (20, 'UPDATE ccc.accounts SET balance = balance + 0.01'),
    (21, 'UPDATE ccc.accounts SET last_entry_no = last_entry_no + 1'),
    (22, 'UPDATE ccc.accounts SET last_purchase_no = last_purchase_no + 1 WHERE account_id = 1'),
    (23, 'UPDATE ccc.accounts SET last_package_no = last_package_no - 1 WHERE account_id = 1'),
    (24, 'UPDATE ccc.wallet_entries SET amount = amount + 1 WHERE account_id = 2'),
    (25, 'DELETE FROM ccc.wallet_entries WHERE account_id = 1 AND entry_no = 3'),
    (26, 'UPDATE ccc.wallet_entries SET balance = balance + 1 WHERE account_id = 1 AND entry_no = 2'),
    (27, 'UPDATE ccc.purchases SET amount = amount + 1 WHERE purchase_no = 2'),
    (28, 'UPDATE ccc.packages SET price = price - 1 WHERE package_no = 1'),
    (29, 'UPDATE ccc.packages SET valid_until = valid_until + interval ''1 day'' WHERE package_no = 1'),
    (30, 'INSERT INTO ccc.numbers SELECT number, since + interval ''1 day'', paid_until, ''2099-01-01'', 2, line, owner FROM ccc.numbers'),
    (31, 'DROP TRIGGER ccc_bill_insert ON other'),
    (32, 'ALTER TABLE other DISABLE TRIGGER ALL'),
    (33, 'UPDATE ccc.packages SET stretch_used = stretch_used - 1 WHERE package_no = 1'),
    (34, 'UPDATE ccc.packages SET stretch = stretch + interval ''1 day'''),
    (35, 'UPDATE ccc.packages SET last_start = last_start - interval ''1 minute'''),
    (36, 'UPDATE ccc.other_usage SET stretch = stretch + interval ''1 day'''),
    (37, 'UPDATE ccc.other_usage SET last_start = last_start - interval ''1 minute'''),
    (38, 'UPDATE ccc.accounts SET last_other_stretch = last_other_stretch - interval ''1 month'''),
    (39, 'UPDATE ccc.packages SET stretch = DEFAULT'),
    (40, 'INSERT INTO ccc.other_usage SELECT account_id, pool, stretch, package_no, 60, last_start FROM ccc.packages WHERE package_no = 1')) AS v (n, statement) ORDER BY n;
SELECT matches(pg_temp.after(statement), 'a billed call is on a number that its account had \(call in on number', statement)
FROM (VALUES
    (1, 'UPDATE ccc.ledger SET started_at = ''2025-02-28 23:59:59.999999+08'' WHERE call_id = ''in'''),
    (2, 'UPDATE ccc.numbers SET paid_until = ''2025-03-03 00:00+08'''),
    (3, 'UPDATE ccc.numbers SET released_at = ''2025-03-03 00:00+08''')) AS v (n, statement) ORDER BY n;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'all is well again');
SELECT * FROM finish();
ROLLBACK;
