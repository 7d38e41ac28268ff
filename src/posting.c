/*
 * posting.c
 *		Rated calls posted to the ledger, account by account.
 *
 * Calls are sorted by account, so that accounts are locked in ascending
 * order and each once a statement. Memory: work_mem for the sort, and half of
 * it for the calls of one account.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "account_calls.h"
#include "compat.h"
#include "ledger.h"
#include "posting.h"
#include "rights.h"

/* columns of the sort, its keys first */
enum
{
	SORT_ACCOUNT_ID = 1,
	SORT_CALL_ID,
	SORT_DIRECTION,
	SORT_STORED,				/* Storing */
	SORT_ROW_NO,
	SORT_STARTED_AT,
	SORT_BILLED,
	SORT_NUMBER,
	SORT_CONTENT,
	SORT_POOL,
	SORT_SECONDS
};

/* what is gone sorts before what is stored */
typedef enum Storing
{
	GONE,
	STORED,
	BACKFILLED
} Storing;

#define NSORT_KEYS SORT_ROW_NO
#define NSORT_COLUMNS SORT_SECONDS

struct Posting
{
	Faults	   *faults;
	TupleDesc	desc;
	TupleTableSlot *in;
	TupleTableSlot *out;
	Tuplesortstate *sort;
	bool		any;
	HTAB	   *accounts;		/* AccountVersion, of all that was added */
};

#define ANY_VERSION PG_INT64_MAX	/* calls were rated by no numbers */

static TupleDesc
sort_columns(void)
{
	static const Oid types[NSORT_COLUMNS] = {
		INT8OID, TEXTOID, INT4OID, INT4OID, INT8OID, TIMESTAMPTZOID,
		INT8OID, INT8OID, INT8OID, TEXTOID, NUMERICOID
	};
	TupleDesc	desc = CreateTemplateTupleDesc(NSORT_COLUMNS);

	for (int i = 0; i < NSORT_COLUMNS; i++)
		TupleDescInitEntry(desc, i + 1, NULL, types[i], -1, 0);
	TupleDescInitEntryCollation(desc, SORT_CALL_ID, C_COLLATION_OID);
	return desc;
}

Posting *
posting_begin(Faults *faults)
{
	static AttrNumber keys[NSORT_KEYS] = {SORT_ACCOUNT_ID, SORT_CALL_ID, SORT_DIRECTION, SORT_STORED, SORT_ROW_NO};
	static Oid	less_than[NSORT_KEYS] = {Int8LessOperator, TextLessOperator, Int4LessOperator, Int4LessOperator, Int8LessOperator};
	static Oid	collations[NSORT_KEYS] = {InvalidOid, C_COLLATION_OID, InvalidOid, InvalidOid, InvalidOid};
	static bool nulls_first[NSORT_KEYS] = {false, false, false, false, false};
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(AccountVersion),.hcxt = CurrentMemoryContext};
	Posting    *posting = palloc0_object(Posting);

	posting->faults = faults;
	posting->desc = sort_columns();
	posting->accounts = hash_create("ccc accounts", 16, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	posting->in = MakeSingleTupleTableSlot(posting->desc, &TTSOpsVirtual);
	posting->out = MakeSingleTupleTableSlot(posting->desc, &TTSOpsMinimalTuple);
	posting->sort = tuplesort_begin_heap(posting->desc, NSORT_KEYS, keys, less_than,
										 collations, nulls_first, work_mem,
										 NULL, TUPLESORT_NONE);
	return posting;
}

/* Of several versions the oldest counts: it is the one that may be outdated. */
static void
add_account(Posting *posting, int64 account_id, int64 version)
{
	bool		found;
	AccountVersion *account = hash_search(posting->accounts, &account_id, HASH_ENTER, &found);

	account->version = found ? Min(account->version, version) : version;
}

static void
sort_call(Posting *posting, const RatedCall *call)
{
	TupleTableSlot *slot = ExecClearTuple(posting->in);
	Datum	   *values = slot->tts_values - 1;
	text	   *call_id = cstring_to_text(call->call_id);

	memset(slot->tts_isnull, false, NSORT_COLUMNS * sizeof(bool));
	values[SORT_ACCOUNT_ID] = Int64GetDatum(call->account_id);
	values[SORT_CALL_ID] = PointerGetDatum(call_id);
	values[SORT_DIRECTION] = Int32GetDatum(call->direction);
	values[SORT_STORED] = Int32GetDatum(call->removal ? GONE : call->backfilled ? BACKFILLED : STORED);
	values[SORT_ROW_NO] = Int64GetDatum(call->row_no);
	values[SORT_STARTED_AT] = TimestampTzGetDatum(call->started_at);
	values[SORT_BILLED] = Int64GetDatum(call->billed);
	values[SORT_NUMBER] = Int64GetDatum(call->number);
	values[SORT_CONTENT] = Int64GetDatum(call->content);
	slot->tts_isnull[SORT_POOL - 1] = call->pool == NULL;
	values[SORT_POOL] = call->pool ? CStringGetTextDatum(call->pool) : (Datum) 0;
	values[SORT_SECONDS] = NumericGetDatum(call->seconds);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(posting->sort, slot);
	posting->any = true;
	pfree(call_id);
}

/*
 * Takes one rated side of a call, or one that is gone. Of one on a suspended
 * number only the account counts: whether the number is suspended.
 */
void
posting_add(void *argument, const RatedCall *call)
{
	Posting    *posting = argument;

	add_account(posting, call->account_id, call->removal ? ANY_VERSION : call->version);
	if (!call->suspended)
		sort_call(posting, call);
}

/* The call in the slot, copied into the current memory context. */
static void
read_call(TupleTableSlot *slot, RatedCall *call)
{
	Datum	   *values = slot->tts_values - 1;

	call->account_id = DatumGetInt64(values[SORT_ACCOUNT_ID]);
	call->call_id = TextDatumGetCString(values[SORT_CALL_ID]);
	call->direction = DatumGetInt32(values[SORT_DIRECTION]);
	call->removal = DatumGetInt32(values[SORT_STORED]) == GONE;
	call->backfilled = DatumGetInt32(values[SORT_STORED]) == BACKFILLED;
	call->row_no = DatumGetInt64(values[SORT_ROW_NO]);
	call->started_at = DatumGetTimestampTz(values[SORT_STARTED_AT]);
	call->billed = DatumGetInt64(values[SORT_BILLED]);
	call->number = DatumGetInt64(values[SORT_NUMBER]);
	call->content = DatumGetInt64(values[SORT_CONTENT]);
	call->pool = slot->tts_isnull[SORT_POOL - 1] ? NULL :
		TextDatumGetCString(values[SORT_POOL]);
	call->seconds = DatumGetNumericCopy(values[SORT_SECONDS]);
}

/* Whether the call in the slot has an id. */
static bool
is_of(TupleTableSlot *slot, const char *call_id)
{
	const text *id = DatumGetTextPP(slot->tts_values[SORT_CALL_ID - 1]);

	return VARSIZE_ANY_EXHDR(id) == strlen(call_id) &&
		memcmp(VARDATA_ANY(id), call_id, strlen(call_id)) == 0;
}

static bool
next_sorted(Posting *posting)
{
	if (!tuplesort_gettupleslot(posting->sort, true, false, posting->out, NULL))
		return false;
	slot_getallattrs(posting->out);
	return true;
}

static bool
rated_by(Posting *posting, const AccountVersion *locked)
{
	AccountVersion *account = hash_search(posting->accounts, &locked->account_id, HASH_FIND, NULL);

	return account->version == ANY_VERSION || account->version == locked->version;
}

/*
 * Locks every account of the posting, and more, before anything else is:
 * exceptions are always locked after accounts. False when the numbers of one
 * have changed since its calls were rated: then they are to be rated again.
 */
bool
posting_lock_accounts(Posting *posting, const int64 *more, int n)
{
	HASH_SEQ_STATUS scan;
	int64	   *ids;
	AccountVersion *account;
	AccountVersion *locked;
	int			nlocked;
	int			nids = 0;

	for (int i = 0; i < n; i++)
		add_account(posting, more[i], ANY_VERSION);
	ids = palloc_array(int64, hash_get_num_entries(posting->accounts));
	hash_seq_init(&scan, posting->accounts);
	while ((account = hash_seq_search(&scan)) != NULL)
		ids[nids++] = account->account_id;
	if (nids == 0)
		return true;
	locked = palloc_array(AccountVersion, nids);
	nlocked = ledger_lock_accounts(ids, nids, locked);
	for (int i = 0; i < nlocked; i++)
		if (!rated_by(posting, &locked[i]))
			return false;
	return true;
}

/* Ends a posting, whether anything was posted or not. */
void
posting_drop(Posting *posting)
{
	tuplesort_end(posting->sort);
	ExecDropSingleTupleTableSlot(posting->in);
	ExecDropSingleTupleTableSlot(posting->out);
	hash_destroy(posting->accounts);
}

/* The calls of one account, or as many of them as there is room for. */
static bool
post_calls(Posting *posting, AccountCalls *calls)
{
	int64		account_id = DatumGetInt64(posting->out->tts_values[SORT_ACCOUNT_ID - 1]);
	RatedCall  *call;
	bool		more;
	bool		same;

	do
	{
		call = account_calls_room(calls);
		read_call(posting->out, call);
		more = next_sorted(posting);
		same = more && DatumGetInt64(posting->out->tts_values[SORT_ACCOUNT_ID - 1]) == account_id;
	} while (same && !(account_calls_full(calls) && !is_of(posting->out, call->call_id)));
	account_calls_post(calls, same);
	return more;
}

/*
 * Posts everything that was added; runs as the ledger's owner. Tells the
 * removals, if there are any, what was known of them. Ends the posting.
 */
void
posting_post(Posting *posting, GoneExceptions *gone, Removals *removals)
{
	bool		more;

	if (posting->any)
	{
		AccountCalls *calls = account_calls_begin(posting->faults, gone, removals);

		tuplesort_performsort(posting->sort);
		for (more = next_sorted(posting); more;)
			more = post_calls(posting, calls);
		account_calls_end(calls);
	}
	posting_drop(posting);
}
