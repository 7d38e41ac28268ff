/*
 * deduct.c
 *		Fuzzes the deduction against a naive form of it.
 *
 * The input is packages and calls; small numbers make ends and starts meet.
 * The naive form knows no order of packages: it looks through all for each
 * draw.
 */
#include "backend.h"

#include "deduct.h"

#define MAX_PACKAGES 12
#define MAX_CALLS 20

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

typedef struct Input
{
	const uint8 *data;
	size_t		size;
} Input;

/* A number around the limits of its type for some bytes, a small one for others. */
static int64
take(Input *input)
{
	uint8		byte = 0;

	if (input->size > 0)
	{
		byte = *input->data++;
		input->size--;
	}
	switch (byte)
	{
		case 255:
			return PG_INT64_MAX;
		case 254:
			return PG_INT64_MAX - 1;
		case 253:
			return PG_INT64_MIN;
		default:
			return byte;
	}
}

static int
compare(const void *a, const void *b)
{
	return package_order(a, b);
}

static bool
covers(const Package *package, int64 at)
{
	return package->valid_from <= at && at < package->valid_until &&
		at < package->covers_until && package->remaining > 0;
}

static bool
sooner(const Package *a, const Package *b)
{
	if (a->valid_until != b->valid_until)
		return a->valid_until < b->valid_until;
	if (a->valid_from != b->valid_from)
		return a->valid_from < b->valid_from;
	return a->package_no < b->package_no;
}

static int64
naive(Package *packages, int n, int64 at, int64 billed, Draw *draws, int *ndraws)
{
	*ndraws = 0;
	while (billed > 0)
	{
		Package    *best = NULL;
		int64		seconds;

		for (int i = 0; i < n; i++)
			if (covers(&packages[i], at) && (best == NULL || sooner(&packages[i], best)))
				best = &packages[i];
		if (best == NULL)
			break;
		seconds = best->remaining < billed ? best->remaining : billed;
		best->remaining -= seconds;
		best->drawn += seconds;
		billed -= seconds;
		draws[*ndraws].package_no = best->package_no;
		draws[(*ndraws)++].seconds = seconds;
	}
	return billed;
}

static void
same_packages(const Package *packages, const Package *naive_packages, int n)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			if (packages[i].package_no == naive_packages[j].package_no)
				must(packages[i].remaining == naive_packages[j].remaining &&
					 packages[i].drawn == naive_packages[j].drawn, "packages have the same left");
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	Input		input = {data, size};
	int			n = (uint64) take(&input) % (MAX_PACKAGES + 1);
	Package		packages[MAX_PACKAGES];
	Package		naive_packages[MAX_PACKAGES];

	for (int i = 0; i < n; i++)
	{
		Package    *package = &packages[i];

		memset(package, 0, sizeof(Package));
		package->package_no = i + 1;
		package->valid_from = take(&input);
		package->valid_until = take(&input);
		package->covers_until = Min(package->valid_until, take(&input));
		package->remaining = Max(0, take(&input));
	}
	memcpy(naive_packages, packages, n * sizeof(Package));
	qsort(packages, n, sizeof(Package), compare);
	for (int i = 0; i < MAX_CALLS && input.size > 0; i++)
	{
		Draw		draws[MAX_PACKAGES];
		Draw		naive_draws[MAX_PACKAGES];
		int64		at = take(&input);
		int64		billed = Max(0, take(&input));
		int			ndraws;
		int			naive_ndraws;
		int64		shortfall;

		ndraws = deduct(packages, n, at, billed, draws, &shortfall);
		must(naive(naive_packages, n, at, billed, naive_draws, &naive_ndraws) == shortfall,
			 "the same falls short");
		must(ndraws == naive_ndraws, "as many draws");
		for (int j = 0; j < ndraws; j++)
			must(draws[j].package_no == naive_draws[j].package_no &&
				 draws[j].seconds == naive_draws[j].seconds, "the same draws");
	}
	same_packages(packages, naive_packages, n);
	return 0;
}
