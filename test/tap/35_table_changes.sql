-- An attached table that changes: columns dropped, added, altered and renamed,
-- the table renamed and moved; attached twice, detached, attached again.
BEGIN;
SELECT plan(28);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-03-01 00:00+08');
CREATE FUNCTION pg_temp.minutes(id text) RETURNS numeric LANGUAGE sql AS
    'SELECT sum(billed_minutes) FROM ccc.call_charges WHERE call_id = id';

CREATE TABLE cdr (gone1 integer, id text, gone2 text, a text, b text, at timestamptz, gone3 numeric, s integer);
ALTER TABLE cdr DROP COLUMN gone1, DROP COLUMN gone2;
SELECT ccc.attach('cdr', 'id', 'at', 's', 'a', 'b');
INSERT INTO cdr (id, a, at, s) VALUES ('1', '075586013388', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.minutes('1'), 2::numeric, 'columns dropped before');
ALTER TABLE cdr DROP COLUMN gone3;
INSERT INTO cdr (id, a, at, s) VALUES ('2', '075586013388', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.minutes('2'), 2::numeric, 'a column dropped after');
ALTER TABLE cdr ADD COLUMN more text DEFAULT 'm';
INSERT INTO cdr (id, a, at, s) VALUES ('3', '075586013388', '2025-03-02 00:00+08', -1);
SELECT results_eq($$SELECT record FROM ccc.exceptions WHERE call_id = '3'$$, $$SELECT to_jsonb(c) FROM cdr AS c WHERE id = '3'$$,
                  'a column added: the record has it');
ALTER TABLE cdr ALTER COLUMN s TYPE interval USING make_interval(secs => s);
INSERT INTO cdr (id, a, at, s) VALUES ('4', '075586013388', '2025-03-02 00:00+08', '61 seconds');
SELECT is(pg_temp.minutes('4'), 2::numeric, 'a column of another type');
ALTER TABLE cdr RENAME COLUMN s TO len;
SELECT lives_ok($$INSERT INTO cdr (id, a, at, len) VALUES ('5', '075586013388', '2025-03-02 00:00+08', '61 seconds')$$, 'a renamed column: the row lands');
SELECT is((SELECT reason FROM ccc.exceptions WHERE record ->> 'id' = '5'), 'mapping_failed', 'and is an exception');
ALTER TABLE cdr RENAME COLUMN len TO s;
INSERT INTO cdr (id, a, at, s) VALUES ('6', '075586013388', '2025-03-02 00:00+08', '61 seconds');
SELECT is(pg_temp.minutes('6'), 2::numeric, 'until it has its name again');

ALTER TABLE cdr RENAME TO records;
INSERT INTO records (id, a, at, s) VALUES ('7', '075586013388', '2025-03-02 00:00+08', '61 seconds');
SELECT is(pg_temp.minutes('7'), 2::numeric, 'the table renamed');
CREATE SCHEMA elsewhere;
ALTER TABLE records SET SCHEMA elsewhere;
INSERT INTO elsewhere.records (id, a, at, s) VALUES ('8', '075586013388', '2025-03-02 00:00+08', '61 seconds');
SELECT is(pg_temp.minutes('8'), 2::numeric, 'the table moved');
SELECT is((SELECT DISTINCT source::text FROM ccc.exceptions), 'elsewhere.records', 'its exceptions know it');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

SELECT throws_ok($$SELECT ccc.attach('elsewhere.records', 'id', 'at', 's', 'a', 'b')$$, '55000', NULL, 'attached twice');
SELECT lives_ok($$SELECT ccc.detach('elsewhere.records')$$, 'detached');
INSERT INTO elsewhere.records (id, a, at, s) VALUES ('9', '075586013388', '2025-03-02 00:00+08', '61 seconds');
SELECT is(pg_temp.minutes('9'), NULL::numeric, 'no longer billed');
SELECT is(pg_temp.minutes('8'), 2::numeric, 'what was billed stays');
SELECT throws_ok($$SELECT ccc.detach('elsewhere.records')$$, '55000', NULL, 'detached twice');
SELECT lives_ok($$SELECT ccc.attach('elsewhere.records', 'id || ''-b''', 'at', 's * 2', 'a', 'b')$$, 'attached again, with another mapping');
INSERT INTO elsewhere.records (id, a, at, s) VALUES ('9', '075586013388', '2025-03-02 00:00+08', '61 seconds');
SELECT is(pg_temp.minutes('9-b'), 3::numeric, 'which counts from then on');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

-- the ready-made table
SELECT is(ccc.create_calls_table('elsewhere.calls')::text, 'elsewhere.calls', 'made in the schema that is named');
SELECT is(ccc.create_calls_table('"Odd Name"')::text, '"Odd Name"', 'a quoted name');
SELECT throws_ok($$SELECT ccc.create_calls_table('elsewhere.calls')$$, '42P07', NULL, 'it is there already');
SELECT throws_ok($$SELECT ccc.create_calls_table('nowhere.calls')$$, '3F000', NULL, 'no such schema');
SELECT is_empty($$SELECT * FROM pg_depend WHERE objid = 'elsewhere.calls'::regclass AND deptype = 'e'$$, 'not a member of the extension');
SELECT results_eq($$SELECT attname::text COLLATE "default", atttypid::regtype::text, attnotnull FROM pg_attribute
                    WHERE attrelid = 'elsewhere.calls'::regclass AND attnum > 0 ORDER BY attnum$$,
                  $$VALUES ('call_id', 'text', false), ('caller', 'text', false), ('callee', 'text', false),
                           ('started_at', 'timestamp with time zone', false), ('seconds', 'numeric', false)$$, 'its columns');
INSERT INTO elsewhere.calls VALUES ('10', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.minutes('10'), 2::numeric, 'and it bills');

-- the trigger bills what it finds, however rows come in
INSERT INTO "Odd Name" SELECT 'up', '075586013388', 'x', '2025-03-02 00:00+08', 61;
WITH i AS (INSERT INTO "Odd Name" VALUES ('cte', '075586013388', 'x', '2025-03-02 00:00+08', 61) RETURNING call_id)
INSERT INTO elsewhere.calls SELECT call_id || ' too', '075586013388', 'x', '2025-03-02 00:00+08', 61 FROM i;
SELECT is((SELECT string_agg(call_id, ',' ORDER BY call_id) FROM ccc.call_charges WHERE call_id ~ '^(up|cte)'), 'cte,cte too,up',
          'two tables in one statement');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
