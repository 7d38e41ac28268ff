/*
 * int64s.h
 *		Sorting of int64 values, for qsort() and bsearch().
 */
#ifndef CCC_INT64S_H
#define CCC_INT64S_H

static inline int
compare_int64(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return (x > y) - (x < y);
}

#endif							/* CCC_INT64S_H */
