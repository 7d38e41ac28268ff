#!/usr/bin/env python3
"""Random histories of calls and purchases against a naive model.

Each seed plays a history of its own: calls in order, nearly in order or
shuffled, in statements of one row to many; repeats and contradicting repeats;
corrections of length, start and id; deletions; purchases before, between and
after the calls, also backdated. The model knows only which records survive,
and charges them all in order of (started_at, call_id). The extension must
agree on every package's used seconds and every account's shortfall, by month;
its counters are compared with its ledger before a replay makes them anew.

Prints TAP. SEEDS=first:count chooses the seeds; connects as libpq does, to a
database that it makes and drops.
"""
import calendar
import datetime
import os
import random
import zoneinfo

from harness.database import Database

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(2025, 6, 1, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "America/New_York", "UTC"]
GROUP = 25                       # seeds in one TAP test
PRODUCTS = {"tiny_1": 1, "tiny_2": 2, "tiny_6": 6}    # code: months


def instant(minute):
    return EPOCH + datetime.timedelta(minutes=minute)


def sql_time(when):
    return when.strftime("'%Y-%m-%d %H:%M:%S+00'")


def add_months(when, months, zone):
    local = when.astimezone(zone)
    month = local.month - 1 + months
    year, month = local.year + month // 12, month % 12 + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    naive = datetime.datetime(year, month, day, local.hour, local.minute, local.second)
    before = naive.replace(tzinfo=zone, fold=0)
    after = naive.replace(tzinfo=zone, fold=1)
    # twice: the second; skipped: forward, by the offset before the change
    twice = before.utcoffset() > after.utcoffset()
    return (after if twice else before).astimezone(UTC)


class Account:
    """Which records survive, and what charging them in order gives."""

    def __init__(self, account_id, zone):
        self.account_id = account_id
        self.zone = zoneinfo.ZoneInfo(zone)
        self.zone_name = zone
        self.packages = []       # (valid_until, valid_from, package_no, granted)
        self.rows = {}           # row id: (call_id, start, seconds), in order of storing
        self.stored = {}         # row id: when, for the oldest of contradicting rows
        self.billed = {}         # call_id: (start, seconds)
        self.clock = 0

    def buy(self, minutes, months, at):
        until = add_months(at, months, self.zone)
        self.packages.append((until, at, len(self.packages) + 1, minutes * 60))

    def statement(self, gone, stored):
        """Rows that go, and rows (id, content) that come, in one statement."""
        touched = set()
        for row in gone:
            call_id, *content = self.rows.pop(row)
            if self.billed.get(call_id) == tuple(content):
                same = [r for r in self.rows.values() if r == (call_id, *content)]
                # of the rows going, each takes one of the copies with it
                if not same:
                    self.billed.pop(call_id)
                    touched.add(call_id)
        for row, record in stored:
            self.clock += 1
            self.rows[row] = record
            self.stored[row] = self.clock
            if record[2] > 0:    # a call of 0 seconds is none
                self.billed.setdefault(record[0], tuple(record[1:]))
        for call_id in touched:
            if call_id not in self.billed:
                rivals = [(self.stored[i], r[1:]) for i, r in self.rows.items() if r[0] == call_id and r[2] > 0]
                if rivals:
                    self.billed[call_id] = tuple(min(rivals)[1])

    def totals(self):
        left = {p[2]: p[3] for p in self.packages}
        result = {}
        for call_id, (start, seconds) in sorted(self.billed.items(), key=lambda c: (c[1][0], c[0])):
            need = -(-seconds // 60) * 60
            month = start.astimezone(self.zone).strftime("%Y-%m")
            for until, since, number, _ in sorted(self.packages):
                if since <= start < until and left[number] > 0 and need > 0:
                    drawn = min(need, left[number])
                    left[number] -= drawn
                    need -= drawn
                    result[(month, number)] = result.get((month, number), 0) + drawn
            if need > 0:
                result[(month, 0)] = result.get((month, 0), 0) + need
        return result


class History:
    """A seed's accounts, and the SQL that plays it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed = seed
        self.sql = []
        self.row = 0
        self.ids = 0
        zones = [self.random.choice(ZONES) for _ in range(self.random.randint(1, 3))]
        self.accounts = [Account(seed * 10 + i, zone) for i, zone in enumerate(zones)]
        self.span = self.random.choice([2000, 20000, 200000, 500000])    # minutes
        # few calls over many months, under packages that last: stretches come and go
        self.sparse = self.random.random() < 0.3
        if self.sparse:
            self.span = 250000
        for account in self.accounts:
            self.open(account)
        self.play()
        for account in self.accounts:
            self.ask(account)

    def number(self, account):
        return "0755%08d" % (20000000 + account.account_id)

    def open(self, account):
        self.sql += [
            f"SELECT ccc.open_account({account.account_id}, 'model', '2025-01-01 00:00+00', '{account.zone_name}');",
            f"SELECT ccc.top_up({account.account_id}, 100000);",
            f"SELECT ccc.add_own_number({account.account_id}, '{self.number(account)}', 'landline', '2025-01-01 00:00+00');",
        ]

    def buy(self, account):
        product = "tiny_6" if self.sparse else self.random.choice(list(PRODUCTS))
        minutes = self.random.randint(1, 60)
        at = instant(self.random.randint(-self.span // 4, self.span))
        account.buy(minutes, PRODUCTS[product], at)
        self.sql.append(f"SELECT ccc.buy({account.account_id}, '{product}', {minutes}, bought_at => {sql_time(at)});")

    def new_record(self):
        self.ids += 1
        start = instant(self.random.randint(0, self.span)) + datetime.timedelta(seconds=self.random.randint(0, 59))
        return (f"c{self.ids:06d}", start, self.random.choice([0, 1, 59, 60, 61, 120, 300, 600, self.random.randint(1, 2000)]))

    def insert(self, account, records):
        rows = []
        for record in records:
            self.row += 1
            rows.append((self.row, record))
        values = ", ".join(
            f"({self.seed * 100000 + row}, '{r[0]}', '{self.number(account)}', '13800138000', {sql_time(r[1])}, {r[2]})" for row, r in rows)
        self.sql.append(f"INSERT INTO calls VALUES {values};")
        account.statement([], [(row, r) for row, r in rows])

    def insert_later(self, account, pending):
        count = min(len(pending), 1 if self.sparse else self.random.choice([1, 1, 2, 5, 40, 1000]))
        self.insert(account, [pending.pop() for _ in range(count)])

    def repeat(self, account):
        record = account.rows[self.random.choice(list(account.rows))]
        if self.random.random() < 0.5:
            record = (record[0], *self.new_record()[1:])
        self.insert(account, [record])

    def correct(self, account):
        row = self.random.choice(list(account.rows))
        call_id, start, seconds = account.rows[row]
        kind = self.random.random()
        if kind < 0.4:
            seconds = self.new_record()[2]
        elif kind < 0.7:
            start = self.new_record()[1]
        elif kind < 0.85:
            call_id = self.new_record()[0]
        else:
            start, seconds = self.new_record()[1:]
        new = (call_id, start, seconds)
        self.sql.append(f"UPDATE calls SET call_id = '{new[0]}', started_at = {sql_time(new[1])}, seconds = {new[2]}"
                        f" WHERE id = {self.seed * 100000 + row};")
        if new != account.rows[row]:
            account.statement([row], [(row, new)])

    def correct_many(self, account):
        rows = self.random.sample(list(account.rows), self.random.randint(1, min(10, len(account.rows))))
        ids = ", ".join(str(self.seed * 100000 + row) for row in rows)
        self.sql.append(f"UPDATE calls SET seconds = seconds + 61 WHERE id IN ({ids});")
        # rows are updated in the order in which they lie, which is another's business:
        # the order among equals of one id does not matter where they say the same
        account.statement(rows, [(row, (r[0], r[1], r[2] + 61)) for row, r in [(row, account.rows[row]) for row in rows]])

    def delete(self, account):
        most = 2 if self.sparse else 6
        rows = self.random.sample(list(account.rows), self.random.randint(1, min(most, len(account.rows))))
        ids = ", ".join(str(self.seed * 100000 + row) for row in rows)
        self.sql.append(f"DELETE FROM calls WHERE id IN ({ids});")
        account.statement(rows, [])

    def play(self):
        pending = {}
        for account in self.accounts:
            for _ in range(self.random.randint(0, 4)):
                self.buy(account)
            count = 20 if self.sparse else 1000 if self.random.random() < 0.02 else 40
            records = [self.new_record() for _ in range(self.random.randint(1, count))]
            style = self.random.choice(["in order", "nearly", "shuffled"])
            if style != "shuffled":
                jitter = 0 if style == "in order" else 30
                records.sort(key=lambda r: r[1] + datetime.timedelta(minutes=self.random.randint(0, jitter)), reverse=True)
            pending[account] = records
        # up to where a number from 0 to 1 stores, buys, repeats, corrects, corrects many; else it deletes
        storing, buying, repeating, correcting, many = (
            (0.35, 0.6, 0.62, 0.7, 0.7) if self.sparse else (0.6, 0.66, 0.76, 0.88, 0.92))
        while any(pending.values()):
            account = self.random.choice(self.accounts)
            kind = self.random.random()
            if pending[account] and (kind < storing or not account.rows):
                self.insert_later(account, pending[account])
            elif kind < buying:
                self.buy(account)
            elif account.rows and kind < repeating:
                self.repeat(account)
            elif account.rows and kind < correcting:
                self.correct(account)
            elif account.rows and kind < many and len(set(r[0] for r in account.rows.values())) == len(account.rows):
                self.correct_many(account)
            elif account.rows:
                self.delete(account)

    def ask(self, account):
        self.sql.append(
            f"SELECT 'T', {account.account_id}, to_char(timezone('{account.zone_name}', started_at), 'YYYY-MM'),"
            f" coalesce(package_no, 0), sum(billed) FROM ccc.ledger"
            f" WHERE account_id = {account.account_id} AND kind IN ('c', 's') GROUP BY 3, 4 HAVING sum(billed) <> 0;")
        self.sql.append(f"SELECT 'U', {account.account_id}, package_no, used FROM ccc.packages WHERE account_id = {account.account_id};")
        self.sql.append(
            f"SELECT 'C', {account.account_id}, count(*)"
            f" FROM (SELECT package_no, stretch, billed FROM ccc.usage WHERE account_id = {account.account_id} AND billed <> 0) AS u"
            f" FULL JOIN ccc.usage_in_ledger({account.account_id}, 'landline_outbound', '-infinity') AS l USING (package_no, stretch)"
            f" WHERE u.billed IS DISTINCT FROM l.billed;")
        self.sql.append(f"SELECT 'R', {account.account_id}, ccc.replay({account.account_id});")


SETUP = """
UPDATE ccc.call_rules SET treatment = 'charge', pool = 'landline_outbound'
    WHERE line = 'landline' AND owner = 'customer' AND direction = 'outbound';
INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, step) VALUES
    ('tiny_1', 'package', 'landline_outbound', 1, '1 month', 1, 1),
    ('tiny_2', 'package', 'landline_outbound', 1, '2 months', 1, 1),
    ('tiny_6', 'package', 'landline_outbound', 1, '6 months', 1, 1);
INSERT INTO ccc.prices (product, valid_from, tiers) SELECT 'tiny_' || n, '-infinity', '0:1' FROM unnest(ARRAY[1, 2, 6]) AS n;
CREATE TABLE calls (id bigint, call_id text, caller text, callee text, started_at timestamptz, seconds numeric);
SELECT ccc.attach('calls', 'call_id', 'started_at', 'seconds', 'caller', 'callee');
"""


def compare(history, said):
    """Lines that tell where the extension and the model differ."""
    wrong = []
    for account in history.accounts:
        expected = account.totals()
        found = said.get(account.account_id, {})
        if found.get("T", {}) != expected:
            wrong.append(f"seed {history.seed}, account {account.account_id}: expected {expected}, found {found.get('T', {})}")
        for number, used in found.get("U", {}).items():
            total = sum(v for (_, n), v in expected.items() if n == number)
            if used != total:
                wrong.append(f"seed {history.seed}, account {account.account_id}: package {number} used {used}, not {total}")
        if found.get("C") != 0:
            wrong.append(f"seed {history.seed}, account {account.account_id}: {found.get('C')} counters of usage are wrong")
        if found.get("R") != 0:
            wrong.append(f"seed {history.seed}, account {account.account_id}: replay moved {found.get('R')} seconds")
    return wrong


def read(lines):
    said = {}
    for line in lines:
        field = line.split(" ")
        if field[0] not in ("T", "U", "C", "R"):
            continue
        account = said.setdefault(int(field[1]), {})
        if field[0] == "T":
            account.setdefault("T", {})[(field[2], int(field[3]))] = int(field[4])
        elif field[0] == "U":
            account.setdefault("U", {})[int(field[2])] = int(field[3])
        else:
            account[field[0]] = int(field[2])
    return said


def main():
    first, count = (int(n) for n in os.environ.get("SEEDS", "1:300").split(":"))
    groups = [range(g, min(g + GROUP, first + count)) for g in range(first, first + count, GROUP)]
    print(f"1..{len(groups) + 1}")
    with Database("model") as database:
        database.run(SETUP)
        for n, seeds in enumerate(groups, 1):
            histories = [History(seed) for seed in seeds]
            said = read(database.run("\n".join(line for h in histories for line in h.sql)))
            wrong = [line for h in histories for line in compare(h, said)]
            print("ok" if not wrong else "not ok", n, f"- seeds {seeds.start} to {seeds.stop - 1} agree with the model")
            for line in wrong:
                print("#", line)
        violated = database.run("SELECT invariant, account_id, detail FROM ccc.check_integrity();")
        print("ok" if not violated else "not ok", len(groups) + 1, "- no invariant is violated")
        for line in violated[:20]:
            print("#", line)


main()
