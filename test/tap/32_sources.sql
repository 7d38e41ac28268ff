-- What a source says of its records: unknown numbers, finished, direction,
-- the longest call and how far ahead a call may start.
BEGIN;
SELECT plan(17);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'number_landline', periods => 1, number => '0755-86013389', bought_at => now() - interval '1 day');
SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-03-01 00:00+08');
CREATE TABLE cdr (id text, a text, b text, at timestamptz, s numeric, done boolean, dir text);
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s', direction, outcome) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT reason FROM ccc.exceptions WHERE call_id = id) AS s (t) $$;

SELECT ccc.attach('cdr', 'id', 'at', 's', 'a', 'b', finished => 'done', direction => 'dir', unknown => 'ignore',
                  max_seconds => 3600, max_ahead => 60);
INSERT INTO cdr VALUES
    ('unknown',  '13800138000', 'x', '2025-03-02 00:00+08', 60, true, NULL),
    ('nobody',   NULL, NULL, '2025-03-02 00:00+08', 60, true, NULL),
    ('known',    '075586013388', 'x', '2025-03-02 00:00+08', 60, true, NULL),
    ('going on', '075586013388', 'x', '2025-03-02 00:00+08', 60, false, NULL),
    ('who knows', '075586013388', 'x', '2025-03-02 00:00+08', 60, NULL, NULL),
    ('an hour',  '075586013388', 'x', '2025-03-02 00:00+08', 3600, true, NULL),
    ('longer',   '075586013388', 'x', '2025-03-02 00:00+08', 3601, true, NULL),
    ('soon',     '075586013389', 'x', now() + interval '60 seconds', 60, true, NULL),
    ('too soon', '075586013389', 'x', now() + interval '60.000001 seconds', 60, true, NULL),
    ('out',      '075586013388', 'x', '2025-03-02 00:00+08', 60, true, 'outbound'),
    ('not in',   '075586013388', '13800138000', '2025-03-02 00:00+08', 60, true, 'inbound'),
    ('in',       'x', '075586013388', '2025-03-02 00:00+08', 60, true, 'inbound'),
    ('aside',    '075586013388', 'x', '2025-03-02 00:00+08', 60, true, 'sideways');
SELECT is(pg_temp.told('unknown'), 'nothing', 'a call without a number of ours is ignored when the source says so');
SELECT is(pg_temp.told('nobody'), 'nothing', 'so is one without numbers');
SELECT is(pg_temp.told('known'), 'outbound charged', 'others are billed');
SELECT is(pg_temp.told('going on'), 'nothing', 'not finished: nothing');
SELECT is(pg_temp.told('who knows'), 'nothing', 'not known whether finished: nothing');
SELECT is(pg_temp.told('an hour'), 'outbound charged', 'the longest call');
SELECT is(pg_temp.told('longer'), 'bad_length', 'a second longer');
SELECT is(pg_temp.told('soon'), 'outbound short', 'as far ahead as allowed');
SELECT is(pg_temp.told('too soon'), 'bad_start', 'a microsecond further');
SELECT is(pg_temp.told('out'), 'outbound charged', 'direction outbound');
SELECT is(pg_temp.told('in'), 'inbound free', 'direction inbound');
SELECT is(pg_temp.told('not in'), 'nothing', 'inbound on a number that is not ours: ignored');
SELECT is(pg_temp.told('aside'), 'bad_direction', 'a direction that is none');

INSERT INTO cdr VALUES ('going on', '075586013388', 'x', '2025-03-02 00:00+08', 61, true, NULL);
SELECT is(pg_temp.told('going on'), 'outbound charged', 'the finished record is billed');

-- suspended is never ignored
INSERT INTO cdr VALUES ('suspended', '075586013388', 'x', '2026-04-01 00:00+08', 60, true, NULL);
SELECT is(pg_temp.told('suspended'), 'number_suspended', 'a suspended number is never ignored');

-- the same source that does not ignore
SELECT ccc.detach('cdr');
SELECT ccc.attach('cdr', 'id', 'at', 's', 'a', 'b');
INSERT INTO cdr VALUES ('unknown', '13800138000', 'x', '2025-03-02 00:00+08', 60, true, NULL);
SELECT is(pg_temp.told('unknown'), 'unknown_number', 'not ignored unless the source says so');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
