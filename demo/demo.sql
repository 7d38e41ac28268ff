-- The demo: real call records of a Kamailio, billed. Run by tools/demo, which
-- sets the variable csv to a file with the columns of acc_cdrs.
--
-- Every geographic number that calls, or is called, in the file counts as a
-- landline of ours, every 400-number as ours too; three customers share them.
\set QUIET on
\pset footer off
\pset null ''
SET TimeZone = 'Asia/Shanghai';
SET client_min_messages = warning;

\echo
\echo '== 1. The call table of the switch, as Kamailio made it'
\echo
CREATE TABLE acc_cdrs (
    id         integer PRIMARY KEY,
    start_time timestamp without time zone NOT NULL DEFAULT '2000-01-01 00:00:00',
    end_time   timestamp without time zone NOT NULL DEFAULT '2000-01-01 00:00:00',
    duration   real NOT NULL DEFAULT 0,
    callid     text,
    caller     text,
    callee     text,
    src_ip     text,
    term_by    text
);
-- the numbers of the file are looked at before the switch is attached
CREATE TEMP TABLE file (LIKE acc_cdrs);
\set load '\\copy file FROM ' :'csv' ' WITH (FORMAT csv, HEADER)'
:load

CREATE TEMP TABLE ours AS
    SELECT number, line, ntile(3) OVER (PARTITION BY line ORDER BY number) AS account_id
    FROM (SELECT number, CASE WHEN number::text LIKE '400%' THEN '400' ELSE 'landline' END AS line
          FROM (SELECT ccc.try_phone_number(caller) FROM file
                UNION
                SELECT ccc.try_phone_number(callee) FROM file) AS seen (number)
          WHERE number::text ~ '^(400|[+]86([2-9]|10))') AS n;
SELECT count(*) AS records,
       min(start_time) AT TIME ZONE 'UTC' AS first_start,
       max(end_time) AT TIME ZONE 'UTC' AS last_end,
       (SELECT count(*) FROM ours WHERE line = 'landline') AS our_landlines,
       (SELECT count(*) FROM ours WHERE line = '400') AS our_400_numbers
FROM file;
SELECT date_trunc('month', min(start_time) AT TIME ZONE 'UTC') AS opening FROM file \gset

\echo
\echo '== 2. Customers buy: the price page is in the catalogue, and a reseller adds a product'
\echo
SELECT q.* FROM ccc.quote('landline_custom', 49000) AS q;

INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, step)
    VALUES ('starter', 'package', 'landline_outbound', 1, '1 month', 60, 60);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('starter', '-infinity', '0:0.16');

SELECT ccc.open_account(1, 'Aster Travel', :'opening'),
       ccc.open_account(2, 'Birch Insurance', :'opening'),
       ccc.open_account(3, 'Cedar Clinics', :'opening') \g /dev/null
SELECT ccc.top_up(a, 1000, 'first money') FROM generate_series(1, 3) AS a \g /dev/null
SELECT ccc.buy(account_id, 'number_' || line, number => number::text, bought_at => :'opening')
    FROM ours ORDER BY line DESC, number \g /dev/null
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => :'opening'),
       ccc.buy(1, '400_custom', 1000, bought_at => :'opening'),
       ccc.buy(2, 'starter', 60, bought_at => :'opening'),
       ccc.buy(2, 'landline_custom', 1000, bought_at => :'opening'),
       ccc.buy(2, '400_custom', 1000, bought_at => :'opening'),
       ccc.buy(3, 'starter', 120, bought_at => :'opening') \g /dev/null
SELECT a.name AS customer, w.reason, w.product, w.quantity, p.number, w.amount AS yuan, w.balance
    FROM ccc.wallets AS w
         JOIN ccc.accounts AS a USING (account_id)
         LEFT JOIN ccc.purchases AS p USING (account_id, purchase_no)
    ORDER BY w.account_id, w.entry_no;

\echo
\echo '== 3. The switch is attached, and its records are stored; that bills them'
\echo
SELECT ccc.attach('acc_cdrs', call_id => 'callid', started_at => 'start_time', seconds => 'duration',
                  caller => 'caller', callee => 'callee', time_zone => 'UTC') \g /dev/null
\set load '\\copy acc_cdrs FROM ' :'csv' ' WITH (FORMAT csv, HEADER)'
:load

SELECT coalesce(pool, 'free') AS pool, direction, count(*) AS calls,
       sum(seconds) AS seconds, sum(billed_minutes) AS billed_minutes,
       sum(covered_minutes) AS covered_minutes, sum(short_minutes) AS short_minutes, sum(amount) AS yuan
    FROM ccc.call_charges
    GROUP BY pool, direction ORDER BY sum(billed_minutes) DESC;

\echo
\echo '== 4. What is left, per package'
\echo
SELECT a.name AS customer, b.package_no, b.product, b.pool, b.granted_minutes AS granted,
       b.used_minutes AS used, b.remaining_minutes AS remaining, b.valid_until::timestamp(0), b.unit_price
    FROM ccc.package_balances AS b JOIN ccc.accounts AS a USING (account_id)
    ORDER BY b.account_id, b.package_no;

\echo
\echo '== 5. Shortfalls: minutes that no package covered'
\echo
SELECT a.name AS customer, c.pool, count(*) AS calls, sum(c.short_minutes) AS short_minutes
    FROM ccc.call_charges AS c JOIN ccc.accounts AS a USING (account_id)
    WHERE c.outcome = 'short'
    GROUP BY a.name, c.pool ORDER BY a.name, c.pool;

\echo
\echo '== 6. A few calls: how each was charged, and why'
\echo
\pset tuples_only on
SELECT '  ' || why
    FROM (SELECT DISTINCT ON (kind) account_id, call_id, kind
          FROM (SELECT c.*, CASE WHEN count(*) OVER (PARTITION BY l.account_id, l.call_id, l.direction) > 1 THEN 1
                                 WHEN c.outcome = 'charged' AND c.seconds > 60 AND c.seconds < 61 THEN 2
                                 WHEN c.outcome = 'charged' AND c.pool LIKE '400%' THEN 3
                                 WHEN c.outcome = 'short' THEN 4
                                 WHEN c.outcome = 'free' THEN 5
                                 ELSE 6 END AS kind
                FROM ccc.call_charges AS c
                     JOIN ccc.ledger AS l USING (account_id, call_id)) AS c
          ORDER BY kind, started_at, call_id) AS example,
         LATERAL (SELECT 1, 'call ' || call_id || ' of account ' || account_id
                  UNION ALL
                  SELECT n + 1, '  ' || line
                  FROM ccc.explain_call(account_id, call_id) WITH ORDINALITY AS e (line, n)
                  UNION ALL
                  SELECT 99, '') AS w (n, why)
    ORDER BY kind, n;
\pset tuples_only off

\echo '== 7. Records that cannot be rated land all the same, each with its reason'
\echo
SELECT (SELECT number FROM ours WHERE line = 'landline' ORDER BY number LIMIT 1) AS landline,
       (SELECT number FROM ours WHERE line = '400' ORDER BY number LIMIT 1) AS service,
       (SELECT max(id) FROM acc_cdrs) AS last_id,
       (SELECT max(start_time) FROM acc_cdrs) AS last_start,
       (SELECT callid FROM acc_cdrs WHERE duration > 0 ORDER BY id LIMIT 1) AS known_id \gset
INSERT INTO acc_cdrs (id, start_time, duration, callid, caller, callee) VALUES
    (:last_id + 1, :'last_start', 30, 'made-1', :'service', '13800138000'),
    (:last_id + 2, :'last_start', -5, 'made-2', :'landline', '13800138000'),
    (:last_id + 3, :'last_start', 30, NULL, :'landline', '13800138000'),
    (:last_id + 4, :'last_start', 30, 'made-3', '13900139000', '13800138000'),
    (:last_id + 5, '2099-01-01', 30, 'made-4', :'landline', '13800138000'),
    (:last_id + 6, :'last_start', 999, :'known_id', :'landline', '13800138000'),
    (:last_id + 7, :'last_start', 'NaN', 'made-5', :'landline', 'anonymous');
SELECT e.reason, e.account_id, e.call_id, e.direction,
       e.record ->> 'caller' AS caller, e.record ->> 'callee' AS callee, e.record ->> 'duration' AS duration
    FROM ccc.exceptions AS e ORDER BY e.record ->> 'id';

\echo
\echo '== 8. The same records once more, under new row ids: noted, at no cost'
\echo
SELECT sum(used) AS used_before FROM ccc.packages \gset
INSERT INTO acc_cdrs
    SELECT id + 1000000, start_time, end_time, duration, callid, caller, callee, src_ip, term_by FROM file;
SELECT count(*) FILTER (WHERE kind = 'r') AS repeats_noted,
       (SELECT sum(used) - :used_before FROM ccc.packages) AS seconds_charged_again
    FROM ccc.ledger;

\echo
\echo '== 9. A record is corrected, one is deleted, one comes late: totals stay those of call order'
\echo
DELETE FROM acc_cdrs WHERE id > 1000000;
SELECT call_id AS long_call FROM ccc.call_charges
    WHERE account_id = 2 AND pool = 'landline_outbound' ORDER BY seconds DESC, call_id LIMIT 1 \gset
SELECT package_no, product, used_minutes AS used_before FROM ccc.package_balances
    WHERE account_id = 2 AND pool = 'landline_outbound' ORDER BY package_no;
UPDATE acc_cdrs SET duration = duration + 600 WHERE callid = :'long_call';
DELETE FROM acc_cdrs WHERE id = (SELECT min(id) FROM acc_cdrs JOIN ccc.call_charges ON call_id = callid
                                 WHERE account_id = 2 AND pool = 'landline_outbound' AND call_id <> :'long_call');
INSERT INTO acc_cdrs (id, start_time, duration, callid, caller, callee)
    SELECT :last_id + 8, timezone('UTC', min(b.valid_from)) + interval '1 hour', 61, 'made-late', min(o.number::text), '13800138000'
    FROM ccc.package_balances AS b, ours AS o
    WHERE b.account_id = 2 AND o.account_id = 2 AND o.line = 'landline';
SELECT package_no, product, used_minutes AS used_after, ccc.replay(2) AS seconds_that_a_replay_moves FROM ccc.package_balances
    WHERE account_id = 2 AND pool = 'landline_outbound' ORDER BY package_no;
\pset tuples_only on
SELECT '  ' || line FROM ccc.explain_call(2, :'long_call') AS e (line);
\pset tuples_only off

\ir life.sql

\echo
\echo '== 15. Every counter recomputed from the ledger, every wallet from its entries'
\echo
SELECT count(*) AS violated_invariants FROM ccc.check_integrity();
