-- Triggers of the user's own that change or delete the very rows that a
-- statement is storing: the inner statement is billed before the outer one.
BEGIN;
SELECT plan(80);

SELECT ccc.open_account(a, 'account ' || a, '2025-01-01') FROM generate_series(1, 2) AS a;
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86010001', bought_at => '2025-01-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT ccc.add_own_number(2, '075586010002', 'landline', '2025-01-01');
CREATE TABLE calls (id text PRIMARY KEY, call_id text DEFAULT 'k', caller text DEFAULT '075586010001', callee text DEFAULT 'x',
                    started_at timestamptz DEFAULT '2025-03-05 00:00+08', seconds numeric, finished boolean DEFAULT true, note text);
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee', 'finished');

CREATE FUNCTION pg_temp.told() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s: %s %s', call_id, account_id, billed_minutes) FROM ccc.call_charges
          UNION ALL SELECT format('%s: %s %s', coalesce(call_id, record ->> 'id'), reason, record ->> 'seconds') FROM ccc.exceptions
                    WHERE resolved_at IS NULL) AS s (t) $$;
CREATE FUNCTION pg_temp.amiss() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT sum(ccc.replay(account_id)) FROM ccc.accounts) || ' moved'
           || coalesce((SELECT string_agg('; ' || invariant || ': ' || detail, '') FROM ccc.check_integrity()), '') $$;

-- what the row trigger does at each depth, with the row's id as $1
CREATE TEMP TABLE acts (no serial, event text, depth integer, act text);
GRANT SELECT ON acts TO PUBLIC;
CREATE FUNCTION pg_temp.act() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    todo text;
BEGIN
    FOR todo IN SELECT a.act FROM acts AS a WHERE a.event = TG_OP AND a.depth = pg_trigger_depth() ORDER BY a.no LOOP
        EXECUTE todo USING NEW.id;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER act AFTER INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION pg_temp.act();
CREATE FUNCTION pg_temp.on(event text, VARIADIC todo text[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM acts WHERE acts.event = $1 OR $1 IN ('INSERT', 'UPDATE') AND acts.depth > 1;
    INSERT INTO acts (event, depth, act) SELECT $1, 1, t FROM unnest(todo) AS t $$;
CREATE FUNCTION pg_temp.clear() RETURNS text LANGUAGE sql AS $$
    DELETE FROM acts;
    DELETE FROM calls;
    SELECT pg_temp.told() $$;

-- INSERT, and the row goes at once
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'nothing', 'a row deleted by its own trigger is not billed');
SELECT is_empty('SELECT * FROM ccc.ledger', 'and leaves no entry');
INSERT INTO calls (id, caller, seconds) VALUES ('a', '13800138000', 60), ('b', DEFAULT, 'NaN');
SELECT is_empty('SELECT * FROM ccc.exceptions', 'nor an exception, if it would have been one');
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = $1 AND id LIKE ''b%''');
INSERT INTO calls (id, call_id, seconds) SELECT s || n, s || n, 60 FROM unnest('{a,b}'::text[]) AS s, generate_series(1, 1500) AS n;
SELECT is((SELECT count(*) || ' ' || min(call_id) || ' ' || max(call_id) FROM ccc.call_charges), '1500 a1 a999', 'half of three thousand');
INSERT INTO calls (id, seconds) SELECT 'b' || n, 60 FROM generate_series(1, 3) AS n UNION ALL VALUES ('c', 60);
SELECT is((SELECT count(*) || ' ' || sum(entry_no) FROM ccc.ledger WHERE call_id = 'k'), '1 1', 'three of four rows that say the same');
DELETE FROM calls WHERE id = 'c';
SELECT is((SELECT count(*) FROM ccc.call_charges WHERE call_id = 'k'), 0::bigint, 'the fourth takes its charge with it');
SELECT is(pg_temp.clear(), 'nothing', 'all gone');

-- INSERT, and the row is changed at once
SELECT pg_temp.on('INSERT', 'UPDATE calls SET seconds = seconds + 60 WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'k: 1 2', 'as changed by its trigger');
SELECT is_empty('SELECT * FROM ccc.exceptions', 'it contradicts nothing');
UPDATE calls SET seconds = 300;
SELECT is(pg_temp.told(), 'k: 1 5', 'and corrected later');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
SELECT pg_temp.on('INSERT', 'UPDATE calls SET seconds = 120 WHERE id = $1', 'UPDATE calls SET seconds = 180 WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'k: 1 3', 'changed twice');
SELECT pg_temp.clear();
SELECT pg_temp.on('INSERT', 'UPDATE calls SET seconds = 120 WHERE id = $1', 'UPDATE calls SET seconds = 60 WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told() || (SELECT ', copies ' || count(*) FILTER (WHERE kind = 'r') - count(*) FILTER (WHERE kind = 'x') FROM ccc.ledger WHERE call_id = 'k'),
          'k: 1 1, copies 0', 'changed and changed back');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
SELECT pg_temp.on('INSERT', 'UPDATE calls SET seconds = 120 WHERE id = $1', 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'nothing', 'changed, then deleted');
SELECT pg_temp.on('INSERT', 'UPDATE calls SET note = ''seen'' WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'k: 1 1', 'changed where the mapping does not look');
SELECT pg_temp.clear();
SELECT pg_temp.on('INSERT', 'UPDATE calls SET seconds = 120 WHERE id = $1');
INSERT INTO acts (event, depth, act) VALUES ('UPDATE', 2, 'UPDATE calls SET seconds = 180 WHERE id = $1'), ('UPDATE', 3, 'UPDATE calls SET seconds = 240 WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'k: 1 4', 'each change makes the next');
INSERT INTO acts (event, depth, act) VALUES ('UPDATE', 4, 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, call_id, seconds) VALUES ('b', 'l', 60);
SELECT is(pg_temp.told(), 'k: 1 4', 'and at last the row goes');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
SELECT pg_temp.on('INSERT', 'UPDATE calls SET caller = ''075586010002'' WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'k: 2 1', 'to another account');
SELECT pg_temp.clear();
SELECT pg_temp.on('INSERT', 'UPDATE calls SET caller = ''075586010001'' WHERE id = $1');
INSERT INTO calls (id, caller, seconds) VALUES ('a', '13800138000', 60);
SELECT is(pg_temp.told(), 'k: 1 1', 'an unknown number mended');
SELECT pg_temp.clear();
SELECT pg_temp.on('INSERT', 'UPDATE calls SET caller = ''13800138000'' WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'k: unknown_number 60', 'and spoiled');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
SELECT is(pg_temp.amiss(), '0 moved', 'rows just stored: all is well');

-- finished by its trigger, or the opposite
SELECT pg_temp.on('INSERT', 'UPDATE calls SET finished = NOT finished WHERE id = $1');
INSERT INTO calls (id, seconds, finished) VALUES ('a', 60, false);
SELECT is(pg_temp.told(), 'k: 1 1', 'an inner statement finishes the row');
SELECT pg_temp.clear();
SELECT pg_temp.on('INSERT', 'UPDATE calls SET finished = NOT finished WHERE id = $1');
INSERT INTO calls (id, seconds, finished) VALUES ('a', 60, true);
SELECT is(pg_temp.told(), 'nothing', 'or makes it unfinished');
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = $1 AND finished');
INSERT INTO calls (id, seconds, finished) VALUES ('b', 60, false), ('c', 60, true);
SELECT is(pg_temp.told(), 'nothing', 'the finished one of two that else say the same goes');
SELECT pg_temp.clear();

-- UPDATE
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT pg_temp.on('UPDATE', 'UPDATE calls SET seconds = 180 WHERE id = $1');
UPDATE calls SET seconds = 120;
SELECT is(pg_temp.told(), 'k: 1 3', 'a correction corrected by the row''s trigger');
UPDATE calls SET note = 'x';
SELECT is(pg_temp.told(), 'k: 1 3', 'again');
SELECT pg_temp.on('UPDATE', 'UPDATE calls SET seconds = 180 WHERE id = $1', 'UPDATE calls SET seconds = 240 WHERE id = $1');
UPDATE calls SET seconds = 120;
SELECT is(pg_temp.told(), 'k: 1 4', 'twice');
SELECT pg_temp.on('UPDATE', 'UPDATE calls SET seconds = 240 WHERE id = $1');
UPDATE calls SET seconds = 120;
SELECT is(pg_temp.told(), 'k: 1 4', 'taken back');
SELECT pg_temp.on('UPDATE', 'DELETE FROM calls WHERE id = $1');
UPDATE calls SET seconds = 120;
SELECT is(pg_temp.told(), 'nothing', 'a corrected row deleted');
SELECT pg_temp.clear();
INSERT INTO calls (id, seconds) VALUES ('a', 60), ('b', 60);
SELECT pg_temp.on('UPDATE', 'DELETE FROM calls WHERE id = $1');
UPDATE calls SET seconds = 120 WHERE id = 'a';
SELECT is(pg_temp.told(), 'k: 1 1', 'its copy keeps the charge');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
INSERT INTO calls (id, seconds) VALUES ('a', 60), ('b', 120);
SELECT pg_temp.on('UPDATE', 'DELETE FROM calls WHERE id = $1');
UPDATE calls SET seconds = 180 WHERE id = 'a';
SELECT is(pg_temp.told(), 'k: 1 2', 'what contradicted it takes its place');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
SELECT is(pg_temp.amiss(), '0 moved', 'corrections: all is well');

-- ON CONFLICT, MERGE, one query of several statements
INSERT INTO calls (id, call_id, seconds) VALUES ('a', 'a', 60);
SELECT pg_temp.on('INSERT', 'UPDATE calls SET seconds = seconds + 60 WHERE id = $1');
SELECT pg_temp.on('UPDATE', 'UPDATE calls SET seconds = seconds + 120 WHERE id = $1');
INSERT INTO calls (id, call_id, seconds) VALUES ('a', 'a', 60), ('b', 'b', 60) ON CONFLICT (id) DO UPDATE SET seconds = 300;
SELECT is(pg_temp.told(), 'a: 1 7; b: 1 2', 'one row updated, one inserted, both changed');
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = $1');
SELECT pg_temp.on('UPDATE', 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, call_id, seconds) VALUES ('a', 'a', 60), ('c', 'c', 60) ON CONFLICT (id) DO UPDATE SET seconds = 360;
SELECT is(pg_temp.told(), 'b: 1 2', 'one updated, one inserted, both deleted');
MERGE INTO calls AS c USING (VALUES ('b'), ('d')) AS v (id) ON v.id = c.id
    WHEN MATCHED THEN UPDATE SET seconds = 180 WHEN NOT MATCHED THEN INSERT (id, call_id, seconds) VALUES ('d', 'd', 60);
SELECT is(pg_temp.told(), 'nothing', 'the same by MERGE');
INSERT INTO acts (event, depth, act) VALUES ('UPDATE', 1, 'SELECT $1');
DELETE FROM acts WHERE event = 'INSERT';
INSERT INTO calls (id, call_id, seconds) VALUES ('e', 'e', 60);
WITH i AS (INSERT INTO calls (id, call_id, seconds) VALUES ('f', 'f', 60))
UPDATE calls SET seconds = 120 WHERE id = 'e';
SELECT is(pg_temp.told(), 'f: 1 1', 'an updated row deleted beside one that is inserted');
SELECT is(pg_temp.clear(), 'nothing', 'gone');

-- UPDATE while a backfill is at work, which does its work on rows that it does not change for us
UPDATE ccc.sources SET backfill_since = '-infinity';
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT pg_temp.on('UPDATE', 'DELETE FROM calls WHERE id = $1');
UPDATE calls SET note = 'x';
SELECT is(pg_temp.told(), 'nothing', 'backfilling: a row deleted by its own trigger');
INSERT INTO calls (id, seconds) VALUES ('a', 60), ('b', 120);
SELECT pg_temp.on('UPDATE', 'UPDATE calls SET seconds = 180 WHERE id = $1');
UPDATE calls SET note = 'x' WHERE id = 'a';
SELECT is(pg_temp.told(), 'k: 1 3; k: conflicting_repeat 120', 'or changed');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
SELECT pg_temp.on('INSERT', 'UPDATE calls SET note = ''x'' WHERE id = $1');
INSERT INTO acts (event, depth, act) VALUES ('UPDATE', 2, 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'nothing', 'or stored, touched and deleted');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
UPDATE ccc.sources SET backfill_since = NULL;

-- a record moved from one call table to another, whose trigger changes or deletes it
CREATE TABLE before (LIKE calls INCLUDING DEFAULTS);
SELECT ccc.attach('before', 'call_id', 'started_at', 'seconds', 'caller', 'callee', 'finished');
SELECT pg_temp.on('INSERT', 'UPDATE calls SET seconds = 180 WHERE id = $1');
INSERT INTO before (id, seconds) VALUES ('a', 60);
WITH moved AS (DELETE FROM before RETURNING *) INSERT INTO calls SELECT * FROM moved;
SELECT is(pg_temp.told(), 'k: 1 3', 'moved and changed');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = $1');
INSERT INTO before (id, seconds) VALUES ('a', 60);
WITH moved AS (DELETE FROM before RETURNING *) INSERT INTO calls SELECT * FROM moved;
SELECT is(pg_temp.told(), 'nothing', 'moved and deleted');

-- what is billed already, or never was, and goes in a trigger
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE call_id = ''k'' AND id <> $1');
INSERT INTO calls (id, seconds) VALUES ('b', 60);
SELECT is(pg_temp.told(), 'k: 1 1', 'of two that say the same the new one is kept');
INSERT INTO calls (id, seconds) VALUES ('c', 120);
SELECT is(pg_temp.told(), 'k: 1 2', 'or one that says something else');
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('d', 120);
SELECT is(pg_temp.told(), 'k: 1 2', 'or the old one');
INSERT INTO calls (id, seconds) VALUES ('d', 60);
SELECT is(pg_temp.told(), 'k: 1 2', 'that contradicts it');
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE call_id = ''k''');
INSERT INTO calls (id, seconds) VALUES ('d', 120);
SELECT is(pg_temp.told(), 'nothing', 'or none');
SELECT pg_temp.on('INSERT', 'INSERT INTO calls (id, seconds) SELECT id || ''2'', seconds FROM calls WHERE id = $1 AND id NOT LIKE ''%2''', 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('e', 60);
SELECT is(pg_temp.told() || (SELECT string_agg(id, ' ') FROM calls), 'k: 1 1e2', 'a row replaced by its like');
SELECT is(pg_temp.clear(), 'nothing', 'gone');

-- a call of no length, and a row that was of nobody
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = $1');
INSERT INTO calls (id, seconds) VALUES ('a', 0);
SELECT is(pg_temp.told(), 'nothing', 'a row without length goes');
SELECT pg_temp.clear();
INSERT INTO calls (id, call_id, caller, seconds) VALUES ('a', 'a', '13800138000', 60), ('b', 'a', '13800138000', 60);
SELECT pg_temp.on('INSERT', 'DELETE FROM calls WHERE id = ''a''');
INSERT INTO calls (id, call_id, caller, seconds) VALUES ('c', 'a', '13800138000', 60), ('d', 'd', DEFAULT, 60);
SELECT is(pg_temp.told(), 'a: unknown_number 60; a: unknown_number 60; d: 1 1', 'of three rows of nobody one goes, two stay');
SELECT is(pg_temp.clear(), 'nothing', 'gone');

-- rows that were never billed leave no trace for those that come later
ALTER TABLE calls DISABLE TRIGGER USER;
INSERT INTO calls (id, seconds) VALUES ('old', 60);
ALTER TABLE calls ENABLE TRIGGER USER;
CREATE TABLE events (what text);
CREATE FUNCTION pg_temp.forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM calls WHERE id = NEW.what;
    RETURN NULL;
END $$;
CREATE TRIGGER forget AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION pg_temp.forget();
DO $$
BEGIN
    INSERT INTO events VALUES ('old');
    INSERT INTO calls (id, seconds) VALUES ('new', 60);
END $$;
SELECT is(pg_temp.told(), 'k: 1 1', 'a row deleted by another table''s trigger takes none with it that is stored after it');
SELECT pg_temp.clear();
SELECT pg_temp.on('INSERT', 'INSERT INTO events VALUES ($1)', 'INSERT INTO calls (id, seconds) SELECT ''again'', 60 WHERE $1 = ''a''');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told() || (SELECT string_agg(id, ' ') FROM calls), 'k: 1 1again', 'nor one that the same trigger stores then');
SELECT is(pg_temp.clear(), 'nothing', 'gone');

-- what is rolled back did not happen
CREATE FUNCTION pg_temp.undone(id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM calls AS c WHERE c.id = undone.id;
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
END $$;
CREATE FUNCTION pg_temp.done(id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM calls AS c WHERE c.id = done.id;
EXCEPTION WHEN division_by_zero THEN
END $$;
SELECT pg_temp.on('INSERT', 'SELECT pg_temp.undone($1)');
INSERT INTO calls (id, seconds) VALUES ('a', 60);
SELECT is(pg_temp.told(), 'k: 1 1', 'a deletion that is rolled back');
SELECT pg_temp.on('INSERT', 'SELECT pg_temp.undone($1)', 'SELECT pg_temp.done($1)');
INSERT INTO calls (id, call_id, seconds) VALUES ('b', 'b', 60);
SELECT is(pg_temp.told(), 'k: 1 1', 'and one that is not');
SELECT is(pg_temp.clear(), 'nothing', 'gone');

-- statement triggers that run before ours, and rows of logical replication
CREATE FUNCTION pg_temp.prune() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM calls WHERE note = 'prune';
    RETURN NULL;
END $$;
CREATE TRIGGER a_prune AFTER INSERT ON calls FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.prune();
INSERT INTO calls (id, call_id, seconds, note) VALUES ('a', 'a', 60, 'prune'), ('b', 'b', 60, NULL);
SELECT is(pg_temp.told(), 'b: 1 1', 'a statement trigger deletes some');
SELECT is(pg_temp.clear(), 'nothing', 'gone');
CREATE TABLE applied (LIKE calls INCLUDING ALL);
SELECT ccc.attach('applied', 'call_id', 'started_at', 'seconds', 'caller', 'callee', replicated => true);
CREATE FUNCTION pg_temp.halve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM applied WHERE note = 'prune';
    RETURN NULL;
END $$;
CREATE TRIGGER a_halve AFTER INSERT ON applied FOR EACH ROW EXECUTE FUNCTION pg_temp.halve();
ALTER TABLE applied ENABLE ALWAYS TRIGGER a_halve;
SET LOCAL session_replication_role = replica;
INSERT INTO applied (id, call_id, seconds, note) VALUES ('a', 'a', 60, 'prune'), ('b', 'b', 60, NULL), ('c', 'c', 60, 'prune');
SELECT is(pg_temp.told(), 'b: 1 1', 'a row trigger deletes applied rows');
DELETE FROM applied;
SET LOCAL session_replication_role = origin;
SELECT is(pg_temp.amiss(), '0 moved', 'all kinds: all is well');

-- two tables at once
INSERT INTO applied (id, call_id, seconds) VALUES ('a', 'a', 60), ('b', 'b', 60);
SELECT pg_temp.on('INSERT', 'DELETE FROM applied WHERE id = $1', 'DELETE FROM calls WHERE id = $1 AND note IS NULL');
INSERT INTO calls (id, call_id, seconds, note) VALUES ('a', 'c', 60, NULL), ('b', 'd', 60, 'stays'), ('c', 'e', 60, NULL);
SELECT is((SELECT string_agg(id, ' ') FROM applied), NULL, 'the other table''s rows go');
SELECT is(pg_temp.told(), 'd: 1 1', 'with their charges, and those of this one that its trigger deletes');
INSERT INTO applied (id, call_id, seconds) VALUES ('a', 'a', 60);
SELECT is(pg_temp.told(), 'a: 1 1; d: 1 1', 'nothing is left for what comes later');
DELETE FROM applied;
SELECT is(pg_temp.clear(), 'nothing', 'gone');

-- partitions: the outer statement names the parent, the inner one the partition
CREATE TABLE parted (id text, seconds numeric, started_at timestamptz DEFAULT '2026-01-05') PARTITION BY RANGE (started_at);
CREATE TABLE part (seconds numeric, started_at timestamptz DEFAULT '2026-01-05', id text);
ALTER TABLE parted ATTACH PARTITION part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
SELECT ccc.attach('parted', 'id', 'started_at', 'seconds::text::numeric', '''075586010002''', '''x''');
CREATE FUNCTION pg_temp.shorten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        DELETE FROM part WHERE id = NEW.id AND seconds > 600;
        UPDATE part SET seconds = 60 WHERE id = NEW.id AND seconds > 60;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shorten AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION pg_temp.shorten();
INSERT INTO parted VALUES ('p', 60), ('q', 300), ('r', 900);
SELECT is(pg_temp.told(), 'p: 2 1; q: 2 1', 'through the parent, and straight into the partition');
INSERT INTO part (id, seconds) VALUES ('s', 300), ('t', 900);
SELECT is(pg_temp.told(), 'p: 2 1; q: 2 1; s: 2 1', 'both straight');
DELETE FROM parted;
SELECT is(pg_temp.told(), 'nothing', 'gone');

-- whatever the triggers do: each id with rows is billed once, as one of its
-- rows says, its copies are counted, and each other row is an exception
CREATE TABLE wild (id serial, call_id text, seconds numeric);
SELECT ccc.attach('wild', 'call_id', 'timestamptz ''2025-03-05 00:00+08''', 'seconds', '''075586010001''', '''x''');
CREATE FUNCTION pg_temp.any_of(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 1 + floor(random() * n)::integer';
CREATE FUNCTION pg_temp.run_wild(row_id integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    CASE pg_temp.any_of(9)
        WHEN 1 THEN DELETE FROM wild WHERE id = row_id;
        WHEN 2 THEN DELETE FROM wild WHERE id % 5 = row_id % 5;
        WHEN 3 THEN UPDATE wild SET seconds = 60 * pg_temp.any_of(4) - 60 WHERE id = row_id;
        WHEN 4 THEN UPDATE wild SET seconds = 60 * pg_temp.any_of(3), call_id = 'w' || pg_temp.any_of(6) WHERE id % 4 = row_id % 4;
        WHEN 5 THEN INSERT INTO wild (call_id, seconds) SELECT 'w' || pg_temp.any_of(6), 60 * pg_temp.any_of(3) FROM generate_series(1, pg_temp.any_of(3));
        WHEN 6 THEN INSERT INTO wild (call_id, seconds) SELECT call_id, seconds FROM wild WHERE id = row_id;
        WHEN 7 THEN
            BEGIN
                UPDATE wild SET seconds = 240 WHERE id = row_id;
                DELETE FROM wild WHERE id % 3 = 0;
                RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN
            END;
        ELSE NULL;
    END CASE;
END $$;
CREATE FUNCTION pg_temp.wild() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 4 THEN
        PERFORM pg_temp.run_wild(NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER wild AFTER INSERT OR UPDATE ON wild FOR EACH ROW EXECUTE FUNCTION pg_temp.wild();
CREATE FUNCTION pg_temp.wrong() RETURNS SETOF text LANGUAGE sql AS $$
    WITH stored AS (SELECT call_id, seconds, count(*) AS n FROM wild WHERE seconds > 0 GROUP BY 1, 2),
         charged AS (SELECT call_id::text, c.seconds,
                            1 + (SELECT count(*) FILTER (WHERE l.kind = 'r') - count(*) FILTER (WHERE l.kind = 'x') FROM ccc.ledger AS l
                                 WHERE (l.account_id, l.call_id) = (c.account_id, c.call_id)) AS n
                     FROM ccc.call_charges AS c WHERE call_id LIKE 'w%'),
         told AS (SELECT call_id::text, (record ->> 'seconds')::numeric AS seconds, count(*) AS n
                  FROM ccc.exceptions WHERE source = 'wild'::regclass AND resolved_at IS NULL GROUP BY 1, 2)
    SELECT format('%s of %s s: %s stored, %s known', call_id, seconds, stored.n, known.n)
    FROM stored FULL JOIN (SELECT * FROM charged UNION ALL SELECT * FROM told) AS known USING (call_id, seconds)
    WHERE stored.n IS DISTINCT FROM known.n
    UNION ALL SELECT format('%s is billed twice', call_id) FROM charged GROUP BY call_id HAVING count(*) > 1 $$;
CREATE FUNCTION pg_temp.go_wild(statements integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. statements LOOP
        INSERT INTO wild (call_id, seconds) SELECT 'w' || pg_temp.any_of(6), 60 * pg_temp.any_of(3) FROM generate_series(1, pg_temp.any_of(3));
        PERFORM pg_temp.run_wild(id) FROM (SELECT id FROM wild ORDER BY random() LIMIT 1) AS one;
        DELETE FROM wild WHERE id % 7 = i % 7;
        IF EXISTS (SELECT FROM pg_temp.wrong()) THEN
            RETURN format('statement %s: %s', i, (SELECT string_agg(w, '; ') FROM pg_temp.wrong() AS w));
        END IF;
    END LOOP;
    RETURN 'as it should be';
END $$;
SELECT setseed(0.75);
SELECT is(pg_temp.go_wild(150), 'as it should be', 'at random');
DELETE FROM wild;
SELECT is_empty('SELECT pg_temp.wrong()', 'gone');

SELECT is(pg_temp.amiss(), '0 moved', 'at the end all is well');
SELECT * FROM finish();
ROLLBACK;
