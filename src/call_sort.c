/*
 * call_sort.c
 *		Rated calls in the order of their accounts and keys.
 *
 * By account, call_id and direction, what is gone before what is stored, and
 * in the order of their rows. A few calls are sorted where they are; many go
 * through core's tuplesort, which spills what exceeds work_mem.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "call_sort.h"
#include "compat.h"

#define FEW 64

/* columns of the sort, its keys first */
enum
{
	SORT_ACCOUNT_ID,
	SORT_CALL_ID,
	SORT_PLACE,
	SORT_REST,
	NCOLUMNS
};

#define NKEYS SORT_REST

/* what is gone sorts before what is stored */
typedef enum Storing
{
	GONE,
	STORED,
	BACKFILLED
} Storing;

/* The place of a call among those of its id: direction, storing and row. */
#define STORING_BITS 2
#define ROW_BITS 48

/* What no key says, followed by the length and the pool. */
typedef struct Rest
{
	TimestampTz started_at;
	int64		billed;
	int64		number;
	int64		content;
} Rest;

struct CallSort
{
	MemoryContext context;
	RatedCall  *few;
	int			nfew;
	int			at;

	/* when they are many */
	Tuplesortstate *tuples;		/* NULL: they are not */
	TupleTableSlot *in;
	TupleTableSlot *out;
};

/* In the current memory context. */
CallSort *
call_sort_begin(void)
{
	CallSort   *sort = palloc0_object(CallSort);

	sort->context = CurrentMemoryContext;
	sort->at = -1;
	return sort;
}

static int64
place(const RatedCall *call)
{
	Storing		storing = call->removal ? GONE : call->backfilled ? BACKFILLED : STORED;

	return (((int64) call->direction << STORING_BITS | storing) << ROW_BITS) | call->row_no;
}

static void
read_place(int64 place, RatedCall *call)
{
	Storing		storing = place >> ROW_BITS & ((1 << STORING_BITS) - 1);

	call->direction = place >> (ROW_BITS + STORING_BITS);
	call->removal = storing == GONE;
	call->backfilled = storing == BACKFILLED;
	call->row_no = place & ((INT64CONST(1) << ROW_BITS) - 1);
}

static int
compare_calls(const void *a, const void *b)
{
	const RatedCall *x = a;
	const RatedCall *y = b;
	int			result;

	if (x->account_id != y->account_id)
		return x->account_id < y->account_id ? -1 : 1;
	result = strcmp(x->call_id, y->call_id);
	return result != 0 ? result : place(x) < place(y) ? -1 : 1;
}

static void
keep(CallSort *sort, const RatedCall *call)
{
	MemoryContext old = MemoryContextSwitchTo(sort->context);
	RatedCall  *kept;

	if (sort->few == NULL)
		sort->few = palloc_array(RatedCall, FEW);
	kept = &sort->few[sort->nfew++];
	*kept = *call;
	kept->call_id = pstrdup(call->call_id);
	kept->pool = call->pool ? pstrdup(call->pool) : NULL;
	kept->seconds = DatumGetNumericCopy(NumericGetDatum(call->seconds));
	MemoryContextSwitchTo(old);
}

static TupleDesc
sort_columns(void)
{
	static const Oid types[NCOLUMNS] = {INT8OID, TEXTOID, INT8OID, BYTEAOID};
	TupleDesc	desc = CreateTemplateTupleDesc(NCOLUMNS);

	for (int i = 0; i < NCOLUMNS; i++)
		TupleDescInitEntry(desc, i + 1, NULL, types[i], -1, 0);
	TupleDescInitEntryCollation(desc, SORT_CALL_ID + 1, C_COLLATION_OID);
	return desc;
}

static bytea *
pack_rest(const RatedCall *call)
{
	Rest		rest = {
		.started_at = call->started_at,
		.billed = call->billed,
		.number = call->number,
		.content = call->content
	};
	Size		seconds = VARSIZE(call->seconds);
	Size		pool = call->pool ? strlen(call->pool) : 0;
	bytea	   *packed = palloc(VARHDRSZ + sizeof(Rest) + seconds + pool);
	char	   *data = VARDATA(packed);

	SET_VARSIZE(packed, VARHDRSZ + sizeof(Rest) + seconds + pool);
	memcpy(data, &rest, sizeof(Rest));
	memcpy(data + sizeof(Rest), call->seconds, seconds);
	if (call->pool)
		memcpy(data + sizeof(Rest) + seconds, call->pool, pool);
	return packed;
}

/* A pool's name is not empty: nothing behind the length means that it is free. */
static void
read_rest(const bytea *packed, RatedCall *call)
{
	const char *data = VARDATA_ANY(packed);
	Size		size = VARSIZE_ANY_EXHDR(packed) - sizeof(Rest);
	Rest		rest;
	Numeric		seconds = palloc(size + 1);
	Size		pool;

	memcpy(&rest, data, sizeof(Rest));
	memcpy(seconds, data + sizeof(Rest), size);
	pool = size - VARSIZE(seconds);
	((char *) seconds)[size] = '\0';
	call->started_at = rest.started_at;
	call->billed = rest.billed;
	call->number = rest.number;
	call->content = rest.content;
	call->seconds = seconds;
	call->pool = pool > 0 ? (char *) seconds + VARSIZE(seconds) : NULL;
}

static void
put_tuple(CallSort *sort, const RatedCall *call)
{
	TupleTableSlot *slot = ExecClearTuple(sort->in);
	text	   *call_id = cstring_to_text(call->call_id);
	bytea	   *rest = pack_rest(call);

	memset(slot->tts_isnull, false, NCOLUMNS * sizeof(bool));
	slot->tts_values[SORT_ACCOUNT_ID] = Int64GetDatum(call->account_id);
	slot->tts_values[SORT_CALL_ID] = PointerGetDatum(call_id);
	slot->tts_values[SORT_PLACE] = Int64GetDatum(place(call));
	slot->tts_values[SORT_REST] = PointerGetDatum(rest);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(sort->tuples, slot);
	pfree(rest);
	pfree(call_id);
}

/* There are many now. */
static void
begin_tuples(CallSort *sort)
{
	static AttrNumber keys[NKEYS] = {SORT_ACCOUNT_ID + 1, SORT_CALL_ID + 1, SORT_PLACE + 1};
	static Oid	less_than[NKEYS] = {Int8LessOperator, TextLessOperator, Int8LessOperator};
	static Oid	collations[NKEYS] = {InvalidOid, C_COLLATION_OID, InvalidOid};
	static bool nulls_first[NKEYS] = {false, false, false};
	MemoryContext old = MemoryContextSwitchTo(sort->context);
	TupleDesc	desc = sort_columns();

	sort->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	sort->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	sort->tuples = tuplesort_begin_heap(desc, NKEYS, keys, less_than, collations,
										nulls_first, work_mem, NULL, TUPLESORT_NONE);
	for (int i = 0; i < sort->nfew; i++)
		put_tuple(sort, &sort->few[i]);
	sort->nfew = 0;
	MemoryContextSwitchTo(old);
}

void
call_sort_add(CallSort *sort, const RatedCall *call)
{
	if (sort->tuples == NULL && sort->nfew < FEW)
	{
		keep(sort, call);
		return;
	}
	if (sort->tuples == NULL)
		begin_tuples(sort);
	put_tuple(sort, call);
}

void
call_sort_perform(CallSort *sort)
{
	if (sort->tuples != NULL)
		tuplesort_performsort(sort->tuples);
	else if (sort->nfew > 1)
		qsort(sort->few, sort->nfew, sizeof(RatedCall), compare_calls);
}

bool
call_sort_next(CallSort *sort)
{
	if (sort->tuples == NULL)
		return ++sort->at < sort->nfew;
	if (!tuplesort_gettupleslot(sort->tuples, true, false, sort->out, NULL))
		return false;
	slot_getallattrs(sort->out);
	return true;
}

int64
call_sort_account(const CallSort *sort)
{
	return sort->tuples == NULL ? sort->few[sort->at].account_id :
		DatumGetInt64(sort->out->tts_values[SORT_ACCOUNT_ID]);
}

bool
call_sort_has_id(const CallSort *sort, const char *call_id)
{
	const text *id;

	if (sort->tuples == NULL)
		return strcmp(sort->few[sort->at].call_id, call_id) == 0;
	id = DatumGetTextPP(sort->out->tts_values[SORT_CALL_ID]);
	return VARSIZE_ANY_EXHDR(id) == strlen(call_id) &&
		memcmp(VARDATA_ANY(id), call_id, strlen(call_id)) == 0;
}

/* Into the current memory context, or where it lives as long as the sort. */
void
call_sort_read(const CallSort *sort, RatedCall *call)
{
	if (sort->tuples == NULL)
	{
		*call = sort->few[sort->at];
		return;
	}
	memset(call, 0, sizeof(RatedCall));
	call->account_id = call_sort_account(sort);
	call->call_id = TextDatumGetCString(sort->out->tts_values[SORT_CALL_ID]);
	read_place(DatumGetInt64(sort->out->tts_values[SORT_PLACE]), call);
	read_rest(DatumGetByteaPP(sort->out->tts_values[SORT_REST]), call);
}

void
call_sort_end(CallSort *sort)
{
	if (sort->tuples != NULL)
	{
		tuplesort_end(sort->tuples);
		ExecDropSingleTupleTableSlot(sort->in);
		ExecDropSingleTupleTableSlot(sort->out);
	}
	pfree(sort);
}
