-- Medians and ratios as Markdown.
-- Variables: measured: the file; rows, rounds, sizes: of the run; balance:
-- the relations that the query of a balance reads.
CREATE TEMPORARY TABLE measured (
    line      bigint GENERATED ALWAYS AS IDENTITY,
    part      text,
    what      text,
    contender text,
    unit      text,
    turn      integer,
    value     numeric
);
COPY measured (part, what, contender, unit, turn, value) FROM :'measured';

CREATE FUNCTION pg_temp.median(numeric[]) RETURNS numeric LANGUAGE sql RETURN
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v)::numeric FROM unnest($1) AS v);

-- to four digits, or to the last before the point
CREATE FUNCTION pg_temp.shown(value numeric) RETURNS text LANGUAGE sql RETURN
    CASE WHEN value >= 1000 THEN round(value)::text ELSE
        round(value, greatest(0, 2 - floor(log(greatest(abs(value), 0.001)))::integer))::text END;

-- Each measurement beside that of another contender in the same turn.
CREATE FUNCTION pg_temp.ratio(part text, what text, of text, to_what text) RETURNS numeric LANGUAGE sql
BEGIN ATOMIC
    SELECT pg_temp.median(array_agg(a.value / nullif(b.value, 0)))
    FROM measured AS a JOIN measured AS b USING (part, what, unit, turn)
    WHERE a.part = ratio.part AND a.what LIKE ratio.what AND a.contender = of AND b.contender = to_what;
END;

CREATE TEMPORARY TABLE names (contender text PRIMARY KEY, name text);
INSERT INTO names VALUES
    ('ours', 'ours'),
    ('ours_key', 'ours, and a primary key on the records'),
    ('bare', 'nothing but the records'),
    ('key', 'records with a primary key, not billed'),
    ('hand', 'three writes by hand'),
    ('numbered', 'four writes by hand, repeats looked for'),
    ('row', 'PL/pgSQL row trigger'),
    ('set', 'PL/pgSQL statement trigger'),
    ('ledger', 'statement trigger that only writes a ledger'),
    ('nothing', 'statement trigger that does nothing');

CREATE TEMPORARY TABLE bounds (line integer, bound text, part text, what text, of text, to_what text, least boolean, bound_at numeric, counted text);
INSERT INTO bounds VALUES
    (1, '`COPY`, ids like UUIDs: at most 2.0 × the time of the same into a table with a primary key, not billed',
        'bulk', 'COPY of ' || :'rows' || ', ids like UUIDs', 'ours', 'key', false, 2.0, 'COPY, ids like UUIDs'),
    (2, 'the same with ids like integers', 'bulk', 'COPY of ' || :'rows' || ', ids like integers', 'ours', 'key', false, 2.0, 'COPY, ids like integers'),
    (3, '`COPY`, ids like UUIDs: at most 0.6 × the time of a set-based PL/pgSQL statement trigger',
        'bulk', 'COPY of ' || :'rows' || ', ids like UUIDs', 'ours', 'set', false, 0.6, 'COPY, ids like UUIDs'),
    (4, 'the same with ids like integers', 'bulk', 'COPY of ' || :'rows' || ', ids like integers', 'ours', 'set', false, 0.6, 'COPY, ids like integers'),
    (5, 'single inserts, `synchronous_commit` off, ids like UUIDs: at least 0.85 × the rate of three writes by hand',
        'single', 'synchronous_commit off, ids like UUIDs', 'ours', 'hand', true, 0.85, 'single insert, ids like UUIDs'),
    (6, 'the same with ids like integers', 'single', 'synchronous_commit off, ids like integers', 'ours', 'hand', true, 0.85, 'single insert, ids like integers'),
    (7, 'single inserts, `synchronous_commit` on, ids like UUIDs: at least 0.9 × the rate of three writes by hand',
        'single', 'synchronous_commit on, ids like UUIDs', 'ours', 'hand', true, 0.9, 'single insert, ids like UUIDs'),
    (8, 'the same with ids like integers', 'single', 'synchronous_commit on, ids like integers', 'ours', 'hand', true, 0.9, 'single insert, ids like integers'),
    (9, 'single inserts, `synchronous_commit` off, ids like UUIDs: at least 1.5 × the rate of a PL/pgSQL row trigger',
        'single', 'synchronous_commit off, ids like UUIDs', 'ours', 'row', true, 1.5, 'single insert, ids like UUIDs'),
    (10, 'the same with ids like integers', 'single', 'synchronous_commit off, ids like integers', 'ours', 'row', true, 1.5, 'single insert, ids like integers'),
    (11, '`COPY`, ids like UUIDs: at least 20 × as fast as a PL/pgSQL row trigger (in part its time grows with the square of the rows)',
        'bulk', 'COPY of ' || :'rows' || ', ids like UUIDs', 'row', 'ours', true, 20, NULL);

\echo '## The bounds'
\echo
\echo '| bound | reached | | by instructions |'
\echo '| --- | --- | --- | --- |'
SELECT format('| %s | %s | %s | %s |', b.bound, coalesce(pg_temp.shown(r.ratio) || ' ×', 'not measured'),
              CASE WHEN r.ratio IS NULL THEN '' WHEN CASE WHEN least THEN r.ratio >= bound_at ELSE r.ratio <= bound_at END
                   THEN 'held' ELSE '**missed**' END,
              coalesce(pg_temp.shown(CASE WHEN b.part = 'single' THEN 1 / i.ratio ELSE i.ratio END) || ' ×', ''))
FROM bounds AS b, pg_temp.ratio(b.part, b.what, b.of, b.to_what) AS r (ratio),
     pg_temp.ratio('instructions', b.counted, b.of, b.to_what) AS i (ratio)
ORDER BY b.line;
SELECT format('| memory of a `COPY` bounded by `work_mem` (64 MB), not by the rows: %s rows take at most 1.25 × the memory of %s, and under 300 MB | %s | %s | |',
              3 * :rows, :rows, CASE WHEN three IS NULL THEN 'not measured' ELSE format('%s MB, %s MB', three, one) END,
              CASE WHEN three IS NULL THEN ''
                   WHEN :rows < 1000000 THEN 'too few rows to tell'
                   WHEN three < 300 AND three <= 1.25 * one THEN 'held'
                   ELSE '**missed**' END)
FROM (SELECT max(value) FILTER (WHERE what = 'COPY of ' || 3 * :rows) AS three, max(value) FILTER (WHERE what = 'COPY of ' || :rows) AS one
      FROM measured WHERE part = 'memory' AND contender = 'ours') AS m;
WITH sizes AS (
    SELECT s::bigint AS size FROM regexp_split_to_table(trim(:'sizes'), '\s+') AS s
), ends AS (
    SELECT CASE WHEN max(size) = 100000000 AND bool_or(size = 1000000) THEN 1000000 ELSE min(size) END AS small, max(size) AS large
    FROM sizes
), reached AS (
    SELECT small, large, 1 / pg_temp.ratio('size', 'inserts, 1 client, ids like integers', large || '_ids', small || '_ids') AS in_order,
           1 / pg_temp.ratio('size', 'inserts, 1 client, ids like UUIDs', large || '_uuid', small || '_uuid') AS random
    FROM ends)
SELECT format('| cost of one call beside 100,000,000 records against 1,000,000, ids in the order of time: at most 1.2 × | %s%s | %s | |',
              CASE WHEN in_order IS NULL THEN 'not measured' WHEN of_the_bound THEN '' ELSE format('not measured; %s against %s: ', large, small) END,
              pg_temp.shown(in_order) || ' ×' || coalesce(' (random ids: ' || pg_temp.shown(random) || ' ×)', ''),
              CASE WHEN NOT of_the_bound OR in_order IS NULL THEN '' WHEN in_order <= 1.2 THEN 'held' ELSE '**missed**' END)
FROM reached, LATERAL (SELECT small = 1000000 AND large = 100000000 AS of_the_bound) AS b;
SELECT format('| a balance reads packages only, at any size of the ledger | %s | %s | |',
              CASE :'balance' WHEN '' THEN 'not measured' ELSE 'reads' || replace(' ' || :'balance', ' on ', ' ') END,
              CASE :'balance' WHEN '' THEN '' WHEN 'on packages' THEN 'held' ELSE '**missed**' END);

\echo
\echo 'A ratio is the median of the ratios of measurements that were made next to each other. Bounds are meant for 1,000,000 rows.'

-- One table for each part.
CREATE TEMPORARY TABLE parts (part text PRIMARY KEY, title text, reference text, remark text);
INSERT INTO parts VALUES
    ('bulk', 'One large statement', 'ours', 'Seconds of one `COPY` with its commit.'),
    ('single', 'Single inserts', 'ours', 'Transactions in a second, 4 clients, 1,000 accounts, prepared statements; lowest and highest of a tenth of a second.'),
    ('instructions', 'Instructions', 'ours', 'What the server executes for one record, without the kernel''s part, counted by valgrind in single-user mode: the same on a busy machine. Of a `COPY` for each further record; beside other calls: of the same accounts, stored before.'),
    ('session', 'A session''s first insert', 'ours', 'Milliseconds of a connection and one insert, 1 client.'),
    ('hot', 'Hot accounts', 'ours', 'Transactions in a second, `synchronous_commit` off.'),
    ('snapshot', 'Under an old snapshot', 'ours', 'Transactions in a second of the last third of a run, 4 clients, `synchronous_commit` off, with and without a transaction that has held a snapshot since before the run.'),
    ('corrections', 'Corrections', 'ours', 'Seconds of one statement that corrects, and of one that deletes, half of the stored records.'),
    ('late', 'Late records', 'in_order', 'Transactions in a second, 4 clients, `synchronous_commit` off. `a_stretch_late`: the package covers all; `a_stretch_late_moving`: it has been used up since, so that later calls give way.'),
    ('years', 'Years', 'ended_0', 'Transactions in a second, 4 clients, `synchronous_commit` off, by how many packages each account has that ended before.'),
    ('replay', 'Replay', 'ours', 'Seconds of `ccc.replay` of one account.'),
    ('memory', 'Memory of one COPY', 'ours', 'Peak of the memory that the backend has to itself (`RssAnon`, seen every 20 ms).'),
    ('bytes', 'Size on disk', 'ours', 'Bytes for each call in the ledger.'),
    ('size', 'Size of the ledger', '', 'Transactions in a second, 1 client, `synchronous_commit` off; by records stored before, one in ten of them unanswered and so not in the ledger.');

SELECT lines.text
FROM (SELECT p.part, min(m.line) OVER (PARTITION BY p.part) AS part_line, 0 AS line,
             format(E'\n## %s\n\n%s\n\n| | | median | lowest | highest | | ratio |\n| --- | --- | ---: | ---: | ---: | --- | ---: |',
                    p.title, p.remark) AS text
      FROM parts AS p JOIN (SELECT part, min(line) AS line FROM measured GROUP BY 1) AS m USING (part)
      UNION ALL
      SELECT m.part, min(min(m.line)) OVER (PARTITION BY m.part),
             min(min(m.line)) OVER (PARTITION BY m.part, m.what) * 1000
                 + row_number() OVER (PARTITION BY m.part, m.what ORDER BY m.contender <> p.reference, coalesce(n.contender, ''), length(m.contender), m.contender),
             format('| %s | %s | %s | %s | %s | %s | %s |', m.what, coalesce(n.name, replace(m.contender, '_', ' ')),
                    pg_temp.shown(pg_temp.median(array_agg(m.value))), pg_temp.shown(min(m.value)), pg_temp.shown(max(m.value)), m.unit,
                    coalesce(pg_temp.shown(pg_temp.ratio(m.part, m.what, m.contender,
                        CASE p.reference WHEN '' THEN (SELECT f.contender FROM measured AS f WHERE f.part = m.part AND f.what = m.what
                                                       ORDER BY length(f.contender), f.contender LIMIT 1)
                                         ELSE p.reference END)), ''))
      FROM measured AS m JOIN parts AS p USING (part) LEFT JOIN names AS n USING (contender)
      GROUP BY m.part, m.what, m.contender, m.unit, n.name, n.contender, p.reference) AS lines
ORDER BY part_line, line;
