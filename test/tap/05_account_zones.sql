-- An account's zone, and that of a call table's times, is a name that means the
-- same wherever it is read: what billing could not read is refused at once.
BEGIN;
SELECT plan(34);

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

-- the rules of a zone change, also for what is billed: months begin an hour later from March on
INSERT INTO ccc.products (code, kind, pool, minutes, term) VALUES ('tiny', 'package', 'landline_outbound', 1, '6 months');
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('tiny', '-infinity', '0:0.1');
SELECT ccc.open_account(9, 'nine', '2024-01-10 00:00Z', 'Asia/Bishkek'), ccc.top_up(9, 100000),
       ccc.buy(9, 'number_landline', periods => 12, number => '+8675580000009', bought_at => '2024-01-10 00:00Z'),
       ccc.buy(9, 'tiny', 5, bought_at => '2024-01-15 00:00Z'), ccc.buy(9, 'tiny', 100, bought_at => '2024-01-20 00:00Z');
INSERT INTO local SELECT c, '+8675580000009', 'x', at, 600
FROM (VALUES ('a', timestamp '2024-03-02'), ('b', '2024-04-02'), ('c', '2024-05-02')) AS v (c, at);
UPDATE ccc.accounts SET time_zone = 'Asia/Almaty' WHERE account_id = 9;
SELECT isnt_empty('SELECT FROM ccc.check_integrity() WHERE account_id = 9', 'a change of rules is told');
SELECT lives_ok($$DELETE FROM local WHERE id = 'b'$$, 'but fails no deletion');
SELECT lives_ok($$UPDATE local SET s = 60 WHERE id = 'c'$$, 'no correction');
SELECT lives_ok($$INSERT INTO local VALUES ('f', '+8675580000009', 'x', '2024-02-03', 600)$$, 'and no late record');
SELECT results_eq('SELECT used FROM ccc.packages WHERE account_id = 9 ORDER BY package_no', 'VALUES (300::bigint), (960)', 'all is charged');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'and all is well with the pool then');

-- ordinary traffic comes between the change and a record that is late
SELECT ccc.open_account(8, 'eight', '2024-01-10 00:00Z', 'Asia/Bishkek'), ccc.top_up(8, 100000),
       ccc.buy(8, 'number_landline', periods => 12, number => '+8675580000008', bought_at => '2024-01-10 00:00Z'),
       ccc.buy(8, 'tiny', 10, bought_at => '2024-01-15 00:00Z'), ccc.buy(8, 'tiny', 100, bought_at => '2024-01-20 00:00Z');
INSERT INTO local VALUES ('h', '+8675580000008', 'x', '2024-04-02', 600);
UPDATE ccc.accounts SET time_zone = 'Asia/Almaty' WHERE account_id = 8;
SELECT lives_ok($$INSERT INTO local VALUES ('i', '+8675580000008', 'x', '2024-04-03', 60)$$, 'a call after the change');
SELECT lives_ok($$INSERT INTO local VALUES ('j', '+8675580000008', 'x', '2024-02-03', 600)$$, 'and a late one, which moves others');
SELECT results_eq('SELECT used FROM ccc.packages WHERE account_id = 8 ORDER BY package_no', 'VALUES (600::bigint), (660)', 'are charged in order');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'and all is well');

-- a purchase comes between the change and every call
SELECT ccc.open_account(7, 'seven', '2024-01-10 00:00Z', 'Asia/Almaty'), ccc.top_up(7, 100000),
       ccc.buy(7, 'number_landline', periods => 12, number => '+8675580000007', bought_at => '2024-01-10 00:00Z'),
       ccc.buy(7, 'tiny', 1, bought_at => '2024-03-15 00:00Z');
INSERT INTO local VALUES ('l', '+8675580000007', 'x', '2024-04-20', 60);
INSERT INTO local VALUES ('k', '+8675580000007', 'x', '2024-04-10', 60);
UPDATE ccc.accounts SET time_zone = 'Asia/Bishkek' WHERE account_id = 7;
SELECT isnt(ccc.buy(7, 'tiny', 10, bought_at => '2024-04-15 00:00Z'), NULL, 'a purchase after the change');
SELECT results_eq('SELECT used FROM ccc.packages WHERE account_id = 7 ORDER BY package_no', 'VALUES (60::bigint), (60)', 'charges all in order');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'and all is well');
SELECT * FROM finish();
ROLLBACK;
