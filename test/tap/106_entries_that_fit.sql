-- What a ledger entry may be, whoever writes it: a charge names its package, a
-- shortfall its pool, and a repeat costs nothing.
BEGIN;
SELECT plan(4);

CREATE FUNCTION pg_temp.fits(direction "char", kind "char", package_no integer, pool text, billed bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ccc.ledger (account_id, posting_no, posted_at, started_at, billed, content, number, package_no, entry_no, direction, kind, call_id, pool, seconds)
        VALUES (1, 1, now(), now(), billed, 0, '0755-86013388', package_no, 1, direction, kind, 'a', pool, 1);
    RAISE EXCEPTION 'it does' USING ERRCODE = 'P0002';
EXCEPTION
    WHEN no_data_found THEN RETURN true;
    WHEN check_violation THEN RETURN false;
END
$$;
CREATE TEMP TABLE entries AS
    SELECT d AS direction, k AS kind, n AS package_no, p AS pool, b AS billed, pg_temp.fits(d, k, n, p, b) AS fits
    FROM unnest('{o,i,x,"",-}'::"char"[]) AS d, unnest('{c,s,f,r,x,y,""}'::"char"[]) AS k, unnest('{null,1}'::integer[]) AS n,
         unnest('{null,landline_outbound}'::text[]) AS p, unnest('{-60,0,60}'::bigint[]) AS b;

SELECT is((SELECT count(*) FROM entries), 420::bigint, 'all kinds of entries');
SELECT is_empty($$SELECT * FROM entries WHERE fits AND direction NOT IN ('o', 'i')$$, 'a call has one of two directions');
SELECT results_eq($$SELECT kind::text, package_no IS NOT NULL, pool IS NOT NULL, array_agg(billed ORDER BY billed)
                    FROM entries WHERE fits AND direction = 'o' GROUP BY 1, 2, 3 ORDER BY 1$$,
                  $$VALUES ('c', true, false, '{-60,0,60}'::bigint[]), ('f', false, false, '{-60,0,60}'), ('r', false, false, '{0}'),
                           ('s', false, true, '{-60,0,60}'), ('x', false, false, '{0}')$$, 'what fits');
SELECT is((SELECT array_agg(fits ORDER BY kind, package_no, pool, billed) FROM entries WHERE direction = 'i'),
          (SELECT array_agg(fits ORDER BY kind, package_no, pool, billed) FROM entries WHERE direction = 'o'), 'on either side');

SELECT * FROM finish();
ROLLBACK;
