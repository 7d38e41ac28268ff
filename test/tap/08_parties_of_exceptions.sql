-- An exception that the posting made, of a contradicting record for instance,
-- keeps whose number it was: a renewal bills it.
BEGIN;
SELECT plan(3);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08'), ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', 1, 12, '075586010001', '2025-01-01 00:00+08'),
       ccc.buy(1, 'number_landline', 1, 3, '075586010091', '2025-01-01 00:00+08');
SELECT ccc.create_calls_table('public.calls');
INSERT INTO calls VALUES ('c', '075586010001', 'x', '2025-01-10 10:00+08', 60), ('c', '075586010091', 'y', '2025-03-10 11:00+08', 120);
SELECT ccc.refund(1, 2, '2025-01-15 00:00+08');
SELECT ccc.backfill_blocks('calls', 0, 1000, '-infinity');
SELECT is((SELECT string_agg(reason, ', ') FROM ccc.exceptions WHERE resolved_at IS NULL), 'number_suspended', 'suspended by now');
DELETE FROM calls WHERE caller = '075586010001';
SELECT ccc.renew(1, 2, 12);
SELECT is((SELECT string_agg(format('%s %s', account_id, billed_minutes), ', ') FROM ccc.call_charges), '1 2', 'paid and billed');
SELECT is_empty('SELECT * FROM ccc.exceptions WHERE resolved_at IS NULL', 'nothing is open');
SELECT * FROM finish();
ROLLBACK;
