-- What the calls came to: seconds by package (0: shortfall), and calls.
SELECT account_id, package_no, used FROM packages WHERE used > 0
UNION ALL
SELECT account_id, 0, sum(billed) FROM ledger WHERE kind = 's' GROUP BY account_id
UNION ALL
SELECT 0, 0, count(DISTINCT (account_id, call_id, direction)) FROM ledger
ORDER BY 1, 2;
