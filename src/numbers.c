/*
 * numbers.c
 *		Numbers in service: whose a number was at an instant.
 *
 * One query for all the numbers of a run of records that are not known yet;
 * runs as the ledger's owner. What is known may be outdated by the time that
 * an account is locked: the version of its numbers tells.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "numbers.h"
#include "rights.h"
#include "statement.h"

#define MAX_KNOWN 100000			/* numbers; then all are forgotten */

struct Numbers
{
	HTAB	   *services;		/* NumberEntry, those of nobody too */
	MemoryContext context;
};

typedef struct NumberEntry
{
	int64		number;			/* hash key */
	Service    *services;
} NumberEntry;

static Statement select_services = {
	.query = "SELECT n.number, n.since, n.paid_until, n.released_at, n.account_id,"
	" n.line = '400', n.owner = 'customer', COALESCE(a.last_number_no, 0)"
	" FROM ccc.numbers AS n LEFT JOIN ccc.accounts AS a ON a.account_id = n.account_id"
	" WHERE n.number OPERATOR(ccc.=) ANY ($1)",
	.types = {"ccc.phone_number[]"},
	.expected = SPI_OK_SELECT
};

/* In the current memory context. */
Numbers *
numbers_begin(void)
{
	Numbers    *numbers = palloc0_object(Numbers);

	numbers->context = AllocSetContextCreate(CurrentMemoryContext, "ccc numbers",
											 ALLOCSET_DEFAULT_SIZES);
	return numbers;
}

static void
forget_all(Numbers *numbers)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(NumberEntry),.hcxt = numbers->context};

	MemoryContextReset(numbers->context);
	numbers->services = hash_create("ccc numbers", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Those not known yet, each once, as a ccc.phone_number[]; 0: there are none. */
static Datum
unknown_numbers(Numbers *numbers, const int64 *wanted, int n)
{
	Oid			type = get_atttype(ccc_relation("numbers"), 1);
	Datum	   *datums = palloc_array(Datum, n);
	int			nunknown = 0;

	for (int i = 0; i < n; i++)
	{
		bool		known;
		NumberEntry *entry = hash_search(numbers->services, &wanted[i], HASH_ENTER, &known);

		if (known)
			continue;
		entry->services = NULL;
		datums[nunknown++] = Int64GetDatum(wanted[i]);
	}
	return nunknown == 0 ? (Datum) 0 :
		PointerGetDatum(construct_array(datums, nunknown, type, sizeof(int64),
										FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
remember_service(Numbers *numbers, uint64 row)
{
	int64		number = DatumGetInt64(spi_value(row, 1));
	NumberEntry *entry = hash_search(numbers->services, &number, HASH_FIND, NULL);
	Service    *service = MemoryContextAlloc(numbers->context, sizeof(Service));

	service->since = DatumGetTimestampTz(spi_value(row, 2));
	service->paid_until = DatumGetTimestampTz(spi_value(row, 3));
	service->released_at = DatumGetTimestampTz(spi_value(row, 4));
	service->account_id = DatumGetInt64(spi_value(row, 5));
	service->line = DatumGetBool(spi_value(row, 6)) ? LINE_400 : LINE_LANDLINE;
	service->owner = DatumGetBool(spi_value(row, 7)) ? OWNER_CUSTOMER : OWNER_PLATFORM;
	service->version = DatumGetInt64(spi_value(row, 8));
	service->next = entry->services;
	entry->services = service;
}

/* Makes some numbers known. */
void
numbers_load(Numbers *numbers, const int64 *wanted, int n)
{
	Datum		array;

	if (numbers->services == NULL || hash_get_num_entries(numbers->services) > MAX_KNOWN)
		forget_all(numbers);
	array = unknown_numbers(numbers, wanted, n);
	if (array == (Datum) 0)
		return;
	statement_execute(&select_services, &array);
	for (uint64 i = 0; i < SPI_processed; i++)
		remember_service(numbers, i);
	SPI_freetuptable(SPI_tuptable);
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
