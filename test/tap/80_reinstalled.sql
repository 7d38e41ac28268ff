-- The extension dropped and created anew in a session that has billed before.
BEGIN;
SELECT plan(4);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is((SELECT short_minutes FROM ccc.call_charges), 2::numeric, 'billed');
SET client_min_messages = warning;
SELECT lives_ok('DROP EXTENSION ccc_billing CASCADE', 'dropped');
SELECT lives_ok('CREATE EXTENSION ccc_billing', 'created anew');
SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table('other');
SELECT lives_ok($$INSERT INTO other VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61)$$, 'and billing goes on');
SELECT * FROM finish();
ROLLBACK;
