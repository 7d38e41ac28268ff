-- The extension, and accounts with a rented landline number and three packages
-- each, all valid from January to July 2026.
-- Variables: accounts; first, second, third: minutes of the packages; short:
-- minutes of every tenth account's third package.
SET client_min_messages = warning;
CREATE EXTENSION ccc_billing;

INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('bench', 'package', 'landline_outbound', 1, '6 months');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('bench', '-infinity', '0:0.1');

SELECT ccc.open_account(a, 'account ' || a, '2026-01-01 00:00+08'),
       ccc.top_up(a, 1e12),
       ccc.buy(a, 'number_landline', periods => 8, number => '+86755' || 80000000 + a, bought_at => '2026-01-01 00:00+08'),
       ccc.buy(a, 'bench', :first, bought_at => '2026-01-02 00:00+08'),
       ccc.buy(a, 'bench', :second, bought_at => '2026-01-03 00:00+08'),
       ccc.buy(a, 'bench', CASE WHEN a % 10 = 0 THEN :short ELSE :third END, bought_at => '2026-01-04 00:00+08')
FROM generate_series(1, :accounts) AS a \g /dev/null

\ir calls_table.sql
SELECT ccc.attach('calls', call_id => 'call_id', started_at => 'started_at', seconds => 'seconds',
                  caller => 'caller', callee => 'callee') \g /dev/null

-- all that in one statement leaves six versions of each account behind, which
-- purchases one by one do not
VACUUM FULL ccc.accounts;

-- for the others, who get the same
COPY (SELECT number::text, account_id, since, paid_until FROM ccc.numbers ORDER BY 1) TO :'numbers';
COPY (SELECT account_id, package_no, pool, granted, valid_from, valid_until FROM ccc.packages ORDER BY 1, 2) TO :'packages';
VACUUM ANALYZE;
