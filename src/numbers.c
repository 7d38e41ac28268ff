/*
 * numbers.c
 *		Numbers in service: whose a number was at an instant.
 *
 * One query for all the numbers of a run of records; runs as the ledger's
 * owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "int64s.h"
#include "numbers.h"
#include "rights.h"
#include "statement.h"

struct Numbers
{
	HTAB	   *services;
};

typedef struct NumberEntry
{
	int64		number;			/* hash key */
	Service    *services;
} NumberEntry;

static Statement select_services = {
	.query = "SELECT n.number, n.since, n.paid_until, n.released_at, n.account_id,"
	" n.line = '400', n.owner = 'customer'"
	" FROM ccc.numbers AS n WHERE n.number OPERATOR(ccc.=) ANY ($1)",
	.types = {"ccc.phone_number[]"},
	.expected = SPI_OK_SELECT
};

/* The distinct numbers as a ccc.phone_number[]. */
static Datum
number_array(const int64 *wanted, int n, Oid type)
{
	int64	   *sorted = palloc_array(int64, n);
	Datum	   *datums = palloc_array(Datum, n);
	int			ndistinct = 0;

	memcpy(sorted, wanted, n * sizeof(int64));
	qsort(sorted, n, sizeof(int64), compare_int64);
	for (int i = 0; i < n; i++)
		if (i == 0 || sorted[i] != sorted[i - 1])
			datums[ndistinct++] = Int64GetDatum(sorted[i]);
	return PointerGetDatum(construct_array(datums, ndistinct, type, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
remember_service(Numbers *numbers, uint64 row)
{
	int64		number = DatumGetInt64(spi_value(row, 1));
	Service    *service = palloc_object(Service);
	NumberEntry *entry;
	bool		found;

	service->since = DatumGetTimestampTz(spi_value(row, 2));
	service->paid_until = DatumGetTimestampTz(spi_value(row, 3));
	service->released_at = DatumGetTimestampTz(spi_value(row, 4));
	service->account_id = DatumGetInt64(spi_value(row, 5));
	service->line = DatumGetBool(spi_value(row, 6)) ? LINE_400 : LINE_LANDLINE;
	service->owner = DatumGetBool(spi_value(row, 7)) ? OWNER_CUSTOMER : OWNER_PLATFORM;
	entry = hash_search(numbers->services, &number, HASH_ENTER, &found);
	service->next = found ? entry->services : NULL;
	entry->services = service;
}

/* What is known of some numbers, in the current memory context. */
Numbers *
numbers_load(const int64 *wanted, int n)
{
	Numbers    *numbers = palloc_object(Numbers);
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(NumberEntry),.hcxt = CurrentMemoryContext};
	Oid			type = get_atttype(ccc_relation("numbers"), 1);
	Datum		array;

	numbers->services = hash_create("ccc numbers", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (n == 0)
		return numbers;
	array = number_array(wanted, n, type);
	statement_execute(&select_services, &array);
	for (uint64 i = 0; i < SPI_processed; i++)
		remember_service(numbers, i);
	SPI_freetuptable(SPI_tuptable);
	return numbers;
}

/* The services that a number ever was in; NULL: none. */
const Service *
numbers_first(Numbers *numbers, int64 number)
{
	NumberEntry *entry = hash_search(numbers->services, &number, HASH_FIND, NULL);

	return entry ? entry->services : NULL;
}

/* The service of a number at an instant, suspended or not, or NULL. */
const Service *
numbers_find(Numbers *numbers, int64 number, TimestampTz at)
{
	for (const Service *service = numbers_first(numbers, number); service != NULL;
		 service = service->next)
		if (service->since <= at && at < service->released_at)
			return service;
	return NULL;
}
