#!/usr/bin/env python3
"""Ends of terms, each day of a leap year, against a naive calendar.

Every day of 2024 at several times of day - also those that a change of the
clock skips or repeats - in four zones, for terms of 1, 6 and 12 months and of
1, 2 and 12 periods of 30 days, under each day rule: ccc.term_end() for all of
it, ccc.buy() for a sample, both under three session time zones.

The calendar here knows a local time by trying: the instants that show it on
the zone's clock, the last of them; none, and it moves forward.

Prints TAP; connects as libpq does, to a database that it makes and drops.
"""
import calendar
import datetime
import random
import zoneinfo

from harness.database import Database, Tap

UTC = datetime.timezone.utc
DAY = datetime.timedelta(days=1)
ZONES = ["Asia/Shanghai", "America/New_York", "Europe/Paris", "UTC"]
SESSIONS = ["UTC", "Asia/Shanghai", "America/Los_Angeles"]
RULES = ["instant", "end_of_day", "first_day"]
TIMES = [(0, 0, 0, 0), (1, 30, 0, 0), (2, 30, 0, 0), (17, 40, 46, 0), (23, 59, 59, 999999)]
# term, periods: calendar months, or periods of 720 hours
TERMS = [("1 month", 1), ("6 months", 1), ("12 months", 1), ("1 month", 6), ("1 month", 12),
         ("720 hours", 1), ("720 hours", 2), ("720 hours", 12)]
PACKAGES = {"1 month": "month_1", "6 months": "month_6", "12 months": "month_12"}
SAMPLE = 400                     # purchases for each zone and session


def shown(instant, zone):
    return instant.astimezone(zone).replace(tzinfo=None)


def instants(local, zone):
    """The instants at which the zone's clock shows a local time."""
    offsets = {(local + d).replace(tzinfo=UTC).astimezone(zone).utcoffset() for d in (-DAY, DAY)}
    tried = [(local - offset).replace(tzinfo=UTC) for offset in offsets]
    return sorted(t for t in tried if shown(t, zone) == local)


def instant_of(local, zone):
    found = instants(local, zone)
    if found:
        return found[-1]
    before = (local - DAY).replace(tzinfo=UTC).astimezone(zone).utcoffset()
    return (local - before).replace(tzinfo=UTC)


def months_later(local, months):
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def end_of(start, term, periods, zone, rule):
    count, unit = term.split()
    if unit == "hours":
        end = start + int(count) * periods * datetime.timedelta(hours=1)
    else:
        end = instant_of(months_later(shown(start, zone), int(count) * periods), zone)
    midnight = shown(end, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if rule == "end_of_day":
        return instant_of(midnight + DAY, zone)
    if rule == "first_day":
        return instant_of(midnight, zone)
    return end


def starts(zone):
    """Each day of 2024 at each time of day; skipped ones move, repeated ones count twice."""
    day = datetime.datetime(2024, 1, 1)
    while day.year == 2024:
        for hour, minute, second, micro in TIMES:
            local = day.replace(hour=hour, minute=minute, second=second, microsecond=micro)
            yield from instants(local, zone) or [instant_of(local, zone)]
        day += DAY


def text(instant):
    return instant.strftime("%Y-%m-%d %H:%M:%S.%f+00")


def rows_of(name):
    zone = zoneinfo.ZoneInfo(name)
    for start in starts(zone):
        for term, periods in TERMS:
            for rule in RULES:
                yield name, start, term, periods, rule, end_of(start, term, periods, zone, rule)


SETUP = """
CREATE TABLE expected (zone text, start timestamptz, term interval, periods integer, day_rule text, stop timestamptz);
INSERT INTO ccc.products (code, kind, pool, minutes, term, day_rule)
    SELECT p.code || ' ' || r.rule, 'package', 'landline_outbound', 1, p.term::interval, r.rule
    FROM (VALUES ('month_1', '1 month'), ('month_6', '6 months'), ('month_12', '12 months')) AS p (code, term),
         unnest('{instant,end_of_day,first_day}'::text[]) AS r (rule);
INSERT INTO ccc.products (code, kind, edition, term, day_rule)
    SELECT 'seat ' || r.rule, 'seat', 'premium', '720 hours', r.rule FROM unnest('{instant,end_of_day,first_day}'::text[]) AS r (rule);
INSERT INTO ccc.prices (product, valid_from, tiers)
    SELECT code, '-infinity', '0:1' FROM ccc.products WHERE NOT built_in;
"""


def differences(database, session, zone):
    return database.run(f"""
        SET TimeZone = '{session}';
        SELECT format('%s %s of %s from %s: %s, not %s', e.day_rule, e.periods, e.term, timezone('UTC', e.start),
                      timezone('UTC', f.stop), timezone('UTC', e.stop))
        FROM expected AS e, LATERAL ccc.term_end(e.start, e.term, e.periods, e.zone, e.day_rule) AS f (stop)
        WHERE e.zone = '{zone}' AND f.stop IS DISTINCT FROM e.stop
        ORDER BY e.start;""")


def turning_point(row):
    """A start or an end near a change of the clock, or an end that is clamped."""
    zone = zoneinfo.ZoneInfo(row[0])
    start, end = row[1], row[5]
    changes = any((t - DAY / 2).astimezone(zone).utcoffset() != (t + DAY / 2).astimezone(zone).utcoffset() for t in (start, end))
    return changes or row[2] != "720 hours" and shown(start, zone).day > 28


def sample(rows, dice):
    sold = [r for r in rows if r[3] == 1 or r[2] == "720 hours"]
    turning = [r for r in sold if turning_point(r)]
    return dice.sample(turning, min(len(turning), SAMPLE // 2)) + dice.sample(sold, SAMPLE // 2)


def purchases(database, session, account, rows):
    """What buy() gives where it differs."""
    values = ",\n".join(
        f"({n}, '{'seat' if term == '720 hours' else PACKAGES[term]} {rule}', {periods}, '{text(start)}', '{text(end)}')"
        for n, (_, start, term, periods, rule, end) in enumerate(rows))
    return database.run(f"""
        SET TimeZone = '{session}';
        SELECT format('%s of %s at %s: %s until %s, not %s', w.periods, w.product, timezone('UTC', w.start),
                      timezone('UTC', b.valid_from), timezone('UTC', b.valid_until), timezone('UTC', w.stop))
        FROM (VALUES {values}) AS v (n, product, periods, start, stop),
             LATERAL (SELECT v.product, v.periods, v.start::timestamptz, v.stop::timestamptz) AS w (product, periods, start, stop),
             LATERAL ccc.buy({account}, w.product, 1, w.periods, bought_at => w.start) AS b
        WHERE (b.valid_from, b.valid_until) IS DISTINCT FROM (w.start, w.stop);""")


def price_page_example(database, session):
    return database.run(f"""
        SET TimeZone = '{session}';
        SELECT timezone('UTC', valid_until)
        FROM ccc.buy(1, 'seat_standard', 5, 2, bought_at => '2020-02-11 17:40:46+08')
        WHERE valid_until <> '2020-04-11 17:40:46+08';""")


def main():
    tap = Tap()
    dice = random.Random(2024)
    with Database("terms") as database:
        database.run(SETUP)
        for account, zone in enumerate(ZONES, 1):
            rows = list(rows_of(zone))
            copy = "\n".join("\t".join((z, text(s), t, str(p), r, text(e))) for z, s, t, p, r, e in rows)
            database.run("COPY expected FROM STDIN;\n" + copy + "\n\\.\n"
                         + f"SELECT FROM ccc.open_account({account}, 'model', '2020-01-01', '{zone}');\n"
                         + f"SELECT FROM ccc.top_up({account}, 1000000);\n")
            for session in SESSIONS:
                tap.ok(differences(database, session, zone), f"{zone}, session in {session}: {len(rows)} ends of terms")
            for session in SESSIONS:
                bought = sample(rows, dice)
                tap.ok(purchases(database, session, account, bought), f"{zone}, session in {session}: {len(bought)} purchases")
        for session in SESSIONS:
            tap.ok(price_page_example(database, session), f"session in {session}: two months of seats end to the second")
        tap.ok(database.run("SELECT invariant, account_id, detail FROM ccc.check_integrity();"), "no invariant is violated")
    tap.plan()


main()
