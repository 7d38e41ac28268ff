-- Code that the owner of a call table plants (a function, a cast, an operator,
-- a domain, a column's type) runs as the one who writes the record, or as that
-- owner where records are looked at that others wrote, never with the ledger's
-- or a superuser's rights.
BEGIN;
SELECT plan(38);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
CREATE ROLE pbx;
CREATE ROLE mallory;
CREATE SCHEMA lair AUTHORIZATION mallory;
GRANT USAGE ON SCHEMA lair TO pbx;

SET ROLE mallory;
CREATE TABLE lair.seen (what text, who text, effective text);
GRANT INSERT ON lair.seen TO PUBLIC;
CREATE FUNCTION lair.note(what text) RETURNS void LANGUAGE sql VOLATILE AS
    $$INSERT INTO lair.seen VALUES (what, current_user, current_setting('role'))$$;
-- says it is immutable, and takes what it can
CREATE FUNCTION lair.plant(what text, value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM lair.note(what);
    BEGIN
        EXECUTE 'SELECT ccc.top_up(1, 1000)';
        PERFORM lair.note('STOLE MONEY by ' || what);
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    BEGIN
        PERFORM count(*) FROM ccc.ledger;
        PERFORM lair.note('READ THE LEDGER by ' || what);
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    RETURN value;
END $$;
CREATE TYPE lair.odd AS ENUM ('x', 'd', 'e');
CREATE FUNCTION lair.odd_text(lair.odd) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lair.plant('cast to text', enum_out($1)::text); END $$;
CREATE CAST (lair.odd AS text) WITH FUNCTION lair.odd_text(lair.odd) AS IMPLICIT;
CREATE FUNCTION lair.odd_json(lair.odd) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN to_json(lair.plant('cast to json', enum_out($1)::text)); END $$;
CREATE CAST (lair.odd AS json) WITH FUNCTION lair.odd_json(lair.odd);
CREATE FUNCTION lair.join(text, integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lair.plant('operator', $1); END $$;
CREATE OPERATOR lair.<+> (LEFTARG = text, RIGHTARG = integer, FUNCTION = lair.join);
CREATE FUNCTION lair.constant() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lair.plant('constant', ''); END $$;
CREATE FUNCTION lair.inlined(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lair.plant('inlined', $1) $$;
CREATE DOMAIN lair.checked AS text CHECK (lair.plant('domain', VALUE) IS NOT NULL);
CREATE TABLE lair.cdr (id text, a text, b lair.odd, at timestamptz, s numeric);
GRANT INSERT ON lair.cdr TO pbx;
RESET ROLE;
DELETE FROM lair.seen;

-- attached by a superuser
SELECT lives_ok($$SELECT ccc.attach('lair.cdr', 'id::text || lair.constant()', 'at', 's', 'lair.inlined(a)::lair.checked', 'b',
                                    direction => $d$lair.plant('function', 'outbound') OPERATOR(lair.<+>) 1$d$)$$, 'attached with planted code in the mapping');
SELECT is_empty('SELECT * FROM lair.seen', 'attaching runs none of it');

-- but for what reads a literal, which the parser runs: that runs as the table's owner
SET ROLE mallory;
CREATE TABLE lair.tagged (id text, at timestamptz, s numeric, tags lair.checked[]);
RESET ROLE;
SELECT ccc.attach('lair.tagged', 'id', 'at', 's', '''075586013388''', '''x''', finished => $$tags IS DISTINCT FROM '{open}'$$);
SELECT results_eq('SELECT DISTINCT what, who FROM lair.seen', $$VALUES ('domain', 'mallory')$$, 'a domain''s check, when a table is attached');
DROP TABLE lair.tagged;
DELETE FROM lair.seen;

SET ROLE pbx;
INSERT INTO lair.cdr VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61);
RESET ROLE;
SELECT is((SELECT string_agg(call_id || ' ' || billed_minutes, ', ') FROM ccc.call_charges), 'a 2', 'a record is billed');
SELECT is((SELECT string_agg(DISTINCT what, ', ' ORDER BY what) FROM lair.seen), 'cast to text, constant, domain, function, inlined, operator',
          'all of the planted code ran');
SELECT is((SELECT string_agg(DISTINCT who, ', ') FROM lair.seen), 'pbx', 'as the writer');
SELECT is(ccc.wallet_balance(1), 10000 - 600 - 150.00, 'and took nothing');

-- the record of an exception: its types show themselves
DELETE FROM lair.seen;
SET ROLE pbx;
INSERT INTO lair.cdr VALUES ('b', '075586013388', 'x', '2025-03-02 00:00+08', -1);
RESET ROLE;
SELECT is((SELECT reason FROM ccc.exceptions WHERE call_id = 'b'), 'bad_length', 'an exception');
SELECT is((SELECT string_agg(DISTINCT who, ', ') FROM lair.seen), 'pbx', 'what shows the record runs as the writer');
SELECT ok(EXISTS (SELECT FROM lair.seen WHERE what = 'cast to json'), 'the planted cast to json did run');

-- the cast that raises does not keep the row from landing
SET ROLE mallory;
CREATE OR REPLACE FUNCTION lair.odd_json(lair.odd) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'not shown'; END $$;
RESET ROLE;
SET ROLE pbx;
INSERT INTO lair.cdr VALUES ('c', '075586013388', 'x', '2025-03-02 00:00+08', -1);
RESET ROLE;
SELECT is((SELECT reason FROM ccc.exceptions WHERE call_id = 'c'), 'bad_length', 'a record that cannot be shown is an exception all the same');

-- planted after attaching: a function is replaced, a column gets another type
DELETE FROM lair.seen;
SET ROLE mallory;
CREATE OR REPLACE FUNCTION lair.inlined(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lair.plant('replaced', $1); END $$;
ALTER TABLE lair.cdr ALTER COLUMN id TYPE lair.odd USING 'x';
DELETE FROM lair.seen;
RESET ROLE;
SET ROLE pbx;
INSERT INTO lair.cdr VALUES ('d', '075586013388', 'x', '2025-03-02 00:00+08', 61);
RESET ROLE;
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id LIKE 'd%'), 2::numeric, 'billed after the change');
SELECT is((SELECT string_agg(DISTINCT who, ', ') FROM lair.seen), 'pbx', 'as the writer');
SELECT ok(EXISTS (SELECT FROM lair.seen WHERE what = 'replaced'), 'the replacement did run');

-- a volatile function put in the place of an immutable one is refused when it is used
SET ROLE mallory;
CREATE OR REPLACE FUNCTION lair.inlined(text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN lair.plant('volatile', $1); END $$;
DELETE FROM lair.seen;
RESET ROLE;
SET ROLE pbx;
INSERT INTO lair.cdr VALUES ('e', '075586013388', 'x', '2025-03-02 00:00+08', 61);
RESET ROLE;
SELECT is((SELECT reason FROM ccc.exceptions WHERE detail LIKE '%volatile%'), 'mapping_failed', 'a mapping that became volatile');
SELECT is_empty($$SELECT * FROM lair.seen WHERE what = 'volatile'$$, 'does not run');

-- a function that the writer may not call
SET ROLE mallory;
CREATE FUNCTION lair.closed(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION lair.closed2(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
REVOKE ALL ON FUNCTION lair.closed(text), lair.closed2(text) FROM PUBLIC;
CREATE TABLE lair.other (id text, a text, at timestamptz, s numeric);
CREATE TABLE lair.other2 (id text, a text, at timestamptz, s numeric);
GRANT INSERT ON lair.other, lair.other2 TO pbx;
RESET ROLE;
SELECT ccc.attach('lair.other', 'lair.closed(id)', 'at', 's', 'a', '''x''');
SELECT ccc.attach('lair.other2', 'id', 'at', 's', 'lair.closed2(a)', '''x''');
SET ROLE pbx;
INSERT INTO lair.other VALUES ('f', '075586013388', '2025-03-02 00:00+08', 61), ('g', '075586013388', '2025-03-02 00:00+08', 61);
INSERT INTO lair.other2 VALUES ('h', '075586013388', '2025-03-02 00:00+08', 61);
RESET ROLE;
SELECT is((SELECT count(*) FROM lair.other) + (SELECT count(*) FROM lair.other2), 3::bigint, 'the rows land');
SELECT is((SELECT string_agg(reason, ' ') FROM ccc.exceptions WHERE source IN ('lair.other'::regclass, 'lair.other2'::regclass)),
          'mapping_failed mapping_failed mapping_failed', 'each is an exception');
INSERT INTO lair.other VALUES ('i', '075586013388', '2025-03-02 00:00+08', 61);
SELECT is((SELECT billed_minutes FROM ccc.call_charges WHERE call_id = 'i'), 2::numeric, 'one who may call it is billed');
SET ROLE pbx;
INSERT INTO lair.other VALUES ('j', '075586013388', '2025-03-02 00:00+08', 61);
RESET ROLE;
SELECT is((SELECT reason FROM ccc.exceptions WHERE record ->> 'id' = 'j'), 'mapping_failed', 'the writer''s rights count, not those of who wrote before');

-- a superuser who looks at what is there lends it no rights either
SET ROLE mallory;
CREATE TABLE lair.old (id text, a lair.odd, at text, s numeric);
RESET ROLE;
SELECT ccc.attach('lair.old', 'lair.plant(''id'', id)', 'lair.plant(''start'', at)::timestamptz', 's', '''075586013388''', 'a');
SET session_replication_role = replica;
INSERT INTO lair.old VALUES ('old', 'x', '2025-03-02 00:00+08', 61), ('older', 'x', '2025-03-01 00:00+08', 61);
RESET session_replication_role;
DELETE FROM lair.seen;
SELECT is(ccc.mark_backfill('lair.old', '-infinity'), 'lair.old'::regclass, 'a backfill by a superuser');
SELECT is(ccc.backfill_blocks('lair.old', 0, 10, '-infinity'), NULL, 'of all there is');
SELECT ccc.end_backfill('lair.old');
SELECT is((SELECT string_agg(call_id, ' ' ORDER BY call_id) FROM ccc.call_charges WHERE call_id LIKE 'old%'), 'old older', 'bills');
SELECT is((SELECT count(*) FROM ccc.records_before('lair.old', '2025-03-02 00:00+08')), 1::bigint, 'and what is older is found');
SELECT set_eq('SELECT DISTINCT what, who FROM lair.seen', $$VALUES ('id', 'mallory'), ('start', 'mallory'), ('cast to text', 'mallory')$$, 'by the code of the table''s owner, with its rights');

-- nor does who is not the owner lend the owner's rights to others' code
CREATE ROLE clerk IN ROLE ccc_admin;
GRANT USAGE ON SCHEMA lair TO clerk;
CREATE TABLE lair.ours (id text, a text, at timestamptz, s numeric) PARTITION BY LIST (id);
SELECT ccc.attach('lair.ours', 'id', 'at', 's', 'a', '''x''');
GRANT ALL ON lair.ours, lair.old TO clerk;
SET ROLE clerk;
SELECT throws_ok(statement, '42501', 'must be owner of table "' || what || '"', statement)
FROM (VALUES ('SELECT ccc.mark_backfill(''lair.ours'', ''-infinity'')', 'ours'), ('SELECT ccc.backfill_blocks(''lair.old'', 0, 1, ''-infinity'')', 'old'),
             ('SELECT ccc.records_before(''lair.ours'', ''infinity'')', 'ours'), ('SELECT ccc.purge(''lair.old'', ''infinity'')', 'old')) AS v (statement, what);
RESET ROLE;
CREATE TABLE lair.theirs PARTITION OF lair.ours DEFAULT;
ALTER TABLE lair.theirs OWNER TO mallory;
SELECT throws_like(statement, '%belongs to another than what it is a partition of, or has as one', statement)
FROM unnest('{"SELECT ccc.mark_backfill(''lair.ours'', ''-infinity'')","SELECT ccc.backfill_blocks(''lair.theirs'', 0, 1, ''-infinity'')","SELECT ccc.records_before(''lair.ours'', ''infinity'')","SELECT ccc.purge(''lair.ours'', ''infinity'')"}'::text[]) AS statement;
SELECT ccc.detach('lair.ours');
SELECT throws_ok($$SELECT ccc.attach('lair.ours', 'id', 'at', 's', 'a', '''x''')$$, '42501', 'partition "lair.theirs" belongs to another than table "lair.ours"', 'nor is it attached');
DROP TABLE lair.ours;

-- a function that the owner may not call is no fault of the rows
CREATE FUNCTION public.refused(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$;
REVOKE ALL ON FUNCTION public.refused(text) FROM PUBLIC;
SET ROLE mallory;
CREATE TABLE lair.barred (LIKE lair.old);
RESET ROLE;
SELECT ccc.attach('lair.barred', 'public.refused(id)', 'at::timestamptz', 's', '''075586013388''', '''x''');
SELECT throws_ok('SELECT ccc.mark_backfill(''lair.barred'', ''-infinity'')', '42501', 'permission denied for function refused', 'it is told before any is an exception');

-- nor may a mapping reach the tables of ccc, or a schema that is closed to the writer
REVOKE USAGE ON SCHEMA lair FROM pbx;
SELECT ok(NOT EXISTS (SELECT FROM lair.seen WHERE what LIKE 'STOLE%' OR what LIKE 'READ%'), 'nothing was stolen or read');
SELECT is((SELECT string_agg(DISTINCT who, ', ') FROM lair.seen WHERE who IN ('ccc_owner', 'postgres')), NULL, 'nothing ran as the owner or a superuser');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
