#!/usr/bin/env python3
"""Random histories of records that cannot be billed yet, or no more.

Each seed plays a history of its own: few ids, few instants and few numbers,
so that records often say the same or contradict each other, and numbers that
are bought, renewed, refunded, void, released and passed on between accounts,
so that one record is now nobody's, now suspended, now billed, on either side.
Records come, are corrected and go; some are stored unseen and backfilled;
exceptions are tried again.

The model knows the rows, and asks whose the numbers are. After a backfill each
side of a record is billed, or a repeat of what is billed, or has an exception
that says why not, as many as there are rows; and when all rows are gone,
nothing is left of them.

Prints TAP. SEEDS=first:count chooses the seeds; connects as libpq does, to a
database that it makes and drops.
"""
import collections
import datetime
import json
import os
import random

from harness.database import Database, Tap

GROUP = 10                       # seeds in one TAP test
STARTS = ["2025-01-20 10:00+08", "2025-02-20 10:00+08", "2025-03-20 10:00+08"]
MONTHS = ["2025-01-01 00:00+08", "2025-02-01 00:00+08", "2025-03-01 00:00+08"]
LENGTHS = [60, 60, 61, 0, 9999999]
TOO_LONG = 86400

SETUP = """
CREATE FUNCTION tried(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN undefined_object OR object_not_in_prerequisite_state OR unique_violation OR invalid_parameter_value
    OR numeric_value_out_of_range OR check_violation THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION open_accounts(first bigint, n integer) RETURNS void LANGUAGE sql AS $$
    SELECT ccc.open_account(first + i, 'model', '2024-12-01 00:00+08'), ccc.top_up(first + i, 1000000) FROM generate_series(0, n - 1) AS i
$$;
-- what is known of a history's accounts: its numbers, what is billed, what is told
CREATE FUNCTION known(seed bigint, what text, first bigint, cdr regclass) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT json_build_object('seed', seed, 'what', what, 'is', 'number', 'number', '0' || right(number::text, 11), 'account', account_id - first,
        'since', extract(epoch FROM since), 'paid_until', extract(epoch FROM paid_until), 'released_at', extract(epoch FROM released_at))::text
    FROM ccc.numbers WHERE account_id BETWEEN first AND first + 9
    UNION ALL
    SELECT json_build_object('seed', seed, 'what', what, 'is', 'billed', 'account', account_id - first, 'call_id', call_id, 'direction', direction,
        'start', extract(epoch FROM started_at), 'seconds', seconds, 'number', '0' || right(number::text, 11),
        'billed', COALESCE(sum(billed) FILTER (WHERE kind NOT IN ('r', 'x')), 0),
        'repeats', count(*) FILTER (WHERE kind = 'r') - count(*) FILTER (WHERE kind = 'x'))::text
    FROM ccc.ledger WHERE account_id BETWEEN first AND first + 9
    GROUP BY account_id, call_id, direction, started_at, seconds, number, content
    HAVING sum(billed) <> 0 OR count(*) FILTER (WHERE kind = 'r') <> count(*) FILTER (WHERE kind = 'x')
    UNION ALL
    SELECT json_build_object('seed', seed, 'what', what, 'is', 'exception', 'account', account_id - first, 'direction', direction,
        'reason', reason, 'record', record)::text
    FROM ccc.exceptions WHERE source = cdr AND resolved_at IS NULL
$$;
"""


class History:
    """A seed's rows, and the SQL that plays it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed = seed
        self.table = f"calls_{seed}"
        self.first = seed * 10
        self.accounts = self.random.randint(1, 3)
        self.numbers = ["0755%07d%d" % (2000000 + seed % 6000000, n) for n in range(self.random.randint(2, 4))]
        self.rows = {}                   # row id: (call_id, caller, callee, start, seconds, done)
        self.ids = 0
        self.unseen = 0
        self.blocks = self.random.choice([None, 1, 2])       # of few rows, in a step of a backfill
        self.expected = {}               # question: the rows then
        self.sql = [
            f"SELECT open_accounts({self.first}, {self.accounts});",
            f"CREATE TABLE {self.table} (id bigint, call_id text, caller text, callee text, started_at timestamptz, seconds numeric, done boolean,"
            " filling character(2500) DEFAULT '');",
            f"ALTER TABLE {self.table} ALTER filling SET STORAGE {'plain' if self.blocks else 'extended'};",
            f"SELECT ccc.attach('{self.table}', 'call_id', 'started_at', 'seconds', 'caller', 'callee', finished => 'done');",
        ]
        for _ in range(self.random.randint(20, 60)):
            self.step()
        self.backfill()
        self.delete(list(self.rows))
        self.ask()

    def tried(self, command):
        quoted = command.replace("'", "''")
        self.sql.append(f"SELECT tried('{quoted}');")

    def account(self):
        return self.first + self.random.randrange(self.accounts)

    def number(self):
        return self.random.choice(self.numbers)

    def record(self, call_id=None):
        caller, callee = (self.number() if self.random.random() < chance else "x" for chance in (0.8, 0.5))
        if self.blocks and caller != "x":
            callee = "x"         # a step does not see how many rows have a side that is told of by now
        start, seconds = self.random.choice(STARTS), self.random.choice(LENGTHS)
        return (call_id or self.random.choice("abc"), caller, callee, start, seconds, self.random.random() < 0.9)

    def values(self, record):
        return "'%s', '%s', '%s', '%s', %d, %s" % record

    def insert(self, records):
        new = {}
        for record in records:
            self.ids += 1
            new[self.ids] = record
        self.sql.append(f"INSERT INTO {self.table} VALUES " + ", ".join(f"({i}, {self.values(r)})" for i, r in new.items()) + ";")
        self.rows.update(new)

    def alike(self):
        """A record that is there, or another of its id."""
        record = self.random.choice(list(self.rows.values()))
        return record if self.random.random() < 0.7 else self.record(record[0])

    def come(self):
        self.insert([self.alike() if self.rows and self.random.random() < 0.4 else self.record() for _ in range(self.random.randint(1, 4))])

    def come_unseen(self):
        """Of an id of its own: a backfill cannot tell it from what is known and says the same."""
        self.unseen += 1
        record = self.record(f"unseen {self.unseen}")
        self.sql.append("SET session_replication_role = replica;")
        self.insert([record] * (1 if self.blocks else self.random.randint(1, 2)))
        self.sql.append("RESET session_replication_role;")
        if self.blocks:
            self.backfill_beside_updates()
        else:
            self.backfill()

    def some_rows(self):
        return self.random.sample(list(self.rows), self.random.randint(1, min(4, len(self.rows))))

    def delete(self, rows):
        if rows:
            self.sql.append(f"DELETE FROM {self.table} WHERE id IN ({', '.join(map(str, rows))});")
        for row in rows:
            del self.rows[row]

    def correct(self):
        rows = self.some_rows()
        new = {row: self.alike() for row in rows}
        cases = ", ".join(f"({row}, {self.values(r)})" for row, r in new.items())
        self.sql.append(f"UPDATE {self.table} AS c SET call_id = n.call_id, caller = n.caller, callee = n.callee,"
                        f" started_at = n.started_at::timestamptz, seconds = n.seconds, done = n.done"
                        f" FROM (VALUES {cases}) AS n (id, call_id, caller, callee, started_at, seconds, done) WHERE c.id = n.id;")
        self.rows.update(new)

    def change_a_number(self):
        account, number = self.account(), self.number()
        purchase = self.random.randint(1, 6)
        kind = self.random.choice(["buy", "buy", "own", "renew", "refund", "void", "release"])
        if kind == "buy":
            self.tried(f"SELECT ccc.buy({account}, 'number_landline', periods => {self.random.randint(1, 3)}, number => '{number}',"
                       f" bought_at => '{self.random.choice(MONTHS)}')")
        elif kind == "own":
            self.tried(f"SELECT ccc.add_own_number({account}, '{number}', 'landline', '{self.random.choice(MONTHS)}')")
        elif kind == "renew":
            self.tried(f"SELECT ccc.renew({account}, {purchase})")
        elif kind == "refund":
            self.tried(f"SELECT ccc.refund({account}, {purchase}, '{self.random.choice(MONTHS)}')")
        elif kind == "void":
            self.tried(f"SELECT ccc.void_purchase({account}, {purchase})")
        else:
            self.tried(f"SELECT ccc.release_number({account}, '{number}', '{self.random.choice(MONTHS)}')")

    def backfill(self):
        if self.blocks:
            # of rows that say the same a step sees some: which exception is whose, a retry tells
            steps = f"generate_series(0, (pg_relation_size('{self.table}') / 8192)::integer, {self.blocks}) AS n"
            self.sql.append(f"SELECT ccc.backfill_blocks('{self.table}', n, n + {self.blocks}, '-infinity') FROM {steps};")
            self.sql.append("SELECT ccc.retry_exceptions();")
        else:
            self.sql.append(f"SELECT ccc.backfill_blocks('{self.table}', 0, 1000, '-infinity');")
        self.ask()

    def backfill_beside_updates(self):
        """Rows move, and are corrected, when some blocks are done."""
        half = self.random.randint(0, 1 + len(self.rows) // 3)
        moved = self.some_rows() + [max(self.rows)]
        self.sql += [
            f"SELECT ccc.mark_backfill('{self.table}', '-infinity');",
            f"SELECT ccc.backfill_blocks('{self.table}', 0, {half}, '-infinity') WHERE {half} > 0;",
            f"UPDATE {self.table} SET filling = 'moved' WHERE id IN ({', '.join(map(str, moved))});",
        ]
        if self.random.random() < 0.5:
            self.correct()
        self.sql += [
            f"SELECT ccc.backfill_blocks('{self.table}', {half}, 1000, '-infinity');",
            f"SELECT ccc.end_backfill('{self.table}');",
            "SELECT ccc.retry_exceptions();",
        ]
        self.ask()

    def ask(self):
        what = f"{self.seed}.{len(self.expected)}"
        self.sql.append(f"SELECT known({self.seed}, '{what}', {self.first}, '{self.table}');")
        self.expected[what] = dict(self.rows)

    def step(self):
        kind = self.random.random()
        if kind < 0.3 or not self.rows:
            self.come()
        elif kind < 0.35:
            self.come_unseen()
        elif kind < 0.5:
            self.delete(self.some_rows())
        elif kind < 0.6:
            self.correct()
        elif kind < 0.85:
            self.change_a_number()
        elif kind < 0.95:
            self.sql.append("SELECT ccc.retry_exceptions();")
        else:
            self.backfill()


STARTED = {start: datetime.datetime.fromisoformat(start.replace("+08", ":00+08:00")).timestamp() for start in STARTS}


def content(row):
    """What a row says of its call."""
    call_id, caller, callee, start, seconds, _ = row
    return (call_id, caller, callee, STARTED[start], seconds)


class Known:
    """What the extension says at a question."""

    def __init__(self, lines):
        self.numbers = [line for line in lines if line["is"] == "number"]
        self.billed = {}                 # (account, call_id, direction): [entry]
        self.told = collections.Counter()         # (content, account, direction, reason): how many
        for line in lines:
            if line["is"] == "billed":
                self.billed.setdefault((line["account"], line["call_id"], line["direction"]), []).append(line)
            elif line["is"] == "exception":
                r = line["record"]
                said = (r["call_id"], r["caller"], r["callee"], datetime.datetime.fromisoformat(r["started_at"]).timestamp(), r["seconds"])
                self.told[said, line["account"], line["direction"], line["reason"]] += 1

    def service(self, number, start):
        for line in self.numbers:
            if line["number"] == number and float(line["since"]) <= start < float(line["released_at"]):
                return line
        return None


class Judge:
    """Compares the rows with what is known."""

    def __init__(self, rows, known, in_steps):
        self.known = known
        self.in_steps = in_steps
        self.wrong = []
        self.told = collections.Counter(known.told)       # not accounted for yet
        self.sides = collections.defaultdict(collections.Counter)     # of a key: contents that can be billed
        calls = collections.Counter(content(row) for row in rows.values() if row[5] and row[4] > 0)
        for said, n in calls.items():
            self.rate(said, n)
        for key, contents in self.sides.items():
            self.judge_key(key, contents)
        self.wrong += [f"{key} is billed, of no record: {entries}" for key, entries in self.known.billed.items()]
        self.wrong += [f"{n} told of no record: {told}" for told, n in self.told.items() if n > 0]

    def rate(self, said, n):
        call_id, caller, callee, start, seconds = said
        nobodys = []
        ours = False
        for direction, number in (("outbound", caller), ("inbound", callee)):
            service = self.known.service(number, start)
            if service is None:
                nobodys += [direction] if number != "x" else []
                continue
            ours = True
            if seconds > TOO_LONG:
                self.must_be_told(n, said, service["account"], direction, "bad_length")
            elif start >= float(service["paid_until"]):
                self.must_be_told(n, said, service["account"], direction, "number_suspended")
            else:
                self.sides[service["account"], call_id, direction[0]][said, number] = n
        self.judge_nobodys(said, n, nobodys, ours)

    def must_be_told(self, n, *what):
        found = self.told.pop(what, 0)
        if self.in_steps:        # what waits is not tried again while it can wait
            found += self.told.pop((*what[:3], "conflicting_repeat"), 0)
        if found != n:
            self.wrong.append(f"{n} rows, {found} told: {what}")

    def judge_nobodys(self, said, n, nobodys, ours):
        """A side that is nobody's may be told still; a record that is nobody's must be."""
        of_sides = [self.take_nobodys(said, direction) for direction in nobodys]
        found = max(of_sides, default=0) + (0 if ours else self.take_nobodys(said, None))
        if found > n or (found < n and not ours):
            self.wrong.append(f"{n} rows of nobody, {found} told: {said}")

    def take_nobodys(self, said, direction):
        return sum(self.told.pop((said, None, direction, reason), 0) for reason in ("unknown_number", "bad_length"))

    def judge_key(self, key, contents):
        """One content is billed, once; the others wait."""
        entries = self.known.billed.pop(key, [])
        account, _, side = key
        direction = {"o": "outbound", "i": "inbound"}[side]
        waiting = {said: self.told.pop((said, account, direction, "conflicting_repeat"), 0) for said, _ in contents}
        for (said, number), n in contents.items():
            others = {other: (0 if other == said else m) for (other, _), m in contents.items()}
            if others == waiting and len(entries) == 1 and self.charged(entries[0], said, number, n):
                return
        self.wrong.append(f"{key}: rows {dict(contents)}, billed {entries}, waiting {waiting}")

    @staticmethod
    def charged(entry, said, number, n):
        """
        The charge of n rows. A side that was nobody's when the other was billed
        is not told: of rows with two sides some may be no repeats.
        """
        _, caller, callee, start, seconds = said
        fewest = n - 1 if "x" in (caller, callee) else 0
        return ((entry["start"], entry["seconds"], entry["number"], entry["billed"]) == (start, seconds, number, -(-seconds // 60) * 60)
                and fewest <= entry["repeats"] < n)


def compare(history, said):
    """Lines that tell where the extension and the rows first differ."""
    for what, rows in history.expected.items():
        wrong = Judge(rows, Known(said.get(what, [])), history.blocks is not None).wrong
        if wrong:
            return [f"seed {history.seed}, question {what}"] + wrong
    return []


def main():
    first, count = (int(n) for n in os.environ.get("SEEDS", "1:200").split(":"))
    tap = Tap()
    with Database("exceptions") as database:
        database.run(SETUP)
        for group in range(first, first + count, GROUP):
            seeds = range(group, min(group + GROUP, first + count))
            histories = [History(seed) for seed in seeds]
            said = collections.defaultdict(list)
            for text in database.run("\n".join(line for h in histories for line in h.sql)):
                if text.startswith("{"):
                    line = json.loads(text)
                    said[line["what"]].append(line)
            tap.ok([line for h in histories for line in compare(h, said)],
                   f"seeds {seeds.start} to {seeds.stop - 1}: each record is billed once, or told")
        tap.ok(database.run("SELECT invariant, account_id, detail FROM ccc.check_integrity();"), "no invariant is violated")
    tap.plan()


main()
