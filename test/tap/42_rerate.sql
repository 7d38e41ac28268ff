-- Charging again never rates again; rerate does, on request.
BEGIN;
SELECT plan(26);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 2000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '075586013388', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-02-01', 61), ('b', '075586013388', 'x', '2025-03-01', 61),
                         ('b', '075586013388', 'x', '2025-03-01', 61), ('c', 'x', '075586013388', '2025-03-01', 7);
SELECT is((SELECT used FROM ccc.packages), 240::bigint, 'by started minutes');
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('landline_outbound', '2025-01-15', '6/6');
SELECT is(ccc.replay(1), 0::bigint, 'charging again does not rate again');
SELECT is((SELECT used FROM ccc.packages), 240::bigint, 'nothing changes by itself');
SELECT throws_ok('DO $$BEGIN SET LOCAL transaction_read_only = on; PERFORM ccc.rerate(1, now()); END$$', '25006', NULL,
    'not where only reading is allowed, also when there is nothing to do');
SELECT throws_ok('DO $$BEGIN SET LOCAL transaction_read_only = on; PERFORM ccc.rerate(1, ''2025-02-15''); END$$', '25006', NULL, 'nor when there is');
SELECT is((SELECT used FROM ccc.packages), 240::bigint, 'and nothing has changed');
SELECT is(ccc.rerate(1, '2025-02-15'), 1::bigint, 'one call of late February and after comes out otherwise');
SELECT is((SELECT used FROM ccc.packages), (120 + 66)::bigint, 'by sixths of a minute now');
SELECT is(ccc.rerate(1, '-infinity'), 1::bigint, 'the earlier one too, when asked');
UPDATE ccc.call_rules SET treatment = 'charge', pool = 'landline_outbound' WHERE (line, owner, direction) = ('landline', 'platform', 'inbound');
SELECT is(ccc.rerate(1, '-infinity'), 1::bigint, 'a free call that is charged now');
SELECT results_eq('SELECT call_id, outcome, billed_minutes FROM ccc.call_charges ORDER BY call_id',
    $$VALUES ('a' COLLATE "C", 'charged', 1.1), ('b', 'charged', 1.1), ('c', 'charged', 0.2)$$, 'as rated now');
UPDATE ccc.call_rules SET treatment = 'refuse', pool = NULL WHERE (line, owner, direction) = ('landline', 'platform', 'inbound');
SELECT is(ccc.rerate(1, '-infinity'), 0::bigint, 'what would be refused today stays as it was rated');
SELECT is((SELECT format('%s %s', outcome, billed_minutes) FROM ccc.call_charges WHERE call_id = 'c'), 'charged 0.2', 'charged');
SELECT is_empty('SELECT * FROM ccc.exceptions WHERE resolved_at IS NULL AND reason <> ''repeated''', 'and makes no exception');
DELETE FROM calls WHERE ctid = (SELECT max(ctid) FROM calls WHERE call_id = 'b');
SELECT is((SELECT count(*) FROM ccc.call_charges), 3::bigint, 'a repeat is still one after that');
SELECT throws_ok('SELECT ccc.rerate(2, now())', '42704', NULL, 'no such account');

-- what a call was charged as before, and is no more, does not count
SELECT ccc.open_account(3, 'three', '2025-01-01 00:00+08'), ccc.top_up(3, 2000);
SELECT ccc.buy(3, 'number_landline', periods => 12, number => '075586013333', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(3, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
DELETE FROM ccc.pools WHERE (code, valid_from) = ('landline_outbound', '2025-01-15');
INSERT INTO calls VALUES ('once', '075586013333', 'x', '2025-06-10', 61);
INSERT INTO ccc.call_rules VALUES ('landline', 'platform', 'outbound', '2025-06-09', 'free', NULL);
SELECT is(ccc.rerate(3, '2025-06-01'), 1::bigint, 'a charged call that is free now');
SELECT is(ccc.rerate(3, '2025-06-01'), 0::bigint, 'is free already');
DELETE FROM ccc.call_rules WHERE valid_from = '2025-06-09';
SELECT is(ccc.rerate(3, '2025-06-01'), 1::bigint, 'and charged again');
SELECT is((SELECT format('%s %s', outcome, amount) FROM ccc.call_charges WHERE account_id = 3), 'charged 0.3', 'as before');
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('zz', '-infinity', '60/60'), ('aa', '-infinity', '60/60');
INSERT INTO ccc.call_rules VALUES ('landline', 'platform', 'outbound', '2025-06-09', 'charge', 'zz');
SELECT is(ccc.rerate(3, '2025-06-01'), 1::bigint, 'on another pool');
UPDATE ccc.call_rules SET pool = 'aa' WHERE valid_from = '2025-06-09';
SELECT is(ccc.rerate(3, '2025-06-01'), 1::bigint, 'and another one');
UPDATE ccc.call_rules SET pool = 'zz' WHERE valid_from = '2025-06-09';
SELECT is(ccc.rerate(3, '2025-06-01'), 1::bigint, 'and the first of them again');
SELECT is(ccc.rerate(3, '2025-06-01'), 0::bigint, 'where it stays');
SELECT is((SELECT format('%s %s %s', outcome, pool, short_minutes) FROM ccc.call_charges WHERE account_id = 3), 'short zz 2', 'without a package there');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
