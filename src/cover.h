/*
 * cover.h
 *		The cheapest set of purchases that covers a need of minutes.
 *
 * Pure: no palloc, no ereport. Prices are in 10^-6 of the currency unit.
 */
#ifndef CCC_COVER_H
#define CCC_COVER_H

/*
 * Quantities of a product that are sold at one unit price, so far apart that
 * their prices differ by multiples of 0.01: see cover_even_steps().
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

/* Working space for one offer: see cover_room(). */
typedef struct CoverWindow
{
	int32	   *queue;
	int32	   *head;
	int32	   *tail;
} CoverWindow;

extern int64 cover_even_steps(int64 step, int64 unit_price);
extern int64 cover_unit(const Offer *offers, int noffers);
extern int64 cover_classes(const Offer *offer, int64 unit, int64 n);
extern bool cover_in_range(const Offer *offers, int noffers, int64 unit, int64 n);
extern void cover(const Offer *offers, int noffers, int64 unit, int64 n,
				  CoverWindow *windows, Cover *covers);
extern int64 cover_rest(const Offer *offer, int64 unit, int64 n, int64 quantity);

#endif							/* CCC_COVER_H */
