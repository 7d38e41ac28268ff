-- What the views tell after corrections: what is billed now, not what was.
BEGIN;
SELECT plan(36);

\ir setup/tiny_packages.psql
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86010002', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'tiny', 10, bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-10 00:00+08');
SELECT ccc.create_calls_table();

\ir setup/told.psql
CREATE FUNCTION pg_temp.at(t timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s: %s %s %s', package_no, used_minutes, remaining_minutes, expired_minutes), ', ' ORDER BY package_no)
    FROM ccc.balances(t) $$;
CREATE FUNCTION pg_temp.explained(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(line, E'\n') FROM ccc.explain_call(1, id) AS line $$;
CREATE VIEW pg_temp.charges AS
    SELECT call_id COLLATE "default" AS call_id, started_at, number::text, direction, pool, outcome, seconds, billed_minutes, covered_minutes, short_minutes, amount
    FROM ccc.call_charges;

INSERT INTO calls VALUES ('a', '075586010001', 'x', '2025-03-05 00:00+08', 61), ('b', '075586010001', 'x', '2025-03-20 00:00+08', 600);
SELECT is(pg_temp.at('2025-03-15 00:00+08'), '1: 2 8 0, 2: 0 1000 0', 'balances in between');
SELECT is(pg_temp.at('2025-03-21 00:00+08'), '1: 10 0 0, 2: 2 998 0', 'and after');

UPDATE calls SET (caller, started_at, seconds) = ('075586010002', '2025-03-06 00:00+08', 301) WHERE call_id = 'a';
SELECT results_eq('SELECT * FROM pg_temp.charges ORDER BY started_at',
    $$VALUES ('a', '2025-03-06 00:00+08'::timestamptz, '+8675586010002', 'outbound', 'landline_outbound', 'charged', 301::numeric, 6::numeric, 6::numeric, 0::numeric, 6::numeric),
             ('b', '2025-03-20 00:00+08', '+8675586010001', 'outbound', 'landline_outbound', 'charged', 600, 10, 10, 0, 4.9)$$, 'charges are of the corrected content');
SELECT is(pg_temp.at('2025-03-05 12:00+08'), '1: 0 10 0', 'balances before the corrected start');
SELECT is(pg_temp.at('2025-03-15 00:00+08'), '1: 6 4 0, 2: 0 1000 0', 'in between');
SELECT is(pg_temp.at('2025-03-21 00:00+08'), '1: 10 0 0, 2: 6 994 0', 'after');
SELECT is(pg_temp.at('2025-04-01 00:00+08'), '1: 10 0 0, 2: 6 994 0', 'at the end of the first');
SELECT matches(pg_temp.explained('a'), '301', 'explained by its corrected length');
SELECT matches(pg_temp.explained('a'), '2025-03-06 00:00:00', 'and start');
SELECT matches(pg_temp.explained('a'), '86010002', 'and number');
SELECT doesnt_match(pg_temp.explained('a'), '2 min', 'not by what it was');
SELECT matches(pg_temp.explained('b'), '4 min from package 1.*\n.*6 min from package 2', 'the other call as it was moved');

UPDATE calls SET seconds = 86400 WHERE call_id = 'a';
SELECT results_eq('SELECT call_id, outcome, billed_minutes, covered_minutes, short_minutes, amount FROM pg_temp.charges ORDER BY 1',
    $$VALUES ('a', 'short', 1440::numeric, 10::numeric, 1430::numeric, 10::numeric), ('b', 'charged', 10, 10, 0, 1.5)$$, 'corrected to fall short');
SELECT is((SELECT short_minutes FROM ccc.shortfalls), 1430::numeric, 'the shortfall');
SELECT matches(pg_temp.explained('a'), '1430 min short', 'explained');
SELECT is(pg_temp.at('2025-04-01 00:00+08'), '1: 10 0 0, 2: 10 990 0', 'balances');

UPDATE calls SET (caller, callee, seconds) = ('x', '075586010002', 90) WHERE call_id = 'a';
SELECT results_eq('SELECT call_id, direction, pool, outcome, billed_minutes, covered_minutes, amount, number FROM pg_temp.charges ORDER BY 1',
    $$VALUES ('a', 'inbound', NULL, 'free', 2::numeric, 0::numeric, 0::numeric, '+8675586010002'),
             ('b', 'outbound', 'landline_outbound', 'charged', 10, 10, 10, '+8675586010001')$$, 'corrected to a free call');
SELECT is_empty('SELECT * FROM ccc.shortfalls', 'nothing is short');
SELECT matches(pg_temp.explained('a'), 'inbound.*\nfree', 'explained');
SELECT doesnt_match(pg_temp.explained('a'), 'outbound', 'with nothing of the other side');
SELECT is(pg_temp.at('2025-04-01 00:00+08'), '1: 10 0 0, 2: 0 1000 0', 'balances');

UPDATE calls SET seconds = 0 WHERE call_id = 'a';
SELECT results_eq('SELECT call_id FROM pg_temp.charges', $$VALUES ('b')$$, 'corrected to nothing it is not shown');
SELECT is(pg_temp.explained('a'), NULL, 'nor explained');
UPDATE calls SET seconds = -1 WHERE call_id = 'a';
SELECT matches(pg_temp.explained('a'), 'bad_length', 'as an exception it is');
UPDATE calls SET (caller, callee, seconds) = ('075586010001', 'x', 61) WHERE call_id = 'a';
SELECT results_eq('SELECT call_id, direction, billed_minutes, seconds FROM pg_temp.charges ORDER BY 1',
    $$VALUES ('a', 'outbound', 2::numeric, 61::numeric), ('b', 'outbound', 10, 600)$$, 'and back');

INSERT INTO calls VALUES ('b', '075586010001', 'x', '2025-03-20 00:00+08', 600), ('b', '075586010001', 'x', '2025-03-20 00:00+08', 60);
SELECT matches(pg_temp.explained('b'), 'again once', 'a copy is told of');
DELETE FROM calls WHERE call_id = 'b' AND seconds = 600;
SELECT results_eq($$SELECT outcome, seconds, billed_minutes FROM pg_temp.charges WHERE call_id = 'b'$$, $$VALUES ('charged', 60::numeric, 1::numeric)$$, 'the one that takes over is shown');
SELECT doesnt_match(pg_temp.explained('b'), 'again', 'no copy is');
SELECT is((SELECT resolution FROM ccc.exceptions WHERE call_id = 'b'), 'billed', 'its exception was resolved so');
SELECT is(pg_temp.at('2025-04-10 00:00+08'), '1: 3 0 7, 2: 0 1000 0', 'balances, with what was forfeited');
SELECT is_empty('(SELECT * FROM ccc.balances(now()) EXCEPT SELECT * FROM ccc.package_balances)', 'at now is now');

DELETE FROM calls;
SELECT is_empty('SELECT * FROM ccc.call_charges', 'deleted: no charges');
SELECT is_empty('SELECT * FROM ccc.shortfalls', 'nothing short');
SELECT is(pg_temp.at('2025-04-10 00:00+08'), '1: 0 0 10, 2: 0 1000 0', 'balances as before any call');
SELECT is(pg_temp.explained('a') , (SELECT string_agg(line, E'\n') FROM ccc.explain_call(1, 'a') AS line WHERE line LIKE '%resolved%'), 'only its history of exceptions is told');
SELECT is(pg_temp.amiss(), '0 moved', 'all is well');
SELECT * FROM finish();
ROLLBACK;
