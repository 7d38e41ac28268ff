-- The trigger functions say how they want to be fired, in PostgreSQL's own words;
-- what they refuse is not stored, and nothing is billed.
BEGIN;
SELECT plan(14);

SELECT ccc.open_account(1, 'one', '2025-01-01 00:00+08');
SELECT ccc.top_up(1, 1000);
SELECT ccc.buy(1, 'number_landline', periods => 12, number => '075586013388', bought_at => '2025-01-01 00:00+08');
SELECT ccc.create_calls_table();
INSERT INTO calls VALUES ('a', '075586013388', 'x', '2025-02-01 00:00+08', 60);

-- without a trigger
SELECT throws_ok('SELECT ccc.bill()', '39P01', 'function "bill" was not called by trigger manager', 'bill, called');
SELECT throws_ok('SELECT ccc.catalogue_changed()', '39P01', 'function "catalogue_changed" was not called by trigger manager', 'catalogue_changed, called');

-- at another time than attach() says; CREATE TRIGGER demands a transition table of no function
CREATE FUNCTION pg_temp.refusal(at text, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    hint   text;
BEGIN
    EXECUTE format('CREATE TRIGGER wrong %s EXECUTE FUNCTION ccc.bill()', at);
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS result = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE, result, nullif(hint, ''));
END $$;
CREATE FUNCTION pg_temp.must(be text) RETURNS text LANGUAGE sql AS
    $$SELECT format('39P01 / function "bill" must be fired %s / Attach the table with ccc.attach().', be)$$;
CREATE FUNCTION pg_temp.insertion() RETURNS text LANGUAGE sql AS
    $$SELECT 'INSERT INTO calls VALUES (''b'', ''075586013388'', ''x'', ''2025-02-01 00:00+08'', 60)'$$;

SELECT is(pg_temp.refusal('BEFORE INSERT ON calls', pg_temp.insertion()), pg_temp.must('AFTER'), 'before an insert');
SELECT is(pg_temp.refusal('BEFORE INSERT ON calls FOR EACH ROW', pg_temp.insertion()), pg_temp.must('AFTER'), 'before a row');
SELECT is(pg_temp.refusal('AFTER INSERT ON calls', pg_temp.insertion()), pg_temp.must('with a NEW transition table'), 'an insert without its rows');
SELECT is(pg_temp.refusal('AFTER UPDATE ON calls', 'UPDATE calls SET seconds = 61'), pg_temp.must('with a NEW transition table'), 'an update without any rows');
SELECT is(pg_temp.refusal('AFTER UPDATE ON calls REFERENCING OLD TABLE AS old_rows', 'UPDATE calls SET seconds = 61'),
          pg_temp.must('with a NEW transition table'), 'without the new ones');
SELECT is(pg_temp.refusal('AFTER UPDATE ON calls REFERENCING NEW TABLE AS new_rows', 'UPDATE calls SET seconds = 61'),
          pg_temp.must('with an OLD transition table'), 'without the old ones');
SELECT is(pg_temp.refusal('AFTER DELETE ON calls', 'DELETE FROM calls'), pg_temp.must('with an OLD transition table'), 'a delete without its rows');

-- and nothing has come of it
SELECT results_eq('SELECT call_id, seconds FROM calls', $$VALUES ('a', 60::numeric)$$, 'the records are as they were');
SELECT results_eq('SELECT call_id, billed_minutes FROM ccc.call_charges', $$VALUES ('a' COLLATE "C", 1::numeric)$$, 'so are the charges');
SELECT is((SELECT count(*) FROM ccc.exceptions), 0::bigint, 'there are no exceptions');
INSERT INTO calls VALUES ('b', '075586013388', 'x', '2025-02-01 00:00+08', 60);
SELECT is((SELECT count(*) FROM ccc.call_charges), 2::bigint, 'the right triggers bill on');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
