/*
 * cover.h
 *		The cheapest set of purchases that covers a need of minutes.
 *
 * Prices are in 10^-6 of the currency unit.
 */
#ifndef CCC_COVER_H
#define CCC_COVER_H

#define CENT 10000				/* 0.01 in 10^-6 */

static inline int64
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
 * Quantities of a product that are sold at one unit price, so far apart that
 * their prices differ by multiples of 0.01: see bands.h.
 */
typedef struct Offer
{
	int32		number;			/* the caller's */
	int64		minutes;		/* that one unit of quantity grants, > 0 */
	int64		low;			/* quantities low, low + step, …, high; > 0 */
	int64		high;
	int64		step;			/* > 0 */
	int64		unit_price;		/* of one unit of quantity, >= 0 */
} Offer;

/* The best way to cover so many units: this purchase, then the rest. */
typedef struct Cover
{
	int64		amount;			/* of all purchases, each rounded to 0.01 */
	int32		npurchases;
	int32		offer;
	int64		quantity;
} Cover;

/* An offer in units, and working space for one of many quantities. */
typedef struct CoverOption
{
	int64		first;			/* units that the smallest purchase covers */
	int64		step;			/* and that each step adds */
	int64		steps;			/* from the smallest to the greatest */
	int64		first_price;
	int64		step_price;
	int32	   *queue;
	int32	   *head;
	int32	   *tail;
} CoverOption;

extern int64 cover_price(int64 quantity, int64 unit_price);
extern int64 cover_unit(const Offer *offers, int noffers);
extern bool cover_option(const Offer *offer, int64 unit, int64 n, CoverOption *option);
extern bool cover_needs_queue(const CoverOption *option);
extern int64 cover_classes(const CoverOption *option, int64 n);
extern void cover(const Offer *offers, CoverOption *options, int noffers,
				  int64 n, Cover *covers);
extern int64 cover_rest(const Offer *offer, int64 unit, int64 n, int64 quantity);

#endif							/* CCC_COVER_H */
