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

#define MAX_UNITS 1000000

static int64 *
read_bigints(ArrayType *array, int *n)
{
	if (array_contains_nulls(array) || ARR_ELEMTYPE(array) != INT8OID)
		elog(ERROR, "bigint[] without nulls expected");
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (int64 *) ARR_DATA_PTR(array);
}

/* Five fields an offer, one after the other. */
static Offer *
read_offers(ArrayType *array, int *noffers)
{
	int			n;
	int64	   *fields = read_bigints(array, &n);
	Offer	   *offers;

	*noffers = n / 5;
	offers = palloc_array(Offer, Max(1, *noffers));
	for (int i = 0; i < *noffers; i++)
	{
		const int64 *field = fields + 5 * i;

		offers[i].minutes = field[0];
		offers[i].low = field[1];
		offers[i].high = field[2];
		offers[i].step = field[3];
		offers[i].unit_price = field[4];
	}
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
			Int32GetDatum(best->offer + 1),
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
	int			noffers;
	Offer	   *offers = read_offers(PG_GETARG_ARRAYTYPE_P(1), &noffers);
	int64		unit;
	int64		n;
	Cover	   *covers;

	InitMaterializedSRF(fcinfo, 0);
	if (noffers == 0 || minutes <= 0)
		return (Datum) 0;
	unit = cover_unit(offers, noffers);
	n = minutes / unit + (minutes % unit != 0);
	if (n > MAX_UNITS || !cover_in_range(offers, noffers, unit, n))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a need of %lld minutes is too large to be covered in steps of %lld",
						(long long) minutes, (long long) unit),
				 errhint("Ask for a part of it.")));
	covers = palloc_extended((n + 1) * sizeof(Cover), MCXT_ALLOC_HUGE);
	cover(offers, noffers, unit, n, make_windows(offers, noffers, unit, n), covers);
	put_purchases((ReturnSetInfo *) fcinfo->resultinfo, offers, unit, covers, n);
	return (Datum) 0;
}
