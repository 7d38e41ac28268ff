/*
 * call_sort.c
 *		Rated calls in the order of their accounts and keys.
 *
 * By account, call_id and direction, what is gone before what is stored, and
 * in the order of their rows. A few calls are sorted where they are; many go
 * through core's tuplesort, which spills what exceeds its memory, each as one
 * string of bytes that begins with its key. Its first eight bytes, which are
 * all that most comparisons look at, hold the account and what tells most
 * call_ids apart: as many of their digits as there is room for.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "call_sort.h"
#include "compat.h"
#include "grow.h"
#include "put.h"
#include "scan.h"

#define FEW 64

/* kB, if work_mem is no less: what stays in a processor's cache is soon sorted, and merged */
#define MAX_SORT_MEMORY (16 * 1024)

#define ABBREVIATED 8			/* bytes that tuplesort compares as one number */

/* of a call_id's abbreviation; 0 is its end */
#define HALF_LESS 1
#define HALF_DIGIT 2			/* to 11 */
#define HALF_MORE 12

#define MAX_NUMBER (1 + sizeof(int64))
StaticAssertDecl(MAX_NUMBER >= ABBREVIATED, "an abbreviation fills up what an account leaves");

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

/* What no key says, followed by the pool and the length's digits. */
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
	int			room;
	int			at;

	/* when they are many */
	Tuplesortstate *strings;	/* NULL: they are not */
	StringInfoData packed;		/* room for a string to put in, which is copied */
	const char **pools;			/* those of the calls, from 1; there are few */
	int			npools;
	int			pools_room;
	bytea	   *string;			/* of the call that it stands at, or NULL */
	int64		account_id;
	const char *call_id;
	const char *rest;			/* what follows the call_id */
	const char *end;
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

	sort->few = grow(sort->context, sort->few, sort->nfew, &sort->room, sizeof(RatedCall));
	kept = &sort->few[sort->nfew++];
	*kept = *call;
	kept->call_id = pstrdup(call->call_id);
	kept->pool = call->pool ? pstrdup(call->pool) : NULL;
	kept->seconds = DatumGetNumericCopy(NumericGetDatum(call->seconds));
	MemoryContextSwitchTo(old);
}

/* Bytes of a number without its leading zeros; a negative one has all eight. */
static int
significant_bytes(int64 value)
{
	int			n = 0;

	for (uint64 rest = value; rest > 0; rest >>= BITS_PER_BYTE)
		n++;
	return n;
}

/* How many bytes follow, then the bytes: such strings sort as the numbers do. */
static char *
put_number(char *at, int64 number)
{
	uint64		bytes = pg_hton64(number);
	int			n = significant_bytes(number);

	*at++ = number < 0 ? 0 : 1 + n;
	return put(at, (char *) &bytes + sizeof(bytes) - n, n);
}

static const char *
read_number(const char *at, int64 *number)
{
	uint64		bytes = 0;
	int			n = *at == 0 ? sizeof(bytes) : *at - 1;

	memcpy((char *) &bytes + sizeof(bytes) - n, at + 1, n);
	*number = pg_ntoh64(bytes);
	return at + 1 + n;
}

/* Where the call_id follows the account of a string that begins at begin. */
static int
abbreviation_size(const char *begin, const char *at)
{
	return Max(0, ABBREVIATED - (int) (at - begin));
}

/*
 * The beginning of a call_id in so many bytes, which sort as call_ids do: half
 * a byte for a digit, three halves for another. Ids count up; the whole bytes
 * of many begin alike.
 */
static char *
put_abbreviation(char *at, const char *call_id, int size)
{
	const int	room = (ABBREVIATED - 1) * BITS_PER_BYTE;	/* beside an account of a byte */
	uint64		bits = 0;
	int			n = 0;

	for (; *call_id != '\0' && n < room; call_id++)
	{
		unsigned char byte = *call_id;

		if (is_digit(byte))
		{
			bits = bits << 4 | (HALF_DIGIT + byte - '0');
			n += 4;
		}
		else
		{
			bits = bits << 12 | (byte < '0' ? HALF_LESS : HALF_MORE) << 8 | byte;
			n += 12;
		}
	}
	bits = n > room ? bits >> (n - room) : bits << (room - n);
	bits = pg_hton64(bits << BITS_PER_BYTE);
	return put(at, &bits, size);
}

/* The place of a pool among those of the sort, from 1; 0 is free. */
static int
place_of_pool(CallSort *sort, const char *pool)
{
	if (pool == NULL)
		return 0;
	for (int i = 0; i < sort->npools; i++)
		if (strcmp(sort->pools[i], pool) == 0)
			return i + 1;
	sort->pools = grow(sort->context, sort->pools, sort->npools, &sort->pools_room, sizeof(char *));
	sort->pools[sort->npools++] = MemoryContextStrdup(sort->context, pool);
	return sort->npools;
}

static bytea *
pack(CallSort *sort, const RatedCall *call)
{
	Rest		rest = {
		.started_at = call->started_at,
		.billed = call->billed,
		.number = call->number,
		.content = call->content
	};
	Size		id = strlen(call->call_id) + 1;
	Size		seconds = VARSIZE(call->seconds) - VARHDRSZ;
	bytea	   *packed;
	char	   *at;

	enlargeStringInfo(&sort->packed, VARHDRSZ + MAX_NUMBER + id + sizeof(int64) + sizeof(rest) + MAX_NUMBER + seconds);
	packed = (bytea *) sort->packed.data;
	at = put_number(VARDATA(packed), call->account_id);
	at = put_abbreviation(at, call->call_id, abbreviation_size(VARDATA(packed), at));
	at = put(at, call->call_id, id);
	at = put_int64(at, place(call));
	at = put(at, &rest, sizeof(rest));
	at = put_number(at, place_of_pool(sort, call->pool));
	at = put(at, VARDATA(call->seconds), seconds);
	SET_VARSIZE(packed, at - (char *) packed);
	return packed;
}

/* In one piece of memory: the length, the call_id. */
static void
unpack(const CallSort *sort, RatedCall *call)
{
	const char *at = sort->rest;
	Size		id = at - sort->call_id;	/* with its end */
	uint64		order;
	Rest		rest;
	int64		pool;
	char	   *copy;
	Size		size;

	memcpy(&order, at, sizeof(order));
	at += sizeof(order);
	memcpy(&rest, at, sizeof(rest));
	at = read_number(at + sizeof(rest), &pool);
	size = VARHDRSZ + sort->end - at;
	copy = palloc(size + id);
	SET_VARSIZE(copy, size);
	memcpy(VARDATA(copy), at, size - VARHDRSZ);
	memcpy(copy + size, sort->call_id, id);

	memset(call, 0, sizeof(RatedCall));
	call->account_id = sort->account_id;
	call->call_id = copy + size;
	read_place(pg_ntoh64(order), call);
	call->started_at = rest.started_at;
	call->billed = rest.billed;
	call->number = rest.number;
	call->content = rest.content;
	call->seconds = (Numeric) copy;
	call->pool = pool == 0 ? NULL : sort->pools[pool - 1];
}

static void
put_string(CallSort *sort, const RatedCall *call)
{
	tuplesort_putdatum(sort->strings, PointerGetDatum(pack(sort, call)), false);
}

/* There are many now. */
static void
begin_strings(CallSort *sort)
{
	MemoryContext old = MemoryContextSwitchTo(sort->context);
	Oid			less_than = lookup_type_cache(BYTEAOID, TYPECACHE_LT_OPR)->lt_opr;

	initStringInfo(&sort->packed);
	sort->strings = tuplesort_begin_datum(BYTEAOID, less_than, InvalidOid, false,
										  Min(work_mem, MAX_SORT_MEMORY), NULL, TUPLESORT_NONE);
	for (int i = 0; i < sort->nfew; i++)
		put_string(sort, &sort->few[i]);
	MemoryContextSwitchTo(old);
}

void
call_sort_add(CallSort *sort, const RatedCall *call)
{
	if (sort->strings == NULL && sort->nfew < FEW)
	{
		keep(sort, call);
		return;
	}
	if (sort->strings == NULL)
		begin_strings(sort);
	put_string(sort, call);
}

void
call_sort_perform(CallSort *sort)
{
	if (sort->strings != NULL)
		tuplesort_performsort(sort->strings);
	else if (sort->nfew > 1)
		qsort(sort->few, sort->nfew, sizeof(RatedCall), compare_calls);
}

static void
drop_string(CallSort *sort)
{
	if (sort->string != NULL)
		pfree(sort->string);
	sort->string = NULL;
}

bool
call_sort_next(CallSort *sort)
{
	MemoryContext old;
	Datum		string;
	bool		found;
	const char *begin;
	const char *id;

	if (sort->strings == NULL)
		return ++sort->at < sort->nfew;
	drop_string(sort);
	old = MemoryContextSwitchTo(sort->context);
	found = next_sorted_datum(sort->strings, &string);
	MemoryContextSwitchTo(old);
	if (!found)
		return false;
	sort->string = DatumGetByteaP(string);
	begin = VARDATA(sort->string);
	id = read_number(begin, &sort->account_id);
	sort->call_id = id + abbreviation_size(begin, id);
	sort->rest = sort->call_id + strlen(sort->call_id) + 1;
	sort->end = (char *) sort->string + VARSIZE(sort->string);
	return true;
}

int64
call_sort_account(const CallSort *sort)
{
	return sort->strings == NULL ? sort->few[sort->at].account_id : sort->account_id;
}

bool
call_sort_has_id(const CallSort *sort, const char *call_id)
{
	return strcmp(sort->strings == NULL ? sort->few[sort->at].call_id : sort->call_id, call_id) == 0;
}

/* Into the current memory context, or where it lives as long as the sort. */
void
call_sort_read(const CallSort *sort, RatedCall *call)
{
	if (sort->strings == NULL)
		*call = sort->few[sort->at];
	else
		unpack(sort, call);
}

void
call_sort_end(CallSort *sort)
{
	drop_string(sort);
	if (sort->strings != NULL)
		tuplesort_end(sort->strings);
	pfree(sort);
}
