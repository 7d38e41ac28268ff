/*
 * known_services.c
 *		Numbers in service that a session has met, or all that there are, kept for
 *		its next statements.
 *
 * What is kept may be outdated in two ways, and neither does harm. A trigger on
 * ccc.numbers sends the news of a change, which reaches every session before its
 * next statement; and the version of the account, which every change of its
 * numbers counts up, is compared when the account is locked. So a service may be
 * taken from here where it covers a call: services of a number do not overlap,
 * and another one could do so only after this one has changed. All that a number
 * ever was has to be read.
 *
 * Where all are known, a number that no service covers is nobody's. When that is
 * outdated no account tells, but the news does: it is sent after the change is
 * visible and before its commit returns, and taken in before anything is found
 * here. So a call that comes after that commit finds its number; one that comes
 * earlier is as one before the change, also where somebody sees that by then.
 * What is read is not older than the news
 * taken in before its snapshot, and is not kept where more came in until it was.
 *
 * That is too little for three, who read: who has seen what others may have done
 * after the change (to rows that are gone, or backfilled); a serializable
 * transaction, whose reading others have to see; and whoever finds a trigger
 * disabled that sends the news.
 *
 * Versions that a transaction saw of itself are of no use after it is rolled
 * back: others may come to the same.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "compat.h"
#include "known_services.h"
#include "relation_news.h"
#include "rights.h"

#define MAX_KNOWN 4096			/* numbers met; then all are forgotten */

typedef struct KnownNumber
{
	int64		number;			/* hash key */
	Service    *services;
	uint32		hash;			/* of the key */
	char		status;			/* of the hash table */
} KnownNumber;

#define SH_PREFIX numbers
#define SH_ELEMENT_TYPE KnownNumber
#define SH_KEY number
#include "by_int64.h"

static numbers_hash *known = NULL;
static MemoryContext known_context = NULL;
static bool valid = false;		/* what is known is not outdated */
static bool all = false;		/* all that are anybody's are known */
static int64 nread = 0;			/* one by one, since the last news */
static uint64 changes = 0;
static Oid	numbers_relid = InvalidOid;

/* Runs at any time: what is outdated is freed by the next one who begins. */
void
known_services_forget(void)
{
	valid = false;
	nread = 0;
	changes++;
}

static void
numbers_changed(Oid relid)
{
	if (!OidIsValid(relid) || relid == numbers_relid)
		known_services_forget();
}

static void
end_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_PRE_COMMIT)
		known_services_forget();
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId subxact,
				   SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		known_services_forget();
}

static void
begin_session(void)
{
	relation_news_to(numbers_changed);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
	known_context = AllocSetContextCreate(TopMemoryContext, "ccc known services",
										  ALLOCSET_DEFAULT_SIZES);
}

static void
begin_anew(void)
{
	valid = all = false;
	MemoryContextReset(known_context);
	known = numbers_create(known_context, 256, NULL);
	numbers_relid = ccc_relation("numbers");
	valid = true;
}

/*
 * Takes in the news so far, those of what the transaction itself did too. What
 * is found from then on is as by these, until this is called again. To be called
 * before numbers are read, and its result given with what was read.
 */
uint64
known_services_begin(void)
{
	if (known_context == NULL)
		begin_session();
	CommandCounterIncrement();
	AcceptInvalidationMessages();
	if (!valid || (!all && known->members >= MAX_KNOWN))
		begin_anew();
	return changes;
}

/* Keeps the services of a number, unless some have changed since it was read. */
void
known_services_add(int64 number, const Service *services, uint64 begun)
{
	KnownNumber *entry;
	bool		found;

	if (begun != changes)
		return;
	nread++;
	if (services == NULL)
		return;
	entry = numbers_insert(known, number, &found);
	if (found)
		return;
	entry->services = NULL;
	for (; services != NULL; services = services->next)
	{
		Service    *service = MemoryContextAlloc(known_context, sizeof(Service));

		*service = *services;
		service->next = entry->services;
		entry->services = service;
	}
}

/* All have been added that are anybody's. */
void
known_services_added_all(uint64 begun)
{
	all = begun == changes;
}

/* Whether a number that no service covers is nobody's. */
bool
known_services_all(void)
{
	return all;
}

/* How many numbers were read one by one since there were news. */
int64
known_services_nread(void)
{
	return nread;
}

/* The service that covers an instant, or NULL: then it has to be read, unless all are known. */
const Service *
known_services_find(int64 number, TimestampTz at)
{
	KnownNumber *entry = numbers_lookup(known, number);

	return entry == NULL ? NULL : service_at(entry->services, at);
}
