/*
 * increment.h
 *		Billing increments: how a call's length is rounded up.
 *
 * '60/60' is the trade's notation: the first increment is billed as soon as
 * a call is answered, what is longer is billed in steps of the next one.
 */
#ifndef CCC_INCREMENT_H
#define CCC_INCREMENT_H

#include "utils/numeric.h"

typedef struct BillingIncrement
{
	int32		first;			/* seconds, > 0 */
	int32		next;			/* seconds, > 0 */
} BillingIncrement;

/* The packed form is the type's Datum, and orders by (first, next). */
static inline int64
increment_pack(BillingIncrement inc)
{
	return ((int64) inc.first << 32) | (int64) inc.next;
}

static inline BillingIncrement
increment_unpack(int64 packed)
{
	BillingIncrement inc;

	inc.first = (int32) (packed >> 32);
	inc.next = (int32) (packed & PG_INT32_MAX);
	return inc;
}

#define PG_GETARG_BILLING_INCREMENT(n) increment_unpack(PG_GETARG_INT64(n))
#define PG_RETURN_BILLING_INCREMENT(inc) PG_RETURN_INT64(increment_pack(inc))

/* Neither function ever reports an error; false when there is no result. */
extern bool seconds_round_up(Numeric seconds, int64 *whole);
extern bool increment_billed(BillingIncrement inc, int64 whole_seconds,
							 int64 *billed);

#endif							/* CCC_INCREMENT_H */
