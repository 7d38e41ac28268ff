-- An account's zone, and that of a call table's times, is a name that means the
-- same wherever it is read: what billing could not read is refused at once.
BEGIN;
SELECT plan(21);

CREATE TABLE local (id text, a text, b text, at timestamp, s numeric);
SELECT throws_ok(format('SELECT ccc.open_account(1, ''one'', ''2025-01-01'', %L)', zone), '22023', NULL, zone || ' is no account''s zone')
FROM unnest('{JST,CST,EDT,+08,-8,8,<+08>-08,Nowhere/Else}'::text[]) AS zone;
SELECT throws_ok(format('SELECT ccc.attach(''local'', ''id'', ''at'', ''s'', ''a'', ''b'', time_zone => %L)', zone), '22023', NULL, zone || ' is no table''s')
FROM unnest('{JST,+08,8,Nowhere/Else}'::text[]) AS zone;
SELECT throws_ok($$SELECT ccc.open_account(1, 'one', '2025-01-01', '')$$, '22023', NULL, 'nor is nothing');

-- each that is accepted can be billed
SELECT lives_ok(format('SELECT ccc.open_account(%s, %L, ''2025-01-01'', %L)', n, zone, zone), zone)
FROM unnest('{UTC,Asia/Shanghai,asia/tokyo,Etc/GMT+8}'::text[]) WITH ORDINALITY AS z (zone, n);
SELECT ccc.add_own_number(n, '07558601338' || n, 'landline', '2025-01-01') FROM generate_series(1, 4) AS n;
SELECT ccc.attach('local', 'id', 'at', 's', 'a', 'b', time_zone => 'Asia/Shanghai');
INSERT INTO local SELECT 'c' || n, '07558601338' || n, 'x', '2025-02-01', 61 FROM generate_series(1, 4) AS n;
SELECT is((SELECT count(*) FROM ccc.call_charges), 4::bigint, 'all are billed');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'nothing is wrong');

-- one that came otherwise, or was a zone once
UPDATE ccc.accounts SET time_zone = 'JST' WHERE account_id = 3;
SELECT set_has($$SELECT account_id, detail FROM ccc.check_integrity()$$, $$VALUES (3::bigint, 'zone JST')$$, 'is told');
UPDATE ccc.accounts SET time_zone = 'Asia/Tokyo' WHERE account_id = 3;
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'and mended');
SELECT * FROM finish();
ROLLBACK;
