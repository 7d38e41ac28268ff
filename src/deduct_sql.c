/*
 * deduct_sql.c
 *		ccc.deduct(): the deduction asked by itself, over given packages.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "deduct.h"

/* One field of a ccc.package_state; it may not be null. */
static int64
package_field(HeapTupleHeader row, const char *name, bool narrow)
{
	bool		isnull;
	Datum		value = GetAttributeByName(row, name, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("field \"%s\" of a package must not be null", name)));
	return narrow ? DatumGetInt32(value) : DatumGetInt64(value);
}

static void
read_package(Datum value, bool isnull, Package *package)
{
	HeapTupleHeader row;

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a package must not be null")));
	row = DatumGetHeapTupleHeader(value);
	package->package_no = (int32) package_field(row, "package_no", true);
	package->valid_from = package_field(row, "valid_from", false);
	package->valid_until = package_field(row, "valid_until", false);
	package->covers_until = package->valid_until;
	package->remaining = package_field(row, "remaining", false);
	package->drawn = 0;
}

static int
compare_packages(const void *a, const void *b)
{
	return package_order((const Package *) a, (const Package *) b);
}

static Package *
read_packages(ArrayType *array, int *npackages)
{
	Datum	   *values;
	bool	   *nulls;
	Package    *packages;
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align,
					  &values, &nulls, npackages);
	packages = palloc_array(Package, *npackages);
	for (int i = 0; i < *npackages; i++)
		read_package(values[i], nulls[i], &packages[i]);
	qsort(packages, *npackages, sizeof(Package), compare_packages);
	return packages;
}

static void
put_draw(ReturnSetInfo *result, const int32 *package_no, int64 seconds)
{
	Datum		values[2];
	bool		nulls[2] = {package_no == NULL, false};

	values[0] = Int32GetDatum(package_no ? *package_no : 0);
	values[1] = Int64GetDatum(seconds);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(deduct_from);
Datum
deduct_from(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			npackages;
	Package    *packages = read_packages(PG_GETARG_ARRAYTYPE_P(0), &npackages);
	TimestampTz started_at = PG_GETARG_TIMESTAMPTZ(1);
	int64		billed = PG_GETARG_INT64(2);
	Draw	   *draws = palloc_array(Draw, npackages);
	int64		shortfall;
	int			ndraws;

	if (billed < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("billed seconds must not be negative")));

	InitMaterializedSRF(fcinfo, 0);
	ndraws = deduct(packages, npackages, started_at, billed, draws, &shortfall);
	for (int i = 0; i < ndraws; i++)
		put_draw(result, &draws[i].package_no, draws[i].seconds);
	if (shortfall > 0)
		put_draw(result, NULL, shortfall);
	return (Datum) 0;
}
