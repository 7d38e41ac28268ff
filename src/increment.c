/*
 * increment.c
 *		Type ccc.billing_increment, and what a call's length is rounded to.
 *
 * The arithmetic is exact and never reports an error; the SQL-callable
 * functions at the end report for it.
 */
#include "postgres.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compare.h"
#include "compat.h"
#include "increment.h"
#include "scan.h"

#define TYPE_NAME "ccc.billing_increment"
#define MAX_TEXT sizeof("2147483647/2147483647")

PG_FUNCTION_INFO_V1(billing_increment_in);
PG_FUNCTION_INFO_V1(billing_increment_out);
PG_FUNCTION_INFO_V1(billing_increment_recv);
PG_FUNCTION_INFO_V1(billing_increment_send);
PG_FUNCTION_INFO_V1(billing_increment_cmp);
PG_FUNCTION_INFO_V1(billing_increment_hash);
PG_FUNCTION_INFO_V1(billing_increment_hash_extended);
PG_FUNCTION_INFO_V1(billed_seconds);
PG_FUNCTION_INFO_V1(billed_minutes);

static Numeric
kept_numeric(Numeric *kept, int64 value)
{
	MemoryContext old;

	if (*kept == NULL)
	{
		old = MemoryContextSwitchTo(TopMemoryContext);
		*kept = int64_to_numeric(value);
		MemoryContextSwitchTo(old);
	}
	return *kept;
}

static int
compare(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

static bool
is_negative(Numeric a)
{
	static Numeric zero = NULL;

	return compare(a, kept_numeric(&zero, 0)) < 0;
}

static bool
is_beyond_int64(Numeric a)
{
	static Numeric greatest = NULL;

	return compare(a, kept_numeric(&greatest, PG_INT64_MAX)) > 0;
}

static bool
is_finite(Numeric a)
{
	return !numeric_is_nan(a) && !numeric_is_inf(a);
}

static bool
has_decimals(Numeric finite)
{
	return DatumGetInt32(DirectFunctionCall1(numeric_scale, NumericGetDatum(finite))) > 0;
}

/* Whether a numeric is an int32 written without decimals, as most lengths are. */
static bool
is_int32(Numeric a, int32 *value)
{
	bool		error;

	if (!is_finite(a) || has_decimals(a))
		return false;
	*value = numeric_int4_opt_error(a, &error);
	return !error;
}

/*
 * A call's length in started seconds: the ceiling of a numeric.  False when
 * it is negative, not finite, or beyond int64.  All of that is known before
 * the conversion, which would report it.
 */
bool
seconds_round_up(Numeric seconds, int64 *whole)
{
	Datum		ceiling = NumericGetDatum(seconds);
	int32		short_length;

	if (is_int32(seconds, &short_length))
	{
		*whole = short_length;
		return short_length >= 0;
	}
	if (!is_finite(seconds) || is_negative(seconds) || is_beyond_int64(seconds))
		return false;

	if (has_decimals(seconds))
		ceiling = DirectFunctionCall1(numeric_ceil, ceiling);
	*whole = DatumGetInt64(DirectFunctionCall1(numeric_int8, ceiling));
	return true;
}

/*
 * The seconds billed for a length that is already rounded up to whole ones.
 * Not negative; false when the result is beyond int64.
 */
bool
increment_billed(BillingIncrement inc, int64 whole_seconds, int64 *billed)
{
	int64		rest;
	int64		steps;

	if (whole_seconds == 0)
	{
		*billed = 0;
		return true;
	}
	if (whole_seconds <= inc.first)
	{
		*billed = inc.first;
		return true;
	}

	rest = whole_seconds - inc.first;
	steps = rest / inc.next + (rest % inc.next != 0);
	return !pg_mul_s64_overflow(steps, inc.next, billed) &&
		!pg_add_s64_overflow(*billed, inc.first, billed);
}

/* One increment: a positive int32 with blanks around it. */
static ScanResult
scan_increment(const char **s, int32 *seconds)
{
	ScanResult	result;
	int64		value;

	scan_blanks(s);
	result = scan_digits(s, &value);
	if (result != SCAN_OK)
		return result;
	scan_blanks(s);
	if (value < 1 || value > PG_INT32_MAX)
		return SCAN_RANGE;
	*seconds = (int32) value;
	return SCAN_OK;
}

static ScanResult
increment_parse(const char *s, BillingIncrement *inc)
{
	ScanResult	result;

	result = scan_increment(&s, &inc->first);
	if (result != SCAN_OK)
		return result;
	if (*s++ != '/')
		return SCAN_SYNTAX;
	result = scan_increment(&s, &inc->next);
	if (result == SCAN_OK && *s != '\0')
		return SCAN_SYNTAX;
	return result;
}

Datum
billing_increment_in(PG_FUNCTION_ARGS)
{
	const char *str = PG_GETARG_CSTRING(0);
	ScanResult	result;
	BillingIncrement inc;

	result = increment_parse(str, &inc);
	if (result == SCAN_RANGE)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value \"%s\" is out of range for type %s",
						str, TYPE_NAME),
				 errdetail("Both increments must be between 1 and %d seconds.",
						   PG_INT32_MAX)));
	if (result != SCAN_OK)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"",
						TYPE_NAME, str),
				 errhint("Write the first increment and the next ones in seconds, as in \"60/60\".")));
	PG_RETURN_BILLING_INCREMENT(inc);
}

Datum
billing_increment_out(PG_FUNCTION_ARGS)
{
	BillingIncrement inc = PG_GETARG_BILLING_INCREMENT(0);
	char	   *str = palloc(MAX_TEXT);

	snprintf(str, MAX_TEXT, "%d/%d", inc.first, inc.next);
	PG_RETURN_CSTRING(str);
}

Datum
billing_increment_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	BillingIncrement inc;

	inc.first = (int32) pq_getmsgint(buf, sizeof(int32));
	inc.next = (int32) pq_getmsgint(buf, sizeof(int32));
	if (inc.first < 1 || inc.next < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value of type %s", TYPE_NAME),
				 errdetail("Both increments must be between 1 and %d seconds.",
						   PG_INT32_MAX)));
	PG_RETURN_BILLING_INCREMENT(inc);
}

Datum
billing_increment_send(PG_FUNCTION_ARGS)
{
	BillingIncrement inc = PG_GETARG_BILLING_INCREMENT(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint32(&buf, inc.first);
	pq_sendint32(&buf, inc.next);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The order is by first increment, then by the next ones. */
static int
compare_increments(FunctionCallInfo fcinfo)
{
	int64		a = PG_GETARG_INT64(0);
	int64		b = PG_GETARG_INT64(1);

	return (a > b) - (a < b);
}

COMPARISON(billing_increment_eq, compare_increments, ==);
COMPARISON(billing_increment_ne, compare_increments, !=);
COMPARISON(billing_increment_lt, compare_increments, <);
COMPARISON(billing_increment_le, compare_increments, <=);
COMPARISON(billing_increment_gt, compare_increments, >);
COMPARISON(billing_increment_ge, compare_increments, >=);

Datum
billing_increment_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_increments(fcinfo));
}

Datum
billing_increment_hash(PG_FUNCTION_ARGS)
{
	return hashint8(fcinfo);
}

Datum
billing_increment_hash_extended(PG_FUNCTION_ARGS)
{
	return hashint8extended(fcinfo);
}

/* Reports why seconds_round_up or increment_billed gave no result. */
static void
report_unbillable(Numeric seconds)
{
	if (!is_finite(seconds))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("seconds of a call must be finite")));
	if (is_negative(seconds))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("seconds of a call must not be negative")));
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("seconds of a call out of range"),
			 errdetail("The billed length must fit type bigint.")));
}

Datum
billed_seconds(PG_FUNCTION_ARGS)
{
	Numeric		seconds = PG_GETARG_NUMERIC(0);
	BillingIncrement inc = PG_GETARG_BILLING_INCREMENT(1);
	int64		whole;
	int64		billed;

	if (!seconds_round_up(seconds, &whole) ||
		!increment_billed(inc, whole, &billed))
		report_unbillable(seconds);
	PG_RETURN_INT64(billed);
}

Datum
billed_minutes(PG_FUNCTION_ARGS)
{
	Numeric		seconds = PG_GETARG_NUMERIC(0);
	int64		whole;

	if (!seconds_round_up(seconds, &whole))
		report_unbillable(seconds);
	PG_RETURN_INT64(whole / SECS_PER_MINUTE + (whole % SECS_PER_MINUTE != 0));
}
