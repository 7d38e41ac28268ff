/*
 * cover.c
 *		The cheapest set of purchases that covers a need of minutes.
 *
 * Pure: no palloc, no ereport. Minutes are counted in units, the greatest
 * that measures every quantity on sale. The best cover of n units is the best
 * purchase with the best cover of what it leaves. Within an offer the price
 * grows with the quantity by a constant, so that the best purchase is found
 * in a sliding window: all the work is in proportion to n times the offers.
 *
 * Of covers that cost the same one of the fewest purchases is taken.
 */
#include "postgres.h"

#include "common/int.h"

#include "cover.h"

#define CENT 10000				/* 0.01 in 10^-6 */

static int64
gcd(int64 a, int64 b)
{
	while (b != 0)
	{
		int64		rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/*
 * Steps of an offer after which its price, unrounded, grows by a multiple of
 * 0.01: purchases so far apart are rounded alike.
 */
int64
cover_even_steps(int64 step, int64 unit_price)
{
	return CENT / gcd(CENT, step % CENT * (unit_price % CENT) % CENT);
}

/* The greatest number of minutes that measures all quantities. */
int64
cover_unit(const Offer *offers, int noffers)
{
	int64		unit = 0;

	for (int i = 0; i < noffers; i++)
	{
		unit = gcd(unit, offers[i].low * offers[i].minutes);
		if (offers[i].high > offers[i].low)
			unit = gcd(unit, offers[i].step * offers[i].minutes);
	}
	return unit;
}

/* Units that the smallest purchase covers, and that each step adds. */
static int64
first_size(const Offer *offer, int64 unit)
{
	return offer->low * offer->minutes / unit;
}

static int64
step_size(const Offer *offer, int64 unit)
{
	return Max(1, offer->step * offer->minutes / unit);
}

/* How many heads and tails the window of an offer needs; a queue needs n. */
int64
cover_classes(const Offer *offer, int64 unit, int64 n)
{
	return Min(step_size(offer, unit), n);
}

static int64
max_steps(const Offer *offer)
{
	return (offer->high - offer->low) / offer->step;
}

static int64
round_price(int64 price)
{
	return (price + CENT / 2) / CENT * CENT;
}

static int64
price_of(const Offer *offer, int64 steps)
{
	return round_price((offer->low + steps * offer->step) * offer->unit_price);
}

/* Whether no amount that comes up exceeds an int64. */
bool
cover_in_range(const Offer *offers, int noffers, int64 unit, int64 n)
{
	for (int i = 0; i < noffers; i++)
	{
		const Offer *offer = &offers[i];
		int64		steps = n / step_size(offer, unit) + 1;
		int64		purchases = n / first_size(offer, unit) + 1;
		int64		price;

		if (pg_mul_s64_overflow(steps, offer->step, &price) ||
			pg_add_s64_overflow(price, offer->low, &price) ||
			pg_mul_s64_overflow(price, offer->unit_price, &price) ||
			pg_mul_s64_overflow(offer->low, offer->unit_price, &price) ||
			pg_mul_s64_overflow(price + CENT, purchases, &price) ||
			price > PG_INT64_MAX / 4)
			return false;
	}
	return true;
}

static bool
better(int64 amount, int32 npurchases, const Cover *than)
{
	return amount < than->amount ||
		(amount == than->amount && npurchases < than->npurchases);
}

static void
take(Cover *best, const Offer *offers, int offer, int64 steps, const Cover *rest)
{
	int64		amount = rest->amount + price_of(&offers[offer], steps);

	if (!better(amount, rest->npurchases + 1, best))
		return;
	best->amount = amount;
	best->npurchases = rest->npurchases + 1;
	best->offer = offer;
	best->quantity = offers[offer].low + steps * offers[offer].step;
}

/* What a rest of j units is worth beside others of its class, less steps. */
static int64
worth(const Offer *offer, int64 step, const Cover *covers, int64 j)
{
	return covers[j].amount - j / step * offer->step * offer->unit_price;
}

/* Lets the rest j into its class, where it puts out those that are no better. */
static void
enter(const Offer *offer, int64 step, CoverWindow *window, const Cover *covers, int64 j)
{
	int64		class = j % step;
	int32	   *head = &window->head[class];
	int32	   *tail = &window->tail[class];
	int64		value = worth(offer, step, covers, j);

	while (*tail > *head)
	{
		int64		last = window->queue[class + (*tail - 1) * step];
		int64		other = worth(offer, step, covers, last);

		if (other < value ||
			(other == value && covers[last].npurchases < covers[j].npurchases))
			break;
		(*tail)--;
	}
	window->queue[class + (*tail)++ * step] = j;
}

/* The best purchase of one offer towards n units. */
static void
try_offer(const Offer *offers, int i, int64 unit, int64 n,
		  CoverWindow *window, Cover *covers)
{
	const Offer *offer = &offers[i];
	int64		first = first_size(offer, unit);
	int64		step = step_size(offer, unit);
	int64		most = max_steps(offer);
	int64		class;

	if (n <= first)
	{
		take(&covers[n], offers, i, 0, &covers[0]);
		return;
	}
	/* one purchase for all of it, the smallest that is large enough */
	if ((n - first + step - 1) / step <= most)
		take(&covers[n], offers, i, (n - first + step - 1) / step, &covers[0]);
	/* or one that leaves j > 0: every j comes by once, in order */
	enter(offer, step, window, covers, n - first);
	class = (n - first) % step;
	while ((n - first - window->queue[class + window->head[class] * step]) / step > most)
		window->head[class]++;
	take(&covers[n], offers, i,
		 (n - first - window->queue[class + window->head[class] * step]) / step,
		 &covers[window->queue[class + window->head[class] * step]]);
}

/*
 * Fills covers[0..n]. windows[i].queue has n elements, head and tail of it
 * cover_classes() each, all zero.
 */
void
cover(const Offer *offers, int noffers, int64 unit, int64 n,
	  CoverWindow *windows, Cover *covers)
{
	covers[0].amount = 0;
	covers[0].npurchases = 0;
	for (int64 i = 1; i <= n; i++)
	{
		covers[i].amount = PG_INT64_MAX;
		for (int j = 0; j < noffers; j++)
			try_offer(offers, j, unit, i, &windows[j], covers);
	}
}

/* Units that a purchase leaves of n. */
int64
cover_rest(const Offer *offer, int64 unit, int64 n, int64 quantity)
{
	int64		covered = quantity * offer->minutes / unit;

	return n > covered ? n - covered : 0;
}
