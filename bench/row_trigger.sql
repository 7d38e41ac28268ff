-- What a good user would write in PL/pgSQL, row by row.
CREATE FUNCTION bill_call() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    side   record;
    pack   record;
    rest   integer;
    part   integer;
    entry  integer;
BEGIN
    IF NEW.seconds IS NULL OR NEW.seconds <= 0 THEN
        RETURN NULL;
    END IF;
    FOR side IN
        SELECT n.account_id, 'o'::"char" AS direction FROM numbers AS n
        WHERE n.number = NEW.caller AND NEW.started_at >= n.since AND NEW.started_at < n.paid_until
        UNION ALL
        SELECT n.account_id, 'i'::"char" FROM numbers AS n
        WHERE n.number = NEW.callee AND NEW.started_at >= n.since AND NEW.started_at < n.paid_until
    LOOP
        IF side.direction = 'i' THEN
            INSERT INTO ledger (account_id, call_id, direction, entry_no, kind, started_at, billed)
                VALUES (side.account_id, NEW.call_id, 'i', 1, 'f', NEW.started_at, 0)
                ON CONFLICT DO NOTHING;
            CONTINUE;
        END IF;
        rest := (NEW.seconds + 59) / 60 * 60;
        entry := 0;
        WHILE rest > 0 LOOP
            -- locks the one package that is drawn on; most calls need no second
            SELECT p.package_no, p.granted - p.used AS room INTO pack FROM packages AS p
                WHERE p.account_id = side.account_id AND p.pool = 'landline_outbound'
                  AND NEW.started_at >= p.valid_from AND NEW.started_at < p.valid_until AND p.used < p.granted
                ORDER BY p.valid_until, p.valid_from, p.package_no LIMIT 1 FOR UPDATE;
            part := least(rest, coalesce(pack.room, rest));
            entry := entry + 1;
            INSERT INTO ledger (account_id, call_id, direction, entry_no, kind, package_no, started_at, billed)
                VALUES (side.account_id, NEW.call_id, 'o', entry, CASE WHEN pack.package_no IS NULL THEN 's' ELSE 'c' END,
                        pack.package_no, NEW.started_at, part)
                ON CONFLICT DO NOTHING;
            EXIT WHEN NOT FOUND;    -- stored before
            UPDATE packages AS p SET used = p.used + part
                WHERE p.account_id = side.account_id AND p.package_no = pack.package_no;
            rest := rest - part;
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER bill_call AFTER INSERT ON calls FOR EACH ROW EXECUTE FUNCTION bill_call();
