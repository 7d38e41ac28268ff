-- A call pays by the started minute; other increments from an instant on.
BEGIN;
SELECT plan(36);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_10000', bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();

-- the functions by themselves
SELECT is(ccc.billed_minutes(s), m::bigint, format('%s s are %s minutes', s, m))
FROM (VALUES (0, 0), (0.001, 1), (1, 1), (59.9, 1), (60, 1), (60.2, 2), (61, 2), (120, 2), (120.0000001, 3)) AS v (s, m);
SELECT is(ccc.billed_seconds(s, i::ccc.billing_increment), b::bigint, format('%s s at %s are %s s', s, i, b))
FROM (VALUES ('60/60', 61, 120), ('30/6', 1, 30), ('30/6', 30, 30), ('30/6', 30.1, 36), ('30/6', 36, 36), ('30/6', 37, 42),
             ('6/6', 0.5, 6), ('6/6', 7, 12), ('1/1', 59.1, 60), ('1/1', 60, 60), ('60/1', 5, 60), ('60/1', 61, 61), ('30/6', 0, 0))
     AS v (i, s, b);

-- what billing does
INSERT INTO calls SELECT 's' || s, '075586013388', 'x', '2025-03-02 00:00+08', s
FROM unnest('{0,0.000,0.001,1,59.9,60,60.2,61,120}'::numeric[]) AS s;
SELECT results_eq('SELECT seconds, billed_minutes, covered_minutes, short_minutes FROM ccc.call_charges ORDER BY seconds',
                  $$VALUES (0.001, 1::numeric, 1::numeric, 0::numeric), (1, 1, 1, 0), (59.9, 1, 1, 0), (60, 1, 1, 0),
                           (60.2, 2, 2, 0), (61, 2, 2, 0), (120, 2, 2, 0)$$,
                  'billed as the functions say; 0 s posts nothing');
SELECT is((SELECT used_minutes FROM ccc.package_balances), 10::numeric, 'ten minutes in all');
SELECT is_empty('SELECT * FROM ccc.exceptions', '0 s is no exception');
SELECT results_eq($$SELECT amount FROM ccc.call_charges WHERE seconds = 61$$, 'VALUES (0.29)', 'and cost the unit price of the package');

INSERT INTO calls VALUES ('on', '075586013388', 'x', '2025-03-02 00:00+08', NULL);
SELECT is_empty($$SELECT call_id FROM ccc.call_charges WHERE call_id = 'on' UNION ALL SELECT call_id FROM ccc.exceptions$$,
                'a length that is not known yet does nothing');
INSERT INTO calls VALUES ('on', '075586013388', 'x', '2025-03-02 00:00+08', 5);
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'on'), 1::numeric, 'and binds nothing');
INSERT INTO calls VALUES ('unanswered', '075586013388', 'x', '2025-03-02 00:00+08', 0),
                         ('unanswered', '075586013388', 'x', '2025-03-02 00:00+08', 5);
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'unanswered'), 1::numeric, 'nor does 0 s');

-- other increments from an instant on
INSERT INTO ccc.pools (code, valid_from, increment) VALUES
    ('landline_outbound', '2025-04-01 00:00+08', '30/6'), ('landline_outbound', '2025-05-01 00:00+08', '1/1');
INSERT INTO calls VALUES
    ('before', '075586013388', 'x', '2025-03-31 23:59:59.999999+08', 31),
    ('at',     '075586013388', 'x', '2025-04-01 00:00+08', 31),
    ('short',  '075586013388', 'x', '2025-04-02 00:00+08', 1),
    ('last',   '075586013388', 'x', '2025-04-30 23:59:59.999999+08', 600),
    ('exact',  '075586013388', 'x', '2025-05-01 00:00+08', 7.2);
SELECT results_eq($$SELECT call_id COLLATE "default", round(billed_minutes * 60, 3) FROM ccc.call_charges WHERE started_at > '2025-03-31' ORDER BY started_at$$,
                  $$VALUES ('before', 60.000), ('at', 36), ('short', 30), ('last', 600), ('exact', 8)$$,
                  'the increment in force at the start counts');
SELECT is((SELECT sum(billed) FROM ccc.ledger), (12 * 60 + 60 + 36 + 30 + 600 + 8)::numeric, 'in whole seconds');
SELECT is((SELECT count(*) FROM ccc.ledger WHERE call_id = 's61'), 1::bigint, 'an ordinary call is one entry');

-- rounding happens once, before a split over packages
INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum) VALUES ('mini', 'package', '400_inbound', 1, '1 month', 1);
INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('mini', '-infinity', '0:0.1');
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('400_inbound', '2025-06-01 00:00+08', '7/7');
SELECT ccc.buy(1, 'number_400', periods => 12, number => '400-812-3456', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'mini', 1, bought_at => '2025-06-01 00:00+08') FROM generate_series(1, 3);
INSERT INTO calls VALUES ('split', 'x', '4008123456', '2025-06-02 00:00+08', 120);
SELECT results_eq($$SELECT package_no, billed FROM ccc.ledger WHERE call_id = 'split' ORDER BY package_no$$,
                  'VALUES (2, 60::bigint), (3, 60), (4, 6)', '120 s at 7/7 are 126 s, split as they are');
SELECT results_eq($$SELECT billed_minutes, covered_minutes, short_minutes FROM ccc.call_charges WHERE call_id = 'split'$$,
                  'VALUES (2.1, 2.1, 0::numeric)', 'and shown in minutes');
-- transferred legs round each by itself
INSERT INTO calls VALUES ('leg 1', '075586013388', 'x', '2025-03-03 00:00+08', 30), ('leg 2', '075586013388', 'x', '2025-03-03 00:00:30+08', 30);
SELECT is((SELECT sum(billed_minutes) FROM ccc.call_charges WHERE call_id LIKE 'leg%'), 2::numeric, 'two legs of half a minute are two minutes');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
