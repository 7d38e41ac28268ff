-- Numbers in service: one account at a time, whatever way they are written.
BEGIN;
SELECT plan(27);

SELECT ccc.open_account(1, 'first');
SELECT ccc.open_account(2, 'second');
SELECT ccc.top_up(1, 10000);
SELECT ccc.top_up(2, 10000);

SELECT ok(f::ccc.phone_number OPERATOR(ccc.=) '+86 755 8601 3388', format('%s is the same number', f))
FROM unnest('{0086-755-86013388,075586013388,sip:+8675586013388@host,tel:+86-755-8601-3388,(0755) 8601 3388,8675586013388}'::text[]) AS f;
SELECT ok(ccc.phone_number '400-812-3456' OPERATOR(ccc.=) '4008123456', 'a 400-number with dashes');
SELECT throws_ok(format('SELECT %L::ccc.phone_number', f), '22P02', NULL, format('"%s" is not a number', f))
FROM unnest('{anonymous,"",+,40081234567,"123 456 x"}'::text[]) AS f;

SELECT lives_ok($$SELECT ccc.buy(1, 'number_landline', periods => 2, number => '0086-755-86013388', bought_at => '2025-03-01 08:00+08')$$,
                'bought in one way of writing');
SELECT results_eq('SELECT account_id, line, owner, since, paid_until FROM ccc.numbers',
                  $$VALUES (1::bigint, 'landline', 'platform', '2025-03-01 08:00+08'::timestamptz, '2025-04-30 08:00+08'::timestamptz)$$,
                  'in service for the periods paid');
SELECT throws_ok($$SELECT ccc.buy(2, 'number_landline', number => 'sip:+8675586013388@host', bought_at => '2025-03-02 08:00+08')$$,
                 '23505', NULL, 'not to be had in another way of writing');
SELECT throws_ok($$SELECT ccc.add_own_number(2, '075586013388', 'landline', '2025-03-02 08:00+08')$$, '23505', NULL,
                 'nor as an own number of another account');
SELECT throws_ok($$SELECT ccc.buy(2, 'number_landline', number => '075586013388', bought_at => '2025-06-01 08:00+08')$$, '23505', NULL,
                 'nor after its term: suspended, it stays the account''s');
SELECT throws_ok($$SELECT ccc.buy(2, 'number_landline', number => '075586013388', bought_at => '2025-02-01 08:00+08')$$, '23505', NULL,
                 'nor from before, since it would overlap');

SELECT lives_ok($$SELECT ccc.add_own_number(2, '400 123 4567', '400', '2025-03-01 08:00+08')$$, 'an own 400-number');
SELECT results_eq($$SELECT account_id, line, owner FROM ccc.numbers WHERE number OPERATOR(ccc.=) '4001234567'$$,
                  $$VALUES (2::bigint, '400', 'customer')$$, 'is the customer''s');

SELECT throws_ok(format('SELECT ccc.buy(1, %L, number => %L)', product, number), '22023', format('number "%s" is not one of line "%s"', number, line),
                 format('%s as %s', number, line))
FROM (VALUES ('number_landline', '4007770001', 'landline'), ('number_400', '+861088887777', '400')) AS v (product, number, line);
SELECT throws_ok($$SELECT ccc.add_own_number(2, '400-777-0001', 'landline')$$, '22023', NULL, 'nor an own one');
SELECT throws_ok($$SELECT ccc.add_own_number(2, '010-88887777', '400')$$, '22023', NULL, 'nor the other way round');
SELECT lives_ok(format('SELECT ccc.add_own_number(2, %L, %L)', number, line), format('%s may be of line %s', number, line))
FROM (VALUES ('13800138000', 'landline'), ('95013', '400'), ('+18005550100', '400')) AS v (number, line);
SELECT * FROM finish();
ROLLBACK;
