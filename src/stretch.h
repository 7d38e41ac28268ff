/*
 * stretch.h
 *		Stretches: spans of time in which the order of calls does not matter.
 */
#ifndef CCC_STRETCH_H
#define CCC_STRETCH_H

#include "pgtime.h"
#include "utils/timestamp.h"

/* Where stretches begin, months apart: starts and ends of packages. */
typedef struct StretchBounds
{
	pg_tz	   *zone;
	TimestampTz *starts;		/* ascending */
	int			n;
} StretchBounds;

extern pg_tz *named_zone(const char *name);
extern void stretch_bounds_begin(StretchBounds *bounds, pg_tz *zone, int max);
extern void stretch_sort_bounds(StretchBounds *bounds);
extern TimestampTz stretch_start(const StretchBounds *bounds, TimestampTz at);

#endif							/* CCC_STRETCH_H */
