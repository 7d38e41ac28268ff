/*
 * recommend.c
 *		ccc.cheapest_cover(): the cheapest purchases that cover a need.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"

#include "bands.h"
#include "compat.h"

#define MAX_MEMORY (64 * 1024 * 1024)
#define MAX_WORK 1000000000		/* units times offers */
#define FIELDS 5

static int64 *
read_bigints(ArrayType *array, int *n)
{
	if (array_contains_nulls(array) || ARR_ELEMTYPE(array) != INT8OID)
		elog(ERROR, "bigint[] without nulls expected");
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int64 *) ARR_DATA_PTR(array);
}

static void
too_dear(int64 minutes)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("what a need of %lld minutes costs is too much to be counted", (long long) minutes),
			 errhint("See ccc.prices, or ask for a part of it.")));
}

static void
too_large(int64 minutes, int64 unit)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a need of %lld minutes is too large to be covered in steps of %lld",
					(long long) minutes, (long long) unit),
			 errhint("Ask for a part of it, or sell the pool's products in larger steps or at prices of fewer decimals.")));
}

/* Numbered from 1: minutes, least and greatest quantity, step, unit price. */
static Offers
read_offers(ArrayType *array, int64 need)
{
	int			n;
	int64	   *fields = read_bigints(array, &n);
	Offers		offers = {0};

	for (int i = 0; i < n / FIELDS; i++)
	{
		int64	   *field = fields + FIELDS * i;
		Offer		band = {
			.number = i + 1,
			.minutes = field[0],
			.low = field[1],
			.high = field[2],
			.step = field[3],
			.unit_price = field[4]
		};

		if (!add_band(&offers, &band, need))
			too_dear(need);
	}
	return offers;
}

/*
 * The offers in units, without their working space yet; refuses what would
 * take too much memory or time.
 */
static CoverOption *
make_options(const Offers *offers, int64 minutes, int64 unit, int64 n)
{
	CoverOption *options = palloc_array(CoverOption, offers->n);
	int64		memory = sizeof(Cover) * n;
	int64		work = 0;

	for (int i = 0; i < offers->n; i++)
	{
		if (!cover_option(&offers->items[i], unit, n, &options[i]))
			too_dear(minutes);
		if (cover_needs_queue(&options[i]))
			memory += sizeof(int32) * (n + 2 * cover_classes(&options[i], n));
		work += n;
	}
	if (memory > MAX_MEMORY || work > MAX_WORK)
		too_large(minutes, unit);
	return options;
}

static void
make_queues(CoverOption *options, int noptions, int64 n)
{
	for (int i = 0; i < noptions; i++)
	{
		CoverOption *option = &options[i];
		int64		classes = cover_classes(option, n);

		if (!cover_needs_queue(option))
			continue;
		option->queue = palloc_array(int32, n);
		option->head = palloc0_array(int32, classes);
		option->tail = palloc0_array(int32, classes);
	}
}

static void
put_purchases(ReturnSetInfo *result, const Offer *offers, int64 unit,
			  const Cover *covers, int64 n)
{
	while (n > 0)
	{
		const Cover *best = &covers[n];
		Datum		values[] = {
			Int32GetDatum(offers[best->offer].number),
			Int64GetDatum(best->quantity)
		};
		bool		nulls[] = {false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		n = cover_rest(&offers[best->offer], unit, n, best->quantity);
	}
}

PG_FUNCTION_INFO_V1(cheapest_cover);
Datum
cheapest_cover(PG_FUNCTION_ARGS)
{
	int64		minutes = PG_GETARG_INT64(0);
	Offers		offers = read_offers(PG_GETARG_ARRAYTYPE_P(1), minutes);
	CoverOption *options;
	int64		unit;
	int64		n;
	Cover	   *covers;

	InitMaterializedSRF(fcinfo, 0);
	if (offers.n == 0 || minutes <= 0)
		return (Datum) 0;
	unit = cover_unit(offers.items, offers.n);
	n = minutes / unit + (minutes % unit != 0);
	if (n > MAX_MEMORY / sizeof(Cover))
		too_large(minutes, unit);
	options = make_options(&offers, minutes, unit, n);
	make_queues(options, offers.n, n);
	covers = palloc_extended((n + 1) * sizeof(Cover), MCXT_ALLOC_HUGE);
	cover(offers.items, options, offers.n, n, covers);
	put_purchases((ReturnSetInfo *) fcinfo->resultinfo, offers.items, unit, covers, n);
	return (Datum) 0;
}
