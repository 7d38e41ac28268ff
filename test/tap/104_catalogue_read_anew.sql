-- A record that waited is billed in place of one that is gone; while it is, a
-- trigger on the exceptions bills another call by a catalogue that it changed.
BEGIN;
SELECT plan(3);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01'), ccc.top_up(a, 10000),
       ccc.buy(a, 'number_landline', periods => 12, number => '07558601338' || a, bought_at => '2025-03-01 00:00+08')
FROM generate_series(1, 2) AS a;
SELECT ccc.create_calls_table();
CREATE FUNCTION public.nested() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO ccc.pools (code, valid_from, increment)
        SELECT 'other_pool_' || n, '2026-01-01'::timestamptz + n * interval '1 day', '60/60' FROM generate_series(1, 3) AS n;
    INSERT INTO public.calls VALUES ('nested' || clock_timestamp(), '075586013382', 'x', '2025-03-02 00:00+08', 61);
    RETURN NULL;
END
$$;
CREATE TRIGGER nested AFTER UPDATE ON ccc.exception_log FOR EACH STATEMENT EXECUTE FUNCTION public.nested();
INSERT INTO calls VALUES ('a', '075586013381', 'x', '2025-05-02 00:00+08', 61);
INSERT INTO calls VALUES ('a', '075586013381', 'y', '2025-05-02 00:00+08', 400);
DELETE FROM calls WHERE callee = 'x' AND call_id = 'a';
SELECT is((SELECT string_agg(DISTINCT pool, ',') FROM ccc.ledger), 'landline_outbound', 'the pool is as the call was rated');
SELECT is((SELECT short_minutes FROM ccc.call_charges WHERE call_id = 'a'), 7::numeric, 'and so are its minutes');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
