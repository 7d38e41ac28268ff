-- What is rolled back is forgotten by the session too: catalogue, mappings,
-- numbers; and rows that come in other ways than a plain INSERT.
BEGIN;
SELECT plan(15);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 24, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
SELECT ccc.create_calls_table();
CREATE FUNCTION pg_temp.told(id text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, '; ' ORDER BY t), 'nothing')
    FROM (SELECT format('%s %s', outcome, round(billed_minutes * 60)) FROM ccc.call_charges WHERE call_id = id
          UNION ALL SELECT reason FROM ccc.exceptions WHERE call_id = id OR record ->> 'call_id' = id) AS s (t) $$;
INSERT INTO calls VALUES ('before', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('before'), 'charged 120', 'as the catalogue says');

SAVEPOINT s;
INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('landline_outbound', '2025-01-01', '6/6');
INSERT INTO calls VALUES ('in', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('in'), 'charged 66', 'another increment');
ROLLBACK TO s;
INSERT INTO calls VALUES ('after', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('after'), 'charged 120', 'and taken back');

SAVEPOINT s2;
INSERT INTO ccc.call_rules (line, owner, direction, valid_from, treatment) VALUES ('landline', 'platform', 'outbound', '2025-01-01', 'free');
INSERT INTO calls VALUES ('in', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('in'), 'free 120', 'another rule');
ROLLBACK TO s2;
INSERT INTO calls VALUES ('after 2', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('after 2'), 'charged 120', 'and taken back');

SAVEPOINT s3;
SELECT ccc.buy(1, 'number_landline', number => '0755-86013389', bought_at => '2025-03-01 00:00+08');
INSERT INTO calls VALUES ('in', '075586013389', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('in'), 'charged 120', 'another number');
ROLLBACK TO s3;
INSERT INTO calls VALUES ('after 3', '075586013389', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('after 3'), 'unknown_number', 'and taken back');

SAVEPOINT s4;
SELECT ccc.detach('calls');
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds * 2', 'caller', 'callee');
INSERT INTO calls VALUES ('in', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('in'), 'charged 180', 'another mapping');
ROLLBACK TO s4;
INSERT INTO calls VALUES ('after 4', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('after 4'), 'charged 120', 'and taken back');

-- ON CONFLICT, and a trigger that stores another record
CREATE TABLE keyed (id text PRIMARY KEY, a text, at timestamptz, s numeric);
SELECT ccc.attach('keyed', 'id', 'at', 's', 'a', '''x''');
INSERT INTO keyed VALUES ('k1', '075586013388', '2025-03-02 00:00+08', 61), ('k2', '075586013388', '2025-03-02 00:00+08', 61)
    ON CONFLICT DO NOTHING;
INSERT INTO keyed VALUES ('k1', '075586013388', '2025-03-02 00:00+08', 600), ('k3', '075586013388', '2025-03-02 00:00+08', 61)
    ON CONFLICT DO NOTHING;
SELECT is((SELECT string_agg(pg_temp.told('k' || n), ', ') FROM generate_series(1, 3) AS n), 'charged 120, charged 120, charged 120',
          'ON CONFLICT: the rows that were stored are billed');
SELECT is_empty($$SELECT * FROM ccc.exceptions WHERE source = 'keyed'::regclass$$, 'and those that were not are nothing');

CREATE FUNCTION pg_temp.echo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.call_id = 'call' THEN
        INSERT INTO calls VALUES ('echo', NEW.caller, NEW.callee, NEW.started_at, NEW.seconds);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a_echo AFTER INSERT ON calls FOR EACH ROW EXECUTE FUNCTION pg_temp.echo();
INSERT INTO calls VALUES ('call', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('call') || ', ' || pg_temp.told('echo'), 'charged 120, charged 120', 'a record stored by a trigger');

CREATE FUNCTION pg_temp.change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.call_id = 'no' THEN
        RETURN NULL;
    END IF;
    NEW.seconds := 1;
    RETURN NEW;
END $$;
CREATE TRIGGER b_change BEFORE INSERT ON calls FOR EACH ROW EXECUTE FUNCTION pg_temp.change();
INSERT INTO calls VALUES ('changed', '075586013388', 'x', '2025-03-02 00:00+08', 61), ('no', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is(pg_temp.told('changed'), 'charged 60', 'a record changed on its way is billed as stored');
SELECT is(pg_temp.told('no'), 'nothing', 'one that was not stored is not billed');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
