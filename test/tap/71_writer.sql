-- The role that writes records has INSERT on its call table and nothing else:
-- its records are billed, and everything of ccc is closed to it.
BEGIN;
SELECT plan(35);

SELECT ccc.open_account(1, 'first', '2025-01-01');
SELECT ccc.top_up(1, 10000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '0755-86013388', bought_at => '2025-03-01 00:00+08');
SELECT ccc.buy(1, 'landline_custom', 1000, bought_at => '2025-03-01 00:00+08');
CREATE ROLE pbx;
CREATE ROLE stranger;
CREATE ROLE operator IN ROLE ccc_admin;
CREATE ROLE viewer IN ROLE ccc_reader;
GRANT CREATE ON SCHEMA public TO operator, stranger, viewer;

-- the SQLSTATE of a statement run as a role
CREATE FUNCTION pg_temp.as_role(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('role', role, true);
    EXECUTE statement;
    PERFORM set_config('role', 'none', true);
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;

-- an operator sets up everything
SELECT is(pg_temp.as_role('operator', $$SELECT ccc.create_calls_table('public.calls')$$), 'done', 'an administrator makes a call table of its own');
SELECT is((SELECT relowner::regrole::text FROM pg_class WHERE oid = 'calls'::regclass), 'operator', 'which is the administrator''s');
GRANT INSERT ON calls TO pbx;
SELECT is(pg_temp.as_role('operator', $$SELECT ccc.open_account(2, 'second'); SELECT ccc.top_up(2, 10000); SELECT ccc.quote('landline_10000');
                                        SELECT ccc.buy(2, 'landline_10000'); SELECT ccc.add_own_number(2, '021-55556666', 'landline');
                                        SELECT * FROM ccc.package_balances; SELECT * FROM ccc.balances(now()); SELECT ccc.check_integrity();
                                        INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('seat_standard', '2030-01-01', '0:130')$$), 'done',
          'and runs the business');

SET ROLE pbx;
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61), ('b', '075586013388', 'x', '2025-03-02 00:00+08', -1);
COPY calls FROM stdin;
c	075586013388	x	2025-03-02 00:00+08	61
d	x	y	2025-03-02 00:00+08	61
\.
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-03-02 00:00+08', 61);
RESET ROLE;
SELECT is((SELECT string_agg(call_id || ' ' || billed_minutes, ', ' ORDER BY call_id) FROM ccc.call_charges), 'a 2, c 2', 'what the writer stores is billed');
SELECT is((SELECT string_agg(call_id || ' ' || reason, ', ' ORDER BY call_id) FROM ccc.exceptions), 'b bad_length, d unknown_number', 'or told');
SELECT is((SELECT count(*) FROM calls), 5::bigint, 'all of it is stored');

SELECT is_empty($$SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'ccc'::regnamespace AND c.relkind IN ('r', 'v')
                    AND pg_temp.as_role('pbx', format('SELECT * FROM %s', c.oid::regclass)) <> '42501'$$, 'the writer reads no table or view of ccc');
SELECT is(pg_temp.as_role('pbx', statement), '42501', 'the writer: ' || statement)
FROM unnest(ARRAY[
    'DELETE FROM ccc.ledger', 'UPDATE ccc.packages SET used = 0', 'INSERT INTO ccc.ledger SELECT * FROM ccc.ledger',
    'SELECT ccc.top_up(1, 5)', 'SELECT ccc.buy(1, ''landline_10000'')', 'SELECT ccc.quote(''landline_10000'')', 'SELECT ccc.wallet_balance(1)',
    'SELECT ccc.check_integrity()', 'SELECT ccc.explain_call(1, ''a'')', 'SELECT ccc.balances(now())', 'SELECT ccc.detach(''public.calls'')',
    'SELECT ccc.attach(''public.calls'', ''call_id'', ''started_at'', ''seconds'', ''caller'', ''callee'')', 'SELECT * FROM calls']) AS statement;

-- table owners
SELECT is(pg_temp.as_role('stranger', $$CREATE TABLE public.mine (call_id text, caller text, callee text, started_at timestamptz, seconds numeric)$$), 'done',
          'anybody may own a table');
SELECT is(pg_temp.as_role('stranger', $$CREATE TRIGGER t AFTER INSERT ON public.mine REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill()$$), '42501',
          'but not bill it by a trigger of its own');
GRANT ccc_writer, ccc_reader TO stranger;
SELECT is(pg_temp.as_role('stranger', $$CREATE TRIGGER t AFTER INSERT ON public.mine REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill()$$), '42501',
          'nor when it may read and write');
SELECT is(pg_temp.as_role('stranger', $$SELECT ccc.attach('public.mine', 'call_id', 'started_at', 'seconds', 'caller', 'callee')$$), '42501', 'nor attach it');
SELECT is(pg_temp.as_role('stranger', $$SELECT ccc.create_calls_table('public.theirs')$$), '42501', 'nor have one made');
SELECT is(pg_temp.as_role('operator', $$SELECT ccc.attach('public.mine', 'call_id', 'started_at', 'seconds', 'caller', 'callee')$$), '42501',
          'an administrator attaches no table of another');
SELECT is(pg_temp.as_role('operator', $$CREATE TRIGGER t AFTER INSERT ON public.mine REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill()$$), '42501',
          'by no trigger either');
SELECT ccc.attach('mine', 'call_id', 'started_at', 'seconds', 'caller', 'callee');
SELECT is(pg_temp.as_role('operator', $$SELECT ccc.detach('public.mine')$$), '42501', 'nor detaches it');
SELECT is((SELECT count(*) FROM ccc.sources WHERE cdr = 'mine'::regclass AND detached_at IS NULL), 1::bigint, 'it is attached still');
SELECT is(pg_temp.as_role('operator', 'UPDATE ccc.packages SET used = 0'), '42501', 'nor writes the ledger''s counters by hand');
SELECT is(pg_temp.as_role('viewer', 'SELECT * FROM ccc.call_charges; SELECT * FROM ccc.exceptions; SELECT ccc.wallet_balance(1); SELECT ccc.explain_call(1, ''a'');
                                     SELECT * FROM ccc.package_balances; SELECT * FROM ccc.balances(now()); SELECT ccc.quote(''landline_10000'')'), 'done', 'a reader looks');
SELECT is(pg_temp.as_role('viewer', 'SELECT ccc.top_up(1, 5)'), '42501', 'and moves no money');

-- a trigger without a source bills nobody
CREATE TABLE loose (call_id text, caller text, callee text, started_at timestamptz, seconds numeric);
CREATE TRIGGER t AFTER INSERT ON loose REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ccc.bill();
INSERT INTO loose VALUES ('l', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is((SELECT reason FROM ccc.exceptions WHERE source = 'loose'::regclass), 'not_attached', 'a trigger on a table that is not attached makes exceptions');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');

-- it is done as the ledger's owner, whoever that is by now
CREATE ROLE bookkeeper IN ROLE ccc_admin;
GRANT ALL ON ALL TABLES IN SCHEMA ccc TO bookkeeper;
CREATE TABLE billers (name text);
GRANT INSERT ON billers TO PUBLIC;
CREATE FUNCTION note_biller() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.billers VALUES (current_user);
    RETURN true;
END $$;
ALTER TABLE ccc.ledger ADD CHECK (public.note_biller()) NOT VALID;
INSERT INTO calls VALUES ('owner 1', '075586013388', 'x', '2025-03-02 00:00+08', 61);
ALTER TABLE ccc.ledger OWNER TO bookkeeper;
INSERT INTO calls VALUES ('owner 2', '075586013388', 'x', '2025-03-02 00:00+08', 61);
SELECT is((SELECT string_agg(name, ', ') FROM billers), 'ccc_owner, bookkeeper', 'billing is done as who owns the ledger');
SELECT * FROM finish();
ROLLBACK;
