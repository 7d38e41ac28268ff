-- Terms: six calendar months in the account's zone, clamped; months of 30 x 24
-- hours for seats and numbers; the same under any session's TimeZone.
BEGIN;
SELECT plan(3 * 24 + 3);

CREATE TEMP TABLE term (zone text, bought_at timestamptz, valid_until timestamptz);
INSERT INTO term VALUES
    ('Asia/Shanghai', '2023-08-27 12:00+08', '2024-02-27 12:00+08'),
    ('Asia/Shanghai', '2023-08-28 12:00+08', '2024-02-28 12:00+08'),
    ('Asia/Shanghai', '2023-08-29 12:00+08', '2024-02-29 12:00+08'),
    ('Asia/Shanghai', '2023-08-30 12:00+08', '2024-02-29 12:00+08'),
    ('Asia/Shanghai', '2023-08-31 12:00+08', '2024-02-29 12:00+08'),
    ('Asia/Shanghai', '2024-08-28 12:00+08', '2025-02-28 12:00+08'),
    ('Asia/Shanghai', '2024-08-29 12:00+08', '2025-02-28 12:00+08'),
    ('Asia/Shanghai', '2024-08-30 12:00+08', '2025-02-28 12:00+08'),
    ('Asia/Shanghai', '2024-08-31 12:00+08', '2025-02-28 12:00+08'),
    ('Asia/Shanghai', '2024-09-01 00:00+08', '2025-03-01 00:00+08'),
    ('Asia/Shanghai', '2024-08-31 23:59:59.999999+08', '2025-02-28 23:59:59.999999+08'),
    ('Asia/Shanghai', '2024-02-29 08:30+08', '2024-08-29 08:30+08'),
    ('Asia/Shanghai', '2025-03-31 00:00+08', '2025-09-30 00:00+08'),
    ('Asia/Shanghai', '2025-12-31 10:00+08', '2026-06-30 10:00+08'),
    -- the date differs between zones: 31 August in Shanghai is the 30th in UTC
    ('Asia/Shanghai', '2023-08-31 02:00+08', '2024-02-29 02:00+08'),
    ('UTC',           '2024-08-31 18:00+00', '2025-02-28 18:00+00'),
    ('Asia/Shanghai', '2024-08-31 18:00+00', '2025-02-28 18:00+00'),
    ('UTC',           '2024-09-30 17:00+00', '2025-03-30 17:00+00'),
    ('Asia/Shanghai', '2024-09-30 17:00+00', '2025-03-31 17:00+00'),
    -- the clock of the zone counts, over changes of it
    ('America/New_York', '2025-01-15 09:00-05', '2025-07-15 09:00-04'),
    ('America/New_York', '2025-07-15 09:00-04', '2026-01-15 09:00-05'),
    -- 02:30 is skipped on 9 March 2025: it moves forward
    ('America/New_York', '2024-09-09 02:30-04', '2025-03-09 03:30-04'),
    -- 01:30 occurs twice on 2 November 2025: it is the second
    ('America/New_York', '2025-05-02 01:30-04', '2025-11-02 01:30-05'),
    ('Australia/Lord_Howe', '2025-01-05 12:00+11', '2025-07-05 12:00+10:30');

SELECT ccc.open_account(row_number() OVER (), 'of a zone', '2020-01-01', zone)
FROM (SELECT DISTINCT zone FROM term) AS z;
-- accounts by zone
CREATE TEMP TABLE of_zone AS SELECT account_id, time_zone FROM ccc.accounts;
SELECT ccc.top_up(account_id, 1000000) FROM of_zone;

SET TimeZone = 'UTC';
SELECT is((ccc.buy(z.account_id, 'landline_10000', bought_at => t.bought_at)).valid_until, t.valid_until,
          format('session in UTC: %s, six months from %s', t.zone, t.bought_at AT TIME ZONE t.zone))
FROM term AS t JOIN of_zone AS z ON z.time_zone = t.zone;
SET TimeZone = 'Asia/Shanghai';
SELECT is((ccc.buy(z.account_id, '400_custom', 1000, bought_at => t.bought_at)).valid_until, t.valid_until,
          format('session in Shanghai: %s, six months from %s', t.zone, t.bought_at AT TIME ZONE t.zone))
FROM term AS t JOIN of_zone AS z ON z.time_zone = t.zone;
SET TimeZone = 'America/Los_Angeles';
SELECT is((ccc.buy(z.account_id, 'landline_custom', 2000, bought_at => t.bought_at)).valid_until, t.valid_until,
          format('session in Los Angeles: %s, six months from %s', t.zone, t.bought_at AT TIME ZONE t.zone))
FROM term AS t JOIN of_zone AS z ON z.time_zone = t.zone;

SELECT is((ccc.buy(z.account_id, 'seat_standard', 5, 2, bought_at => '2020-02-11 17:40:46+08')).valid_until,
          '2020-04-11 17:40:46+08'::timestamptz, 'two months of seats: 60 x 24 hours')
FROM of_zone AS z WHERE time_zone = 'Asia/Shanghai';
SELECT is((ccc.buy(z.account_id, 'number_landline', periods => 1, number => '0755 86013388', bought_at => '2025-03-01 12:00-05')).valid_until,
          '2025-03-31 13:00-04'::timestamptz, 'a month of a number is 30 x 24 hours over a change of the clock too')
FROM of_zone AS z WHERE time_zone = 'America/New_York';
SELECT is((ccc.buy(z.account_id, 'number_400', periods => 12, number => '400 812 3456', bought_at => '2025-01-01 00:00+08')).valid_until,
          '2025-12-27 00:00+08'::timestamptz, 'twelve of them: 360 days')
FROM of_zone AS z WHERE time_zone = 'Asia/Shanghai';
SELECT * FROM finish();
ROLLBACK;
