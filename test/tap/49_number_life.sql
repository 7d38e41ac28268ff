-- A number's life: in service, suspended, renewed, released, another's. Calls
-- go to whose it was when they started.
BEGIN;
SELECT plan(49);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01 00:00+08') FROM generate_series(1, 3) AS a;
SELECT ccc.top_up(a, 1000) FROM generate_series(1, 3) AS a;
SELECT ccc.buy(a, 'landline_custom', 1000, bought_at => '2025-01-01 00:00+08') FROM generate_series(1, 2) AS a;
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.call(id text, at timestamp, seconds integer DEFAULT 61) RETURNS void LANGUAGE sql AS $$
    INSERT INTO calls VALUES (id, '075586013388', 'x', at AT TIME ZONE 'Asia/Shanghai', seconds) $$;
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s %s', account_id, outcome, billed_minutes) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT format('%s %s', coalesce(account_id::text, 'nobody'), reason) FROM ccc.exceptions
                    WHERE (call_id = id OR record ->> 'call_id' = id) AND resolved_at IS NULL) AS s (t) $$;

-- in service to 31 January, then suspended
SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-01-01 00:00+08');
SELECT pg_temp.call('january', '2025-01-20'), pg_temp.call('february', '2025-02-05'), pg_temp.call('march', '2025-03-05'), pg_temp.call('at the end', '2025-03-02');
SELECT is(pg_temp.told('january'), '1 charged 2', 'in service');
SELECT is(pg_temp.told('february'), '1 number_suspended', 'suspended');
SELECT throws_ok($$SELECT ccc.buy(2, 'number_landline', number => '0755-86013388', bought_at => '2025-02-10 00:00+08')$$, '23505', NULL, 'suspended it is still the account''s');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-02-10 00:00+08')$$, '23505', NULL, 'which renews it rather than buy it again');

-- renewal makes good the calls of the time that it pays
SELECT lives_ok('SELECT ccc.renew(1, 2)', 'renewed to 2 March');
SELECT is(pg_temp.told('february'), '1 charged 2', 'the call of February is charged at once');
SELECT is(pg_temp.told('at the end'), '1 number_suspended', 'not the one that started when that period ended');
SELECT is(pg_temp.told('march'), '1 number_suspended', 'nor a later one');
SELECT results_eq($$SELECT resolution FROM ccc.exceptions WHERE call_id = 'february' AND resolved_at IS NOT NULL$$, $$VALUES ('billed')$$, 'its exception is resolved');
SELECT is((SELECT used_minutes FROM ccc.package_balances WHERE account_id = 1), 4::numeric, 'on the package that was valid when it started');
SELECT lives_ok('SELECT ccc.set_auto_renew(1, 2, true)', 'to renew by itself');
SELECT is((SELECT count(*) FROM ccc.renew_due('2025-03-10 00:00+08')), 1::bigint, 'renewed to 1 April');
SELECT is(pg_temp.told('march') || ', ' || pg_temp.told('at the end'), '1 charged 2, 1 charged 2', 'by renew_due as well');
SELECT is_empty($$SELECT * FROM ccc.exceptions WHERE resolved_at IS NULL$$, 'nothing is left');
SELECT is((SELECT count(*) FROM ccc.call_charges), 4::bigint, 'each call once');

-- released
SELECT pg_temp.call('late march', '2025-03-19 10:00');
SELECT throws_ok($$SELECT ccc.release_number(1, '0755-86013388', '2025-03-19 10:00+08')$$, '55000', NULL, 'not before a call that was billed, which starts then');
SELECT throws_ok($$SELECT ccc.release_number(2, '0755-86013388', '2025-03-20 00:00+08')$$, '42704', NULL, 'not by another account');
SELECT throws_ok($$SELECT ccc.release_number(1, '0755-86013399', '2025-03-20 00:00+08')$$, '42704', NULL, 'nor a number that is nobody''s');
SELECT throws_ok($$SELECT ccc.release_number(1, 'x', '2025-03-20 00:00+08')$$, '22P02', NULL, 'nor what is no number');
SELECT throws_ok($$SELECT ccc.release_number(1, '0755-86013388', '2024-12-31 00:00+08')$$, '22023', NULL, 'nor before the account had it');
SELECT throws_ok($$SELECT ccc.release_number(99, '0755-86013388')$$, '42704', NULL, 'no such account');
SELECT lives_ok($$SELECT ccc.release_number(1, '+86 755 8601 3388', '2025-03-20 00:00+08')$$, 'released, though paid to April');
SELECT throws_ok($$SELECT ccc.release_number(1, '0755-86013388', '2025-03-21 00:00+08')$$, '42704', NULL, 'once');
SELECT is(ccc.wallet_balance(1), 1000 - 150 - 50 - 50 - 50.00, 'what was paid ahead is not given back');
SELECT pg_temp.call('before release', '2025-03-19 23:59:59'), pg_temp.call('after release', '2025-03-20');
SELECT is(pg_temp.told('before release'), '1 charged 2', 'to its last second it is the account''s');
SELECT is(pg_temp.told('after release'), 'nobody unknown_number', 'then nobody''s');
SELECT is((SELECT count(*) FROM ccc.renew_due('2025-04-10 00:00+08')), 0::bigint, 'it does not renew any more');

-- another's
SELECT throws_ok($$SELECT ccc.buy(2, 'number_landline', number => '0755-86013388', bought_at => '2025-03-19 23:59:59.999999+08')$$, '23505', NULL, 'not a microsecond before');
SELECT lives_ok($$SELECT ccc.buy(2, 'number_landline', number => '0755-86013388', bought_at => '2025-03-20 00:00+08')$$, 'another account has it from that instant on');
SELECT pg_temp.call('the other''s', '2025-03-21'), pg_temp.call('told late', '2025-03-18');
SELECT is(pg_temp.told('the other''s'), '2 charged 2', 'its calls are the other''s');
SELECT is(pg_temp.told('told late'), '1 charged 2', 'a call before, told now, is the first one''s');
SELECT cmp_ok(ccc.retry_exceptions(), '>=', 1::bigint, 'what started in between is rated again');
SELECT is(pg_temp.told('after release'), '2 charged 2', 'and is the other''s');
UPDATE calls SET started_at = '2025-03-17 00:00+08' WHERE call_id = 'the other''s';
SELECT is(pg_temp.told('the other''s'), '1 charged 2', 'corrected to before, it is the first one''s');
UPDATE calls SET started_at = '2025-03-21 00:00+08' WHERE call_id = 'the other''s';
SELECT is(pg_temp.told('the other''s'), '2 charged 2', 'and back');
SELECT is((SELECT string_agg(format('%s: %s', account_id, used_minutes), ', ' ORDER BY account_id) FROM ccc.package_balances), '1: 14, 2: 4', 'each pays for its own');

-- and back to the first
SELECT lives_ok($$SELECT ccc.release_number(2, '0755-86013388', '2025-04-10 00:00+08')$$, 'the other releases it');
SELECT lives_ok($$SELECT ccc.buy(1, 'number_landline', number => '0755-86013388', bought_at => '2025-04-12 00:00+08')$$, 'the first buys it again');
SELECT throws_ok('SELECT ccc.renew(1, 2)', '55000', NULL, 'the old rental is over');
SELECT lives_ok('SELECT ccc.renew(1, (SELECT max(purchase_no) FROM ccc.purchases WHERE account_id = 1))', 'the new one goes on');
SELECT pg_temp.call('again', '2025-05-15'), pg_temp.call('between', '2025-04-11');
SELECT is(pg_temp.told('again') || ', ' || pg_temp.told('between'), '1 charged 2, nobody unknown_number', 'each call by its start');

-- released while suspended; a later renewal pays what was before
SELECT ccc.buy(1, 'number_landline', number => '0755-86013389', bought_at => '2025-01-01 00:00+08', request_id => 'n');
INSERT INTO calls VALUES ('s', '075586013389', 'x', '2025-02-05 00:00+08', 1), ('t', '075586013389', 'x', '2025-02-15 00:00+08', 1);
SELECT ccc.release_number(1, '0755-86013389', '2025-02-10 00:00+08');
SELECT lives_ok($$SELECT ccc.renew(1, (ccc.buy(1, 'number_landline', number => '0755-86013389', bought_at => '2025-01-01 00:00+08', request_id => 'n')).purchase_no)$$,
                'the month in which it was released can still be paid');
SELECT is(pg_temp.told('s'), '1 charged 1', 'its calls are charged');
SELECT is(pg_temp.told('t'), 'nobody unknown_number', 'those after its release are nobody''s');

-- an own number
SELECT ccc.add_own_number(3, '021-55556666', 'landline', '2025-01-01 00:00+08');
SELECT lives_ok($$SELECT ccc.release_number(3, '021-55556666')$$, 'an own number is released, now');
SELECT throws_ok($$SELECT ccc.buy(1, 'number_landline', number => '021-55556666', bought_at => '2025-06-01 00:00+08')$$, '23505', NULL, 'until now it was taken');
SELECT lives_ok($$SELECT ccc.buy(1, 'number_landline', number => '021-55556666')$$, 'from now on it can be rented');

SELECT is((SELECT sum(ccc.replay(account_id)) FROM ccc.accounts), 0::numeric, 'replay moves nothing');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
