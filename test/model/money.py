#!/usr/bin/env python3
"""Random histories of money against a naive model.

Each seed plays a history of its own: accounts in several zones open (with the
trial in force), top up, buy packages, seats and numbers, renew them by hand
and by renew_due, refund and void them, release numbers that others then rent,
sign agents in and out, and call; prices change, products are withdrawn;
requests are repeated, also with other content. The model knows only what is
paid for, and recomputes the rest at each question. The extension must agree
on the result or SQLSTATE of every operation and, at points in between, on
every wallet entry, purchase, seat, number, package, shortfall and exception.

Two in three histories lie in the past. The others end at the present, so that
what was paid for still runs and agents are still online; their minutes are
chosen so that nothing but the clock's own instants falls near the present.

Prints TAP. SEEDS=first:count chooses the seeds; connects as libpq does, to
databases that it makes and drops.
"""
import calendar
import datetime
import os
import random
import subprocess
import sys
import zoneinfo
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

UTC = datetime.timezone.utc
ZONES = ["Asia/Shanghai", "America/New_York", "UTC", "Europe/Berlin", "Australia/Lord_Howe"]
GROUP = 20                       # seeds in one TAP test, and in one database
STEP = datetime.timedelta(minutes=30)     # instants lie on a grid, so that they often meet
DAY = datetime.timedelta(days=1)
FAR = datetime.datetime.max.replace(tzinfo=UTC)
FEN = Decimal("0.01")
AGENTS = ["ann", "bo", "cy", "di", "ed", "flo"]
EDITIONS = ["standard", "premium"]
# as SETUP has them: valid_from, product, quantity, hours
TRIALS = [("-infinity", "seat_standard", 10, 720), ("2023-03-01 00:00+00", "seat_premium", 2, 240),
          ("2023-06-01 00:00+00", "seat_standard", 0, 720), ("2023-09-01 00:00+00", "seat_standard", 1, 480)]


class Refused(Exception):
    """With the SQLSTATEs that may tell why."""


def resolve(naive, zone):
    """The instant of a local time: skipped, it moves forward; twice, it is the second."""
    before = naive.replace(tzinfo=zone, fold=0)
    after = naive.replace(tzinfo=zone, fold=1)
    return (after if before.utcoffset() > after.utcoffset() else before).astimezone(UTC)


def term_end(start, term, periods, zone, rule):
    """term: (months, days, hours)"""
    months, days, hours = (n * periods for n in term)
    end = start
    if months or days:
        local = start.astimezone(zone).replace(tzinfo=None, fold=0)
        month = local.month - 1 + months
        year, month = local.year + month // 12, month % 12 + 1
        local = local.replace(year=year, month=month, day=min(local.day, calendar.monthrange(year, month)[1]))
        end = resolve(local + days * DAY, zone)
    end += datetime.timedelta(hours=hours)
    if rule != "instant":
        midnight = end.astimezone(zone).replace(tzinfo=None, fold=0, hour=0, minute=0, second=0, microsecond=0)
        end = resolve(midnight + (DAY if rule == "end_of_day" else 0 * DAY), zone)
    return end


def shown(value):
    """As PostgreSQL prints it."""
    if isinstance(value, datetime.datetime):
        return "infinity" if value == FAR else value.isoformat(" ").replace("+00:00", "+00").rstrip()
    if isinstance(value, bool):
        return "t" if value else "f"
    return "" if value is None else str(value)


def literal(value):
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, (int, Decimal)) else f"'{shown(value)}'"


class Product:
    def __init__(self, code, kind, tiers, term, rule="instant", minutes=None, edition=None, minimum=1, maximum=None, step=1, priced_from=None):
        self.code, self.kind, self.term, self.rule = code, kind, term, rule
        self.minutes, self.edition = minutes, edition
        self.minimum, self.maximum, self.step = minimum, maximum, step
        self.prices = [(priced_from, tiers)]     # (valid_from, [(lower bound, unit price)])
        self.withdrawn = FAR

    def price(self, quantity, at):
        """Of all of it for one period, not rounded; None: no price was in force."""
        tiers = [t for since, t in sorted(self.prices, key=lambda p: p[0]) if since <= at]
        if not tiers:
            return None
        return quantity * [price for bound, price in tiers[-1] if bound <= quantity][-1]

    def unsaleable(self, at):
        if at >= self.withdrawn:
            return "withdrawn"
        return "unpriced" if self.price(self.minimum, at) is None else None


class Lot:
    """Seats or a number in service: what was bought once and is renewed."""

    def __init__(self, account, purchase_no, product, quantity, since, periods, auto, number=None, term=None):
        self.account, self.purchase_no, self.product, self.quantity = account, purchase_no, product, quantity
        self.since, self.periods, self.auto, self.number = since, periods, auto, number
        self.term, self.rule = term or product.term, product.rule
        self.unpaid = None
        self.released = FAR
        self.void = False

    def start(self, period):
        return self.since if period == 0 else term_end(self.since, self.term, period, self.account.zone, self.rule)

    def paid_until(self):
        return self.start(self.periods)

    def renew_by_itself(self, auto):
        self.auto, self.unpaid = auto, None

    def in_force(self, at):
        return not self.void and self.since <= at < self.paid_until()


class Purchase:
    def __init__(self, account, product, quantity, periods, amount, since, until, lot=None, first_period=0, package=None):
        self.no = len(account.purchases) + 1
        self.product, self.quantity, self.periods, self.amount = product, quantity, periods, amount
        self.since, self.until, self.lot, self.first_period, self.package = since, until, lot, first_period, package
        self.back = None             # yuan given back
        self.settled = None          # 'refund' or 'void'
        self.kept = periods          # how many of its periods it still pays

    def renews(self):
        return self.lot.purchase_no if self.lot and self.lot.purchase_no != self.no else None

    def fields(self):
        return [self.no, self.amount, self.since, self.until, self.renews()]


class Package:
    def __init__(self, number, granted, since, until):
        self.number, self.granted, self.since, self.until = number, granted, since, until
        self.refunded = 0
        self.cut = FAR               # covers only calls that start before

    def covers(self, at):
        return self.since <= at < min(self.until, self.cut)


class Call:
    """A record: billed on a number in service, or an exception."""

    def __init__(self, call_id, number, outbound, start, seconds):
        self.call_id, self.number, self.outbound, self.start, self.seconds = call_id, number, outbound, start, seconds
        self.lot = self.reason = self.account = None


class Account:
    def __init__(self, world, account_id, zone):
        self.world, self.account_id, self.zone_name = world, account_id, zone
        self.zone = zoneinfo.ZoneInfo(zone)
        self.opened = False
        self.balance = Decimal("0.00")
        self.entries = []            # (reason, amount)
        self.purchases = []
        self.packages = []
        self.lots = []               # seats
        self.sessions = []           # [agent, edition, in, out], in order of recording
        self.requests = {}           # request id: (command, fields of the result)

    def must_be_open(self):
        if not self.opened:
            raise Refused("42704")

    def move(self, reason, amount):
        self.balance += amount
        self.entries.append((reason, amount))

    def purchase(self, number):
        self.must_be_open()
        if not 1 <= number <= len(self.purchases):
            raise Refused("42704", *(["55000"] if number == 0 else []))
        return self.purchases[number - 1]

    # money in, and buying

    def open(self, at):
        if self.opened:
            raise Refused("23505")
        self.opened = True
        trial = [t for t in TRIALS if t[0] == "-infinity" or datetime.datetime.fromisoformat(t[0]) <= at][-1]
        if trial[2] > 0:
            self.lots.append(Lot(self, 0, self.world.products[trial[1]], trial[2], at, 1, False, term=(0, 0, trial[3])))
        return [""]

    def top_up(self, amount):
        self.must_be_open()
        if amount <= 0:
            raise Refused("22003")
        if amount != amount.quantize(FEN):
            raise Refused("22023")
        self.move("top_up", amount.quantize(FEN))
        return [self.balance]

    def buy(self, code, quantity, periods, number, at, auto):
        product = self.world.products.get(code)
        wrong = set() if self.opened else {"42704"}
        if product is None:
            raise Refused("42704")
        at = at or self.world.now()
        if quantity < product.minimum or (product.maximum and quantity > product.maximum) or periods < 1:
            wrong.add("22003")
        if quantity % product.step or (product.kind == "package" and periods > 1) or (product.kind == "number") != (number is not None):
            wrong.add("22023")
        if product.unsaleable(at):
            wrong.add("42704" if product.unsaleable(at) == "withdrawn" else "55000")
        elif quantity > 0:
            amount = (product.price(quantity, at) * periods).quantize(FEN, ROUND_HALF_UP)
            if amount > self.balance:
                wrong.add("23514")
        if any(lot.number == number and not lot.void and lot.released > at for lot in self.world.numbers):
            wrong.add("23505")
        if wrong:
            raise Refused(*wrong)
        until = term_end(at, product.term, periods, self.zone, product.rule)
        bought = Purchase(self, product, quantity, periods, amount, at, until)
        self.purchases.append(bought)
        self.move("purchase", -amount)
        if product.kind == "package":
            bought.package = Package(len(self.packages) + 1, quantity * product.minutes * 60, at, until)
            self.packages.append(bought.package)
        else:
            bought.lot = Lot(self, bought.no, product, quantity, at, periods, auto, number)
            (self.world.numbers if number else self.lots).append(bought.lot)
        return bought.fields()

    # renewal

    def renewable(self, lot, period):
        """Why a lot's period cannot be sold, or None."""
        start = lot.start(period)
        return "released" if lot.released <= start else lot.product.unsaleable(start)

    def pay_period(self, lot, periods):
        amount = sum(lot.product.price(lot.quantity, lot.start(lot.periods + n)) for n in range(periods)).quantize(FEN, ROUND_HALF_UP)
        if amount > self.balance:
            raise Refused("23514")
        first = lot.periods
        lot.periods += periods
        lot.unpaid = None
        renewal = Purchase(self, lot.product, lot.quantity, periods, amount, lot.start(first), lot.paid_until(), lot, first)
        self.purchases.append(renewal)
        self.move("renewal", -amount)
        if lot.number:
            for call in self.world.calls.values():
                if call.reason == "number_suspended" and call.account is self:
                    self.world.rate(call)
        return renewal

    def renew(self, number, periods):
        if periods < 1:
            raise Refused("22003", "42704", "55000")
        lot = self.purchase(number).lot
        if lot is None or lot.void:
            raise Refused("55000")
        if any(self.renewable(lot, lot.periods + n) for n in range(periods)):
            raise Refused("55000")
        return self.pay_period(lot, periods).fields()

    def set_auto_renew(self, number, auto):
        lot = self.purchase(number).lot
        if lot is None or lot.void:
            raise Refused("55000")
        lot.renew_by_itself(auto)
        return [""]

    def due(self, as_of):
        for lot in self.lots + [n for n in self.world.numbers if n.account is self]:
            start, end = lot.paid_until(), lot.start(lot.periods + 1)
            lapsed = lot.unpaid == start and as_of >= end
            if lot.auto and not lot.void and start <= as_of and start < lot.released and not lapsed:
                yield start, lot.purchase_no, lot

    def renew_due(self, as_of):
        """Lines of renew_due's result."""
        tried = set()
        while True:
            due = sorted((d for d in self.due(as_of) if d[1] not in tried), key=lambda d: d[:2])
            if not due:
                return
            start, number, lot = due[0]
            outcome, amount = self.renewable(lot, lot.periods), None
            until = lot.start(lot.periods + 1)
            if outcome is None:
                try:
                    amount = self.pay_period(lot, 1).amount
                    outcome = "renewed"
                except Refused:
                    outcome = "unpaid"
                    lot.unpaid = start
            if outcome != "renewed":
                tried.add(number)
            yield [self.account_id, number, lot.product.code, start, until, amount if outcome == "renewed" else None, outcome]

    # giving back

    def last_payment(self, bought):
        """Whether no later payment of the lot stands, nor a part of one."""
        return all(p.kept == 0 for p in self.purchases[bought.no:] if p.lot is bought.lot)

    def beyond(self, lot, since, until):
        """Stretches of [since, until) up to now in which more agents were online than the other lots covered."""
        edition, now = lot.product.edition, self.world.now()
        others = [o for o in self.lots if o is not lot and o.product.edition == edition]
        until = min(until, now)
        marks = {since, until, *(m for o in others for m in (o.since, o.paid_until())), *(m for s in self.sessions for m in s[2:])}
        marks = sorted(m for m in marks if since <= m <= until)
        for begin, end in zip(marks, marks[1:]):
            if self.online(edition, begin) > sum(o.quantity for o in others if o.in_force(begin)):
                yield begin, end

    def calls_on(self, lot):
        return [c.start for c in self.world.calls.values() if c.lot is lot]

    def refund(self, number, at):
        now = self.world.now()
        at = at or now
        if at > now:
            raise Refused("22023", "42704", "55000")
        bought = self.purchase(number)
        if bought.settled or (bought.lot and not self.last_payment(bought)):
            raise Refused("55000")
        if bought.package:
            back = self.refund_package(bought.package, bought.amount, at)
        else:
            back = self.refund_periods(bought, at)
        bought.settled = "refund"
        bought.back = back
        self.move("refund", back)
        return [back]

    def refund_package(self, package, price, at):
        if at >= package.until:
            return Decimal("0.00")
        package.cut = at
        package.refunded = package.granted - self.usage()[0].get(package.number, 0)
        return (price * package.refunded / package.granted).quantize(FEN, ROUND_FLOOR)

    def refund_periods(self, bought, at):
        lot = bought.lot
        unused_from = at
        if lot.number:
            used_at = max((c for c in self.calls_on(lot) if c >= at), default=None)
            if used_at:
                unused_from = used_at + datetime.timedelta(microseconds=1)
        else:
            unused_from = max([at] + [end for _, end in self.beyond(lot, lot.since, lot.paid_until())])
        back = sum(lot.start(bought.first_period + n) >= unused_from for n in range(bought.kept))
        lot.periods -= back
        bought.kept -= back
        lot.renew_by_itself(False)
        return (bought.amount * back / bought.periods).quantize(FEN, ROUND_FLOOR)

    def void_purchase(self, number):
        bought = self.purchase(number)
        lot = bought.lot
        if bought.settled or (lot and not self.last_payment(bought)):
            raise Refused("55000")
        if bought.package:
            used = self.usage()[0].get(bought.package.number, 0) > 0
        elif lot.number:
            used = any(bought.since <= c < bought.until for c in self.calls_on(lot))
        else:
            used = any(True for _ in self.beyond(lot, bought.since, bought.until))
        if used:
            raise Refused("55000")
        if bought.package:
            bought.package.cut, bought.package.refunded = bought.package.since, bought.package.granted
        elif bought.renews():
            lot.periods -= bought.periods
        else:
            lot.void = True
        if lot:
            lot.renew_by_itself(False)
        bought.kept = 0
        bought.settled, bought.back = "void", bought.amount
        self.move("void", bought.amount)
        return [bought.amount]

    # seats

    def online(self, edition, at):
        return sum(e == edition and since <= at < until for _, e, since, until in self.sessions)

    def seats(self, edition, at):
        return sum(lot.quantity for lot in self.lots if lot.product.edition == edition and lot.in_force(at))

    def sign_in(self, agent, edition, at):
        self.must_be_open()
        at = at or self.world.now()
        if edition not in EDITIONS or agent == "":
            raise Refused("22023")
        mine = [s for s in self.sessions if s[0] == agent]
        for _, found, since, until in mine:
            if since <= at < until:
                if found != edition:
                    raise Refused("55000")
                return [False]
        if any(since > at for _, _, since, _ in mine):
            raise Refused("22023")
        moments = [at] + [since for _, e, since, _ in self.sessions if e == edition and since > at]
        if any(self.online(edition, m) + 1 > self.seats(edition, m) for m in moments):
            raise Refused("23514")
        self.sessions.append([agent, edition, at, FAR])
        return [True]

    def sign_out(self, agent, at):
        self.must_be_open()
        at = at or self.world.now()
        not_over = sorted((s for s in self.sessions if s[0] == agent and s[3] > at), key=lambda s: s[2])
        if not not_over:
            return [False]
        if at < not_over[0][2]:
            raise Refused("22023")
        self.end(not_over[0], at)
        return [True]

    def end(self, session, at):
        session[3] = at
        if session[2] == at:
            self.sessions.remove(session)

    def sign_out_excess(self, at):
        self.must_be_open()
        at = at or self.world.now()
        gone = []
        for edition in EDITIONS:
            there = [(s[2], n, s) for n, s in enumerate(self.sessions) if s[1] == edition and s[2] <= at < s[3]]
            excess = max(0, len(there) - self.seats(edition, at))
            gone += [s for _, _, s in sorted(there, reverse=True)[:excess]]
        for session in gone:
            self.end(session, at)
        return [",".join(sorted(s[0] for s in gone))]

    # numbers and calls

    def release_number(self, number, at):
        self.must_be_open()
        at = at or self.world.now()
        for lot in self.world.numbers:
            if lot.account is self and lot.number == number and lot.released == FAR and not lot.void:
                if at <= lot.since:
                    raise Refused("22023")
                if any(c >= at for c in self.calls_on(lot)):
                    raise Refused("55000")
                lot.released = at
                return [""]
        raise Refused("42704", "55000")

    def usage(self):
        """What charging all calls in order draws from each package, and the shortfall."""
        used, short = {}, 0
        packages = sorted(self.packages, key=lambda p: (p.until, p.since, p.number))
        calls = [c for c in self.world.calls.values() if c.lot and c.lot.account is self and c.outbound]
        for call in sorted(calls, key=lambda c: (c.start, c.call_id)):
            need = -(-call.seconds // 60) * 60
            for package in packages:
                if package.covers(call.start):
                    drawn = min(need, package.granted - package.refunded - used.get(package.number, 0))
                    used[package.number] = used.get(package.number, 0) + drawn
                    need -= drawn
            short += need
        return used, short

    # what the extension should show

    def state(self):
        used, short = self.usage()
        balance = Decimal("0.00")
        for n, (reason, amount) in enumerate(self.entries, 1):
            balance += amount
            yield ["entry", n, reason, amount, balance]
        for p in self.purchases:
            yield ["purchase", p.no, p.product.kind, p.product.code, p.quantity, p.periods, p.amount, p.since, p.until, p.back,
                   p.settled == "void", p.renews()]
        for lot in sorted((lot for lot in self.lots if lot.periods and not lot.void), key=lambda lot: lot.purchase_no):
            yield ["seats", lot.purchase_no, lot.product.edition, lot.quantity, lot.since, lot.paid_until(), lot.auto, lot.unpaid]
        for lot in sorted((n for n in self.world.numbers if n.account is self and not n.void), key=lambda lot: lot.purchase_no):
            yield ["number", lot.purchase_no, lot.since, lot.paid_until(), lot.released, lot.auto, lot.unpaid]
        for package in self.packages:
            drawn = used.get(package.number, 0)
            yield ["package", package.number, package.granted, drawn, package.refunded, package.since, package.until]
            left = package.granted - drawn - package.refunded
            over = min(package.until, package.cut) <= self.world.now()
            yield ["left", package.number, *(n // 60 for n in (drawn, 0 if over else left, left if over else 0, package.refunded))]
        yield ["short", short]

    def seats_at(self, at):
        for edition in sorted(EDITIONS):
            force, online = self.seats(edition, at), self.online(edition, at)
            if force or online:
                ends = [lot.paid_until() for lot in self.lots if lot.product.edition == edition and lot.in_force(at)]
                yield ["at", at, edition, force, online, min(ends, default=None)]
        for agent, edition, since, until in sorted(self.sessions):
            if since <= at < until:
                yield ["agent", at, agent, edition, since]

    def peaks(self, since, until):
        marks = sorted({since, until, *(m for s in self.sessions for m in s[2:] if since < m < until),
                        *self.midnights(since, until)})
        peaks = {}
        for moment in marks[:-1]:
            for edition in EDITIONS:
                key = (moment.astimezone(self.zone).date(), edition)
                peaks[key] = max(peaks.get(key, 0), self.online(edition, moment))
        for (day, edition), peak in sorted(peaks.items()):
            if peak:
                yield ["peak", day, edition, peak]

    def midnights(self, since, until):
        day = since.astimezone(self.zone).replace(tzinfo=None, hour=0, minute=0, fold=0)
        while (midnight := resolve(day, self.zone)) < until:
            if midnight > since:
                yield midnight
            day += DAY


class History:
    """A seed's world: what happens in it, and the SQL that does it."""

    def __init__(self, seed, present):
        self.random = random.Random(seed)
        self.seed = seed
        self.present = present
        self.ticks = 0
        self.sql = []
        self.expected = []           # (what was asked, kind of answer, answer)
        self.products = {}
        self.numbers = []
        self.calls = {}
        self.ids = 0
        self.live = self.random.random() < 0.33
        self.span = datetime.timedelta(days=self.random.choice([15, 40, 100, 200]))
        self.place_in_time()
        self.make_products()
        self.names = [f"07552{seed % 100000:05d}{n:02d}" for n in range(self.random.randint(1, 4))]
        zones = [self.random.choice(ZONES) for _ in range(self.random.randint(1, 3))]
        self.accounts = [Account(self, seed * 10 + n, zone) for n, zone in enumerate(zones)]
        for account in self.accounts:
            if self.chance(0.97):
                self.begin(account)
        self.play()

    def place_in_time(self):
        hours = self.random.randint(0, 500 * 24)
        self.epoch = datetime.datetime(2023, 1, 15, tzinfo=UTC) + datetime.timedelta(hours=hours)
        if self.live:
            minute = (self.present.minute + 15) % 30
            last = self.present.replace(minute=minute, second=0, microsecond=0) - datetime.timedelta(hours=2)
            self.epoch = last - self.random.randint(int(self.span / STEP * 0.5), int(self.span / STEP)) * STEP
            self.span = last - self.epoch
        self.clock = self.epoch      # goes on with the history, not with the server

    def now(self):
        """The server's clock: after every instant that is given, and odd by its microseconds."""
        self.ticks += 1
        return self.present + self.ticks * datetime.timedelta(microseconds=1)

    def chance(self, share):
        return self.random.random() < share

    # the catalogue

    def make_products(self):
        r = self.random
        rule = lambda: "instant" if self.live else r.choice(["instant", "instant", "end_of_day", "first_day"])
        early = self.epoch - 100 * DAY
        month = r.choice([(0, 0, 720), (0, 0, 720), (0, 0, 72), (1, 0, 0), (0, 7, 0)])
        made = [
            Product("pack", "package", [(0, Decimal(r.choice(["5", "7.77", "0.01"])))], r.choice([(1, 0, 0), (0, 10, 0), (6, 0, 0)]), rule(), 10,
                    maximum=3),
            Product("custom", "package", [(0, Decimal("0.333")), (20, Decimal("0.305")), (50, Decimal("0.29"))], r.choice([(2, 0, 0), (0, 0, 100)]),
                    rule(), 1, minimum=5, step=5),
            Product("seats", "seat", [(0, Decimal("12.5")), (3, Decimal("11.111"))], month, rule(), edition="standard"),
            Product("premium", "seat", [(0, Decimal("23.9"))], month, rule(), edition="premium"),
            Product("line", "number", [(0, Decimal(r.choice(["9.99", "15"])))], month, rule(), maximum=1),
        ]
        for product in made:
            since = early if self.chance(0.9) else self.instant(0, 0.3)
            product.code += f"_{self.seed}"
            product.prices = [(since, product.prices[0][1])]
            self.products[product.code] = product
            fits = {"package": ("'landline_outbound'", "NULL"), "seat": ("NULL", "NULL"), "number": ("NULL", "'landline'")}[product.kind]
            self.sql.append(
                "INSERT INTO ccc.products (code, kind, pool, line, edition, minutes, term, minimum, maximum, step, day_rule) VALUES"
                f" ('{product.code}', '{product.kind}', {fits[0]}, {fits[1]}, {literal(product.edition)}, {literal(product.minutes)},"
                f" {self.interval(product.term)}, {product.minimum}, {literal(product.maximum)}, {product.step}, '{product.rule}');")
            self.insert_price(product, *product.prices[0])
        for code, edition in (("seat_standard", "standard"), ("seat_premium", "premium")):
            self.products[code] = Product(code, "seat", [(0, Decimal(125 if edition == "standard" else 239))], (0, 0, 720), edition=edition,
                                          priced_from=datetime.datetime.min.replace(tzinfo=UTC))
        self.own = made

    @staticmethod
    def interval(term):
        return f"'{term[0]} months {term[1]} days {term[2]} hours'"

    def insert_price(self, product, since, tiers):
        text = ", ".join(f"{bound}:{price}" for bound, price in tiers)
        self.sql.append(f"INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('{product.code}', {literal(since)}, '{text}');")

    def change_catalogue(self):
        product = self.random.choice(self.own)
        kind = self.random.random()
        at = self.around()
        if kind < 0.5 and at not in [p[0] for p in product.prices]:
            factor = Decimal(self.random.choice(["0.5", "1.5", "1.001"]))
            tiers = [(bound, (price * factor).quantize(Decimal("0.000001"), ROUND_FLOOR)) for bound, price in product.prices[-1][1]]
            product.prices.append((at, tiers))
            self.insert_price(product, at, tiers)
        elif kind < 0.8:
            product.withdrawn = at if product.withdrawn == FAR else FAR
            value = literal(None if product.withdrawn == FAR else at)
            self.sql.append(f"UPDATE ccc.products SET withdrawn_at = {value} WHERE code = '{product.code}';")
        else:
            product.term = self.random.choice([(0, 0, 96), (1, 0, 0), (0, 3, 0)])
            self.sql.append(f"UPDATE ccc.products SET term = {self.interval(product.term)} WHERE code = '{product.code}';")

    # instants

    def instant(self, low, high):
        """On the grid, between shares of the span, never later than its end."""
        steps = int(self.span / STEP)
        return self.epoch + min(steps, self.random.randint(int(low * steps), int(high * steps))) * STEP

    def marks(self):
        """Instants at which something begins or ends."""
        for account in self.accounts:
            for session in account.sessions:
                yield session[2]
            for package in account.packages:
                yield from (package.since, package.until)
            for lot in account.lots:
                yield from (lot.since, lot.paid_until())
        for lot in self.numbers:
            yield from (lot.since, lot.paid_until(), lot.released)
        for call in self.calls.values():
            yield call.start

    def around(self):
        """An instant near the history's clock, or one that already means something."""
        end = self.epoch + self.span
        if self.chance(0.25):
            found = [m for m in self.marks() if m <= end and (m - self.epoch) % STEP == 0 * DAY]
            if found:
                return self.random.choice(found)
        back = self.random.choice([0, 0, 0, 1, 5, 50, 500])
        return min(end, self.clock + (self.random.randint(0, 40) - back * self.random.randint(0, 3)) * STEP)

    def bound(self, lot, period=None):
        """The start of one of a lot's periods, or its end; None: that is yet to come."""
        at = lot.start(self.random.randint(0, lot.periods + 1) if period is None else period)
        return at if at <= self.epoch + self.span and not at.microsecond else None

    def within(self, since, until):
        """An instant of the history between two; None: there is none."""
        since, until = max(since, self.epoch), min(until, self.epoch + self.span)
        return since + self.random.randint(0, int((until - since) / STEP)) * STEP if since <= until else None

    def around_or_now(self, share=0.1):
        return None if self.chance(share) else self.around()

    # asking, and what should be answered

    def ask(self, command, fields):
        """fields: a result, or the SQLSTATEs of a refusal"""
        self.expected.append((command, fields))
        self.sql.append(f"SELECT outcome('{self.seed}', {len(self.expected) - 1}, $q${command}$q$);")

    def attempt(self, command, action, account=None, request=None):
        try:
            fields = action()
        except Refused as refused:
            self.ask(command, set(refused.args))
            self.spare = request
            return False
        self.ask(command, fields)
        if request:
            account.requests[request] = (command, fields)
        return True

    def request(self, account):
        """An id or none; one that failed binds nothing and is taken again."""
        if self.chance(0.5):
            return None
        spare, self.spare = getattr(self, "spare", None), None
        if spare and spare not in account.requests:
            return spare
        self.ids += 1
        return f"r{self.ids}"

    # operations

    def open(self, account):
        at = self.instant(0, 0.2) if self.chance(0.8) else self.epoch - self.random.randint(1, 2000) * STEP
        command = f"SELECT ccc.open_account({account.account_id}, 'model', {literal(at)}, '{account.zone_name}')::text"
        self.attempt(command, lambda: account.open(at))

    def begin(self, account):
        self.open(account)
        self.top_up(account, Decimal(self.random.choice([100, 500, 3000])))
        for product in self.own:
            if self.chance(0.6):
                self.buy(account, product)

    def top_up(self, account, amount=None):
        if amount is None:
            amount = Decimal(self.random.choice(["30", "99.99", "200.5", "1000", "2000"]))
            if self.chance(0.1):
                amount = Decimal(self.random.choice(["0", "-5", "0.001"]))
        request = self.request(account)
        command = f"SELECT ccc.top_up({account.account_id}, {amount}, {literal(request)})::text"
        self.attempt(command, lambda: account.top_up(amount), account, request)

    PURCHASE = "format('%s|%s|%s|%s|%s', purchase_no, amount, valid_from, valid_until, renews)"

    def purchase_command(self, account, product, quantity, periods, number, at, request, auto):
        return (f"SELECT {self.PURCHASE} FROM ccc.buy({account.account_id}, '{product}', {quantity}, {periods}, {literal(number)},"
                f" {literal(at)}, {literal(request)}, {str(auto).lower()})")

    def buy(self, account, product=None):
        r = self.random
        product = product or r.choice(self.own)
        quantity = {"package": r.randint(1, 3) * product.step, "seat": r.randint(1, 4), "number": 1}[product.kind]
        if product.step > 1:
            quantity = r.choice([5, 10, 20, 45, 50, 100])
        periods = 1 if product.kind == "package" else r.choice([1, 1, 2, 3, 5])
        number = r.choice(self.names) if product.kind == "number" else None
        auto = product.kind != "package" and r.random() < 0.5
        at = self.around_or_now(0.1 if product.rule == "instant" else 0)
        code = product.code
        if self.chance(0.06):
            code, quantity, periods, number = r.choice([
                ("no such thing", quantity, periods, number), (code, 0, periods, number), (code, quantity + 1000000, periods, number),
                (code, quantity, 0, number), (code, quantity, periods, None if number else self.names[0]), (code, 7, periods, number)])
        request = self.request(account)
        command = self.purchase_command(account, code, quantity, periods, number, at, request, auto)
        self.attempt(command, lambda: account.buy(code, quantity, periods, number, at, auto), account, request)

    def some_purchase(self, account, lots=False):
        if self.chance(0.05):
            return self.random.choice([0, len(account.purchases) + 1])
        if lots and self.chance(0.8):
            return self.random.choice([p.no for p in account.purchases if p.lot] or [1])
        return self.random.randint(1, max(1, len(account.purchases)))

    def renew(self, account):
        number = self.some_purchase(account, lots=True)
        periods = self.random.choice([1, 1, 1, 2, 3, 0] if self.chance(0.2) else [1, 1, 2])
        request = self.request(account)
        command = f"SELECT {self.PURCHASE} FROM ccc.renew({account.account_id}, {number}, {periods}, {literal(request)})"
        self.attempt(command, lambda: account.renew(number, periods), account, request)

    def set_auto_renew(self, account):
        number, auto = self.some_purchase(account, lots=True), self.chance(0.8)
        if not auto and (number > len(account.purchases) or number == 0 or not account.purchases[number - 1].lot
                         or account.purchases[number - 1].lot.void):
            auto = True
        command = f"SELECT ccc.set_auto_renew({account.account_id}, {number}, {str(auto).lower()})::text"
        self.attempt(command, lambda: account.set_auto_renew(number, auto))

    def renew_due(self):
        as_of = None if self.live and self.chance(0.2) else self.around()
        lots = [lot for a in self.accounts for lot in a.lots] + self.numbers
        unpaid = [lot for lot in lots if lot.unpaid and self.chance(0.7)]
        if unpaid or (lots and self.chance(0.3)):
            lot = self.random.choice(unpaid or lots)
            as_of = self.bound(lot, lot.periods + 1 if unpaid else None) or as_of
        lines = [line for account in self.accounts if account.opened for line in account.renew_due(as_of or self.now())]
        self.ask("SELECT string_agg(format('%s|%s|%s|%s|%s|%s|%s', account_id, purchase_no, product, valid_from, valid_until,"
                 " CASE outcome WHEN 'renewed' THEN amount END, outcome), '|' ORDER BY ordinality)"
                 f" FROM ccc.renew_due({'now()' if as_of is None else literal(as_of)}) WITH ORDINALITY", [f for line in lines for f in line] or [""])

    def refund(self, account):
        number = self.some_purchase(account)
        used = account.usage()[0]
        drawn_on = [p.no for p in account.purchases if p.package and used.get(p.package.number)]
        if drawn_on and self.chance(0.4):
            number = self.random.choice(drawn_on)
        at = self.around_or_now(0.3)
        if at and 0 < number <= len(account.purchases) and self.chance(0.6):
            bought = account.purchases[number - 1]
            if bought.since < self.epoch + self.span:
                end = self.epoch + self.span
                at = self.random.choice([at, max(at, bought.since), bought.since, min(bought.until, end),
                                         min(bought.since + self.random.randint(1, 3000) * STEP, end)])
                at = at if not at.microsecond else None
        if self.chance(0.02):
            at = self.present.replace(microsecond=0) + DAY
        request = self.request(account)
        command = f"SELECT ccc.refund({account.account_id}, {number}, {literal(at)}, {literal(request)})::text"
        self.attempt(command, lambda: account.refund(number, at), account, request)

    def void_purchase(self, account):
        number = len(account.purchases) if self.chance(0.6) else self.some_purchase(account)
        request = self.request(account)
        command = f"SELECT ccc.void_purchase({account.account_id}, {number}, {literal(request)})::text"
        self.attempt(command, lambda: account.void_purchase(number), account, request)

    def repeat(self, account):
        if account.requests:
            self.ask(*account.requests[self.random.choice(list(account.requests))])

    def contradict(self, account):
        if not account.requests:
            return
        request = self.random.choice(list(account.requests))
        self.ids += 1
        product = self.own[1]
        number = len(account.purchases)
        # no product is sold for a million, no amount is topped up twice
        others = [f"SELECT ccc.top_up({account.account_id}, {1000 + self.ids}.01, '{request}')::text",
                  self.purchase_command(account, product.code, 5000000 + 5 * self.ids, 1, None, None, request, False)]
        if number:
            others += [f"SELECT ccc.{name}({account.account_id}, {number}, request_id => '{request}')::text"
                       for name in ("refund", "void_purchase", "renew")
                       if f".{name}({account.account_id}, {number}," not in account.requests[request][0]]
        self.ask(self.random.choice(others), {"23505"})

    def sign_in(self, account):
        agent, edition = self.random.choice(AGENTS), self.random.choice(["standard", "standard", "premium"])
        at = self.around_or_now()
        lots = [lot for lot in account.lots if not lot.void and self.epoch - 9 * DAY < lot.since < self.epoch + self.span]
        if lots and self.chance(0.6):
            lot = self.random.choice(lots)
            edition = lot.product.edition
            at = min(lot.since + self.random.randint(0, 300) * STEP, self.epoch + self.span)
        if self.chance(0.03):
            agent, edition = self.random.choice([("", edition), (agent, "gold")])
        more = self.random.sample(AGENTS, self.random.choice([0, 0, 3]) if agent else 0)
        for name in dict.fromkeys([agent, *more]):
            command = f"SELECT format('%s', ccc.sign_in({account.account_id}, '{name}', '{edition}', {literal(at)}))"
            self.attempt(command, lambda name=name: account.sign_in(name, edition, at))

    def sign_out(self, account):
        agent, at = self.random.choice(AGENTS), self.around_or_now()
        if self.chance(0.7):
            online = [s for s in account.sessions if s[3] == FAR]
            if online:
                agent = self.random.choice(online)[0]
        command = f"SELECT format('%s', ccc.sign_out({account.account_id}, '{agent}', {literal(at)}))"
        self.attempt(command, lambda: account.sign_out(agent, at))

    def sign_out_excess(self, account):
        at = self.around_or_now()
        if account.lots and self.chance(0.6):
            at = self.bound(self.random.choice(account.lots)) or at
        command = f"SELECT string_agg(a, ',' ORDER BY a) FROM ccc.sign_out_excess({account.account_id}, {literal(at)}) AS a"
        self.attempt(command, lambda: account.sign_out_excess(at))

    def release_number(self, account):
        mine = [n for n in self.numbers if n.account is account and n.released == FAR and not n.void]
        name, at = self.random.choice(self.names), self.around_or_now()
        if mine and self.chance(0.9):
            lot = self.random.choice(mine)
            name = lot.number
            if self.chance(0.3):
                at = self.bound(lot)
            last = max(account.calls_on(lot), default=None)
            if last and self.chance(0.6):
                at = at and self.random.choice([last, last + datetime.timedelta(seconds=1), max(at, last + STEP)])
        elif any(n.number == name for n in mine) or self.chance(0.7):
            return
        command = f"SELECT ccc.release_number({account.account_id}, '{name}', {literal(at)})::text"
        self.attempt(command, lambda: account.release_number(name, at))

    def rate(self, call):
        """Decides what a call is; tells whether it is billed."""
        call.lot = call.account = None
        call.reason = "unknown_number"
        for lot in self.numbers:
            if lot.number == call.number and not lot.void and lot.since <= call.start < lot.released:
                call.account = lot.account
                if call.start < lot.paid_until():
                    call.lot, call.reason = lot, None
                else:
                    call.reason = "number_suspended"
        return call.lot is not None

    def insert_calls(self):
        rows = []
        for _ in range(self.random.choice([1, 1, 2, 6])):
            self.ids += 1
            number = self.random.choice(self.names)
            start = self.around()
            rented = [lot for lot in self.numbers if not lot.void and lot.since < self.epoch + self.span]
            if rented and self.chance(0.6):
                lot = self.random.choice(rented)
                number = lot.number
                spans = [(p.since, p.until) for p in lot.account.packages] + [(lot.since, self.epoch + self.span)]
                since, until = self.random.choice(spans)
                start = self.bound(lot) if self.chance(0.2) else self.within(max(since, lot.since), min(until, lot.paid_until()) + 5 * DAY)
                start = start or self.clock
            if self.chance(0.5):
                start = min(start + datetime.timedelta(seconds=self.random.randint(0, 7200)), self.epoch + self.span)
            seconds = self.random.choice([0, 1, 60, 61, 300, self.random.randint(1, 3000)])
            call = Call(f"{self.seed}-{self.ids}", number, self.chance(0.85), start, seconds)
            sides = (number, "13800138000") if call.outbound else ("13800138000", number)
            rows.append(f"('{call.call_id}', '{sides[0]}', '{sides[1]}', {literal(start)}, {seconds})")
            if seconds:
                self.rate(call)
                self.calls[call.call_id] = call
        self.sql.append(f"INSERT INTO calls VALUES {', '.join(rows)};")

    def correct_call(self):
        if not self.calls:
            return
        call = self.random.choice(list(self.calls.values()))
        if self.chance(0.5):
            self.sql.append(f"DELETE FROM calls WHERE call_id = '{call.call_id}';")
            del self.calls[call.call_id]
        else:
            before = (call.seconds, call.start)
            if self.chance(0.5):
                call.seconds += self.random.choice([1, 60, 600])
            else:
                call.start = self.around()
            if (call.seconds, call.start) != before:     # else it is no correction
                self.rate(call)
            self.sql.append(f"UPDATE calls SET seconds = {call.seconds}, started_at = {literal(call.start)} WHERE call_id = '{call.call_id}';")

    def retry_exceptions(self):
        waiting = [c for c in self.calls.values() if c.reason]
        self.ask("SELECT ccc.retry_exceptions()::text", [sum([self.rate(c) for c in waiting])])

    OPERATIONS = [("buy", 16), ("top_up", 5), ("renew", 7), ("set_auto_renew", 3), ("refund", 8), ("void_purchase", 6), ("repeat", 3),
                  ("contradict", 3), ("sign_in", 14), ("sign_out", 5), ("sign_out_excess", 2), ("release_number", 3), ("open", 1)]
    OF_ALL = [("insert_calls", 18), ("correct_call", 3), ("change_catalogue", 4), ("renew_due", 7), ("check", 2)]

    def play(self):
        names, weights = zip(*self.OPERATIONS, *self.OF_ALL)
        count = self.random.choice([15, 40, 40, 80])
        for name in self.random.choices(names, weights, k=count):
            self.clock = min(self.clock + self.random.random() * 2 * self.span / count // STEP * STEP, self.epoch + self.span)
            if name in dict(self.OF_ALL):
                getattr(self, name)()
                continue
            account = self.random.choice(self.accounts)
            if not account.purchases and name in ("renew", "set_auto_renew", "refund", "void_purchase") and self.chance(0.9):
                name = "buy"
            getattr(self, name)(account)
        self.retry_exceptions()
        self.check()
        # renew_due is for all accounts: nothing of this history goes on in the next
        self.sql.append("UPDATE ccc.rentals SET auto_renew = false WHERE auto_renew;")
        for account in self.accounts:
            if account.opened:
                self.ask(f"SELECT format('%s|%s', ccc.replay({account.account_id}), ccc.rerate({account.account_id}, '2020-01-01'))", [0, 0])
        self.ask("SELECT string_agg(format('%s %s %s', invariant, account_id, detail), ' ') FROM ccc.check_integrity()", [""])

    def check(self):
        for account in self.accounts:
            if not account.opened:
                continue
            self.look(f"SELECT * FROM state({account.account_id})", account.state())
            for at in dict.fromkeys(self.around() for _ in range(3)):
                self.look(f"SELECT * FROM seats_at({account.account_id}, {literal(at)})", account.seats_at(at))
            since = self.around()
            until = min(since + 20 * DAY, self.epoch + self.span)
            if since < until:
                self.look(f"SELECT format('peak|%s|%s|%s', day, edition, peak) FROM ccc.seat_peaks({account.account_id}, {literal(since)},"
                          f" {literal(until)}) ORDER BY day, edition", account.peaks(since, until))
        reasons = [c.reason for c in self.calls.values() if c.reason]
        self.look(f"SELECT format('open|%s|%s', reason, count(*)) FROM ccc.exceptions WHERE resolved_at IS NULL AND call_id LIKE '{self.seed}-%'"
                  " GROUP BY reason ORDER BY reason", [["open", reason, reasons.count(reason)] for reason in sorted(set(reasons))])

    def look(self, command, lines):
        self.expected.append((command, ["\n".join("|".join(shown(f) for f in line) for line in lines)]))
        self.sql.append(f"SELECT looked('{self.seed}', {len(self.expected) - 1}, $q${command}$q$);")


SETUP = """
CREATE EXTENSION ccc_billing;
SELECT ccc.create_calls_table();
INSERT INTO ccc.trials (valid_from, product, quantity, term) VALUES %s;
-- the answer to a command, or the SQLSTATE of its error and then its message
CREATE FUNCTION outcome(seed text, step integer, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    EXECUTE command INTO said;
    RETURN format('@%%s@%%s@%%s', seed, step, said);
EXCEPTION WHEN OTHERS THEN
    RETURN format('@%%s@%%s@!%%s %%s', seed, step, SQLSTATE, replace(SQLERRM, E'\\n', ' '));
END $$;
CREATE FUNCTION looked(seed text, step integer, command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    said text[] := '{}';
BEGIN
    FOR line IN EXECUTE command LOOP
        said := said || line;
    END LOOP;
    RETURN format('@%%s@%%s@%%s', seed, step, array_to_string(said, E'\\n'));
END $$;
CREATE FUNCTION state(account bigint) RETURNS SETOF text LANGUAGE sql SET search_path = ccc AS $$
    (SELECT format('entry|%%s|%%s|%%s|%%s', entry_no, reason, amount, balance) FROM ccc.wallet_entries
     WHERE account_id = account ORDER BY entry_no)
    UNION ALL
    (SELECT format('purchase|%%s|%%s|%%s|%%s|%%s|%%s|%%s|%%s|%%s|%%s|%%s', purchase_no, kind, product, quantity, periods, amount, valid_from,
                   valid_until, refunded, voided, renews) FROM ccc.purchases WHERE account_id = account ORDER BY purchase_no)
    UNION ALL
    (SELECT format('seats|%%s|%%s|%%s|%%s|%%s|%%s|%%s', purchase_no, edition, quantity, since, paid_until, auto_renew, unpaid_since)
     FROM ccc.rentals WHERE account_id = account AND number IS NULL AND since < paid_until ORDER BY purchase_no)
    UNION ALL
    (SELECT format('number|%%s|%%s|%%s|%%s|%%s|%%s', r.purchase_no, n.since, n.paid_until, n.released_at, r.auto_renew, r.unpaid_since)
     FROM ccc.numbers AS n LEFT JOIN ccc.rentals AS r USING (account_id, number, since) WHERE account_id = account ORDER BY r.purchase_no)
    UNION ALL
    (SELECT format(E'package|%%s|%%s|%%s|%%s|%%s|%%s\nleft|%%s|%%s|%%s|%%s|%%s', package_no, granted, used, refunded, p.valid_from, p.valid_until,
                   package_no, used_minutes, remaining_minutes, expired_minutes, refunded_minutes)
     FROM ccc.packages AS p JOIN ccc.package_balances USING (account_id, package_no) WHERE account_id = account ORDER BY package_no)
    UNION ALL
    SELECT format('short|%%s', coalesce(sum(billed), 0)) FROM ccc.shortfalls WHERE account_id = account
$$;
CREATE FUNCTION seats_at(account bigint, at timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
    (SELECT format('at|%%s|%%s|%%s|%%s|%%s', at, edition, in_force, online, next_end) FROM ccc.seats(account, at)
     WHERE in_force > 0 OR online > 0)
    UNION ALL
    (SELECT format('agent|%%s|%%s|%%s|%%s', at, agent, edition, signed_in_at) FROM ccc.agents_online(account, at)
     ORDER BY agent)
$$;
""" % ", ".join(f"('{since}', '{product}', {quantity}, '{hours} hours')" for since, product, quantity, hours in TRIALS[1:])


def psql(database, script):
    settings = dict(os.environ, PGOPTIONS="-c timezone=UTC -c datestyle=ISO -c client_min_messages=warning")
    done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database],
                          input=script, capture_output=True, text=True, check=False, env=settings)
    if done.returncode != 0:
        print("Bail out! " + done.stderr.strip().replace("\n", " | "))
        sys.exit(1)
    return done.stdout


def read(output):
    """Answers by (seed, step)."""
    said = {}
    for answer in ("\n" + output).split("\n@")[1:]:
        seed, step, text = answer.split("@", 2)
        said[int(seed), int(step)] = text.rstrip("\n")
    return said


def same(expected, found):
    """Whether two fields agree: instants of the clock, with microseconds, do so roughly."""
    if expected == found:
        return True
    try:
        two = [datetime.datetime.fromisoformat(field) for field in (expected, found)]
        return all(t.microsecond for t in two) and abs(two[0] - two[1]) < datetime.timedelta(minutes=15)
    except (TypeError, ValueError):
        return False


def agree(expected, found):
    if isinstance(expected, set):
        return found[:1] == "!" and found[1:6] in expected
    expected = "|".join(shown(field) for field in expected).replace("\n", "|\n|").split("|")
    found = found.replace("\n", "|\n|").split("|")
    return len(expected) == len(found) and all(same(*pair) for pair in zip(expected, found))


def describe(history, step, command, expected, found):
    yield f"seed {history.seed}, step {step}: {command}"
    if isinstance(expected, set):
        expected = ["refused by " + " or ".join(sorted(expected))]
    lines = [text.split("\n") for text in ("|".join(shown(field) for field in expected), found)]
    yield from ("  expected " + line for line in lines[0] if line not in lines[1])
    yield from ("  found    " + line for line in lines[1] if line not in lines[0])


def compare(history, said):
    """Lines that tell where the extension and the model first differ."""
    for step, (command, expected) in enumerate(history.expected):
        found = said[history.seed, step]
        if not agree(expected, found):
            return list(describe(history, step, command, expected, found))
    return []


def main():
    first, count = (int(n) for n in os.environ.get("SEEDS", "1:200").split(":"))
    groups = [range(g, min(g + GROUP, first + count)) for g in range(first, first + count, GROUP)]
    print(f"1..{len(groups)}")
    name = f"ccc_money_{os.getpid()}"
    psql("postgres", f"CREATE DATABASE {name}_0;")
    made = [f"{name}_0"]
    try:
        psql(made[0], SETUP)
        for n, seeds in enumerate(groups, 1):
            made.append(f"{name}_{n}")
            psql("postgres", f"CREATE DATABASE {made[-1]} TEMPLATE {made[0]};")
            present = datetime.datetime.now(UTC).replace(microsecond=0)
            histories = [History(seed, present) for seed in seeds]
            said = read(psql(made[-1], "\n".join(line for h in histories for line in h.sql)))
            wrong = [line for h in histories for line in compare(h, said)]
            print("ok" if not wrong else "not ok", n, f"- seeds {seeds.start} to {seeds.stop - 1} agree with the model", flush=True)
            for line in wrong:
                print("#", line)
            psql("postgres", f"DROP DATABASE {made[-1]};")
            made.pop()
    finally:
        for database in made:
            psql("postgres", f"DROP DATABASE IF EXISTS {database};")


main()
