/*
 * compare.h
 *		A type's comparison operators, one line each on its comparison helper.
 *
 * The helper takes fcinfo and returns less than, equal to or greater than 0.
 * The declaration at the end only takes the caller's semicolon.
 */
#ifndef CCC_COMPARE_H
#define CCC_COMPARE_H

#include "fmgr.h"

#define COMPARISON(name, compare, op) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare(fcinfo) op 0); \
	} \
	extern Datum name(PG_FUNCTION_ARGS)

#endif							/* CCC_COMPARE_H */
