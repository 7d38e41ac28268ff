-- A record says the same whatever type its length is stored in: it is billed
-- once, and its exceptions are those of one content.
BEGIN;
SELECT plan(13);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');

CREATE DOMAIN length AS integer;
CREATE TEMP TABLE types (type text PRIMARY KEY, mapping text, digits integer);
INSERT INTO types VALUES ('smallint', 'seconds', 4), ('integer', 'seconds', 10), ('bigint', 'seconds', 19), ('length', 'seconds', 10),
                         ('numeric', 'seconds', 19), ('numeric(20, 3)', 'seconds', 10), ('text', 'seconds::numeric', 19),
                         ('double precision', 'seconds', 10), ('interval', 'seconds', 10);
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT *, 'calls_' || row_number() OVER () AS name FROM types LOOP
        EXECUTE format('CREATE TABLE %I (call_id text, caller text, callee text, started_at timestamptz, seconds %s)', t.name, t.type);
        PERFORM ccc.attach(t.name::regclass, call_id => 'call_id', started_at => 'started_at', seconds => t.mapping,
                           caller => 'caller', callee => 'callee');
        EXECUTE format('INSERT INTO %I SELECT s::text, ''075586013388'', ''x'', ''2025-03-02 00:00+08'', CASE %L WHEN ''interval'' THEN s || '' seconds'' ELSE s::text END::%s
                        FROM unnest(''{0,1,61,3600,-1,-300,2147483647,-2147483648,2147483648,9223372036854775807,-9223372036854775808}''::bigint[]) AS s
                        WHERE length(abs(s::numeric)::text) <= %s AND (s <> 2147483648 OR %s > 10)', t.name, t.type, t.type, t.digits, t.digits);
    END LOOP;
END
$$;

SELECT is((SELECT count(*) FROM ccc.sources), 9::bigint, 'nine types of a length');
SELECT is((SELECT array_agg(c ORDER BY c) FROM (SELECT count(DISTINCT content) FROM ccc.ledger GROUP BY call_id) AS s (c)), '{1,1,1}', 'one content of each call');
SELECT results_eq($$SELECT call_id COLLATE "default", kind::text, count(*), sum(billed)::bigint FROM ccc.ledger GROUP BY 1, 2 ORDER BY 1, 2$$,
                  $$VALUES ('1', 'c', 1::bigint, 60::bigint), ('1', 'r', 8, 0), ('3600', 'c', 1, 3600), ('3600', 'r', 8, 0), ('61', 'c', 1, 120), ('61', 'r', 8, 0)$$,
                  'each is billed once and repeated eight times');
SELECT results_eq($$SELECT call_id COLLATE "default", reason, count(DISTINCT content), count(*) FROM ccc.exception_log GROUP BY call_id, reason ORDER BY call_id COLLATE "C"$$,
                  $$VALUES ('-1', 'bad_length', 1::bigint, 9::bigint), ('-2147483648', 'bad_length', 1, 8), ('-300', 'bad_length', 1, 9),
                           ('-9223372036854775808', 'bad_length', 1, 3), ('2147483647', 'bad_length', 1, 8), ('2147483648', 'bad_length', 1, 3),
                           ('9223372036854775807', 'bad_length', 1, 3)$$,
                  'and so for what is no length');
SELECT results_eq('SELECT DISTINCT seconds::text FROM ccc.ledger WHERE call_id = ''61'' ORDER BY 1', $$VALUES ('61')$$, 'the ledger holds the first one''s length');

-- what one table says another takes back as a copy, and the last one of all
SELECT is((SELECT sum(seconds) FROM ccc.ledger WHERE kind = 'c'), 3662::numeric, 'charged');
SELECT lives_ok(format('DELETE FROM calls_%s', n), 'gone from table ' || n) FROM generate_series(1, 3) AS n;
SELECT is((SELECT sum(billed)::bigint FROM ccc.ledger), 3780::bigint, 'copies keep the charge');
DO $$
BEGIN
    FOR n IN 4..9 LOOP
        EXECUTE format('DELETE FROM calls_%s', n);
    END LOOP;
END
$$;
SELECT is((SELECT sum(billed)::bigint FROM ccc.ledger), 0::bigint, 'without any the charge is gone');
SELECT is((SELECT count(*) FROM ccc.exceptions WHERE resolved_at IS NULL), 0::bigint, 'and so are the exceptions');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'figures agree');

SELECT * FROM finish();
ROLLBACK;
