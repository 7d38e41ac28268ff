/*
 * grow.h
 *		Arrays that grow as they fill, past 1 GB if need be.
 */
#ifndef CCC_GROW_H
#define CCC_GROW_H

#include "utils/memutils.h"

/* Room for one more element after the n that an array holds. */
static inline void *
grow(MemoryContext context, void *array, int n, int *room, Size size)
{
	if (n < *room)
		return array;
	*room = *room == 0 ? 16 : *room * 2;
	return array == NULL ? MemoryContextAllocHuge(context, *room * size) :
		repalloc_huge(array, *room * size);
}

#endif							/* CCC_GROW_H */
