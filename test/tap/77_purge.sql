-- Old records purged: which ones they are does not depend on the caller's
-- settings, and the caller's own triggers see just these.
BEGIN;
SELECT plan(22);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.add_own_number(1, '075586013388', 'landline', '2025-01-01');
CREATE SCHEMA mine;
CREATE TABLE mine.seen (id text, rows bigint, path text, zone text, style text, scan text);
CREATE FUNCTION mine.see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        INSERT INTO seen SELECT OLD.id, NULL, current_setting('search_path'), current_setting('TimeZone'), current_setting('DateStyle'), current_setting('enable_seqscan');
        RETURN OLD;
    END IF;
    INSERT INTO seen SELECT NULL, count(*), current_setting('search_path'), current_setting('TimeZone'), current_setting('DateStyle'), current_setting('enable_seqscan') FROM gone;
    RETURN NULL;
END $$;
CREATE TABLE cdr (id text, a text, t text, s numeric, r text, relation text);
SELECT ccc.attach('cdr', 'id', 't::timestamp', 's', 'a', '''x''', time_zone => 'Asia/Shanghai');
CREATE TRIGGER before_row BEFORE DELETE ON cdr FOR EACH ROW EXECUTE FUNCTION mine.see();
CREATE TRIGGER after_statement AFTER DELETE ON cdr REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION mine.see();
INSERT INTO cdr SELECT 'c' || n, '075586013388', format('2026-02-%s 00:00', lpad(n::text, 2, '0')), 61 FROM generate_series(1, 28) AS n;
SELECT is((SELECT count(*) FROM ccc.call_charges), 28::bigint, 'four weeks');

SET search_path = mine, public;
SET TimeZone = 'America/New_York';
SET DateStyle = 'SQL, DMY';
SELECT is(ccc.purge('public.cdr', '2026-02-09 16:00+00'), 9::bigint, 'purged by the mapping''s start, in its zone');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' | ', path, zone, style, scan), '; ') FROM seen), 'mine, public | America/New_York | SQL, DMY | on',
          'the triggers see the caller''s settings');
SELECT is((SELECT count(id) || ' ' || sum(rows) FROM seen), '9 9', 'for each row and for the statement');
SELECT is((SELECT min(id COLLATE "C") FROM public.cdr), 'c10', 'the others are still there');
SELECT is((SELECT count(*) FROM ccc.call_charges), 28::bigint, 'and every charge');
SELECT is(ccc.purge('public.cdr', '2026-02-09 16:00+00'), 0::bigint, 'again: none');
RESET search_path;
RESET TimeZone;
RESET DateStyle;

-- partitions, thousands of rows
DROP TRIGGER before_row ON cdr;
DROP TRIGGER after_statement ON cdr;
CREATE TABLE parted (started_at timestamptz, id text, s numeric) PARTITION BY RANGE (started_at);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE part_2 PARTITION OF parted FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
SELECT ccc.attach('parted', '''p'' || id', 'started_at', 's', '''075586013388''', '''x''');
INSERT INTO parted SELECT '2026-01-01 00:00+00'::timestamptz + n * interval '15 minutes', n, 1 FROM generate_series(0, 5000) AS n;
SELECT is(ccc.purge('parted', '2026-02-11 00:00+00'), 3936::bigint, 'of two partitions');
SELECT is((SELECT min(started_at) || ' ' || count(*) FROM parted), '2026-02-11 00:00:00+00 1065', 'just the earlier ones');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id LIKE 'p%'), 5001::bigint, 'and every charge stays');

-- what the table's own triggers delete meanwhile is not purged
CREATE FUNCTION mine.delete_pair() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.cdr WHERE id = 'pair of ' || OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER delete_pair AFTER DELETE ON cdr FOR EACH ROW EXECUTE FUNCTION mine.delete_pair();
INSERT INTO cdr VALUES ('old', '075586013388', '2026-02-01 00:00', 61), ('pair of old', '075586013388', '2026-02-20 00:00', 61);
SELECT is(ccc.purge('cdr', '2026-02-09 16:00+00'), 1::bigint, 'one is purged, another deleted by its trigger');
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'old'), 1::bigint, 'the charge of what was purged stays');
SELECT is_empty($$SELECT FROM ccc.call_charges WHERE call_id = 'pair of old'$$, 'the other''s is taken back');

-- a record whose start cannot be read, an exception, is told and not passed over; it goes by hand, and takes nothing back
CREATE TABLE textual (id text, t text, s numeric);
SELECT ccc.attach('textual', 'id', 't::timestamptz', 's', '''075586013388''', '''x''');
INSERT INTO textual VALUES ('read', '2026-02-01 00:00+08', 61), ('unread', 'nonsense', 61);
\ir setup/context_of.psql
SELECT matches(pg_temp.context_of($$SELECT ccc.purge('textual', '2026-03-01')$$), '^22007 .*start of a record of table "textual"', 'a record without a start stops a purge');
DELETE FROM textual WHERE id IN (SELECT record ->> 'id' FROM ccc.exceptions WHERE source = 'textual'::regclass AND resolved_at IS NULL);
SELECT is(ccc.purge('textual', '2026-03-01'), 1::bigint, 'until it is gone');
SELECT is((SELECT string_agg(call_id, ' ') FROM ccc.call_charges WHERE call_id LIKE '%read'), 'read', 'and the charge stays');

-- what inherits from a table is not billed, nor purged
CREATE TABLE child () INHERITS (textual);
INSERT INTO textual VALUES ('billed', '2026-02-01 00:00+08', 61);
INSERT INTO child VALUES ('unbilled', '2026-02-01 00:00+08', 61);
SELECT is(ccc.purge('textual', '2026-03-01'), 1::bigint, 'just the table''s own');
SELECT is((SELECT count(*) FROM child), 1::bigint, 'and not the child''s');
DROP TABLE child;

-- with the caller's rights
CREATE ROLE purge_admin IN ROLE ccc_admin;
SET ROLE purge_admin;
SELECT throws_ok($$SELECT ccc.purge('cdr', now())$$, '42501', NULL, 'who may not delete does not purge');
SELECT throws_ok($$SELECT * FROM ccc.records_before('cdr', now())$$, '42501', NULL, 'nor look');
RESET ROLE;
CREATE RULE keep AS ON DELETE TO cdr DO INSTEAD NOTHING;
SELECT throws_ok($$SELECT ccc.purge('cdr', now())$$, '55000', NULL, 'a rule that keeps rows from being deleted is told');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
