-- The call tables of Asterisk, by their preset: the documented one and the
-- generated one.
BEGIN;
SELECT plan(21);

\ir setup/two_accounts.psql

-- as the documentation of cdr_pgsql has it
CREATE TABLE cdr (
    calldate timestamp NOT NULL, clid varchar(80) NOT NULL, src varchar(80) NOT NULL, dst varchar(80) NOT NULL,
    dcontext varchar(80) NOT NULL, channel varchar(80) NOT NULL, dstchannel varchar(80) NOT NULL, lastapp varchar(80) NOT NULL,
    lastdata varchar(80) NOT NULL, duration integer NOT NULL, billsec integer NOT NULL, disposition varchar(45) NOT NULL,
    amaflags integer NOT NULL, accountcode varchar(20) NOT NULL, uniqueid varchar(150) NOT NULL, userfield varchar(255) NOT NULL
);
CREATE FUNCTION pg_temp.store(at timestamp, src text, dst text, billsec integer, disposition text, id text) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO cdr SELECT at, src, src, dst, 'internal', 'PJSIP/a', 'PJSIP/b', 'Dial', '', billsec + 9, billsec, disposition, 3, '', id, '' $$;
SELECT throws_ok($$SELECT ccc.attach('cdr', 'asterisk')$$, '22023', 'preset "asterisk" needs the argument "time_zone" for table "public.cdr"',
                 'the zone has to be told');
SELECT lives_ok($$SELECT ccc.attach('cdr', 'asterisk', 'Asia/Shanghai')$$, 'the documented table');
SELECT pg_temp.store('2025-03-10 10:00', '075586013381', '13800138000', 61, 'ANSWERED', '1741572000.1');
SELECT pg_temp.store('2025-03-10 10:01', '13800138000', '4008123456', 60, 'ANSWERED', '1741572060.2');
SELECT pg_temp.store('2025-03-10 10:02', '075586013381', '13800138000', 0, 'NO ANSWER', '1741572120.3');
SELECT pg_temp.store('2025-03-10 10:02', '075586013381', '13800138000', 30, 'BUSY', '1741572120.4');
SELECT pg_temp.store('2025-03-10 10:03', '075586013381', '13800138000', 0, 'ANSWERED', '1741572180.5');
SELECT pg_temp.store('2025-03-10 10:04', '101', '102', 61, 'ANSWERED', '1741572240.6');
SELECT pg_temp.store('2025-03-10 10:05', '075586013381', '13800138000', 61, 'ANSWERED', '');
SELECT is(pg_temp.told('1741572000.1/2025-03-10 10:00:00'), '1 outbound 2', 'a call out');
SELECT is(pg_temp.start('1741572000.1/2025-03-10 10:00:00'), '2025-03-10 10:00+08', 'local time in the zone that was told');
SELECT is(pg_temp.told('1741572060.2/2025-03-10 10:01:00'), '1 inbound 1', 'a call in');
SELECT is((SELECT count(*) FROM ccc.call_charges), 2::bigint, 'not answered, or answered for 0 s: nothing');
SELECT is((SELECT string_agg(reason, ', ' ORDER BY reason) FROM ccc.exceptions), 'no_call_id, unknown_number', 'no number of ours, no uniqueid');
-- transferred: another row of the same uniqueid; and the first row again
SELECT pg_temp.store('2025-03-10 10:01:10', '075586013381', '13900139000', 121, 'ANSWERED', '1741572000.1');
SELECT pg_temp.store('2025-03-10 10:00', '075586013381', '13800138000', 61, 'ANSWERED', '1741572000.1');
SELECT is(pg_temp.minutes(), 6::numeric, 'of one uniqueid each row once');
SET DateStyle = 'German';
INSERT INTO cdr SELECT * FROM cdr WHERE uniqueid = '1741572000.1';
RESET DateStyle;
SELECT is(pg_temp.minutes(), 6::numeric, 'whatever the session''s style of dates');
UPDATE cdr SET billsec = 121 WHERE uniqueid = '1741572060.2';
SELECT is(pg_temp.told('1741572060.2/2025-03-10 10:01:00'), '1 inbound 3', 'a later correction');
UPDATE cdr SET disposition = 'FAILED' WHERE uniqueid = '1741572060.2';
SELECT is(pg_temp.told('1741572060.2/2025-03-10 10:01:00'), 'nothing', 'not answered after all');
SELECT is(pg_temp.minutes(), 5::numeric, 'takes all of it back');

-- as Asterisk's migrations make it
CREATE TABLE generated (
    accountcode varchar(20), src varchar(80), dst varchar(80), dcontext varchar(80), clid varchar(80), channel varchar(80),
    dstchannel varchar(80), lastapp varchar(80), lastdata varchar(80), start timestamp, answer timestamp, "end" timestamp,
    duration integer, billsec integer, disposition varchar(45), amaflags varchar(45), userfield varchar(256),
    uniqueid varchar(150), linkedid varchar(150), peeraccount varchar(20), sequence integer
);
SELECT lives_ok($$SELECT ccc.attach('generated', 'asterisk', time_zone => 'UTC')$$, 'the generated table, with usegmtime=yes');
INSERT INTO generated (src, dst, start, answer, "end", duration, billsec, disposition, uniqueid, sequence) VALUES
    ('075586013381', '13800138000', '2025-03-10 02:00', '2025-03-10 02:00:09', '2025-03-10 02:01:10', 70, 61, 'ANSWERED', 'g.1', 1),
    ('075586013381', '13900139000', '2025-03-10 02:00', '2025-03-10 02:00:09', '2025-03-10 02:01:10', 70, 61, 'ANSWERED', 'g.1', 2),
    ('075586013381', '13900139000', '2025-03-10 02:00', NULL, '2025-03-10 02:01:10', 70, 0, 'NO ANSWER', 'g.1', 3),
    ('075586013381', '13900139000', '2025-03-10 02:00', '2025-03-10 02:00:09', '2025-03-10 02:01:10', 70, 61, 'ANSWERED', 'g.2', NULL),
    ('075586013381', '13900139000', '2025-03-10 02:00', '2025-03-10 02:00:09', NULL, NULL, NULL, 'ANSWERED', 'g.3', 5);
SELECT is(pg_temp.told('g.1/1') || ', ' || pg_temp.told('g.1/2') || ', ' || pg_temp.told('g.1/3'), '1 outbound 2, 1 outbound 2, nothing',
          'rows of one uniqueid, told apart by sequence');
SELECT is(pg_temp.start('g.1/1'), '2025-03-10 10:00+08', 'in UTC');
SELECT is(pg_temp.told('g.2'), '1 outbound 2', 'a row without sequence');
SELECT is(pg_temp.told('g.3/5'), 'nothing', 'a length not known yet');

-- the documented table with zone and sequence, the generated one without sequence
CREATE TABLE zoned (calldate timestamptz, src text, dst text, billsec integer, disposition text, uniqueid text, sequence integer);
SELECT lives_ok($$SELECT ccc.attach('zoned', 'asterisk')$$, 'a start with a zone needs none told');
INSERT INTO zoned VALUES ('2025-03-10 10:00+08', '075586013381', '13900139000', 61, 'ANSWERED', 'z.1', 7);
SELECT is(pg_temp.told('z.1/7'), '1 outbound 2', 'and is billed');
CREATE TABLE unordered (start timestamp, src text, dst text, billsec integer, disposition text, uniqueid text);
SELECT is((SELECT expression FROM ccc.preset_mapping('unordered', 'asterisk') WHERE field = 'call_id'),
          'nullif(uniqueid, '''') || coalesce(''/'' || start, '''')', 'the generated table without sequence');
SELECT is_empty('SELECT * FROM ccc.check_integrity()', 'integrity');
SELECT * FROM finish();
ROLLBACK;
