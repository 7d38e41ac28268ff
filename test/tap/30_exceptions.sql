-- A record that cannot be rated is stored all the same, with one exception row
-- that says why; what is good beside it is billed.
BEGIN;
SELECT plan(49);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'number_400', number => '400-812-3456', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'number_landline', number => '0755-86013389', bought_at => now() - interval '1 day');
SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO ccc.numbers (number, since, paid_until, account_id, line, owner)
    VALUES ('010-62345678', '2025-01-01', 'infinity', 77, 'landline', 'platform');

CREATE TEMP TABLE bad (what text, call_id text, caller text, callee text, started_at timestamptz, seconds numeric,
                       reason text, account_id bigint);
INSERT INTO bad VALUES
    ('no id',               NULL, '075586013388', 'x', '2025-03-02 00:00+08', 60, 'no_call_id', 1),
    ('an empty id',         '',   '075586013388', 'x', '2025-03-02 00:00+08', 60, 'no_call_id', 1),
    ('an id of 256 bytes',  repeat('i', 256), '075586013388', 'x', '2025-03-02 00:00+08', 60, 'call_id_too_long', 1),
    ('an id of 86 characters in 258 bytes', repeat('通', 86), '075586013388', 'x', '2025-03-02 00:00+08', 60, 'call_id_too_long', 1),
    ('a huge id',           repeat('i', 300000), '075586013388', 'x', '2025-03-02 00:00+08', 60, 'call_id_too_long', 1),
    ('a NaN of seconds',    'nan', '075586013388', 'x', '2025-03-02 00:00+08', 'NaN', 'bad_length', 1),
    ('an infinite length',  'inf', '075586013388', 'x', '2025-03-02 00:00+08', 'Infinity', 'bad_length', 1),
    ('less than infinitely long', 'neginf', '075586013388', 'x', '2025-03-02 00:00+08', '-Infinity', 'bad_length', 1),
    ('a negative length',   'neg', '075586013388', 'x', '2025-03-02 00:00+08', -1, 'bad_length', 1),
    ('a length a little under nothing', 'neg0', '075586013388', 'x', '2025-03-02 00:00+08', -0.4, 'bad_length', 1),
    ('a day and a second',  'long', '075586013388', 'x', '2025-03-02 00:00+08', 86401, 'bad_length', 1),
    ('an absurd length',    'absurd', '075586013388', 'x', '2025-03-02 00:00+08', 1e300, 'bad_length', 1),
    ('beyond bigint',       'beyond', '075586013388', 'x', '2025-03-02 00:00+08', 9223372036854775808, 'bad_length', 1),
    ('no start',            'nostart', '075586013388', 'x', NULL, 60, 'no_start', NULL),
    ('a start at infinity', 'future', '075586013388', 'x', 'infinity', 60, 'bad_start', NULL),
    ('at minus infinity',   'past', '075586013388', 'x', '-infinity', 60, 'bad_start', NULL),
    ('far in the future',   'ahead', '075586013389', 'x', now() + interval '2 days', 60, 'bad_start', 1),
    ('no number of ours',   'unknown', '13800138000', 'x', '2025-03-02 00:00+08', 60, 'unknown_number', NULL),
    ('no number at all',    'nothing', NULL, NULL, '2025-03-02 00:00+08', 60, 'unknown_number', NULL),
    ('empty numbers',       'empty', '', '', '2025-03-02 00:00+08', 60, 'unknown_number', NULL),
    ('a suspended number',  'suspended', '075586013388', 'x', '2025-05-01 00:00+08', 60, 'number_suspended', 1),
    ('a 400-number calls out', 'refused', '4008123456', 'x', '2025-03-02 00:00+08', 60, 'call_refused', 1),
    ('a number of no account', 'orphan', '01062345678', 'x', '2025-03-02 00:00+08', 60, 'unknown_account', 77);

-- one by one
INSERT INTO calls VALUES ('fine 1', '075586013388', 'x', '2025-03-02 00:00+08', 86400);
SELECT lives_ok(format('INSERT INTO calls VALUES (%L, %L, %L, %L, %L)', call_id, caller, callee, started_at, seconds), what || ': the row lands')
FROM bad;
SELECT is((SELECT count(*) FROM calls), 24::bigint, 'all rows are there');
SELECT results_eq(
    format($$SELECT e.reason, e.source::text, e.resolved_at IS NULL FROM ccc.exceptions AS e
             WHERE e.record ->> 'call_id' = %L$$, call_id),
    format($$VALUES (%L, 'calls', true)$$, reason), what || ': ' || reason)
FROM bad WHERE length(call_id) > 0;
SELECT results_eq($$SELECT reason, account_id FROM ccc.exceptions ORDER BY 1, 2$$, 'SELECT reason, account_id FROM bad ORDER BY 1, 2',
                  'one exception each, of the account where it can be told');
SELECT is((SELECT count(*) FROM ccc.ledger), 1::bigint, 'only the good one is billed');
SELECT is((SELECT covered_minutes FROM ccc.call_charges), 1440::numeric, 'a day is not too long');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
