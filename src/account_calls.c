/*
 * account_calls.c
 *		The calls of one account in one statement, and those that are gone.
 *
 * Calls come by call_id and direction, those gone before those stored, and
 * in the order of their rows. What happens to each key is decided first;
 * then what is gone is given back, and what is new is charged in the order
 * of the calls' starts; then entries are written, in the order of their index.
 *
 * Of an account with very many calls one part is posted after the other, each
 * with all of its keys' calls, so that memory is bounded. The account is
 * settled at its end: the parts make no difference to any total.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "account_calls.h"
#include "compat.h"
#include "exceptions.h"
#include "grow.h"
#include "numbers.h"
#include "rating.h"
#include "rights.h"
#include "settings.h"
#include "settle.h"

#define MANY_CALLS 4

/* One key of the statement: what is billed under it, and its entries so far. */
typedef struct Key
{
	KnownCall  *known;			/* what the ledger held, or NULL */
	RatedCall  *billed;			/* what will be billed, or NULL */
	int64		copies;			/* stored, beside the billed one */
	int			ngone;			/* copies that are gone */
	int			nstored;		/* copies that came */
	int32		entry_no;
	bool		reverse;		/* take back what the ledger held */

	/* of what is newly charged */
	int			first_draw;		/* of the account's draws */
	int			ndraws;
	int64		shortfall;
} Key;

struct AccountCalls
{
	Faults	   *faults;
	RowExceptions *unbilled;	/* rows gone, or backfilled, that were exceptions */
	Removals   *removals;		/* told what is known of rows gone, or NULL */
	Ledger	   *ledger;

	/* one account */
	MemoryContext context;
	bool		begun;
	LedgerAccount account;
	PoolStates	states;
	bool		loaded;			/* the states are */

	/* one part of its calls */
	MemoryContext part_context;
	RatedCall  *calls;
	int			n;
	int			room;
	Key		   *keys;
	int			nkeys;
	Draw	   *draws;
	int			ndraws;
	int			draws_room;
};

AccountCalls *
account_calls_begin(Faults *faults, RowExceptions *unbilled, Removals *removals)
{
	AccountCalls *calls = palloc0_object(AccountCalls);

	calls->faults = faults;
	calls->unbilled = unbilled;
	calls->removals = removals;
	calls->ledger = ledger_begin();
	calls->context = AllocSetContextCreate(CurrentMemoryContext,
										   "ccc account",
										   ALLOCSET_SMALL_SIZES);
	calls->part_context = AllocSetContextCreate(CurrentMemoryContext,
												"ccc calls of an account",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(calls->part_context);
	return calls;
}

/* Room, zeroed, for one more call; leaves the caller in the calls' memory. */
RatedCall *
account_calls_room(AccountCalls *calls)
{
	MemoryContextSwitchTo(calls->part_context);
	calls->calls = grow(calls->part_context, calls->calls, calls->n, &calls->room, sizeof(RatedCall));
	return memset(&calls->calls[calls->n++], 0, sizeof(RatedCall));
}

/* Whether it is time to post the calls, before those of another call_id. */
bool
account_calls_full(const AccountCalls *calls)
{
	return MemoryContextMemAllocated(calls->part_context, false) > work_mem * (Size) 1024 / 2;
}

static void
report(AccountCalls *calls, const RatedCall *call, const char *reason)
{
	Fault		fault = {
		.row_no = call->row_no,
		.reason = reason,
		.call_id = call->call_id,
		.content = call->content,
		.direction = call->direction,
		.has_account = true,
		.account_id = call->account_id,
		.number = call->number,
		.rated = call
	};

	faults_add(calls->faults, &fault);
}

static int
compare_keys(const RatedCall *a, const RatedCall *b)
{
	int			result = strcmp(a->call_id, b->call_id);

	return result != 0 ? result : (int) a->direction - (int) b->direction;
}

/* Whether what is billed under a key is new, and not what the ledger held. */
static bool
is_charged(const Key *key)
{
	return key->billed != NULL &&
		(key->known == NULL || key->billed != &key->known->call);
}

/*
 * A record is gone: a copy of the billed one, or the billed one itself. False
 * when nothing is known of it here.
 */
static bool
take_back(AccountCalls *calls, Key *key, RatedCall *call)
{
	if (row_exceptions_take(calls->unbilled, call->content, call->direction))
		return true;
	if (key->billed == NULL || key->billed->content != call->content)
		return false;
	if (key->copies > 0)
	{
		key->copies--;
		key->ngone++;
		return true;
	}
	key->billed = NULL;
	key->reverse = true;
	return true;
}

/* A charge is of a month of the account's zone. */
static const char *
charge_fault(const AccountCalls *calls, const RatedCall *call)
{
	return call->pool != NULL && calls->account.zone == NULL ? FAULT_BAD_ACCOUNT_ZONE : NULL;
}

/*
 * A record is stored: it is billed, a copy, or contradicts the billed one. One
 * that is backfilled may be the billed one, unless it was an exception.
 */
static void
take_in(AccountCalls *calls, Key *key, RatedCall *call)
{
	const char *fault = key->billed == NULL ? charge_fault(calls, call) : NULL;

	if (call->rerated)
	{
		key->reverse = true;
		key->billed = call;
	}
	else if (fault != NULL)
		report(calls, call, fault);
	else if (key->billed == NULL)
		key->billed = call;
	else if (key->billed->content != call->content)
		report(calls, call, FAULT_CONFLICTING_REPEAT);
	else if (!call->backfilled || is_charged(key) ||
			 row_exceptions_take(calls->unbilled, call->content, call->direction))
	{
		key->copies++;
		key->nstored++;
	}
}

static Key *
open_key(AccountCalls *calls, KnownCall *known)
{
	Key		   *key = &calls->keys[calls->nkeys++];

	memset(key, 0, sizeof(Key));
	if (known == NULL)
		return key;
	key->known = known;
	key->entry_no = known->entry_no;
	key->copies = known->copies;
	if (known->nholdings > 0)
		key->billed = &known->call;
	return key;
}

/*
 * What the ledger holds of the statement's calls, by key. Of many new ones it
 * often holds nothing at all: one look tells.
 */
static KnownCalls
known_calls(AccountCalls *calls)
{
	KnownCalls	known = {0};

	if (calls->n > MANY_CALLS &&
		!ledger_knows_between(&calls->account, calls->calls[0].call_id,
							  calls->calls[calls->n - 1].call_id))
		return known;
	for (int i = 0; i < calls->n; i++)
		if (i == 0 || strcmp(calls->calls[i].call_id, calls->calls[i - 1].call_id) != 0)
			ledger_known_calls(&calls->account, calls->calls[i].call_id, &known);
	return known;
}

/* A row that is gone is traced once, however often the account had its number. */
static bool
traced_before(const RatedCall *call, const RatedCall *previous)
{
	return call->removal && previous->removal && call->row_no == previous->row_no;
}

/* A merge of the statement's calls with what the ledger holds, both by key. */
static void
decide(AccountCalls *calls)
{
	KnownCalls	known = known_calls(calls);
	int			k = 0;
	Key		   *key = NULL;

	calls->keys = palloc_extended(calls->n * sizeof(Key), MCXT_ALLOC_HUGE);
	for (int i = 0; i < calls->n; i++)
	{
		RatedCall  *call = &calls->calls[i];

		if (i == 0 || compare_keys(call, call - 1) != 0)
		{
			while (k < known.n && compare_keys(&known.calls[k].call, call) < 0)
				k++;
			key = open_key(calls, k < known.n && compare_keys(&known.calls[k].call, call) == 0 ?
						   &known.calls[k] : NULL);
		}
		else if (traced_before(call, call - 1))
			continue;
		if (!call->removal)
			take_in(calls, key, call);
		else if (take_back(calls, key, call) && calls->removals != NULL)
			removals_found(calls->removals, call->content, call->account_id,
						   call->direction);
	}
}

/* The call_ids of what is taken back. */
static Datum *
ids_taken_back(const AccountCalls *calls, int *n)
{
	Datum	   *ids = palloc_extended(calls->nkeys * sizeof(Datum), MCXT_ALLOC_HUGE);
	const char *last_id = "";

	*n = 0;
	for (int i = 0; i < calls->nkeys; i++)
	{
		if (!calls->keys[i].reverse ||
			strcmp(calls->keys[i].known->call.call_id, last_id) == 0)
			continue;
		last_id = calls->keys[i].known->call.call_id;
		ids[(*n)++] = CStringGetTextDatum(last_id);
	}
	return ids;
}

/* A record that waited cannot be billed any more: the exception says why. */
static void
keep_open(const Contender *contender, const char *reason)
{
	Fault		fault = {.reason = reason};

	if (strcmp(reason, FAULT_UNKNOWN_NUMBER) != 0)
	{
		fault.has_account = true;
		fault.account_id = contender->call.account_id;
		fault.direction = contender->call.direction;
		fault.number = contender->call.number;
	}
	exceptions_still_open(&contender->exception_id, &fault);
}

/* Rated as it waited, its number may have become another's, or the rules others. */
static void
take_contender(AccountCalls *calls, Key *key, Contender *contender, Numbers *numbers)
{
	const char *fault;

	numbers_load(numbers, &contender->call.number, 1);
	fault = rate_again(&contender->call, numbers);
	if (fault == NULL && key->billed == NULL)
		fault = charge_fault(calls, &contender->call);
	if (fault != NULL)
	{
		keep_open(contender, fault);
		return;
	}
	take_in(calls, key, &contender->call);
	exceptions_resolve(&contender->exception_id, 1, RESOLVED_BILLED);
}

/*
 * Where nothing takes the place of what is gone, the oldest record that
 * contradicted it and can be billed does; those that say the same are its
 * copies.
 */
static void
promote(AccountCalls *calls)
{
	Datum	   *ids;
	int			nids;
	Contender  *contenders;
	int			ncontenders;
	Numbers    *numbers;
	Key		   *key = calls->keys;
	const Key  *end = key + calls->nkeys;

	ids = ids_taken_back(calls, &nids);
	if (nids == 0)
		return;
	contenders = exceptions_contenders(calls->account.account_id, ids, nids, &ncontenders);
	if (ncontenders == 0)
		return;
	numbers = numbers_begin(false);
	for (int i = 0; i < ncontenders; i++)
	{
		RatedCall  *call = &contenders[i].call;

		while (key < end && (!key->reverse || compare_keys(&key->known->call, call) < 0))
			key++;
		if (key == end)
			break;
		if (compare_keys(&key->known->call, call) == 0 &&
			(key->billed == NULL || key->billed->content == call->content))
			take_contender(calls, key, &contenders[i], numbers);
	}
}

/* The earliest start of anything that is given back or charged. */
static bool
first_start(AccountCalls *calls, TimestampTz *first)
{
	*first = DT_NOEND;
	for (int i = 0; i < calls->nkeys; i++)
	{
		Key		   *key = &calls->keys[i];

		if (key->reverse)
			*first = Min(*first, key->known->call.started_at);
		if (is_charged(key))
			*first = Min(*first, key->billed->started_at);
	}
	return *first != DT_NOEND;
}

/* Gives back what a call that is gone holds. */
static void
release(AccountCalls *calls, const KnownCall *known)
{
	PoolStates *states = &calls->states;

	for (int i = 0; i < known->nholdings; i++)
	{
		const Holding *holding = &known->holdings[i];

		if (holding->kind == ENTRY_CHARGE)
			pool_state_release(pool_state_holding(states, holding->package_no),
							   known->call.started_at, holding->package_no, holding->billed);
		else if (holding->kind == ENTRY_SHORTFALL)
			pool_state_release(pool_state_named(states, holding->pool),
							   known->call.started_at, NO_PACKAGE, holding->billed);
	}
}

static void
add_draw(AccountCalls *calls, const Draw *draw)
{
	calls->draws = grow(calls->part_context, calls->draws, calls->ndraws, &calls->draws_room, sizeof(Draw));
	calls->draws[calls->ndraws++] = *draw;
}

static void
charge_call(AccountCalls *calls, Key *key)
{
	const RatedCall *call = key->billed;
	PoolState  *state;

	if (call->pool == NULL)
		return;
	state = pool_state_named(&calls->states, call->pool);
	key->shortfall = pool_state_draw(state, call->started_at, call->billed, &key->ndraws);
	key->first_draw = calls->ndraws;
	for (int i = 0; i < key->ndraws; i++)
		add_draw(calls, &state->draws[i]);
}

static int
compare_starts(const void *a, const void *b)
{
	const RatedCall *x = (*(Key *const *) a)->billed;
	const RatedCall *y = (*(Key *const *) b)->billed;

	if (x->started_at != y->started_at)
		return x->started_at < y->started_at ? -1 : 1;
	return compare_keys(x, y);
}

static void
charge_in_order(AccountCalls *calls)
{
	Key		  **charged = palloc_extended(calls->nkeys * sizeof(Key *), MCXT_ALLOC_HUGE);
	int			ncharged = 0;

	for (int i = 0; i < calls->nkeys; i++)
	{
		Key		   *key = &calls->keys[i];

		if (is_charged(key))
			charged[ncharged++] = key;
	}
	qsort(charged, ncharged, sizeof(Key *), compare_starts);
	for (int i = 0; i < ncharged; i++)
		charge_call(calls, charged[i]);
}

static void
append_entry(AccountCalls *calls, Key *key, const RatedCall *call,
			 EntryKind kind, int32 package_no, const char *pool, int64 billed)
{
	ledger_append(&calls->account, call, ++key->entry_no, kind, package_no, pool, billed);
}

static void
append_copies(AccountCalls *calls, Key *key, const RatedCall *call, EntryKind kind, int n)
{
	for (int i = 0; i < n; i++)
		append_entry(calls, key, call, kind, NO_PACKAGE, NULL, 0);
}

static void
append_reversal(AccountCalls *calls, Key *key)
{
	const KnownCall *known = key->known;

	for (int i = 0; i < known->nholdings; i++)
	{
		const Holding *holding = &known->holdings[i];

		append_entry(calls, key, &known->call, holding->kind, holding->package_no,
					 holding->pool, -holding->billed);
	}
}

static void
append_charge(AccountCalls *calls, Key *key)
{
	const RatedCall *call = key->billed;

	if (call->pool == NULL)
		append_entry(calls, key, call, ENTRY_FREE, NO_PACKAGE, NULL, call->billed);
	for (int i = 0; i < key->ndraws; i++)
	{
		const Draw *draw = &calls->draws[key->first_draw + i];

		append_entry(calls, key, call, ENTRY_CHARGE, draw->package_no, NULL, draw->seconds);
	}
	if (key->shortfall > 0)
		append_entry(calls, key, call, ENTRY_SHORTFALL, NO_PACKAGE, call->pool, key->shortfall);
}

/* What is gone comes first: the latest entry of a call says what is billed. */
static void
append_entries(AccountCalls *calls, Key *key)
{
	if (key->ngone > 0)
		append_copies(calls, key, &key->known->call, ENTRY_REPEAT_GONE, key->ngone);
	if (key->reverse)
		append_reversal(calls, key);
	if (is_charged(key))
		append_charge(calls, key);
	if (key->nstored > 0)
		append_copies(calls, key, key->billed, ENTRY_REPEAT, key->nstored);
}

/*
 * What packages and stretches have, as far back as the account's calls start;
 * of parts to come nobody knows how far.
 */
static void
load_states(AccountCalls *calls, TimestampTz since)
{
	MemoryContext old = MemoryContextSwitchTo(calls->context);

	if (!calls->loaded)
		pool_states_load(&calls->states, &calls->account, since);
	calls->loaded = true;
	MemoryContextSwitchTo(old);
}

static void
post_part(AccountCalls *calls, bool more)
{
	TimestampTz first;

	if (first_start(calls, &first))
	{
		load_states(calls, more ? DT_NOBEGIN : first);
		for (int i = 0; i < calls->nkeys; i++)
			if (calls->keys[i].reverse)
				release(calls, calls->keys[i].known);
		charge_in_order(calls);
	}
	for (int i = 0; i < calls->nkeys; i++)
		append_entries(calls, &calls->keys[i]);
}

static void
begin_account(AccountCalls *calls, const LockedAccount *account)
{
	row_exceptions_begin(calls->unbilled);
	ledger_begin_posting(calls->ledger, account, &calls->account);
	calls->begun = true;
}

/* Settling comes last, for it counts on from what is written. */
static void
end_account(AccountCalls *calls)
{
	MemoryContext old = MemoryContextSwitchTo(calls->context);

	for (int i = 0; calls->loaded && i < calls->states.npools && setting_replay; i++)
		settle(&calls->account, calls->states.pools[i]);
	if (calls->loaded)
		pool_states_store(&calls->states);
	for (int i = 0; calls->loaded && i < calls->states.npools; i++)
		if (calls->states.pools[i]->outdated)
			ledger_recharge(&calls->account, calls->states.pools[i]->pool);
	calls->begun = calls->loaded = false;
	MemoryContextSwitchTo(old);
	MemoryContextReset(calls->context);
}

/*
 * Posts the calls taken, or reports them where there is no such account. With
 * more to come of the account it stays open, else there is room for the next.
 */
void
account_calls_post(AccountCalls *calls, const LockedAccount *account, bool more)
{
	CHECK_FOR_INTERRUPTS();
	calls->nkeys = calls->ndraws = calls->draws_room = 0;
	calls->draws = NULL;
	if (!calls->begun)
		begin_account(calls, account);
	if (account->known)
	{
		decide(calls);
		promote(calls);
		post_part(calls, more);
	}
	else
	{
		for (int i = 0; i < calls->n; i++)
			if (!calls->calls[i].removal)
				report(calls, &calls->calls[i], FAULT_UNKNOWN_ACCOUNT);
	}
	if (!more)
		end_account(calls);
	MemoryContextReset(calls->part_context);
	calls->calls = NULL;
	calls->n = calls->room = 0;
}

void
account_calls_end(AccountCalls *calls)
{
	ledger_end(calls->ledger);
	MemoryContextSwitchTo(MemoryContextGetParent(calls->context));
	MemoryContextDelete(calls->part_context);
	MemoryContextDelete(calls->context);
}
