-- Mappings over generated columns: virtual ones where the server has them
-- (their values are in no stored row), else stored ones. Nothing is rolled
-- back here, for a backfill commits.
SELECT current_setting('server_version_num')::integer >= 180000 AS virtual,
       CASE WHEN current_setting('server_version_num')::integer >= 180000 THEN 'VIRTUAL' ELSE 'STORED' END AS kind,
       current_setting('server_version_num')::integer >= 170000 AS can_set_expression \gset
SELECT plan(40);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 2000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '075586013388', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08');
CREATE FUNCTION pg_temp.minutes(id text) RETURNS numeric LANGUAGE sql AS
    'SELECT sum(billed_minutes) FROM ccc.call_charges WHERE call_id = id';
SET client_min_messages = warning;

-- every field is generated; a column is dropped; one is stored whatever the others are
CREATE TABLE cdr (gone integer, node text, n integer, area text, line text, epoch bigint, gone_too text, h integer,
    id text GENERATED ALWAYS AS (node || ':' || n::text) :kind,
    a text GENERATED ALWAYS AS (area || line) :kind,
    t timestamptz GENERATED ALWAYS AS (to_timestamp(epoch)) :kind,
    s integer GENERATED ALWAYS AS (h * 60 + 1) :kind,
    b text GENERATED ALWAYS AS (upper(node)) STORED);
ALTER TABLE cdr DROP COLUMN gone, DROP COLUMN gone_too;
INSERT INTO cdr VALUES ('early', 1, '0755', '86013388', 1740000000, 2), ('early', 2, '0755', '86013388', 1740000000, -2);
SELECT ccc.attach('cdr', 'id', 't', 's', 'a', 'b');
INSERT INTO cdr VALUES ('live', 1, '0755', '86013388', 1740000000, 1);
SELECT results_eq($$SELECT call_id COLLATE "default", started_at, seconds, billed_minutes FROM ccc.call_charges$$,
    $$VALUES ('live:1', to_timestamp(1740000000), 61::numeric, 2::numeric)$$, 'billed by generated columns');
UPDATE cdr SET h = 3 WHERE node = 'live';
SELECT is(pg_temp.minutes('live:1'), 4::numeric, 'corrected');
SELECT is((SELECT count(*) FROM ccc.ledger WHERE kind = 'r'), 0::bigint, 'and not a repeat');
DELETE FROM cdr WHERE node = 'live';
SELECT is_empty('SELECT * FROM ccc.call_charges', 'reversed');
INSERT INTO cdr VALUES ('live', 2, '0755', '86013388', 1740000000, -1);
SELECT is((SELECT reason FROM ccc.exceptions WHERE call_id = 'live:2'), 'bad_length', 'an exception');
SELECT is((SELECT record FROM ccc.exceptions WHERE call_id = 'live:2'), (SELECT to_jsonb(c) FROM cdr AS c WHERE node = 'live'),
    'whose record has the generated columns too');
SELECT ok((SELECT record @> '{"id": "live:2", "s": -59, "b": "LIVE"}' FROM ccc.exceptions WHERE call_id = 'live:2'), 'by name');
UPDATE cdr SET h = 1 WHERE node = 'live';
SELECT is((SELECT resolution FROM ccc.exceptions WHERE call_id = 'live:2'), 'gone', 'resolved by the correction');
SELECT is(pg_temp.minutes('live:2'), 2::numeric, 'which is billed');

CALL ccc.backfill('cdr', '2025-12-31');
SELECT is(pg_temp.minutes('early:1'), NULL::numeric, 'a backfill from a generated start on');
CALL ccc.backfill('cdr');
SELECT is(pg_temp.minutes('early:1'), 3::numeric, 'and of what was there');
SELECT is((SELECT record FROM ccc.exceptions WHERE call_id = 'early:2'), (SELECT to_jsonb(c) FROM cdr AS c WHERE id = 'early:2'),
    'with exceptions as of stored rows');
SELECT is(pg_temp.minutes('live:2'), 2::numeric, 'what was billed is the same call to it');
DELETE FROM cdr WHERE id = 'early:1';
SELECT is(pg_temp.minutes('early:1'), NULL::numeric, 'and a deletion finds what it billed');

INSERT INTO cdr VALUES ('old', 1, '0755', '86013388', 1738400000, 1);
SELECT is(ccc.purge('cdr', to_timestamp(1739000000)), 1::bigint, 'purged by a generated start');
SELECT is(pg_temp.minutes('old:1'), 2::numeric, 'and the charge stays');

-- another expression of a mapping that this session keeps
INSERT INTO cdr VALUES ('before', 1, '0755', '86013388', 1740000000, 1);
\if :can_set_expression
ALTER TABLE cdr ALTER COLUMN s SET EXPRESSION AS (h * 120 + 1);
\else
ALTER TABLE cdr DROP COLUMN s;
ALTER TABLE cdr ADD COLUMN s integer GENERATED ALWAYS AS (h * 120 + 1) STORED;
\endif
INSERT INTO cdr (node, n, area, line, epoch, h) VALUES ('after', 1, '0755', '86013388', 1740000000, 1);
SELECT is(pg_temp.minutes('before:1') || ',' || pg_temp.minutes('after:1'), '2,3', 'a new expression of a column counts from then on');
DELETE FROM cdr WHERE node IN ('before', 'after') AND h = 1;
SELECT is(pg_temp.minutes('before:1'), 2::numeric, 'what a stored row says no longer is not taken back');
SELECT is(pg_temp.minutes('after:1'), NULL::numeric, 'what it says still is');
ALTER TABLE cdr DROP COLUMN s;
ALTER TABLE cdr ADD COLUMN s integer GENERATED ALWAYS AS (h * 180 + 1) :kind;
INSERT INTO cdr (node, n, area, line, epoch, h) VALUES ('after', 2, '0755', '86013388', 1740000000, 1);
SELECT is(pg_temp.minutes('after:2'), 4::numeric, 'a new column of its name too');

-- the row as a whole in a mapping
CREATE TABLE whole (gone integer, id text, h integer, s integer GENERATED ALWAYS AS (h * 60 + 1) :kind);
ALTER TABLE whole DROP COLUMN gone;
SELECT ccc.attach('whole', $$to_jsonb(cdr) ->> 'id'$$, '1740000000', $$(to_jsonb(cdr) ->> 's')::numeric$$, $$'075586013388'$$, '(cdr).s');
INSERT INTO whole VALUES ('whole', 4);
SELECT is(pg_temp.minutes('whole'), 5::numeric, 'a mapping over the whole row');
SELECT is(ccc.purge('whole', now()), 1::bigint, 'which is purged');

-- partitions with their columns in another order
CREATE TABLE parts (id text, t timestamptz, h integer, s integer GENERATED ALWAYS AS (h * 60 + 1) :kind) PARTITION BY RANGE (t);
CREATE TABLE parts_1 (s integer GENERATED ALWAYS AS (h * 60 + 1) :kind, gone integer, h integer, t timestamptz, id text);
ALTER TABLE parts_1 DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM ('2025-03-01') TO ('2025-04-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2025-04-01') TO ('2025-05-01');
INSERT INTO parts VALUES ('p0', '2025-03-02', 1);
SELECT ccc.attach('parts', 'id', 't', 's', $$'075586013388'$$, $$'x'$$);
INSERT INTO parts VALUES ('p1', '2025-03-02', 2), ('p2', '2025-04-02', 3);
INSERT INTO parts_1 (id, t, h) VALUES ('p3', '2025-03-02', 4);
CALL ccc.backfill('parts');
SELECT results_eq($$SELECT call_id COLLATE "default", billed_minutes FROM ccc.call_charges WHERE call_id LIKE 'p_' ORDER BY 1$$,
    $$VALUES ('p0', 2::numeric), ('p1', 3), ('p2', 4), ('p3', 5)$$, 'through the parent, straight into a partition, and by a backfill');
UPDATE parts SET t = '2025-04-03' WHERE id = 'p1';
DELETE FROM parts_2 WHERE id = 'p2';
DELETE FROM parts WHERE id = 'p3';
SELECT results_eq($$SELECT call_id COLLATE "default", started_at FROM ccc.call_charges WHERE call_id LIKE 'p_' ORDER BY 1$$,
    $$VALUES ('p0', '2025-03-02'::timestamptz), ('p1', '2025-04-03')$$, 'moved and deleted by either way');

-- rows of logical replication
CREATE TABLE applied (id text, h integer, s integer GENERATED ALWAYS AS (h * 60 + 1) :kind);
SELECT ccc.attach('applied', 'id', '1740000000', 's', $$'075586013388'$$, $$'x'$$, replicated => true);
SET session_replication_role = replica;
INSERT INTO applied VALUES ('applied', 1);
SELECT is(pg_temp.minutes('applied'), 2::numeric, 'an applied row is billed');
UPDATE applied SET h = 2;
SELECT is(pg_temp.minutes('applied'), 3::numeric, 'corrected');
DELETE FROM applied;
SELECT is(pg_temp.minutes('applied'), NULL::numeric, 'and reversed');
RESET session_replication_role;

-- a generation expression that raises: when a stored column is written, when a virtual one is read
CREATE TABLE raising (gone integer, id text, h integer, s integer GENERATED ALWAYS AS (600 / h) :kind);
ALTER TABLE raising DROP COLUMN gone;
INSERT INTO raising VALUES ('r0', 10);
\if :virtual
INSERT INTO raising VALUES ('bad', 0);
\endif
SELECT ccc.attach('raising', 'id', '1740000000', 's', $$'075586013388'$$, $$'x'$$);
\if :virtual
SELECT lives_ok($$INSERT INTO raising VALUES ('r1', 5), ('r2', 0), ('r3', 2)$$, 'rows land, whatever their virtual columns raise');
SELECT results_eq($$SELECT reason, record FROM ccc.exceptions WHERE source = 'raising'::regclass$$,
    $$VALUES ('mapping_failed', '{"id": "r2", "h": 0, "s": null}'::jsonb)$$, 'one is an exception, with the record as it is stored');
CALL ccc.backfill('raising');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE source = 'raising'::regclass AND reason = 'mapping_failed'), 2::bigint,
    'a backfill reads over such rows');
DELETE FROM raising WHERE h = 0;
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE source = 'raising'::regclass AND resolution = 'gone'), 2::bigint,
    'and they can be deleted');
\else
SELECT throws_ok($$INSERT INTO raising VALUES ('r1', 5), ('r2', 0), ('r3', 2)$$, '22012', NULL, 'a stored column raises when it is written');
SELECT is_empty($$SELECT * FROM ccc.exceptions WHERE source = 'raising'::regclass$$, 'which is no exception');
INSERT INTO raising VALUES ('r1', 5), ('r3', 2);
CALL ccc.backfill('raising');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE source = 'raising'::regclass), 0::bigint, 'a backfill finds none either');
SELECT is_empty('SELECT * FROM raising WHERE h = 0', 'nor did such a row land');
\endif
SELECT results_eq($$SELECT call_id COLLATE "default", billed_minutes FROM ccc.call_charges WHERE call_id LIKE 'r_' ORDER BY 1$$,
    $$VALUES ('r0', 1::numeric), ('r1', 2), ('r3', 5)$$, 'the others are billed');

-- a row without JSON
CREATE TYPE odd AS ENUM ('x');
CREATE FUNCTION odd_json(odd) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE 'no JSON'; END$$;
CREATE CAST (odd AS json) WITH FUNCTION odd_json(odd);
CREATE TABLE mute (id text, o odd, h integer, s integer GENERATED ALWAYS AS (h * 60 + 1) :kind);
SELECT ccc.attach('mute', 'id', '1740000000', 's', $$'075586013388'$$, $$'x'$$);
INSERT INTO mute VALUES ('mute', 'x', -1);
SELECT is((SELECT record FROM ccc.exceptions WHERE call_id = 'mute'), '"(mute,x,-1,-59)"'::jsonb, 'a record kept as text has them too');

-- the oid of its table is no part of a row
CREATE TABLE named (id text, s integer, name text GENERATED ALWAYS AS (id || tableoid::text) :kind);
\if :virtual
SELECT throws_ok($$SELECT ccc.attach('named', 'name', '1740000000', 's', $a$'075586013388'$a$, $a$'x'$a$)$$, '0A000',
    'expression for "call_id" is not valid: it uses a system column', 'a virtual column over a system column is refused');
\else
SELECT lives_ok($$SELECT ccc.attach('named', 'name', '1740000000', 's', $a$'075586013388'$a$, $a$'x'$a$)$$,
    'a stored column over a system column is a column');
SELECT ccc.detach('named');
\endif
SELECT ccc.attach('named', 'id', '1740000000', 's', $$'075586013388'$$, $$'x'$$);
INSERT INTO named VALUES ('n1', 61), ('n2', -1);
SELECT is(pg_temp.minutes('n1'), 2::numeric, 'its table is billed by other columns');
SELECT ok((SELECT record @> '{"id": "n2", "s": -1}' FROM ccc.exceptions WHERE call_id = 'n2'), 'and has its records');

SELECT is((SELECT string_agg(DISTINCT reason, ', ') FROM ccc.exceptions WHERE source <> 'raising'::regclass), 'bad_length', 'no other exceptions');
SELECT is(ccc.replay(1), 0::bigint, 'charged as in call order');
SELECT is(ccc.retry_exceptions(), 0::bigint, 'nothing to retry');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
