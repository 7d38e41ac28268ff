-- Columns that somebody, or a later version, adds to the tables of the
-- extension stay null in what a session writes that does not know them; and
-- indexes that somebody adds are kept as core keeps them.
BEGIN;
SELECT plan(8);

SELECT ccc.open_account(1, 'one', '2025-01-01'), ccc.top_up(1, 2000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '075586013388', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('before', '075586013388', 'x', '2025-02-01', 61), ('bad before', '075586013388', 'x', '2025-02-01', -1);
ALTER TABLE ccc.ledger ADD COLUMN note text, ADD COLUMN n integer DEFAULT 7;
ALTER TABLE ccc.exception_log ADD COLUMN note text;
ALTER TABLE ccc.other_usage ADD COLUMN note text;
ALTER TABLE ccc.packages ADD COLUMN note text DEFAULT 'noted';
ALTER TABLE ccc.accounts ADD COLUMN note text DEFAULT 'noted';
ALTER TABLE ccc.numbers ADD COLUMN note text;
INSERT INTO calls VALUES ('after', '075586013388', 'x', '2025-02-01', 61), ('bad after', '075586013388', 'x', '2025-02-01', -1),
    ('later', '075586013388', 'x', '2025-03-01', 61);
INSERT INTO calls SELECT 'bulk ' || n, '075586013388', 'x', '2025-04-01', 61 FROM generate_series(1, 2000) AS n;
SELECT is((SELECT count(*) FROM ccc.ledger WHERE note IS NULL AND n IS NULL), 2002::bigint, 'entries');
SELECT is((SELECT count(*) FROM ccc.exception_log WHERE note IS NULL), 2::bigint, 'exceptions');
SELECT ok((SELECT bool_and(note IS NULL) FROM ccc.other_usage), 'usage');
SELECT is((SELECT p.note || a.note FROM ccc.packages AS p, ccc.accounts AS a), 'notednoted', 'what was there is kept');

-- a summarizing index of what each posting writes: from 16 on the row's version is still no other index's
CREATE EXTENSION IF NOT EXISTS pageinspect;
CREATE INDEX accounts_by_posting ON ccc.accounts USING brin (last_posting_no);
CREATE INDEX accounts_by_balance ON ccc.accounts (balance) WHERE balance > 0;
INSERT INTO calls VALUES ('brin 1', '075586013388', 'x', '2025-04-01', 61);
INSERT INTO calls VALUES ('brin 2', '075586013388', 'x', '2025-04-01', 61);
INSERT INTO calls VALUES ('brin 3', '075586013388', 'x', '2025-04-01', 61);
SELECT is((SELECT live_items FROM bt_page_stats('ccc.accounts_pkey', 1)),
    CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 4 ELSE 1 END, 'one entry for all versions of a row');
SET enable_seqscan = off;
SELECT is((SELECT count(*) FROM ccc.accounts WHERE last_posting_no > 4), 1::bigint, 'which the summarizing index finds');
SELECT is((SELECT count(*) FROM ccc.accounts WHERE balance > 0), 1::bigint, 'and the others');
RESET enable_seqscan;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
