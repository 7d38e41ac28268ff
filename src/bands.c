/*
 * bands.c
 *		A band of quantities sold at one unit price, divided into offers.
 *
 * Prices are rounded to 0.01. Quantities whose prices, unrounded, differ by
 * multiples of that are rounded alike: they are a class, and each class of a
 * band is an offer. There may be thousands of them, but few that serve: where
 * smaller purchases of the band make a quantity up and cost less, that and
 * all greater ones of its class are in no cheapest cover, for a class's next
 * one is made up by the same purchases, one of them greater by as much.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "bands.h"
#include "compat.h"
#include "grow.h"

/* Quantities of a band in steps, from low to high. */
typedef struct Band
{
	const Offer *offer;
	int64		low;
	int64		high;
	int64		classes;
} Band;

static int64
price_of(const Band *band, int64 steps)
{
	return cover_price(steps * band->offer->step, band->offer->unit_price);
}

/* Steps after which the price, unrounded, grows by a multiple of 0.01. */
static int64
count_classes(const Offer *offer)
{
	return CENT / gcd(CENT, offer->step % CENT * (offer->unit_price % CENT) % CENT);
}

/* The smallest quantity that is enough, in steps, or the greatest on sale. */
static int64
greatest_needed(const Offer *offer, int64 need)
{
	int64		step = offer->step * offer->minutes;
	int64		enough = need / step + (need % step != 0);

	return Max(offer->low / offer->step, Min(enough, offer->high / offer->step));
}

static void
add_offer(Offers *offers, const Band *band, int64 first, int64 last)
{
	Offer		offer = *band->offer;

	offer.low = first * band->offer->step;
	offer.high = last * band->offer->step;
	offer.step = first == last ? band->offer->step : band->classes * band->offer->step;
	offers->items = grow(CurrentMemoryContext, offers->items, offers->n, &offers->room, sizeof(Offer));
	offers->items[offers->n++] = offer;
}

/* Purchases that smaller ones do not beat, and the cheapest for each quantity. */
typedef struct Parts
{
	int64	   *useful;			/* in steps, ascending */
	int64	   *prices;
	int			nuseful;
	int64	   *best;			/* from the band's lowest quantity on */
} Parts;

/* What the cheapest purchases cost that make so many steps up, two or more. */
static int64
cheapest_parts(const Band *band, const Parts *parts, int64 steps)
{
	int64		cheapest = PG_INT64_MAX;

	for (int i = 0; i < parts->nuseful && parts->useful[i] <= steps - band->low; i++)
		cheapest = Min(cheapest, parts->prices[i] + parts->best[steps - parts->useful[i] - band->low]);
	return cheapest;
}

static Parts
make_parts(int64 n)
{
	Parts		parts = {
		.useful = palloc_array(int64, n),
		.prices = palloc_array(int64, n),
		.best = palloc_array(int64, n)
	};

	return parts;
}

/*
 * The first quantity of each class that smaller purchases beat, in steps, as
 * far as a look at the quantities up to last tells; 0: none.
 */
static int64 *
find_beaten(const Band *band, int64 last)
{
	int64	   *beaten = palloc0_array(int64, band->classes);
	Parts		parts = make_parts(last - band->low + 1);

	for (int64 steps = band->low; steps <= last; steps++)
	{
		int64		whole = price_of(band, steps);
		int64		divided = cheapest_parts(band, &parts, steps);
		int64	   *first = &beaten[(steps - band->low) % band->classes];

		CHECK_FOR_INTERRUPTS();
		parts.best[steps - band->low] = Min(whole, divided);
		if (divided >= whole)
		{
			parts.useful[parts.nuseful] = steps;
			parts.prices[parts.nuseful++] = whole;
		}
		else if (*first == 0)
			*first = steps;
	}
	return beaten;
}

/* Where a single purchase may be as large as two: further off it is no use. */
static int64
last_to_look_at(const Band *band)
{
	if (band->classes == 1 || band->low > band->classes)
		return band->low;
	return Min(band->high, 2 * (band->low + band->classes));
}

static bool
in_range(const Offer *offer, int64 greatest)
{
	int64		price;

	return !pg_mul_s64_overflow(greatest * offer->step, offer->unit_price, &price) &&
		price <= PG_INT64_MAX / 4;
}

bool
add_band(Offers *offers, const Offer *offer, int64 need)
{
	Band		band = {
		.offer = offer,
		.low = offer->low / offer->step,
		.high = greatest_needed(offer, need),
		.classes = count_classes(offer)
	};
	int64	   *beaten;

	if (!in_range(offer, Max(band.high, last_to_look_at(&band))))
		return false;
	beaten = find_beaten(&band, last_to_look_at(&band));
	for (int64 class = 0; class < band.classes && band.low + class <= band.high; class++)
	{
		int64		first = band.low + class;
		int64		last = beaten[class] == 0 ? band.high : beaten[class] - band.classes;

		if (first <= last)
			add_offer(offers, &band, first, first + (last - first) / band.classes * band.classes);
	}
	return true;
}
