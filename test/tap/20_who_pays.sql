-- Who pays: every row of the contract's table, and the other party whatever it is.
BEGIN;
SELECT plan(30);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.open_account(2, 'second', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.top_up(2, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 3, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'number_landline', periods => 3, number => '0755-86013389', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'number_400', periods => 3, number => '400-812-3456', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(2, 'number_landline', periods => 3, number => '010-62345678', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(2, 'number_400', periods => 3, number => '400-999-8888', bought_at => '2025-03-01 00:00+08');
SELECT ccc.add_own_number(1, '021-55556666', 'landline', '2025-03-01 00:00+08');
SELECT ccc.add_own_number(1, '400-700-6000', '400', '2025-03-01 00:00+08');
SELECT ccc.buy(a, p, 1000, bought_at => '2025-03-01 00:00+08')
FROM unnest('{1,2}'::bigint[]) AS a, unnest('{landline_custom,400_custom}'::text[]) AS p;
SELECT ccc.create_calls_table();

CREATE FUNCTION pg_temp.call(id text, caller text, callee text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO calls VALUES (id, caller, callee, '2025-03-10 10:00+08', 61) $$;
-- every side of a call and every exception of it
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s %s %s %s', account_id, direction, outcome, coalesce(pool, '-'), covered_minutes)
          FROM ccc.call_charges WHERE call_id = id
          UNION ALL
          SELECT format('%s %s', coalesce(account_id::text, 'nobody'), reason) FROM ccc.exceptions WHERE call_id = id) AS s (t) $$;

SELECT pg_temp.call('lo', '075586013388', '13800138000');
SELECT is(pg_temp.told('lo'), '1 outbound charged landline_outbound 2', 'landline of the platform calls out');
SELECT pg_temp.call('li', '13800138000', '075586013388');
SELECT is(pg_temp.told('li'), '1 inbound free - 0', 'landline of the platform is called');
SELECT pg_temp.call('4i', '13800138000', '4008123456');
SELECT is(pg_temp.told('4i'), '1 inbound charged 400_inbound 2', '400-number of the platform is called');
SELECT pg_temp.call('4o', '4008123456', '13800138000');
SELECT is(pg_temp.told('4o'), '1 call_refused', 'a 400-number calls out');
SELECT pg_temp.call('ol', '02155556666', '13800138000');
SELECT is(pg_temp.told('ol'), '1 outbound free - 0', 'own landline calls out');
SELECT pg_temp.call('oi', '13800138000', '02155556666');
SELECT is(pg_temp.told('oi'), '1 inbound free - 0', 'own landline is called');
SELECT pg_temp.call('o4', '13800138000', '4007006000');
SELECT is(pg_temp.told('o4'), '1 inbound free - 0', 'own 400-number is called');
SELECT pg_temp.call('o4o', '4007006000', '13800138000');
SELECT is(pg_temp.told('o4o'), '1 outbound free - 0', 'own 400-number calls out');
SELECT pg_temp.call('none', '13800138000', '13900139000');
SELECT is(pg_temp.told('none'), 'nobody unknown_number', 'neither is ours');

-- both numbers ours
SELECT pg_temp.call('two', '075586013388', '4009998888');
SELECT is(pg_temp.told('two'), '1 outbound charged landline_outbound 2; 2 inbound charged 400_inbound 2', 'two accounts: each its side');
SELECT pg_temp.call('one', '075586013388', '4008123456');
SELECT is(pg_temp.told('one'), '1 inbound charged 400_inbound 2; 1 outbound charged landline_outbound 2', 'one account, two sides');
SELECT pg_temp.call('self', '075586013388', '075586013389');
SELECT is(pg_temp.told('self'), '1 inbound free - 0; 1 outbound charged landline_outbound 2', 'one account, out paid and in free');
SELECT pg_temp.call('same', '075586013388', '075586013388');
SELECT is(pg_temp.told('same'), '1 inbound free - 0; 1 outbound charged landline_outbound 2', 'a number that calls itself');
SELECT pg_temp.call('half', '4008123456', '01062345678');
SELECT is(pg_temp.told('half'), '1 call_refused; 2 inbound free - 0', 'one side is refused, the other billed');

-- only our side must be a number
SELECT pg_temp.call('x' || n, '075586013388', other), pg_temp.call('y' || n, other, '4008123456')
FROM (VALUES (1, NULL), (2, ''), (3, 'anonymous'), (4, '138****8000'), (5, '+1 212 555 0100'), (6, '110'),
             (7, E'\t\\x00 ''; DROP'), (8, repeat('9', 5000))) AS v (n, other);
SELECT is(pg_temp.told('x' || n) || '; ' || pg_temp.told('y' || n),
          '1 outbound charged landline_outbound 2; 1 inbound charged 400_inbound 2', 'the other party: ' || what)
FROM (VALUES (1, 'withheld'), (2, 'empty'), (3, 'a word'), (4, 'masked'), (5, 'foreign'), (6, 'short'),
             (7, 'malformed'), (8, 'very long')) AS v (n, what);

-- our side in any way of writing
SELECT pg_temp.call('f' || n, ours, '13800138000')
FROM (VALUES (1, '+86 755 8601 3388'), (2, '0086-755-86013388'), (3, 'sip:+8675586013388@host'), (4, '(0755) 8601-3388')) AS v (n, ours);
SELECT is(pg_temp.told('f' || n), '1 outbound charged landline_outbound 2', 'our number, way of writing ' || n)
FROM generate_series(1, 4) AS n;

-- the source says which side its records are of
CREATE TABLE legs (id text, a text, b text, at timestamptz, s numeric, dir text);
SELECT ccc.attach('legs', 'id', 'at', 's', 'a', 'b', direction => 'dir');
INSERT INTO legs SELECT 'leg ' || dir, '075586013388', '4008123456', '2025-03-11 10:00+08', 61, dir
FROM (VALUES ('outbound'), ('inbound')) AS v (dir);
SELECT is(pg_temp.told('leg outbound'), '1 outbound charged landline_outbound 2', 'the record is of the caller''s side');
SELECT is(pg_temp.told('leg inbound'), '1 inbound charged 400_inbound 2', 'the record is of the callee''s side');
SELECT is((SELECT count(*) FROM ccc.exceptions), 3::bigint, 'no other exceptions');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
