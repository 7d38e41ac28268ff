-- Writes files of call records in the order of their starts.
-- Variables: rows; accounts; uuid, ids: the files, with ids like UUIDs and
-- like integers; since: the first start; days: the time from first to last;
-- before: how many records of the month are in other files.
-- One in ten was not answered, one in five is inbound, others last two minutes
-- on average.
SELECT setseed(0.5) \g /dev/null
CREATE TEMPORARY TABLE records AS
    SELECT n, '+86755' || 80000000 + 1 + floor(random() * :accounts)::integer AS ours,
           '+861' || 3000000000 + floor(random() * 999999999)::bigint AS other,
           random() < 0.2 AS inbound,
           :'since'::timestamptz + n * (:days * interval '1 day' / :rows) AS started_at,
           CASE WHEN random() < 0.1 THEN 0 ELSE 1 + floor(-ln(1 - random()) * 120)::integer END AS seconds,
           'agent ' || 100 + floor(random() * 900)::integer AS agent
    FROM generate_series(1, :rows) AS n;
COPY (SELECT md5(:'since' || n)::uuid, CASE WHEN inbound THEN other ELSE ours END, CASE WHEN inbound THEN ours ELSE other END,
             started_at, seconds, agent FROM records ORDER BY n) TO :'uuid';
COPY (SELECT extract(month FROM :'since'::timestamptz)::bigint * 1000000000 + :before + n, CASE WHEN inbound THEN other ELSE ours END, CASE WHEN inbound THEN ours ELSE other END,
             started_at, seconds, agent FROM records ORDER BY n) TO :'ids';
