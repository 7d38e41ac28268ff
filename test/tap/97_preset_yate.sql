-- Yate's call table, by its preset: a row for each channel of a call, which
-- grows until it is ended.
BEGIN;
SELECT plan(16);

\ir setup/two_accounts.psql

CREATE TABLE cdr (
    id serial, "time" timestamp without time zone NOT NULL, billid text NOT NULL, chan text NOT NULL, address text NOT NULL,
    caller text NOT NULL, called text NOT NULL, billtime interval NOT NULL, ringtime interval NOT NULL, duration interval NOT NULL,
    direction text NOT NULL, status text NOT NULL, reason text NOT NULL, ended boolean NOT NULL DEFAULT false
);
SELECT lives_ok($$SELECT ccc.attach('cdr', 'yate')$$, 'the table for cdrbuild and register');
SELECT is((SELECT format('%s %s', time_zone, unknown) FROM ccc.sources WHERE cdr = 'cdr'::regclass), 'UTC ignore', 'times count from the epoch, in UTC');
CREATE FUNCTION pg_temp.began(bill text, chan text, dir text, src text, dst text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO cdr ("time", billid, chan, address, caller, called, billtime, ringtime, duration, direction, status, reason)
    VALUES (TIMESTAMP 'EPOCH' + INTERVAL '1741572000.250 s', bill, chan, '', src, dst, '0', '0', '0', dir, dir, '') $$;
CREATE FUNCTION pg_temp.grew(c text, seconds numeric, over boolean) RETURNS void LANGUAGE sql AS $$
    UPDATE cdr SET billtime = (seconds || ' s')::interval, duration = (seconds + 9 || ' s')::interval, status = 'answered', ended = over WHERE chan = c $$;
CREATE FUNCTION pg_temp.of(chan text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.told(chan || '/2025-03-10 02:00:00.25') $$;

-- from an agent's telephone out to a trunk
SELECT pg_temp.began('1', 'sip/1', 'incoming', '101', '13800138000');
SELECT pg_temp.began('1', 'sip/2', 'outgoing', '075586013381', '13800138000');
-- the same with our number on both, and another branch that nobody answers
SELECT pg_temp.began('2', 'sip/3', 'incoming', '075586013381', '13800138000');
SELECT pg_temp.began('2', 'sip/4', 'outgoing', '075586013381', '13800138000');
SELECT pg_temp.began('2', 'sip/5', 'outgoing', '075586013381', '13800138000');
-- from a trunk in to an agent, with our number on both
SELECT pg_temp.began('3', 'sip/6', 'incoming', '13800138000', '4008123456');
SELECT pg_temp.began('3', 'sip/7', 'outgoing', '13800138000', '4008123456');
-- from ours to ours, from nobody's to nobody's
SELECT pg_temp.began('4', 'sip/8', 'incoming', '075586013382', '4008123456');
SELECT pg_temp.began('4', 'sip/9', 'outgoing', '075586013382', '4008123456');
SELECT pg_temp.began('5', 'sip/10', 'incoming', '101', '102');
SELECT pg_temp.began('6', 'sip/11', 'unknown', '075586013381', '102');
SELECT pg_temp.grew(chan, 30, false) FROM cdr WHERE chan <> 'sip/5';
SELECT pg_temp.grew(chan, 60, false) FROM cdr WHERE chan <> 'sip/5';
SELECT is(pg_temp.minutes(), 0::numeric, 'while it grows: nothing');
SELECT pg_temp.grew(chan, CASE chan WHEN 'sip/5' THEN 0 ELSE 60.001 END, true) FROM cdr;
SELECT is(pg_temp.of('sip/1') || ', ' || pg_temp.of('sip/2'), 'nothing, 1 outbound 2', 'a call out: the channel that went out');
SELECT is(pg_temp.start('sip/2/2025-03-10 02:00:00.25'), '2025-03-10 10:00:00.25+08', 'UTC, whatever the session''s zone');
SELECT is(pg_temp.of('sip/3') || ', ' || pg_temp.of('sip/4') || ', ' || pg_temp.of('sip/5'), 'nothing, 1 outbound 2, nothing',
          'our number on every channel: once');
SELECT is(pg_temp.of('sip/6') || ', ' || pg_temp.of('sip/7'), '1 inbound 2, nothing', 'a call in: the channel that came in');
SELECT is(pg_temp.of('sip/8') || ', ' || pg_temp.of('sip/9'), '1 inbound 2, 2 outbound 2', 'from ours to ours: each side once');
SELECT is(pg_temp.of('sip/10'), 'nothing', 'from nobody''s to nobody''s: ignored');
SELECT is(pg_temp.of('sip/11'), 'bad_direction', 'a direction that was not found out');
SELECT is(pg_temp.minutes(), 10::numeric, 'all that packages paid');

CREATE TEMP TABLE entries AS SELECT count(*) AS n FROM ccc.ledger;
SELECT pg_temp.grew('sip/2', 60.001, true);
UPDATE cdr SET reason = 'Normal Clearing';
SELECT is((SELECT count(*) FROM ccc.ledger), (SELECT n FROM entries), 'finalized again: nothing');
SELECT pg_temp.grew('sip/2', 121, true);
SELECT is(pg_temp.of('sip/2'), '1 outbound 3', 'a later correction');
-- the switch was started anew, and counts its channels from 1 again
INSERT INTO cdr ("time", billid, chan, address, caller, called, billtime, ringtime, duration, direction, status, reason, ended)
VALUES ('2025-03-10 03:00', '1', 'sip/2', '', '075586013381', '13800138000', '00:01:00', '0', '00:01:00', 'outgoing', 'answered', '', true);
SELECT is(pg_temp.of('sip/2') || ', ' || pg_temp.told('sip/2/2025-03-10 03:00:00'), '1 outbound 3, 1 outbound 1', 'a channel of the same name is another call');
SELECT ccc.detach('cdr');
ALTER TABLE cdr DROP direction;
SELECT throws_ok($$SELECT ccc.attach('cdr', 'yate')$$, '42703', 'table "public.cdr" lacks column "direction" of preset "yate"',
                 'without a direction each channel would be billed');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
