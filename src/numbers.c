/*
 * numbers.c
 *		Numbers in service: whose a number was at an instant.
 *
 * Each number is read once a statement, as the ledger's owner, as it is by now:
 * to lock an account that an older snapshot shows otherwise is an error (40001).
 * What is known may be outdated by the time that an account is locked: the
 * account's version tells. So a service may also be known from a statement before,
 * and so may that there is none, where all are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "known_services.h"
#include "ledger.h"
#include "numbers.h"

#define MAX_KNOWN 100000			/* numbers; then all are forgotten */
#define MAX_BLOCKS 1000			/* of a table that is read as a whole */
#define MAX_BLOCKS_KEPT 130		/* of one that a session keeps, in 2 MB */
#define PER_BLOCK 50			/* numbers; a few less than there are */

struct Numbers
{
	struct entries_hash *entries;	/* those of nobody too */
	int64		nread;			/* one by one */
	bool		all;			/* all that are anybody's are known */
	bool		may_recall;		/* also that a number is nobody's */
	bool		recalled;		/* the session knows all: it is asked */
	MemoryContext context;
};

typedef struct NumberEntry
{
	int64		number;			/* hash key */
	Service    *services;
	bool		complete;		/* these are all that it ever was in */
	uint32		hash;			/* of the key */
	char		status;			/* of the hash table */
} NumberEntry;

#define SH_PREFIX entries
#define SH_ELEMENT_TYPE NumberEntry
#define SH_KEY number
#include "by_int64.h"

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

/*
 * In the current memory context. That a number is nobody's may be recalled where
 * nothing was read before that others may have done with it. What a serializable
 * transaction depends on it has to read, for others to see.
 */
Numbers *
numbers_begin(bool may_recall)
{
	Numbers    *numbers = palloc0_object(Numbers);

	numbers->may_recall = may_recall && !IsolationIsSerializable();
	numbers->context = AllocSetContextCreate(CurrentMemoryContext, "ccc numbers",
											 ALLOCSET_DEFAULT_SIZES);
	return numbers;
}

/* None is known. */
void
numbers_forget(Numbers *numbers)
{
	MemoryContextReset(numbers->context);
	numbers->entries = entries_create(numbers->context, 64, NULL);
	numbers->nread = 0;
	numbers->all = false;
}

/* What numbers and the versions of their accounts are read from. */
typedef struct Register
{
	OwnTable   *services;
	OwnTable   *accounts;		/* NULL: not asked for yet */
} Register;

static int64
version_of(Register *from, int64 account_id)
{
	if (from->accounts == NULL)
		from->accounts = own_table_open(OWN_ACCOUNTS);
	return own_table_get(from->accounts, account_id) ? account_version(from->accounts) : 0;
}

static bool
says(Datum value, const char *word)
{
	return strcmp(TextDatumGetCString(value), word) == 0;
}

static void
read_service(Numbers *numbers, Register *from, NumberEntry *entry)
{
	const Datum *values = from->services->row->tts_values;
	Service    *service = MemoryContextAlloc(numbers->context, sizeof(Service));

	service->since = DatumGetTimestampTz(values[COL_SINCE]);
	service->paid_until = DatumGetTimestampTz(values[COL_PAID_UNTIL]);
	service->released_at = DatumGetTimestampTz(values[COL_RELEASED_AT]);
	service->account_id = DatumGetInt64(values[COL_ACCOUNT_ID]);
	service->line = says(values[COL_LINE], "400") ? LINE_400 : LINE_LANDLINE;
	service->owner = says(values[COL_OWNER], "customer") ? OWNER_CUSTOMER : OWNER_PLATFORM;
	service->version = version_of(from, service->account_id);
	service->next = entry->services;
	entry->services = service;
}

/* The entry of a number, with nothing known where it is new. */
static NumberEntry *
entry_of(Numbers *numbers, int64 number)
{
	bool		found;
	NumberEntry *entry = entries_insert(numbers->entries, number, &found);

	if (!found)
	{
		entry->services = NULL;
		entry->complete = false;
	}
	return entry;
}

static void
make_room(Numbers *numbers)
{
	if (numbers->entries == NULL ||
		(!numbers->all && numbers->entries->members > MAX_KNOWN))
		numbers_forget(numbers);
}

static void
read_number(Numbers *numbers, Register *from, NumberEntry *entry)
{
	Datum		key = Int64GetDatum(entry->number);

	entry->services = NULL;
	own_table_find(from->services, KEY_EQUAL, 1, &key);
	while (own_table_next(from->services))
		read_service(numbers, from, entry);
	entry->complete = true;
	numbers->nread++;
}

/* Whether every change is told: nobody has disabled or dropped a trigger. */
static bool
changes_are_told(Relation rel)
{
	int			ntelling = 0;

	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &rel->trigdesc->triggers[i];

		if (trigger->tgenabled == TRIGGER_FIRES_ALWAYS &&
			(strcmp(trigger->tgname, "catalogue_changed") == 0 ||
			 strcmp(trigger->tgname, "catalogue_truncated") == 0))
			ntelling++;
	}
	return ntelling == 2;
}

static bool
may_be_kept(Relation rel)
{
	return RelationGetNumberOfBlocks(rel) <= MAX_BLOCKS_KEPT && changes_are_told(rel);
}

/*
 * The other party of most calls is nobody's: with many records, of a statement
 * or of the session, it is dearer to look each up than to read the whole table
 * once.
 */
static bool
all_are_cheaper(const Numbers *numbers, Relation rel)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(rel);
	int64		nread = numbers->nread;

	if (numbers->may_recall && may_be_kept(rel))
		nread = Max(nread, known_services_nread());
	return blocks <= MAX_BLOCKS && nread > (int64) blocks * PER_BLOCK;
}

/* For the session's next statements. */
static void
keep_all(Numbers *numbers, uint64 begun)
{
	entries_iterator scan;
	NumberEntry *entry;

	entries_start_iterate(numbers->entries, &scan);
	while ((entry = entries_iterate(numbers->entries, &scan)) != NULL)
		known_services_add(entry->number, entry->services, begun);
	known_services_added_all(begun);
}

static void
read_all(Numbers *numbers, Register *from, uint64 begun)
{
	numbers_forget(numbers);
	own_table_find(from->services, KEY_EQUAL, 0, NULL);
	while (own_table_next(from->services))
		read_service(numbers, from,
					 entry_of(numbers, DatumGetInt64(from->services->row->tts_values[COL_NUMBER])));
	numbers->all = true;
	if (may_be_kept(from->services->rel))
		keep_all(numbers, begun);
}

static void
read_numbers(Numbers *numbers, const int64 *wanted, int n, uint64 begun)
{
	Register	from = {0};

	own_snapshot_push_latest();
	from.services = own_table_open(OWN_NUMBERS);
	if (all_are_cheaper(numbers, from.services->rel))
		read_all(numbers, &from, begun);
	for (int i = 0; i < n && !numbers->all; i++)
	{
		NumberEntry *entry = entry_of(numbers, wanted[i]);

		if (entry->complete)
			continue;
		read_number(numbers, &from, entry);
		known_services_add(entry->number, entry->services, begun);
	}
	if (from.accounts != NULL)
		own_table_close(from.accounts);
	own_table_close(from.services);
	PopActiveSnapshot();
}

/* Makes all services of some numbers known, as they are by now. */
void
numbers_load(Numbers *numbers, const int64 *wanted, int n)
{
	numbers->recalled = false;
	make_room(numbers);
	if (!numbers->all)
		read_numbers(numbers, wanted, n, known_services_begin());
}

/* Whether the service at an instant is known, if only from a statement before. */
static bool
recall(Numbers *numbers, const NumberAt *wanted)
{
	NumberEntry *entry = entry_of(numbers, wanted->number);
	const Service *known;
	Service    *service;

	if (entry->complete || service_at(entry->services, wanted->at) != NULL)
		return true;
	known = known_services_find(wanted->number, wanted->at);
	if (known == NULL)
		return false;
	service = MemoryContextAlloc(numbers->context, sizeof(Service));
	*service = *known;
	service->next = entry->services;
	entry->services = service;
	return true;
}

/* Makes the services of some numbers at some instants known, until the next load. */
void
numbers_load_at(Numbers *numbers, const NumberAt *wanted, int n)
{
	uint64		begun;
	int64	   *unknown;
	int			nunknown = 0;

	if (numbers->all)
		return;
	begun = known_services_begin();
	numbers->recalled = numbers->may_recall && known_services_all();
	if (numbers->recalled)
		return;
	make_room(numbers);
	unknown = palloc_array(int64, n);
	for (int i = 0; i < n; i++)
		if (!recall(numbers, &wanted[i]))
			unknown[nunknown++] = wanted[i].number;
	if (nunknown > 0)
		read_numbers(numbers, unknown, nunknown, begun);
	pfree(unknown);
}

/* The services that a number ever was in, of one that was loaded; NULL: none. */
const Service *
numbers_first(Numbers *numbers, int64 number)
{
	NumberEntry *entry = entries_lookup(numbers->entries, number);

	return entry ? entry->services : NULL;
}

/* The service of a number that was loaded, suspended or not, or NULL. */
const Service *
numbers_find(Numbers *numbers, int64 number, TimestampTz at)
{
	if (numbers->recalled)
		return known_services_find(number, at);
	return service_at(numbers_first(numbers, number), at);
}
