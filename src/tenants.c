/*
 * tenants.c
 *		ccc.is_among(): whether a row is of one of a tenant's accounts,
 *		or roles.
 *
 * The condition of the policies that must come before every other one.
 */
#include "postgres.h"

#include "utils/array.h"

#include "int64s.h"

static bool
is_in(int64 value, ArrayType *array)
{
	const int64 *sorted = (const int64 *) ARR_DATA_PTR(array);
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	int			i;

	if (ARR_HASNULL(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));
	i = first_not_less(sorted, n, sizeof(int64), value);
	return i < n && sorted[i] == value;
}

PG_FUNCTION_INFO_V1(is_among);
Datum
is_among(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_in(PG_GETARG_INT64(0), PG_GETARG_ARRAYTYPE_P(1)));
}

PG_FUNCTION_INFO_V1(oid_is_among);
Datum
oid_is_among(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_in(PG_GETARG_OID(0), PG_GETARG_ARRAYTYPE_P(1)));
}
