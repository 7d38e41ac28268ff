/*
 * trigger_depth.h
 *		How deep the code runs in triggers.
 */
#ifndef CCC_TRIGGER_DEPTH_H
#define CCC_TRIGGER_DEPTH_H

#include "utils/fmgrprotos.h"

/* As pg_trigger_depth() gives it: 0 in none. */
static inline int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

#endif							/* CCC_TRIGGER_DEPTH_H */
