/*
 * recommend.c
 *		ccc.cheapest_cover(): the cheapest purchases that cover a need.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"

#include "compat.h"
#include "cover.h"
#include "grow.h"

#define MAX_WORK 25000000		/* units times offers: memory and time */
#define FIELDS 5

static int64 *
read_bigints(ArrayType *array, int *n)
{
	if (array_contains_nulls(array) || ARR_ELEMTYPE(array) != INT8OID)
		elog(ERROR, "bigint[] without nulls expected");
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int64 *) ARR_DATA_PTR(array);
}

typedef struct Offers
{
	Offer	   *items;
	int			n;
	int			room;
} Offers;

/* Divides an offer into those whose prices are rounded alike. */
static void
add_offer(Offers *offers, int number, const int64 *fields)
{
	int64		low = fields[1];
	int64		high = fields[2];
	int64		step = fields[3];
	int64		apart = step * cover_even_steps(step, fields[4]);

	for (int64 first = low; first <= high && first < low + apart; first += step)
	{
		Offer		offer = {
			.number = number,
			.minutes = fields[0],
			.low = first,
			.high = first + apart <= high ? high : first,
			.step = first + apart <= high ? apart : step,
			.unit_price = fields[4]
		};

		offers->items = grow(CurrentMemoryContext, offers->items, offers->n, &offers->room, sizeof(Offer));
		offers->items[offers->n++] = offer;
	}
}

/* Numbered from 1: minutes, least and greatest quantity, step, unit price. */
static Offers
read_offers(ArrayType *array)
{
	int			n;
	int64	   *fields = read_bigints(array, &n);
	Offers		offers = {0};

	for (int i = 0; i < n / FIELDS; i++)
		add_offer(&offers, i + 1, fields + FIELDS * i);
	return offers;
}

static CoverWindow *
make_windows(const Offer *offers, int noffers, int64 unit, int64 n)
{
	CoverWindow *windows = palloc_array(CoverWindow, noffers);

	for (int i = 0; i < noffers; i++)
	{
		int64		classes = cover_classes(&offers[i], unit, n);

		windows[i].queue = palloc_array(int32, n);
		windows[i].head = palloc0_array(int32, classes);
		windows[i].tail = palloc0_array(int32, classes);
	}
	return windows;
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
	Offers		offers = read_offers(PG_GETARG_ARRAYTYPE_P(1));
	int64		unit;
	int64		n;
	Cover	   *covers;

	InitMaterializedSRF(fcinfo, 0);
	if (offers.n == 0 || minutes <= 0)
		return (Datum) 0;
	unit = cover_unit(offers.items, offers.n);
	n = minutes / unit + (minutes % unit != 0);
	if (n > MAX_WORK / offers.n || !cover_in_range(offers.items, offers.n, unit, n))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a need of %lld minutes is too large to be covered in steps of %lld",
						(long long) minutes, (long long) unit),
				 errhint("Ask for a part of it.")));
	covers = palloc_extended((n + 1) * sizeof(Cover), MCXT_ALLOC_HUGE);
	cover(offers.items, offers.n, unit, n, make_windows(offers.items, offers.n, unit, n), covers);
	put_purchases((ReturnSetInfo *) fcinfo->resultinfo, offers.items, unit, covers, n);
	return (Datum) 0;
}
