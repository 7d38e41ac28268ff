-- The entries of a statement are written in the order of their index, account
-- by account, whatever the accounts' numbers are and however the records come.
BEGIN;
SELECT plan(4);

CREATE TEMP TABLE ids AS SELECT a, row_number() OVER (ORDER BY a) AS n
FROM unnest('{-9223372036854775808,-4294967296,-256,-1,0,1,127,255,256,65535,65536,4294967296,1099511627776,9223372036854775807}'::bigint[]) AS a;
SELECT count(ccc.open_account(a, 'account', '2025-01-01 00:00+08')) FROM ids;
SELECT count(ccc.add_own_number(a, '0755-860000' || lpad(n::text, 2, '0'), 'landline', '2025-01-01 00:00+08')) FROM ids;
SELECT ccc.create_calls_table();

-- ids that begin alike, that are the beginning of others, and of other alphabets
CREATE TEMP TABLE records AS
    SELECT c.call_id, '0755860000' || lpad(i.n::text, 2, '0') AS caller, 'x' AS callee, '2025-03-01 00:00+08'::timestamptz AS started_at, 61 AS seconds
    FROM ids AS i, unnest('{a,ab,abcdefgh,abcdefghi,abcdefghj,b,Ä,é,电话,~," "}'::text[]) AS c (call_id);

CREATE FUNCTION pg_temp.sorted() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s', account_id, call_id) FROM ccc.ledger ORDER BY account_id, call_id COLLATE "C" $$;
CREATE FUNCTION pg_temp.written() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s %s', account_id, call_id) FROM ccc.ledger ORDER BY ctid $$;

-- a few
INSERT INTO calls SELECT * FROM records WHERE call_id IN ('b', 'Ä', 'ab') ORDER BY md5(call_id || caller);
SELECT is((SELECT count(*) FROM ccc.ledger), 42::bigint, 'few calls are billed');
SELECT results_eq('SELECT * FROM pg_temp.written()', 'SELECT * FROM pg_temp.sorted()', 'in order');
DELETE FROM calls;
DELETE FROM ccc.ledger;

-- and many
INSERT INTO calls SELECT * FROM records ORDER BY md5(call_id || caller);
SELECT is((SELECT count(*) FROM ccc.ledger), 154::bigint, 'many calls are billed');
SELECT results_eq('SELECT * FROM pg_temp.written()', 'SELECT * FROM pg_temp.sorted()', 'in order');
SELECT * FROM finish();
ROLLBACK;
