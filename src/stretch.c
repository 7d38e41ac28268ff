/*
 * stretch.c
 *		Stretches: spans of time in which the order of calls does not matter.
 *
 * Between two neighbouring starts or ends of an account's packages in a pool
 * the packages that cover a call are the same, so totals depend only on the
 * seconds demanded. Months bound stretches too, for monthly figures.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "compat.h"
#include "int64s.h"
#include "stretch.h"

/*
 * By name: an offset is of another sign where it is a setting. NULL when it is
 * none that the server knows.
 */
pg_tz *
named_zone(const char *name)
{
	static pg_tz *last = NULL;	/* zones stay for the session */
	pg_tz	   *zone;

	if (last != NULL && strcmp(pg_get_timezone_name(last), name) == 0)
		return last;
	zone = strchr("+-0123456789<", name[0]) == NULL ? pg_tzset(name) : NULL;
	if (zone == NULL || !pg_tz_acceptable(zone))
		return NULL;
	return last = zone;
}

PG_FUNCTION_INFO_V1(is_time_zone);
Datum
is_time_zone(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(named_zone(text_to_cstring(PG_GETARG_TEXT_PP(0))) != NULL);
}

static pg_tz *
zone_or_error(const char *time_zone)
{
	pg_tz	   *zone = named_zone(time_zone);

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", time_zone)));
	return zone;
}

static void
no_month(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("an instant is out of range: it lies in no month"),
			 errhint("It must be finite, and not in the first month of all.")));
}

/* The midnight that opens the month of an instant, in a zone. */
static TimestampTz
month_start(pg_tz *zone, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	TimestampTz result;

	if (timestamp2tm(at, &offset, &tm, &fsec, NULL, zone) != 0)
		no_month();
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	offset = DetermineTimeZoneOffset(&tm, zone);
	if (tm2timestamp(&tm, 0, &offset, &result) != 0)
		no_month();
	return result;
}

/* None yet; there is room for so many. */
void
stretch_bounds_begin(StretchBounds *bounds, pg_tz *zone, int max)
{
	bounds->zone = zone;
	bounds->starts = palloc_array(TimestampTz, max);
	bounds->n = 0;
}

void
stretch_sort_bounds(StretchBounds *bounds)
{
	qsort(bounds->starts, bounds->n, sizeof(TimestampTz), compare_int64);
}

/*
 * Where a month's first midnight comes twice, what lies between the two belongs
 * to the month before.
 */
static TimestampTz
month_of(pg_tz *zone, TimestampTz at)
{
	TimestampTz start = month_start(zone, at);

	return start <= at ? start : month_start(zone, at - USECS_PER_DAY);
}

/*
 * The start of the month of an instant, which is mostly that of the one asked
 * for before.
 */
static TimestampTz
cached_month_of(pg_tz *zone, TimestampTz at)
{
	static pg_tz *last_zone = NULL; /* zones stay for the session */
	static TimestampTz month;
	static TimestampTz next_month;

	if (zone != last_zone || at < month || at >= next_month)
	{
		last_zone = NULL;
		month = month_of(zone, at);
		/* no month has more than 31 days; a clock change may add one */
		next_month = month + 33 * USECS_PER_DAY;
		next_month = IS_VALID_TIMESTAMP(next_month) ? month_of(zone, next_month) : at;
		last_zone = zone;
	}
	return month;
}

/* Start of the stretch that holds an instant. */
TimestampTz
stretch_start(const StretchBounds *bounds, TimestampTz at)
{
	TimestampTz start = cached_month_of(bounds->zone, at);
	int			low = 0;
	int			high = bounds->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (bounds->starts[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? Max(start, bounds->starts[low - 1]) : start;
}

PG_FUNCTION_INFO_V1(stretch);
Datum
stretch(PG_FUNCTION_ARGS)
{
	TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	int			nstarts;
	StretchBounds bounds;
	Datum	   *starts;

	deconstruct_array(array, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &starts, NULL, &nstarts);
	stretch_bounds_begin(&bounds, zone_or_error(text_to_cstring(PG_GETARG_TEXT_PP(2))), nstarts);
	while (bounds.n < nstarts)
	{
		bounds.starts[bounds.n] = DatumGetTimestampTz(starts[bounds.n]);
		bounds.n++;
	}
	stretch_sort_bounds(&bounds);
	PG_RETURN_TIMESTAMPTZ(stretch_start(&bounds, at));
}
