/*
 * compat.h
 *		Differences between PostgreSQL versions, as shims of the newest API.
 *
 * Everything that depends on PG_VERSION_NUM sits here, never in a .c file.
 */
#ifndef CCC_COMPAT_H
#define CCC_COMPAT_H

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
/* before 16 there are no soft errors: an input function always throws */
#define ereturn(context, dummy_value, ...) \
	do \
	{ \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
	} while (0)
#endif

#endif							/* CCC_COMPAT_H */
