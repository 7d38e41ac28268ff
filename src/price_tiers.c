/*
 * price_tiers.c
 *		Type ccc.price_tiers: text and binary forms, comparison, hashing.
 *
 * The rules that tiers obey are in price_tiers_parse.c, prices in pricing.c.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

#include "compare.h"
#include "compat.h"
#include "price_tiers.h"

#define TYPE_NAME "ccc.price_tiers"

PG_FUNCTION_INFO_V1(price_tiers_in);
PG_FUNCTION_INFO_V1(price_tiers_out);
PG_FUNCTION_INFO_V1(price_tiers_recv);
PG_FUNCTION_INFO_V1(price_tiers_send);
PG_FUNCTION_INFO_V1(price_tiers_cmp);
PG_FUNCTION_INFO_V1(price_tiers_hash);
PG_FUNCTION_INFO_V1(price_tiers_hash_extended);

static PriceTiers *
make_price_tiers(const PriceTier *tiers, int count)
{
	PriceTiers *result = palloc0(PRICE_TIERS_SIZE(count));

	SET_VARSIZE(result, PRICE_TIERS_SIZE(count));
	result->count = count;
	memcpy(result->tier, tiers, count * sizeof(PriceTier));
	return result;
}

Datum
price_tiers_in(PG_FUNCTION_ARGS)
{
	const char *str = PG_GETARG_CSTRING(0);
	PriceTier	tiers[TIERS_MAX];
	TiersError	error;
	int			count;

	error = tiers_parse(str, tiers, &count);
	if (error == TIERS_RANGE)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value \"%s\" is out of range for type %s",
						str, TYPE_NAME),
				 errdetail("Tier %d: %s", count, tiers_error_text(error))));
	if (error != TIERS_OK)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"",
						TYPE_NAME, str),
				 errdetail("Tier %d: %s", count, tiers_error_text(error)),
				 errhint("Write lower bounds and unit prices, as in \"0:0.15, 10000:0.145\".")));
	PG_RETURN_POINTER(make_price_tiers(tiers, count));
}

Datum
price_tiers_out(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	char	   *str = palloc(tiers->count * TIER_MAX_TEXT);
	char	   *p = str;

	for (int i = 0; i < tiers->count; i++)
	{
		p += sprintf(p, i == 0 ? INT64_FORMAT ":" : ", " INT64_FORMAT ":",
					 tiers->tier[i].lower_bound);
		p += tiers_format_price(tiers->tier[i].unit_price, p);
	}
	PG_RETURN_CSTRING(str);
}

/* Reports tiers that a client sent in binary form. */
static void
report_invalid_binary(TiersError error, int where)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary value of type %s", TYPE_NAME),
			 errdetail("Tier %d: %s", where, tiers_error_text(error))));
}

Datum
price_tiers_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	PriceTier	tiers[TIERS_MAX];
	TiersError	error;
	int			count = (int32) pq_getmsgint(buf, sizeof(int32));
	int			where;

	if (count > TIERS_MAX)
		report_invalid_binary(TIERS_TOO_MANY, TIERS_MAX + 1);
	for (int i = 0; i < count; i++)
	{
		tiers[i].lower_bound = pq_getmsgint64(buf);
		tiers[i].unit_price = pq_getmsgint64(buf);
	}
	error = tiers_check(tiers, count, &where);
	if (error != TIERS_OK)
		report_invalid_binary(error, where);
	PG_RETURN_POINTER(make_price_tiers(tiers, count));
}

Datum
price_tiers_send(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint32(&buf, tiers->count);
	for (int i = 0; i < tiers->count; i++)
	{
		pq_sendint64(&buf, tiers->tier[i].lower_bound);
		pq_sendint64(&buf, tiers->tier[i].unit_price);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

static int
compare_int64(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

static int
compare_tier(const PriceTier *a, const PriceTier *b)
{
	int			result = compare_int64(a->lower_bound, b->lower_bound);

	if (result == 0)
		result = compare_int64(a->unit_price, b->unit_price);
	return result;
}

/* The order is that of the pairs (bound, price); a prefix comes first. */
static int
compare_tiers(FunctionCallInfo fcinfo)
{
	PriceTiers *a = PG_GETARG_PRICE_TIERS(0);
	PriceTiers *b = PG_GETARG_PRICE_TIERS(1);
	int			result = 0;

	for (int i = 0; result == 0 && i < Min(a->count, b->count); i++)
		result = compare_tier(&a->tier[i], &b->tier[i]);
	if (result == 0)
		result = compare_int64(a->count, b->count);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

COMPARISON(price_tiers_eq, compare_tiers, ==);
COMPARISON(price_tiers_ne, compare_tiers, !=);
COMPARISON(price_tiers_lt, compare_tiers, <);
COMPARISON(price_tiers_le, compare_tiers, <=);
COMPARISON(price_tiers_gt, compare_tiers, >);
COMPARISON(price_tiers_ge, compare_tiers, >=);

Datum
price_tiers_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_tiers(fcinfo));
}

Datum
price_tiers_hash(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	Datum		result;

	result = hash_any((const unsigned char *) tiers->tier,
					  tiers->count * sizeof(PriceTier));
	PG_FREE_IF_COPY(tiers, 0);
	return result;
}

Datum
price_tiers_hash_extended(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	Datum		result;

	result = hash_any_extended((const unsigned char *) tiers->tier,
							   tiers->count * sizeof(PriceTier),
							   PG_GETARG_INT64(1));
	PG_FREE_IF_COPY(tiers, 0);
	return result;
}
