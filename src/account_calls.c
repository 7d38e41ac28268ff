/*
 * account_calls.c
 *		The calls of one account in one statement: charged, or not.
 *
 * Calls come by call_id, direction and the order of their rows: the first of
 * a key that the ledger does not hold is charged, the others are repeats or
 * contradict it. Charges are made in the order of the calls' starts.
 */
#include "postgres.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "account_calls.h"
#include "compat.h"
#include "ledger.h"
#include "rights.h"

/* A key of the statement: what is billed under it, and its entries so far. */
typedef struct Key
{
	int64		content;
	int32		entry_no;
} Key;

typedef struct AccountCall
{
	RatedCall	rated;
	Key		   *key;
} AccountCall;

struct AccountCalls
{
	Faults	   *faults;
	Appender   *ledger;
	MemoryContext context;		/* of one account */
	AccountCall *calls;
	int			n;
	int			room;

	/* while an account is posted */
	int64		posting_no;
	AccountCall **charged;
	int			ncharged;
	AccountCall **repeats;
	int			nrepeats;
	PoolPackages *pools;
	int			npools;
	Draw	   *draws;			/* room for every package */
};

AccountCalls *
account_calls_begin(Faults *faults)
{
	AccountCalls *calls = palloc0_object(AccountCalls);

	calls->faults = faults;
	calls->ledger = append_begin(ccc_relation("ledger"));
	calls->context = AllocSetContextCreate(CurrentMemoryContext,
										   "ccc calls of an account",
										   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(calls->context);
	return calls;
}

/* Room for one more call of the account, in whose memory the caller is left. */
RatedCall *
account_calls_room(AccountCalls *calls)
{
	MemoryContextSwitchTo(calls->context);
	if (calls->n == calls->room)
	{
		calls->room = calls->room == 0 ? 64 : calls->room * 2;
		calls->calls = calls->calls == NULL ?
			MemoryContextAllocHuge(calls->context, calls->room * sizeof(AccountCall)) :
			repalloc_huge(calls->calls, calls->room * sizeof(AccountCall));
	}
	return &calls->calls[calls->n++].rated;
}

static void
report(AccountCalls *calls, const RatedCall *call, const char *reason)
{
	Fault		fault = {
		.row_no = call->row_no,
		.reason = reason,
		.call_id = call->call_id,
		.direction = call->direction,
		.has_account = true,
		.account_id = call->account_id
	};

	faults_add(calls->faults, &fault);
}

static int
compare_keys(const char *call_id_a, Direction direction_a,
			 const char *call_id_b, Direction direction_b)
{
	int			result = strcmp(call_id_a, call_id_b);

	return result != 0 ? result : (int) direction_a - (int) direction_b;
}

static bool
same_key(const RatedCall *a, const RatedCall *b)
{
	return compare_keys(a->call_id, a->direction, b->call_id, b->direction) == 0;
}

static KnownCall *
known_calls(AccountCalls *calls, int *nknown)
{
	Datum	   *ids = palloc_extended(calls->n * sizeof(Datum), MCXT_ALLOC_HUGE);
	int			nids = 0;

	for (int i = 0; i < calls->n; i++)
	{
		const RatedCall *call = &calls->calls[i].rated;

		if (i == 0 || strcmp(call->call_id, calls->calls[i - 1].rated.call_id) != 0)
			ids[nids++] = CStringGetTextDatum(call->call_id);
	}
	return ledger_known_calls(calls->calls[0].rated.account_id, ids, nids, nknown);
}

/*
 * Decides which calls are charged: a merge of the statement's calls with
 * what the ledger holds, both by key.
 */
static void
sort_out(AccountCalls *calls)
{
	int			nknown;
	KnownCall  *known = known_calls(calls, &nknown);
	int			k = 0;
	Key		   *key = NULL;

	for (int i = 0; i < calls->n; i++)
	{
		AccountCall *call = &calls->calls[i];
		const RatedCall *rated = &call->rated;

		if (i == 0 || !same_key(rated, &calls->calls[i - 1].rated))
		{
			key = palloc0_object(Key);
			key->content = rated->content;
			while (k < nknown && compare_keys(known[k].call_id, known[k].direction,
											  rated->call_id, rated->direction) < 0)
				k++;
			if (k < nknown && compare_keys(known[k].call_id, known[k].direction,
										   rated->call_id, rated->direction) == 0)
			{
				key->content = known[k].content;
				key->entry_no = known[k].entry_no;
			}
			else
			{
				call->key = key;
				calls->charged[calls->ncharged++] = call;
				continue;
			}
		}
		call->key = key;
		if (rated->content == key->content)
			calls->repeats[calls->nrepeats++] = call;
		else
			report(calls, rated, FAULT_CONFLICTING_REPEAT);
	}
}

static int
compare_starts(const void *a, const void *b)
{
	const RatedCall *x = &(*(AccountCall *const *) a)->rated;
	const RatedCall *y = &(*(AccountCall *const *) b)->rated;

	if (x->started_at != y->started_at)
		return x->started_at < y->started_at ? -1 : 1;
	return compare_keys(x->call_id, x->direction, y->call_id, y->direction);
}

/* The packages of a pool; a pool without any is remembered for its shortfall. */
static PoolPackages *
packages_of(AccountCalls *calls, const char *pool)
{
	for (int i = 0; i < calls->npools; i++)
		if (strcmp(calls->pools[i].pool, pool) == 0)
			return &calls->pools[i];

	calls->pools = calls->npools == 0 ? palloc_object(PoolPackages) :
		repalloc(calls->pools, (calls->npools + 1) * sizeof(PoolPackages));
	memset(&calls->pools[calls->npools], 0, sizeof(PoolPackages));
	calls->pools[calls->npools].pool = pstrdup(pool);
	return &calls->pools[calls->npools++];
}

static void
append_entry(AccountCalls *calls, AccountCall *call, EntryKind kind,
			 int32 package_no, int64 billed)
{
	ledger_append(calls->ledger, &call->rated, calls->posting_no,
				  ++call->key->entry_no, kind, package_no, billed);
}

static void
charge_call(AccountCalls *calls, AccountCall *call)
{
	PoolPackages *pool;
	int64		shortfall;
	int			ndraws;

	if (call->rated.pool == NULL)
	{
		append_entry(calls, call, ENTRY_FREE, 0, call->rated.billed);
		return;
	}
	pool = packages_of(calls, call->rated.pool);
	ndraws = deduct(pool->packages, pool->npackages, call->rated.started_at,
					call->rated.billed, calls->draws, &shortfall);
	for (int i = 0; i < ndraws; i++)
		append_entry(calls, call, ENTRY_CHARGE, calls->draws[i].package_no,
					 calls->draws[i].seconds);
	if (shortfall > 0)
		append_entry(calls, call, ENTRY_SHORTFALL, 0, shortfall);
	if (pg_add_s64_overflow(pool->shortfall, shortfall, &pool->shortfall))
		elog(ERROR, "shortfall overflows");
}

static void
charge_in_order(AccountCalls *calls)
{
	int			npackages = 0;

	if (calls->ncharged == 0)
		return;
	qsort(calls->charged, calls->ncharged, sizeof(AccountCall *), compare_starts);
	calls->pools = ledger_packages(calls->charged[0]->rated.account_id,
								   calls->charged[0]->rated.started_at,
								   calls->charged[calls->ncharged - 1]->rated.started_at,
								   &calls->npools);
	for (int i = 0; i < calls->npools; i++)
		npackages += calls->pools[i].npackages;
	calls->draws = palloc_array(Draw, npackages);
	for (int i = 0; i < calls->ncharged; i++)
		charge_call(calls, calls->charged[i]);
}

/*
 * Posts the calls taken since the last account: charges, repeats and
 * counters, or faults. Afterwards there is room for the next account.
 */
void
account_calls_post(AccountCalls *calls)
{
	int64		account_id = calls->calls[0].rated.account_id;

	CHECK_FOR_INTERRUPTS();
	calls->posting_no = ledger_begin_posting(account_id);
	calls->ncharged = calls->nrepeats = calls->npools = 0;
	if (calls->posting_no == 0)
	{
		for (int i = 0; i < calls->n; i++)
			report(calls, &calls->calls[i].rated, FAULT_UNKNOWN_ACCOUNT);
	}
	else
	{
		calls->charged = palloc_extended(calls->n * sizeof(AccountCall *), MCXT_ALLOC_HUGE);
		calls->repeats = palloc_extended(calls->n * sizeof(AccountCall *), MCXT_ALLOC_HUGE);
		sort_out(calls);
		charge_in_order(calls);
		for (int i = 0; i < calls->nrepeats; i++)
			append_entry(calls, calls->repeats[i], ENTRY_REPEAT, 0, 0);
		ledger_count(account_id, calls->pools, calls->npools);
	}
	MemoryContextReset(calls->context);
	calls->calls = NULL;
	calls->n = calls->room = 0;
}

void
account_calls_end(AccountCalls *calls)
{
	append_end(calls->ledger);
	MemoryContextSwitchTo(MemoryContextGetParent(calls->context));
	MemoryContextDelete(calls->context);
}
