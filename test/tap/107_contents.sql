-- The hash of what a record says is kept with its charge and its exceptions,
-- and compared with that of rows for years: it stays what it is. (As core's
-- hash of bytes is on a little-endian machine.)
BEGIN;
SELECT plan(2);

CREATE TABLE lengths (call_id text, caller text, callee text, started_at timestamptz, seconds integer, direction text);
CREATE TABLE fractions (call_id text, caller text, callee text, started_at timestamptz, seconds numeric, direction text);
SELECT ccc.attach(t, call_id => 'call_id', started_at => 'started_at', seconds => 'seconds', caller => 'caller', callee => 'callee',
                  direction => 'direction') FROM unnest('{lengths,fractions}'::regclass[]) AS t;
INSERT INTO lengths VALUES ('a', '0755-86013388', 'x', '2025-03-02 00:00+08', 61, 'outbound'), ('b', NULL, NULL, NULL, 0, NULL),
                           ('b', NULL, NULL, NULL, -1, NULL), (NULL, '', '010-62345678', '2025-03-02 00:00+08', 1, '');
INSERT INTO fractions SELECT call_id, caller, callee, started_at, seconds, direction FROM lengths;
INSERT INTO fractions VALUES ('a', '0755-86013388', 'x', '2025-03-02 00:00+08', 61.50, 'outbound'), ('a', '0755-86013388', 'x', '2025-03-02 00:00+08', 'NaN', 'outbound'),
                             (repeat('a', 65536), repeat('x', 65535), repeat('x', 65536), 'infinity', 1e30, 'x');

SELECT is((SELECT array_agg(content ORDER BY content) FROM ccc.exception_log WHERE source = 'lengths'::regclass),
          '{-5068873074467200733,3724234063647958925,7344451380478900656}'::bigint[], 'whole numbers');
SELECT is((SELECT array_agg(content ORDER BY content) FROM ccc.exception_log WHERE source = 'fractions'::regclass),
          '{-5068873074467200733,-1032482587840737691,590192306205880134,3724234063647958925,4698328139222962348,7344451380478900656}'::bigint[], 'numbers');

SELECT * FROM finish();
ROLLBACK;
