#!/usr/bin/env python3
"""The cheapest way to buy minutes, against an exhaustive search.

For every need of 1 to 120000 minutes in both pools, and for random
catalogues of resellers, ccc.recommend() must cost what the cheapest of all
possible sets of purchases costs, cover the need, and be the fewest purchases
that cost so little.

The search knows no trick: every quantity of every product that the catalogue
sells is an option, and the best for a need is the best of any option and of
what then remains. A purchase costs its quantity at the price of its band,
rounded half up to 0.01.

Prints TAP; NEEDS=n lowers the 120000 and SEEDS=first:count chooses the random
catalogues; connects as libpq does, to a database that it makes and drops.
"""
import decimal
import math
import os
import random

from harness.database import Database, Tap

CENT = decimal.Decimal("0.01")


class Product:
    """Something on sale: minutes per unit, quantities allowed, bands by lower bound."""

    def __init__(self, code, minutes, minimum, maximum, step, tiers):
        self.code = code
        self.minutes = minutes
        self.minimum = minimum
        self.maximum = maximum
        self.step = step
        self.tiers = [(int(bound), decimal.Decimal(price)) for bound, price in (t.split(":") for t in tiers.split(","))]

    def price(self, quantity):
        unit = [price for bound, price in self.tiers if bound <= quantity][-1]
        return int((unit * quantity).quantize(CENT, decimal.ROUND_HALF_UP) * 100)

    def quantities(self, need):
        """All that may be sensible: beyond the need and the last band more only costs more."""
        enough = max(-(-need // self.minutes), self.tiers[-1][0], self.minimum) + self.step
        last = enough if self.maximum is None else min(enough, self.maximum)
        first = -(-self.minimum // self.step) * self.step
        return range(first, last + 1, self.step)


def cheapest(products, need):
    """For each need up to the largest: (amount in fen, purchases) of the best set."""
    options = {}
    for product in products:
        for quantity in product.quantities(need):
            granted, amount = quantity * product.minutes, product.price(quantity)
            options[granted] = min(amount, options.get(granted, amount))
    unit = math.gcd(*options)
    # an option that covers less and costs as much or more is none
    useful, least = [], None
    for granted in sorted(options, reverse=True):
        if least is None or options[granted] < least:
            least = options[granted]
            useful.append((granted // unit, least))
    best = [(0, 0)]
    for k in range(1, -(-need // unit) + 1):
        best.append(min((best[max(0, k - granted)][0] + amount, best[max(0, k - granted)][1] + 1) for granted, amount in useful))
    return lambda minutes: best[-(-minutes // unit)]


def asked(database, pool, needs):
    """What ccc.recommend() gives for a series of needs, and where its rows are not sold so."""
    lines = database.run(f"""
        CREATE TEMP TABLE said AS
            SELECT n.need, r.* FROM generate_series({needs.start}, {needs.stop - 1}, {needs.step}) AS n (need),
                                    LATERAL ccc.recommend('{pool}', n.need) AS r;
        SELECT 'A', need, (sum(amount) * 100)::bigint, sum(purchases), sum(granted_minutes) >= need FROM said GROUP BY need;
        SELECT 'P', format('need %s: a minute at %s', need, min(price_per_minute))
        FROM said GROUP BY need
        HAVING min(price_per_minute) <> max(price_per_minute) OR min(price_per_minute) <> round(sum(amount) / need, 6);
        SELECT 'Q', format('%s times %s of %s: %s yuan for %s minutes', s.purchases, s.quantity, s.product, s.amount, s.granted_minutes)
        FROM (SELECT DISTINCT product, quantity, purchases, amount, granted_minutes FROM said) AS s
             JOIN ccc.products AS p ON p.code = s.product, LATERAL ccc.quote(s.product, s.quantity) AS q
        WHERE (s.amount, s.granted_minutes) IS DISTINCT FROM (s.purchases * q.amount, s.purchases * s.quantity * p.minutes) OR p.pool <> '{pool}';""")
    answers = {}
    for line in lines:
        if line.startswith("A "):
            _, need, amount, purchases, covered = line.split(" ")
            answers[int(need)] = (int(amount), int(purchases), covered == "t")
    return answers, [line[2:] for line in lines if not line.startswith("A ")]


def compare(database, pool, products, needs):
    best = cheapest(products, needs.stop)
    answers, wrong = asked(database, pool, needs)
    for need in needs:
        amount, purchases = best(need)
        said = answers.get(need)
        if said is None or said[0] != amount or said[1] != purchases or not said[2]:
            wrong.append(f"{pool}, need {need}: {said}, and {amount} fen in {purchases} purchases would do")
    return wrong


PAGE = {
    "landline_outbound": [
        Product("landline_10000", 10000, 1, None, 1, "0:1450"),
        Product("landline_30000", 30000, 1, None, 1, "0:4260"),
        Product("landline_50000", 50000, 1, None, 1, "0:6900"),
        Product("landline_custom", 1, 1000, None, 1000, "0:0.15,10000:0.145,30000:0.142,50000:0.138")],
    "400_inbound": [
        Product("400_10000", 10000, 1, None, 1, "0:1480"),
        Product("400_30000", 30000, 1, None, 1, "0:4350"),
        Product("400_50000", 50000, 1, None, 1, "0:7000"),
        Product("400_custom", 1, 1000, None, 1000, "0:0.15,10000:0.148,30000:0.145,50000:0.14")]}


def random_product(code, dice, decimals):
    """Bands that rise as well as fall, a maximum, odd steps, prices of so many decimals."""
    step = dice.choice([1, 7, 60, 100])
    minimum = dice.choice([1, step, 3 * step, 250])
    bounds = [0] + sorted(dice.sample(range(minimum + 1, minimum + 40 * step + 2), dice.randint(0, 3)))
    tiers = ", ".join(f"{bound}:{decimal.Decimal(dice.randint(10 ** decimals // 10, 4 * 10 ** decimals // 10)) / 10 ** decimals}" for bound in bounds)
    maximum = None
    if dice.random() < 0.5:
        maximum = -(-minimum // step) * step + dice.randint(0, 30) * step
    minutes = dice.choice([1, 1, 1, 2, 5, 60])
    return Product(code, minutes, minimum, maximum, step, tiers)


def sql_of(product, pool):
    tiers = ", ".join(f"{bound}:{price}" for bound, price in product.tiers)
    maximum = "NULL" if product.maximum is None else product.maximum
    return (f"INSERT INTO ccc.products (code, kind, pool, minutes, term, minimum, maximum, step)"
            f" VALUES ('{product.code}', 'package', '{pool}', {product.minutes}, '6 months', {product.minimum}, {maximum}, {product.step});"
            f" INSERT INTO ccc.prices (product, valid_from, tiers) VALUES ('{product.code}', '-infinity', '{tiers}');")


def reseller(database, seed):
    dice = random.Random(seed)
    pool = f"pool_{seed}"
    decimals = 2 + 2 * (seed % 3)
    products = [random_product(f"{pool}_{n}", dice, decimals) for n in range(dice.randint(1, 4))]
    database.run(f"INSERT INTO ccc.pools (code, valid_from, increment) VALUES ('{pool}', '-infinity', '60/60');"
                 + "".join(sql_of(product, pool) for product in products))
    first = dice.randint(1, 13)
    wrong = compare(database, pool, products, range(first, 4000, 13))
    return wrong[:3] + [sql_of(product, pool) for product in products] if wrong else []


def main():
    tap = Tap()
    most = int(os.environ.get("NEEDS", "120000"))
    first, count = (int(n) for n in os.environ.get("SEEDS", "1:20").split(":"))
    with Database("recommend") as database:
        for pool, products in PAGE.items():
            tap.ok(compare(database, pool, products, range(1, most + 1)), f"{pool}: the cheapest for every need up to {most} minutes")
        for seed in range(first, first + count):
            tap.ok(reseller(database, seed), f"a reseller's catalogue, seed {seed}")
    tap.plan()


main()
