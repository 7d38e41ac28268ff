/*
 * deduct.c
 *		The deduction: seconds of a call spread over packages.
 *
 * Pure: no palloc, no ereport, no SPI, and no knowledge of tables. Every
 * path that charges a call, or asks what a call would cost, comes here.
 */
#include "postgres.h"

#include "deduct.h"

/* The order in which packages are drawn on. */
int
package_order(const Package *a, const Package *b)
{
	if (a->valid_until != b->valid_until)
		return a->valid_until < b->valid_until ? -1 : 1;
	if (a->valid_from != b->valid_from)
		return a->valid_from < b->valid_from ? -1 : 1;
	return (a->package_no > b->package_no) - (a->package_no < b->package_no);
}

/* First package that is not over at an instant; packages are in order. */
static int
first_alive(const Package *packages, int npackages, int64 at)
{
	int			low = 0;
	int			high = npackages;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (packages[middle].valid_until <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Draws the billed seconds of a call from the packages that cover its start.
 * Packages must be of one pool and in package_order(). Changes their
 * remaining and drawn; fills draws, which has room for every package, and
 * returns how many there are. What no package could cover is the shortfall.
 */
int
deduct(Package *packages, int npackages, int64 started_at, int64 billed,
	   Draw *draws, int64 *shortfall)
{
	int			ndraws = 0;

	for (int i = first_alive(packages, npackages, started_at);
		 i < npackages && billed > 0; i++)
	{
		Package    *package = &packages[i];
		int64		taken;

		if (started_at < package->valid_from ||
			started_at >= package->covers_until || package->remaining <= 0)
			continue;
		taken = Min(billed, package->remaining);
		package->remaining -= taken;
		package->drawn += taken;
		billed -= taken;
		draws[ndraws].package_no = package->package_no;
		draws[ndraws++].seconds = taken;
	}
	*shortfall = billed;
	return ndraws;
}
