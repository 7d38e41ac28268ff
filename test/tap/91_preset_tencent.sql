-- The records of Tencent's cloud call centre, by their preset: at least once,
-- late, out of order; with names as they are pushed, or folded to lower case.
BEGIN;
SELECT plan(22);

\ir setup/two_accounts.psql

CREATE TABLE pushed (
    "SdkAppId" bigint, "SessionId" text, "Caller" text, "Callee" text, "Direction" integer, "Duration" bigint,
    "RingTimestamp" bigint, "AcceptTimestamp" bigint, "EndedTimestamp" bigint, "StartTimestamp" bigint, "HungUpSide" text, "EndStatusString" text
);
SELECT lives_ok($$SELECT ccc.attach('pushed', 'tencent')$$, 'names as they are pushed');
SELECT is((SELECT format('%s %s %s %s %s', call_id, time_zone, on_delete, unknown, finished) FROM ccc.sources WHERE cdr = 'pushed'::regclass),
          '"SessionId"  reverse exception true', 'the mapping');
-- 1741572000 is 2025-03-10 10:00 in Shanghai
INSERT INTO pushed VALUES
    (1, 'out',        '0086075586013381', '008613800138000',  1, 61, 1741572003, 1741572005, 1741572066, 1741572000, 'user', 'ok'),
    (1, 'in 400',     '008613800138000',  '00864008123456',   0, 60, 1741572003, 1741572005, 1741572065, 1741572000, 'seat', 'ok'),
    (1, 'in',         '008613800138000',  '0086075586013381', 0, 600, 1741572003, 1741572005, 1741572605, 1741572000, 'seat', 'ok'),
    (1, 'unanswered', '0086075586013381', '008613800138000',  1, 0, 1741572003, 0, 1741572060, 1741572000, 'user', 'noAnswer'),
    (1, 'odd',        '0086075586013381', '008613800138000',  1, 1741572060, 1741572003, 0, 1741572060, 1741572000, 'user', 'noAnswer'),
    (1, 'foreign',    '008613800138001',  '008613800138000',  1, 61, 1741572003, 1741572005, 1741572066, 1741572000, 'user', 'ok'),
    (1, 'no start',   '0086075586013381', '008613800138000',  1, 61, 0, 1741572005, 1741572066, 0, 'user', 'ok'),
    (1, 'sideways',   '0086075586013381', '008613800138000',  2, 61, 0, 1741572005, 1741572066, 1741572000, 'user', 'ok'),
    (1, '',           '0086075586013381', '008613800138000',  1, 61, 0, 1741572005, 1741572066, 1741572000, 'user', 'ok');
SELECT is(pg_temp.told('out'), '1 outbound 2', 'a call out');
SELECT is(pg_temp.start('out'), '2025-03-10 10:00+08', 'starts at StartTimestamp');
SELECT is(pg_temp.told('in 400'), '1 inbound 1', 'a call to a 400-number');
SELECT is((SELECT outcome FROM ccc.call_charges WHERE call_id = 'in'), 'free', 'a call to a landline is free');
SELECT is(pg_temp.told('unanswered'), 'nothing', 'not answered');
SELECT is(pg_temp.told('odd'), 'nothing', 'not answered, whatever its Duration');
SELECT is(pg_temp.told('foreign'), 'unknown_number', 'no number of ours');
SELECT is(pg_temp.told('no start'), 'no_start', 'no StartTimestamp');
SELECT is(pg_temp.told('sideways'), 'bad_direction', 'a Direction that is none');
SELECT is(pg_temp.told(''), 'no_call_id', 'no SessionId');

-- pushed again, with other content that bills nothing; with another length; late
INSERT INTO pushed SELECT "SdkAppId", "SessionId", "Caller", "Callee", "Direction", "Duration", 0, "AcceptTimestamp", "EndedTimestamp",
                          "StartTimestamp", 'seat', "EndStatusString" FROM pushed WHERE "SessionId" IN ('out', 'unanswered');
INSERT INTO pushed SELECT * FROM pushed WHERE "SessionId" = 'out';
SELECT is(pg_temp.told('out'), '1 outbound 2', 'a repeat costs nothing');
INSERT INTO pushed VALUES (1, 'out', '0086075586013381', '008613800138000', 1, 600, 0, 1741572005, 1741572605, 1741572000, 'user', 'ok');
SELECT is(pg_temp.told('out'), '1 outbound 2; conflicting_repeat', 'another length under the same SessionId is an exception');
INSERT INTO pushed VALUES (1, 'before', '075586013381', '13800138000', 1, 60, 0, 1741485605, 1741485665, 1741485600, 'user', 'ok');
SELECT is(pg_temp.told('before'), '1 outbound 1', 'a record a day late');
SELECT is(pg_temp.minutes(), 4::numeric, 'all that packages paid');

-- both numbers ours: each side has a session and a record of its own
INSERT INTO pushed VALUES (2, 'ours out', '075586013382', '4008123456', 1, 60, 0, 1741572005, 1741572065, 1741572000, 'user', 'ok'),
                          (1, 'ours in',  '075586013382', '4008123456', 0, 60, 0, 1741572005, 1741572065, 1741572000, 'user', 'ok');
SELECT is(pg_temp.told('ours out') || ', ' || pg_temp.told('ours in'), '2 outbound 1, 1 inbound 1', 'each side once');
INSERT INTO pushed VALUES (1, 'undirected', '075586013382', '4008123456', NULL, 60, 0, 1741572005, 1741572065, 1741572000, 'user', 'ok');
SELECT is(pg_temp.told('undirected'), '1 inbound 1; 2 outbound 1', 'without Direction: both sides');

-- folded to lower case, without Direction
CREATE TABLE folded (SessionId text, Caller text, Callee text, StartTimestamp integer, AcceptTimestamp integer, Duration numeric);
SELECT lives_ok($$SELECT ccc.attach('folded', 'tencent')$$, 'names folded to lower case');
INSERT INTO folded VALUES ('folded', '0086075586013381', '008613800138000', 1741572000, 1741572005, 60.2),
                          ('ringing', '0086075586013381', '008613800138000', 1741572000, NULL, NULL);
SELECT is(pg_temp.told('folded'), '1 outbound 2', 'are billed as well');
SELECT is(pg_temp.told('ringing'), 'nothing', 'never accepted');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
