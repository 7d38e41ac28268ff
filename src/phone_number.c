/*
 * phone_number.c
 *		Type ccc.phone_number: the SQL face of phone_parse.c.
 *
 * By value; its order is that of the numbers with their country codes.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "compare.h"
#include "compat.h"
#include "phone.h"

#define TYPE_NAME "ccc.phone_number"

PG_FUNCTION_INFO_V1(phone_number_in);
PG_FUNCTION_INFO_V1(phone_number_out);
PG_FUNCTION_INFO_V1(phone_number_recv);
PG_FUNCTION_INFO_V1(phone_number_send);
PG_FUNCTION_INFO_V1(phone_number_cmp);
PG_FUNCTION_INFO_V1(phone_number_hash);
PG_FUNCTION_INFO_V1(phone_number_hash_extended);
PG_FUNCTION_INFO_V1(try_phone_number);

Datum
phone_number_in(PG_FUNCTION_ARGS)
{
	const char *str = PG_GETARG_CSTRING(0);
	int64		number;

	if (!phone_parse(str, strlen(str), &number))
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"",
						TYPE_NAME, str),
				 errhint("Write a landline with its area code, as in \"0755 8601 3388\" or \"+86 755 8601 3388\", and a foreign number with \"+\" and its country code.")));
	PG_RETURN_INT64(number);
}

Datum
phone_number_out(PG_FUNCTION_ARGS)
{
	char	   *buf = palloc(PHONE_MAX_TEXT);

	phone_format(PG_GETARG_INT64(0), buf);
	PG_RETURN_CSTRING(buf);
}

Datum
phone_number_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int64		number = pq_getmsgint64(buf);

	if (!phone_is_canonical(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value of type %s", TYPE_NAME),
				 errdetail("The value must be the digits of a phone number with its country code.")));
	PG_RETURN_INT64(number);
}

Datum
phone_number_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, PG_GETARG_INT64(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

static int
compare_numbers(FunctionCallInfo fcinfo)
{
	int64		a = PG_GETARG_INT64(0);
	int64		b = PG_GETARG_INT64(1);

	return (a > b) - (a < b);
}

COMPARISON(phone_number_eq, compare_numbers, ==);
COMPARISON(phone_number_ne, compare_numbers, !=);
COMPARISON(phone_number_lt, compare_numbers, <);
COMPARISON(phone_number_le, compare_numbers, <=);
COMPARISON(phone_number_gt, compare_numbers, >);
COMPARISON(phone_number_ge, compare_numbers, >=);

Datum
phone_number_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_numbers(fcinfo));
}

Datum
phone_number_hash(PG_FUNCTION_ARGS)
{
	return hashint8(fcinfo);
}

Datum
phone_number_hash_extended(PG_FUNCTION_ARGS)
{
	return hashint8extended(fcinfo);
}

/* For input that may be anything: null when it is not a phone number. */
Datum
try_phone_number(PG_FUNCTION_ARGS)
{
	text	   *str = PG_GETARG_TEXT_PP(0);
	int64		number;

	if (!phone_parse(VARDATA_ANY(str), VARSIZE_ANY_EXHDR(str), &number))
		PG_RETURN_NULL();
	PG_RETURN_INT64(number);
}
