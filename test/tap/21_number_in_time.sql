-- A number's service is [since, paid_until), judged at the call's start; after
-- it the number is suspended, and its calls are exceptions.
BEGIN;
SELECT plan(13);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.open_account(2, 'second', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-03-01 08:00+08');
SELECT ccc.add_own_number(1, '021-55556666', 'landline', '2025-03-01 08:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-02-01 00:00+08');
SELECT ccc.create_calls_table();

INSERT INTO calls SELECT started_at, '075586013388', '13800138000', started_at::timestamptz, 1
FROM unnest('{"2025-03-01 07:59:59.999999+08","2025-03-01 08:00+08","2025-03-31 07:59:59.999999+08","2025-03-31 08:00+08",
              "2026-01-01 00:00+08"}'::text[]) AS started_at;
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s', account_id, outcome) FROM ccc.call_charges WHERE call_id = id
          UNION ALL
          SELECT format('%s %s', coalesce(account_id::text, 'nobody'), reason) FROM ccc.exceptions WHERE call_id = id) AS s (t) $$;

SELECT is(pg_temp.told('2025-03-01 07:59:59.999999+08'), 'nobody unknown_number', 'a microsecond before since: not ours yet');
SELECT is(pg_temp.told('2025-03-01 08:00+08'), '1 charged', 'exactly at since: ours');
SELECT is(pg_temp.told('2025-03-31 07:59:59.999999+08'), '1 charged', 'a microsecond before the end: in service');
SELECT is(pg_temp.told('2025-03-31 08:00+08'), '1 number_suspended', 'exactly at the end: suspended');
SELECT is(pg_temp.told('2026-01-01 00:00+08'), '1 number_suspended', 'long after: suspended, not unknown');

-- a call that starts in service and ends after it
INSERT INTO calls VALUES ('over the end', '075586013388', 'x', '2025-03-31 07:59+08', 3600);
SELECT is(pg_temp.told('over the end'), '1 charged', 'the start counts');

-- the other number of a call may be suspended
INSERT INTO calls VALUES ('from suspended to own', '075586013388', '02155556666', '2025-05-01 08:00+08', 1);
SELECT is(pg_temp.told('from suspended to own'), '1 free; 1 number_suspended', 'each side by itself');

-- released, another account may have it
UPDATE ccc.numbers SET released_at = '2025-06-01 00:00+08' WHERE owner = 'platform';
SELECT ccc.top_up(2, 10000);
SELECT throws_ok($$SELECT ccc.buy(2, 'number_landline', number => '0755-86013388', bought_at => '2025-05-31 23:59+08')$$, '23505', NULL,
                 'not before its release');
SELECT lives_ok($$SELECT ccc.buy(2, 'number_landline', number => '0755-86013388', bought_at => '2025-06-01 00:00+08')$$, 'from its release on');
INSERT INTO calls VALUES ('before release', '075586013388', 'x', '2025-05-31 23:59:59+08', 1),
                         ('after release', '075586013388', 'x', '2025-06-01 00:00+08', 1);
SELECT is(pg_temp.told('before release'), '1 number_suspended', 'until then it is the first account''s');
SELECT is(pg_temp.told('after release'), '2 short', 'then the second''s, which has no package');
SELECT is((SELECT count(*) FROM ccc.exceptions), 5::bigint, 'no other exceptions');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
