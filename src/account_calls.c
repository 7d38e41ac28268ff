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
#include "utils/memutils.h"

#include "account_calls.h"
#include "call_keys.h"
#include "compat.h"
#include "grow.h"
#include "settings.h"
#include "settle.h"

struct AccountCalls
{
	Ledger	   *ledger;

	/* one account */
	MemoryContext context;
	bool		begun;
	LedgerAccount account;
	PoolStates	states;
	bool		loaded;			/* the states are */

	/* one part of its calls */
	MemoryContext part_context;
	CallKeys	keys;
	RatedCall  *calls;
	int			n;
	int			room;
	Draw	   *draws;
	int			ndraws;
	int			draws_room;
};

AccountCalls *
account_calls_begin(Faults *faults, RowExceptions *unbilled, Removals *removals)
{
	AccountCalls *calls = palloc0_object(AccountCalls);

	calls->keys.faults = faults;
	calls->keys.unbilled = unbilled;
	calls->keys.removals = removals;
	calls->keys.account = &calls->account;
	calls->ledger = ledger_begin();
	calls->context = AllocSetContextCreate(CurrentMemoryContext,
										   "ccc account",
										   ALLOCSET_DEFAULT_SIZES);
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

/* The earliest start of anything that is given back or charged. */
static bool
first_start(AccountCalls *calls, TimestampTz *first)
{
	*first = DT_NOEND;
	for (int i = 0; i < calls->keys.n; i++)
	{
		CallKey    *key = &calls->keys.items[i];

		if (key->reverse)
			*first = Min(*first, key->known->call.started_at);
		if (call_key_is_charged(key))
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
charge_call(AccountCalls *calls, CallKey *key)
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

/* What is charged, by start; of calls that start together by key, as they lie. */
typedef struct Charged
{
	TimestampTz start;
	CallKey    *key;
} Charged;

static inline int
compare_starts(const Charged *a, const Charged *b)
{
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

#define ST_SORT sort_by_start
#define ST_ELEMENT_TYPE Charged
#define ST_COMPARE(a, b) compare_starts(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

static void
charge_in_order(AccountCalls *calls)
{
	Charged    *charged = palloc_extended(calls->keys.n * sizeof(Charged), MCXT_ALLOC_HUGE);
	int			ncharged = 0;

	for (int i = 0; i < calls->keys.n; i++)
	{
		CallKey    *key = &calls->keys.items[i];

		if (call_key_is_charged(key))
			charged[ncharged++] = (Charged) {key->billed->started_at, key};
	}
	sort_by_start(charged, ncharged);
	for (int i = 0; i < ncharged; i++)
		charge_call(calls, charged[i].key);
}

static void
append_entry(AccountCalls *calls, CallKey *key, const RatedCall *call,
			 EntryKind kind, int32 package_no, const char *pool, int64 billed)
{
	ledger_append(&calls->account, call, ++key->entry_no, kind, package_no, pool, billed);
}

static void
append_copies(AccountCalls *calls, CallKey *key, const RatedCall *call, EntryKind kind, int n)
{
	for (int i = 0; i < n; i++)
		append_entry(calls, key, call, kind, NO_PACKAGE, NULL, 0);
}

static void
append_reversal(AccountCalls *calls, CallKey *key)
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
append_charge(AccountCalls *calls, CallKey *key)
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
append_entries(AccountCalls *calls, CallKey *key)
{
	if (key->ngone > 0)
		append_copies(calls, key, &key->known->call, ENTRY_REPEAT_GONE, key->ngone);
	if (key->reverse)
		append_reversal(calls, key);
	if (call_key_is_charged(key))
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
		for (int i = 0; i < calls->keys.n; i++)
			if (calls->keys.items[i].reverse)
				release(calls, calls->keys.items[i].known);
		charge_in_order(calls);
	}
	for (int i = 0; i < calls->keys.n; i++)
		append_entries(calls, &calls->keys.items[i]);
}

static void
begin_account(AccountCalls *calls, const LockedAccount *account)
{
	row_exceptions_begin(calls->keys.unbilled);
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
	calls->ndraws = calls->draws_room = 0;
	calls->draws = NULL;
	if (!calls->begun)
		begin_account(calls, account);
	if (account->known)
	{
		call_keys_decide(&calls->keys, calls->calls, calls->n);
		post_part(calls, more);
	}
	else
	{
		for (int i = 0; i < calls->n; i++)
			if (!calls->calls[i].removal)
				report_call(calls->keys.faults, &calls->calls[i], FAULT_UNKNOWN_ACCOUNT);
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
