/*
 * deduct.h
 *		The deduction: seconds of a call spread over packages.
 *
 * Times are microseconds as in timestamptz, amounts are billed seconds.
 */
#ifndef CCC_DEDUCT_H
#define CCC_DEDUCT_H

typedef struct Package
{
	int32		package_no;
	int64		valid_from;
	int64		valid_until;
	int64		covers_until;	/* valid_until, or the refund before it */
	int64		remaining;		/* seconds, >= 0 */
	int64		drawn;			/* seconds taken by deduct() */
} Package;

typedef struct Draw
{
	int32		package_no;
	int64		seconds;		/* > 0 */
} Draw;

extern int	package_order(const Package *a, const Package *b);
extern int	deduct(Package *packages, int npackages, int64 started_at,
				   int64 billed, Draw *draws, int64 *shortfall);

#endif							/* CCC_DEDUCT_H */
