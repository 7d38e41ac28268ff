-- Call rules are data with versions: the row in force at the call's start counts.
BEGIN;
SELECT plan(17);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'number_400', periods => 12, number => '400-812-3456', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, '400_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();

INSERT INTO calls VALUES ('warm', '13800138000', '075586013388', '2025-03-02 00:00+08', 60);
-- from an instant on, incoming calls of landlines are paid and 400-numbers may call out
INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment, pool) VALUES
    ('landline', 'platform', 'inbound', '2025-04-01 00:00+08', 'charge', 'landline_outbound'),
    ('400', 'platform', 'outbound', '2025-04-01 00:00+08', 'free', NULL),
    ('landline', 'platform', 'outbound', '2025-04-01 00:00+08', 'refuse', NULL),
    ('landline', 'platform', 'inbound', '2025-05-01 00:00+08', 'free', NULL);
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s', outcome, coalesce(pool, '-')) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT reason FROM ccc.exceptions WHERE call_id = id) AS s (t) $$;
INSERT INTO calls VALUES
    ('in before',  '13800138000', '075586013388', '2025-03-31 23:59:59.999999+08', 60),
    ('in at',      '13800138000', '075586013388', '2025-04-01 00:00+08', 60),
    ('in last',    '13800138000', '075586013388', '2025-04-30 23:59:59+08', 60),
    ('in again',   '13800138000', '075586013388', '2025-05-01 00:00+08', 60),
    ('400 before', '4008123456', '13800138000', '2025-03-31 23:59:59.999999+08', 60),
    ('400 at',     '4008123456', '13800138000', '2025-04-01 00:00+08', 60),
    ('out before', '075586013388', '13800138000', '2025-03-31 23:59:59.999999+08', 60),
    ('out at',     '075586013388', '13800138000', '2025-04-01 00:00+08', 60);
SELECT is(pg_temp.told('warm'), 'free -', 'before anything changed');
SELECT is(pg_temp.told('in before'), 'free -', 'landline in: a microsecond before');
SELECT is(pg_temp.told('in at'), 'charged landline_outbound', 'landline in: at the instant');
SELECT is(pg_temp.told('in last'), 'charged landline_outbound', 'landline in: until the next version');
SELECT is(pg_temp.told('in again'), 'free -', 'landline in: the next version');
SELECT is(pg_temp.told('400 before'), 'call_refused', '400 out: before');
SELECT is(pg_temp.told('400 at'), 'free -', '400 out: at the instant');
SELECT is(pg_temp.told('out before'), 'charged landline_outbound', 'landline out: before');
SELECT is(pg_temp.told('out at'), 'call_refused', 'landline out: at the instant');

-- what the table refuses
SELECT throws_ok($$INSERT INTO ccc.call_rules VALUES ('landline', 'platform', 'inbound', now(), 'charge', NULL)$$, '23514', NULL,
                 'a charge needs a pool');
SELECT throws_ok($$INSERT INTO ccc.call_rules VALUES ('landline', 'platform', 'inbound', now(), 'gift', NULL)$$, '23514', NULL,
                 'unknown treatment');

-- a pool that is no longer there leaves the call unrated, and stored
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('nowhere', '2025-06-01 00:00+08', '60/60');
INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment, pool) VALUES
    ('400', 'platform', 'inbound', '2025-06-01 00:00+08', 'charge', 'nowhere');
DELETE FROM ccc.pools WHERE code = 'nowhere';
SELECT lives_ok($$INSERT INTO calls VALUES ('lost', '13800138000', '4008123456', '2025-06-02 00:00+08', 60)$$, 'a rule with an unknown pool');
SELECT is(pg_temp.told('lost'), 'no_rule', 'is an exception');
SELECT results_eq('SELECT invariant, detail FROM ccc.check_integrity()',
                  $$VALUES ('a row of the catalogue has what it builds on', 'rule of pool nowhere')$$, 'and told by check_integrity');

-- nor does a call before the first rule of its kind, which takes a superuser
ALTER TABLE ccc.call_rules DISABLE TRIGGER keep_built_in;
UPDATE ccc.call_rules SET valid_from = '2025-03-15 00:00+08' WHERE line = '400' AND owner = 'platform' AND pool = '400_inbound';
ALTER TABLE ccc.call_rules ENABLE ALWAYS TRIGGER keep_built_in;
INSERT INTO calls VALUES ('early', '13800138000', '4008123456', '2025-03-14 23:59:59.999999+08', 60), ('ruled', '13800138000', '4008123456', '2025-03-15 00:00+08', 60);
SELECT is(pg_temp.told('early'), 'no_rule', 'a call before any rule is an exception');
SELECT is(pg_temp.told('ruled'), 'charged 400_inbound', 'and one at the rule''s first instant is charged');
SELECT results_eq($$SELECT account_id, (SELECT count(*) FROM ccc.ledger AS l WHERE l.call_id = e.call_id) FROM ccc.exceptions AS e WHERE call_id = 'early'$$,
                  'VALUES (1::bigint, 0::bigint)', 'the former is the account''s, and has no entry');
SELECT * FROM finish();
ROLLBACK;
