/*
 * grow.h
 *		Arrays that grow as they fill, past 1 GB if need be.
 */
#ifndef CCC_GROW_H
#define CCC_GROW_H

#include "utils/memutils.h"

/*
 * Room for one more element after the n that an array holds; as it was after
 * an error (53200).
 */
static inline void *
grow(MemoryContext context, void *array, int n, int *room, Size size)
{
	int			more = *room == 0 ? 16 : *room * 2;

	if (n < *room)
		return array;
	array = array == NULL ? MemoryContextAllocHuge(context, more * size) :
		repalloc_huge(array, more * size);
	*room = more;
	return array;
}

#endif							/* CCC_GROW_H */
