-- FreeRADIUS's radacct, by its preset: a row is stored at Start, grows, and is
-- billed at its Stop.
BEGIN;
SELECT plan(19);

\ir setup/two_accounts.psql

CREATE TABLE radacct (
    RadAcctId bigserial PRIMARY KEY, AcctSessionId text NOT NULL, AcctUniqueId text NOT NULL UNIQUE, UserName text, Realm text,
    NASIPAddress inet NOT NULL, NASPortId text, NASPortType text, AcctStartTime timestamptz, AcctUpdateTime timestamptz, AcctStopTime timestamptz,
    AcctInterval bigint, AcctSessionTime bigint, AcctInputOctets bigint, AcctOutputOctets bigint, CalledStationId text, CallingStationId text,
    AcctTerminateCause text
);
SELECT lives_ok($$SELECT ccc.attach('radacct', 'radius')$$, 'radacct');
CREATE FUNCTION pg_temp.began(id text, src text, dst text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO radacct (AcctSessionId, AcctUniqueId, NASIPAddress, AcctStartTime, AcctUpdateTime, AcctSessionTime, CallingStationId, CalledStationId)
    VALUES (id, id, '10.0.0.1', to_timestamp(1741572000), to_timestamp(1741572000), 0, src, dst) $$;
CREATE FUNCTION pg_temp.stopped(id text, seconds bigint) RETURNS void LANGUAGE sql AS $$
    UPDATE radacct SET AcctStopTime = to_timestamp(1741572000 + seconds), AcctUpdateTime = to_timestamp(1741572000 + seconds),
                       AcctSessionTime = seconds, AcctTerminateCause = 'User-Request'
    WHERE AcctUniqueId = id $$;
SELECT pg_temp.began(id, '075586013381', '13800138000') FROM unnest('{grows,unanswered,lost,stale}'::text[]) AS id;
SELECT pg_temp.began('in', '13800138000', '4008123456');
SELECT is(pg_temp.minutes(), 0::numeric, 'Start: nothing');
UPDATE radacct SET AcctSessionTime = 600, AcctInterval = 600, AcctUpdateTime = to_timestamp(1741572600) WHERE AcctUniqueId IN ('grows', 'lost');
UPDATE radacct SET AcctSessionTime = 1200, AcctInterval = 600, AcctUpdateTime = to_timestamp(1741573200) WHERE AcctUniqueId = 'grows';
SELECT is(pg_temp.minutes(), 0::numeric, 'interim: nothing');
SELECT pg_temp.stopped('grows', 1261), pg_temp.stopped('unanswered', 0), pg_temp.stopped('in', 60);
SELECT is(pg_temp.told('grows'), '1 outbound 22', 'Stop: billed');
SELECT is(pg_temp.start('grows'), '2025-03-10 10:00+08', 'when it started');
SELECT is(pg_temp.told('in'), '1 inbound 1', 'a call in');
SELECT is(pg_temp.told('unanswered'), 'nothing', 'of 0 s: nothing');
SELECT is(pg_temp.told('lost'), 'nothing', 'its Stop was lost: still open');
SELECT is(pg_temp.minutes(), 23::numeric, 'each once');

CREATE TEMP TABLE entries AS SELECT count(*) AS n FROM ccc.ledger;
SELECT pg_temp.stopped('grows', 1261);
SELECT is((SELECT count(*) FROM ccc.ledger), (SELECT n FROM entries), 'a repeated Stop posts nothing');
SELECT pg_temp.stopped('grows', 1321);
SELECT is(pg_temp.told('grows'), '1 outbound 23', 'one with another length is a correction');
UPDATE radacct SET AcctStartTime = to_timestamp(1741572030), AcctUpdateTime = to_timestamp(1741572030) WHERE AcctUniqueId = 'grows';
SELECT is(pg_temp.start('grows'), '2025-03-10 10:00:30+08', 'so is a late Start, which rewrites the start');
SELECT is(pg_temp.minutes(), 24::numeric, 'and charges no second time');

-- a Stop whose Start never came; rows that are closed by force
INSERT INTO radacct (AcctSessionId, AcctUniqueId, NASIPAddress, AcctStartTime, AcctUpdateTime, AcctStopTime, AcctSessionTime, CallingStationId, CalledStationId)
VALUES ('only Stop', 'only Stop', '10.0.0.1', to_timestamp(1741572000), to_timestamp(1741572061), to_timestamp(1741572061), 61, '075586013381', '13800138000'),
       ('no length', 'no length', '10.0.0.1', to_timestamp(1741572000), to_timestamp(1741572061), to_timestamp(1741572061), NULL, '075586013381', '13800138000');
SELECT is(pg_temp.told('only Stop'), '1 outbound 2', 'a Stop alone is a row, and billed');
SELECT is(pg_temp.told('no length'), 'nothing', 'a length not known yet');
UPDATE radacct SET AcctStopTime = to_timestamp(1741572000 + 3601), AcctSessionTime = 3601, AcctTerminateCause = 'NAS-Reboot' WHERE AcctUniqueId = 'lost';
UPDATE radacct SET AcctStopTime = to_timestamp(1741572000 + 86401), AcctSessionTime = 86401, AcctTerminateCause = 'NAS-Reboot' WHERE AcctUniqueId = 'stale';
SELECT is(pg_temp.told('lost'), '1 outbound 61', 'a row that was closed by force');
SELECT is(pg_temp.told('stale'), 'bad_length', 'one closed after more than a day is an exception');
UPDATE radacct SET AcctStopTime = NULL WHERE AcctUniqueId = 'lost';
SELECT is(pg_temp.told('lost'), 'nothing', 'a row opened again takes its charge back');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
