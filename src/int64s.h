/*
 * int64s.h
 *		Sorting, searching and hashing of int64 values.
 */
#ifndef CCC_INT64S_H
#define CCC_INT64S_H

#include "common/hashfn.h"

static inline int
compare_int64(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* The first of n sorted elements, each beginning with an int64, that is not less; n if all are. */
static inline int
first_not_less(const void *items, int n, Size size, int64 value)
{
	int			from = 0;

	while (from < n)
	{
		int			middle = from + (n - from) / 2;

		if (compare_int64((const char *) items + middle * size, &value) < 0)
			from = middle + 1;
		else
			n = middle;
	}
	return from;
}

/* As dynahash does. */
static inline uint32
hash_of_int64(int64 value)
{
	return hash_bytes((const unsigned char *) &value, sizeof(value));
}

#endif							/* CCC_INT64S_H */
