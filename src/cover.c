/*
 * cover.c
 *		The cheapest set of purchases that covers a need of minutes.
 *
 * Pure but for interrupts: no palloc, no ereport. Minutes are counted in
 * units, the greatest that measures every quantity on sale. The best cover of
 * n units is the best purchase with the best cover of what it leaves. Within
 * an offer the price grows with the quantity by a constant, so that the best
 * purchase is found in a sliding window: all the work is in proportion to n
 * times the offers.
 *
 * Of covers that cost the same one of the fewest purchases is taken.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"

#include "cover.h"

#define FEW_STEPS 3				/* quantities that are tried one by one */

/* Price of a purchase, rounded half up to 0.01. */
int64
cover_price(int64 quantity, int64 unit_price)
{
	return (quantity * unit_price + CENT / 2) / CENT * CENT;
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

/* Whether no amount that comes up on the way to n units exceeds an int64. */
static bool
in_range(const CoverOption *option, int64 n)
{
	int64		price;

	if (pg_mul_s64_overflow(option->step_price, Min(n / option->step + 1, option->steps), &price) ||
		pg_add_s64_overflow(price, option->first_price, &price) ||
		price > PG_INT64_MAX / 4 ||
		pg_mul_s64_overflow(option->first_price, n / option->first + 1, &price))
		return false;
	return price <= PG_INT64_MAX / 4;
}

/* An offer in units; false when its amounts up to n units are too large. */
bool
cover_option(const Offer *offer, int64 unit, int64 n, CoverOption *option)
{
	memset(option, 0, sizeof(CoverOption));
	option->first = offer->low * offer->minutes / unit;
	option->step = Max(1, offer->step * offer->minutes / unit);
	option->steps = (offer->high - offer->low) / offer->step;
	option->first_price = cover_price(offer->low, offer->unit_price);
	option->step_price = option->steps == 0 ? 0 : offer->step * offer->unit_price;
	return in_range(option, n);
}

/* Whether an option needs a queue of n elements, and heads and tails. */
bool
cover_needs_queue(const CoverOption *option)
{
	return option->steps > FEW_STEPS;
}

/* How many heads and tails those are. */
int64
cover_classes(const CoverOption *option, int64 n)
{
	return Min(option->step, n);
}

static bool
better(int64 amount, int32 npurchases, const Cover *than)
{
	return amount < than->amount ||
		(amount == than->amount && npurchases < than->npurchases);
}

static void
take(Cover *best, const Offer *offer, int number, const CoverOption *option,
	 int64 steps, const Cover *rest)
{
	int64		amount = rest->amount + option->first_price + steps * option->step_price;

	if (!better(amount, rest->npurchases + 1, best))
		return;
	best->amount = amount;
	best->npurchases = rest->npurchases + 1;
	best->offer = number;
	best->quantity = offer->low + steps * offer->step;
}

/* What a rest of j units is worth beside others of its class, less steps. */
static int64
worth(const CoverOption *option, const Cover *covers, int64 j)
{
	return covers[j].amount - j / option->step * option->step_price;
}

/* Lets the rest j into its class, where it puts out those that are no better. */
static void
enter(CoverOption *option, const Cover *covers, int64 j)
{
	int64		class = j % option->step;
	int32	   *head = &option->head[class];
	int32	   *tail = &option->tail[class];
	int64		value = worth(option, covers, j);

	while (*tail > *head)
	{
		int64		last = option->queue[class + (*tail - 1) * option->step];
		int64		other = worth(option, covers, last);

		if (other < value ||
			(other == value && covers[last].npurchases < covers[j].npurchases))
			break;
		(*tail)--;
	}
	option->queue[class + (*tail)++ * option->step] = j;
}

/* The best rest for n units: that after the best purchase of one offer. */
static int64
best_rest(CoverOption *option, int64 n)
{
	int64		class = (n - option->first) % option->step;
	int32	   *head = &option->head[class];

	while ((n - option->first - option->queue[class + *head * option->step]) / option->step > option->steps)
		(*head)++;
	return option->queue[class + *head * option->step];
}

/* The best purchase of one offer of many quantities towards n units. */
static void
try_many(const Offer *offer, int i, CoverOption *option, int64 n, Cover *covers)
{
	int64		steps;
	int64		rest;

	if (n <= option->first)
	{
		take(&covers[n], offer, i, option, 0, &covers[0]);
		return;
	}
	/* one purchase for all of it, the smallest that is large enough */
	steps = (n - option->first + option->step - 1) / option->step;
	if (steps <= option->steps)
		take(&covers[n], offer, i, option, steps, &covers[0]);
	/* or one that leaves j > 0: every j comes by once, in order */
	enter(option, covers, n - option->first);
	rest = best_rest(option, n);
	take(&covers[n], offer, i, option, (n - option->first - rest) / option->step, &covers[rest]);
}

/* The same of few quantities: each of them, up to one that is enough. */
static void
try_few(const Offer *offer, int i, const CoverOption *option, int64 n, Cover *covers)
{
	int64		rest = n - option->first;

	for (int64 steps = 0; steps <= option->steps; steps++)
	{
		take(&covers[n], offer, i, option, steps, &covers[Max(rest, 0)]);
		if (rest <= 0)
			break;
		rest -= option->step;
	}
}

/*
 * Fills covers[0..n]. The options are the offers', in this order; the working
 * space of those that need some is zero.
 */
void
cover(const Offer *offers, CoverOption *options, int noffers, int64 n, Cover *covers)
{
	covers[0].amount = 0;
	covers[0].npurchases = 0;
	for (int64 i = 1; i <= n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		covers[i].amount = PG_INT64_MAX;
		for (int j = 0; j < noffers; j++)
			if (cover_needs_queue(&options[j]))
				try_many(&offers[j], j, &options[j], i, covers);
			else
				try_few(&offers[j], j, &options[j], i, covers);
	}
}

/* Units that a purchase leaves of n. */
int64
cover_rest(const Offer *offer, int64 unit, int64 n, int64 quantity)
{
	int64		covered = quantity * offer->minutes / unit;

	return n > covered ? n - covered : 0;
}
