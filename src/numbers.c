/*
 * numbers.c
 *		Numbers in service: whose a number was at an instant.
 *
 * Each number is read once a statement, as the ledger's owner, as it is by now:
 * to lock an account that an older snapshot shows otherwise is an error (40001).
 * What is known may be outdated by the time that an account is locked: the
 * account's version tells.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "ledger.h"
#include "numbers.h"

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

/* columns of ccc.numbers, in order */
enum
{
	COL_NUMBER,
	COL_SINCE,
	COL_PAID_UNTIL,
	COL_RELEASED_AT,
	COL_ACCOUNT_ID,
	COL_LINE,
	COL_OWNER
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

/* None is known. */
void
numbers_forget(Numbers *numbers)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(NumberEntry),.hcxt = numbers->context};

	MemoryContextReset(numbers->context);
	numbers->services = hash_create("ccc numbers", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static int64
version_of(OwnTable *accounts, int64 account_id)
{
	Datum		key = Int64GetDatum(account_id);

	return own_table_get(accounts, 1, &key) ? account_version(accounts) : 0;
}

static bool
says(Datum value, const char *word)
{
	return strcmp(TextDatumGetCString(value), word) == 0;
}

static void
read_service(Numbers *numbers, const Datum *values, NumberEntry *entry, OwnTable *accounts)
{
	Service    *service = MemoryContextAlloc(numbers->context, sizeof(Service));

	service->since = DatumGetTimestampTz(values[COL_SINCE]);
	service->paid_until = DatumGetTimestampTz(values[COL_PAID_UNTIL]);
	service->released_at = DatumGetTimestampTz(values[COL_RELEASED_AT]);
	service->account_id = DatumGetInt64(values[COL_ACCOUNT_ID]);
	service->line = says(values[COL_LINE], "400") ? LINE_400 : LINE_LANDLINE;
	service->owner = says(values[COL_OWNER], "customer") ? OWNER_CUSTOMER : OWNER_PLATFORM;
	service->version = version_of(accounts, service->account_id);
	service->next = entry->services;
	entry->services = service;
}

/* Makes some numbers known. */
void
numbers_load(Numbers *numbers, const int64 *wanted, int n)
{
	OwnTable   *services;
	OwnTable   *accounts;

	if (numbers->services == NULL || hash_get_num_entries(numbers->services) > MAX_KNOWN)
		numbers_forget(numbers);
	own_snapshot_push_latest();
	services = own_table_open(OWN_NUMBERS);
	accounts = own_table_open(OWN_ACCOUNTS);
	for (int i = 0; i < n; i++)
	{
		Datum		key = Int64GetDatum(wanted[i]);
		bool		known;
		NumberEntry *entry = hash_search(numbers->services, &wanted[i], HASH_ENTER, &known);

		if (known)
			continue;
		entry->services = NULL;
		own_table_find(services, KEY_EQUAL, 1, &key);
		while (own_table_next(services))
			read_service(numbers, services->row->tts_values, entry, accounts);
	}
	own_table_close(accounts);
	own_table_close(services);
	PopActiveSnapshot();
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
