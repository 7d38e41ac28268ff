/*
 * json_size.c
 *		How long a jsonb is as text, without making that text.
 *
 * It may be far longer than the jsonb, and more than any text can be: a
 * control character takes six bytes, a number of a few bytes many thousands.
 */
#include "postgres.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

#include "json_size.h"

/* In quotes, escaped. */
static int64
string_size(const char *string, int length)
{
	int64		size = length + 2;

	for (int i = 0; i < length; i++)
		switch (string[i])
		{
			case '"':
			case '\\':
			case '\b':
			case '\f':
			case '\n':
			case '\r':
			case '\t':
				size++;
				break;
			default:
				if ((unsigned char) string[i] < ' ')
					size += 5;
		}
	return size;
}

/* From its binary form: the weight of the first digit, of base 10000, and the scale. */
static int64
number_size(Numeric number)
{
	bytea	   *form = DatumGetByteaP(DirectFunctionCall1(numeric_send, NumericGetDatum(number)));
	StringInfoData buffer = {.data = VARDATA(form),.len = VARSIZE(form) - VARHDRSZ};
	int			ndigits = pq_getmsgint(&buffer, 2);
	int			weight = (int16) pq_getmsgint(&buffer, 2);
	bool		negative = pq_getmsgint(&buffer, 2) != 0;
	int			scale = pq_getmsgint(&buffer, 2);
	int			first = ndigits > 0 && weight >= 0 ? pq_getmsgint(&buffer, 2) : 0;
	int64		size = negative + 1 + (first >= 10) + (first >= 100) + (first >= 1000);

	pfree(form);
	return size + 4 * Max(0, weight) + (scale > 0 ? scale + 1 : 0);
}

static int64
scalar_size(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return string_size(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return number_size(value->val.numeric);
		case jbvBool:
			return value->val.boolean ? strlen("true") : strlen("false");
		default:
			return strlen("null");
	}
}

/* Brackets, and what separates so many elements. */
static int64
frame_size(int nelements)
{
	return strlen("[]") + Max(0, nelements - 1) * (int64) strlen(", ");
}

static int64
token_size(JsonbIteratorToken token, const JsonbValue *value)
{
	switch (token)
	{
		case WJB_BEGIN_ARRAY:
			return value->val.array.rawScalar ? 0 : frame_size(value->val.array.nElems);
		case WJB_BEGIN_OBJECT:
			return frame_size(value->val.object.nPairs);
		case WJB_KEY:
			return scalar_size(value) + strlen(": ");
		case WJB_ELEM:
		case WJB_VALUE:
			return scalar_size(value);
		default:
			return 0;
	}
}

/* Whether the text is longer than so many bytes. */
bool
json_exceeds(Jsonb *json, int64 max_bytes)
{
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int64		size = 0;

	while (size <= max_bytes &&
		   (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		size += token_size(token, &value);
	}
	return size > max_bytes;
}
