-- Ids of any bytes, many in a statement: sorted by what abbreviates them, they
-- must come as the ledger's index has them, or what is billed is not found.
BEGIN;
SELECT plan(8);

-- account ids of all lengths leave an abbreviation more or less room, or none
CREATE TEMP TABLE accounts AS
    SELECT a AS account_id, '0755860133' || 10 + row_number() OVER (ORDER BY a) AS number
    FROM unnest('{-7,0,1,255,256,70000,4294967296,1099511627776,72057594037927936,9223372036854775807}'::bigint[]) AS a;
SELECT ccc.open_account(account_id, 'one', '2025-01-01 00:00+08'), ccc.top_up(account_id, 1000),
       ccc.buy(account_id, 'number_landline', periods => 12, number => number, bought_at => '2025-01-01 00:00+08')
FROM accounts;

-- every id of up to four of these, and some that are alike for long
CREATE TEMP TABLE ids AS
    WITH RECURSIVE i (id) AS (
        VALUES ('')
        UNION ALL
        SELECT id || c FROM i, unnest('{0,9,-,/,:,a,é,~}'::text[]) AS c WHERE length(id) < 4
    )
    SELECT id FROM i WHERE id <> '' AND (length(id) < 4 OR left(md5(id), 1) < '2')
    UNION ALL
    SELECT '17112345678' || n FROM generate_series(1, 1100, 7) AS n
    UNION ALL
    SELECT '17112345678.' || n FROM generate_series(1, 1100, 7) AS n;
CREATE TABLE calls (id text, a text, at timestamptz, s numeric);
SELECT ccc.attach('calls', 'id', 'at', 's', 'a', '''x''');
CREATE TEMP TABLE calls_wanted AS
    SELECT i.id, a.number, '2025-02-01 00:00+08'::timestamptz + (hashtext(i.id) & 65535) * interval '1 second' AS at, 61 AS s
    FROM ids AS i, accounts AS a;
SELECT cmp_ok((SELECT count(*) FROM calls_wanted), '>', 14000::bigint, 'there are many');
INSERT INTO calls SELECT * FROM calls_wanted ORDER BY md5(id || number);
SELECT is((SELECT count(DISTINCT (account_id, call_id)) || ' of ' || count(*) FROM ccc.ledger WHERE kind = 's'),
          (SELECT count(*) || ' of ' || count(*) FROM calls_wanted), 'each is billed once');
INSERT INTO calls SELECT * FROM calls_wanted ORDER BY md5(number || id);
SELECT is((SELECT count(*) FROM ccc.ledger WHERE kind = 'r'), (SELECT count(*) FROM calls_wanted), 'stored again, each is a repeat');
SELECT is((SELECT count(*) FROM ccc.exceptions), 0::bigint, 'and no exception');
UPDATE calls SET s = 121;
SELECT is((SELECT sum(billed) FROM ccc.shortfalls), (SELECT 180 * count(*) FROM calls_wanted)::numeric, 'both corrected, each is billed anew');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
DELETE FROM calls;
SELECT is((SELECT count(*) FROM ccc.call_charges), 0::bigint, 'and nothing is left when all go');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity again');
SELECT * FROM finish();
ROLLBACK;
