/*
 * call_keys.c
 *		What a statement does to each key of an account's calls.
 *
 * A key is a call_id and a direction; the ledger bills one record under it.
 * Calls come by key, those gone before those stored, and in the order of their
 * rows. Nothing is charged here: what is billed, given back or a copy is decided.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "call_keys.h"
#include "compat.h"
#include "exceptions.h"
#include "numbers.h"

#define MANY_CALLS 4

/* A call that is not billed. */
void
report_call(Faults *faults, const RatedCall *call, const char *reason)
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

	faults_add(faults, &fault);
}

static int
compare_call_keys(const RatedCall *a, const RatedCall *b)
{
	int			result = strcmp(a->call_id, b->call_id);

	return result != 0 ? result : (int) a->direction - (int) b->direction;
}

/* Whether what is billed under a key is new, and not what the ledger held. */
bool
call_key_is_charged(const CallKey *key)
{
	return key->billed != NULL &&
		(key->known == NULL || key->billed != &key->known->call);
}

/*
 * A record is gone: a copy of the billed one, or the billed one itself. False
 * when nothing is known of it here.
 */
static bool
take_back(CallKeys *keys, CallKey *key, RatedCall *call)
{
	if (row_exceptions_take(keys->unbilled, call->content, call->direction))
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
charge_fault(const CallKeys *keys, const RatedCall *call)
{
	return call->pool != NULL && keys->account->zone == NULL ? FAULT_BAD_ACCOUNT_ZONE : NULL;
}

/*
 * A record is stored: it is billed, a copy, or contradicts the billed one. One
 * that is backfilled may be the billed one, unless it was an exception.
 */
static void
take_in(CallKeys *keys, CallKey *key, RatedCall *call)
{
	const char *fault = key->billed == NULL ? charge_fault(keys, call) : NULL;

	if (call->rerated)
	{
		key->reverse = true;
		key->billed = call;
	}
	else if (fault != NULL)
		report_call(keys->faults, call, fault);
	else if (key->billed == NULL)
		key->billed = call;
	else if (key->billed->content != call->content)
		report_call(keys->faults, call, FAULT_CONFLICTING_REPEAT);
	else if (!call->backfilled || call_key_is_charged(key) ||
			 row_exceptions_take(keys->unbilled, call->content, call->direction))
	{
		key->copies++;
		key->nstored++;
	}
}

static CallKey *
open_key(CallKeys *keys, KnownCall *known)
{
	CallKey    *key = &keys->items[keys->n++];

	memset(key, 0, sizeof(CallKey));
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
known_calls(const LedgerAccount *account, const RatedCall *calls, int n)
{
	KnownCalls	known = {0};

	if (n > MANY_CALLS &&
		!ledger_knows_between(account, calls[0].call_id, calls[n - 1].call_id))
		return known;
	for (int i = 0; i < n; i++)
		if (i == 0 || strcmp(calls[i].call_id, calls[i - 1].call_id) != 0)
			ledger_known_calls(account, calls[i].call_id, &known);
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
merge(CallKeys *keys, RatedCall *calls, int n)
{
	KnownCalls	known = known_calls(keys->account, calls, n);
	int			k = 0;
	CallKey    *key = NULL;

	for (int i = 0; i < n; i++)
	{
		RatedCall  *call = &calls[i];

		if (i == 0 || compare_call_keys(call, call - 1) != 0)
		{
			while (k < known.n && compare_call_keys(&known.calls[k].call, call) < 0)
				k++;
			key = open_key(keys, k < known.n && compare_call_keys(&known.calls[k].call, call) == 0 ?
						   &known.calls[k] : NULL);
		}
		else if (traced_before(call, call - 1))
			continue;
		if (!call->removal)
			take_in(keys, key, call);
		else if (take_back(keys, key, call) && keys->removals != NULL)
			removals_found(keys->removals, call->content, call->account_id,
						   call->direction);
	}
}

/* The call_ids of what is taken back. */
static Datum *
ids_taken_back(const CallKeys *keys, int *n)
{
	Datum	   *ids = palloc_extended(keys->n * sizeof(Datum), MCXT_ALLOC_HUGE);
	const char *last_id = "";

	*n = 0;
	for (int i = 0; i < keys->n; i++)
	{
		if (!keys->items[i].reverse ||
			strcmp(keys->items[i].known->call.call_id, last_id) == 0)
			continue;
		last_id = keys->items[i].known->call.call_id;
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
take_contender(CallKeys *keys, CallKey *key, Contender *contender, Numbers *numbers)
{
	const char *fault;

	numbers_load(numbers, &contender->call.number, 1);
	fault = rate_again(&contender->call, numbers);
	if (fault == NULL && key->billed == NULL)
		fault = charge_fault(keys, &contender->call);
	if (fault != NULL)
	{
		keep_open(contender, fault);
		return;
	}
	take_in(keys, key, &contender->call);
	exceptions_resolve(&contender->exception_id, 1, RESOLVED_BILLED);
}

/*
 * Where nothing takes the place of what is gone, the oldest record that
 * contradicted it and can be billed does; those that say the same are its
 * copies.
 */
static void
promote(CallKeys *keys)
{
	Datum	   *ids;
	int			nids;
	Contender  *contenders;
	int			ncontenders;
	Numbers    *numbers;
	CallKey    *key = keys->items;
	const CallKey *end = key + keys->n;

	ids = ids_taken_back(keys, &nids);
	if (nids == 0)
		return;
	contenders = exceptions_contenders(keys->account->account_id, ids, nids, &ncontenders);
	if (ncontenders == 0)
		return;
	numbers = numbers_begin(false);
	for (int i = 0; i < ncontenders; i++)
	{
		RatedCall  *call = &contenders[i].call;

		while (key < end && (!key->reverse || compare_call_keys(&key->known->call, call) < 0))
			key++;
		if (key == end)
			break;
		if (compare_call_keys(&key->known->call, call) == 0 &&
			(key->billed == NULL || key->billed->content == call->content))
			take_contender(keys, key, &contenders[i], numbers);
	}
}

/*
 * Decides on the keys of calls of one account, into the current memory context.
 * Calls that contradict what is billed are told; records that waited for what
 * goes are billed in its place.
 */
void
call_keys_decide(CallKeys *keys, RatedCall *calls, int n)
{
	keys->items = palloc_extended(n * sizeof(CallKey), MCXT_ALLOC_HUGE);
	keys->n = 0;
	merge(keys, calls, n);
	promote(keys);
}
