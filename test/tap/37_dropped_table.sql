-- A call table that is dropped while attached: what was billed stays, and all
-- is well.
BEGIN;
SELECT plan(4);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61), ('b', 'x', 'x', '2025-03-02 00:00+08', 61);
SELECT lives_ok('DROP TABLE calls', 'a call table may be dropped');
SELECT is((SELECT short_minutes FROM ccc.call_charges), 2::numeric, 'what was billed stays');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('c', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is((SELECT sum(short_minutes) FROM ccc.call_charges), 4::numeric, 'a new table of the name is billed');
SELECT * FROM finish();
ROLLBACK;
