/*
 * put.h
 *		Bytes written one after the other.
 */
#ifndef CCC_PUT_H
#define CCC_PUT_H

#include "port/pg_bswap.h"

/* Each gives where the next byte goes. */
static inline char *
put(char *at, const void *data, Size size)
{
	return (char *) memcpy(at, data, size) + size;
}

/* In network order: numbers that are not negative sort by their bytes. */
static inline char *
put_int64(char *at, int64 number)
{
	uint64		bytes = pg_hton64(number);

	return put(at, &bytes, sizeof(bytes));
}

#endif							/* CCC_PUT_H */
