/*
 * posting.c
 *		Rated calls posted to the ledger, account by account.
 *
 * Calls are sorted by account, so that accounts are locked in ascending
 * order and each once a statement. Memory: no more than work_mem for the sort,
 * and half of it for the calls of one account.
 */
#include "postgres.h"

#include "account_calls.h"
#include "call_sort.h"
#include "catalogue.h"
#include "compat.h"
#include "known_services.h"
#include "ledger.h"
#include "posting.h"

struct Posting
{
	Faults	   *faults;
	CallSort   *sort;
	bool		any;
	struct accounts_hash *accounts; /* of all that was added */
	LockedAccount *locked;		/* the same, in ascending order */
};

typedef struct RatedAccount
{
	int64		account_id;		/* hash key */
	int64		version;		/* of what its calls were rated by */
	bool		post;			/* some are to be posted */
	uint32		hash;			/* of the key */
	char		status;			/* of the hash table */
} RatedAccount;

#define SH_PREFIX accounts
#define SH_ELEMENT_TYPE RatedAccount
#define SH_KEY account_id
#include "by_int64.h"

#define ANY_VERSION PG_INT64_MAX	/* no calls were rated */

Posting *
posting_begin(Faults *faults)
{
	Posting    *posting = palloc0_object(Posting);

	posting->faults = faults;
	posting->sort = call_sort_begin();
	posting->accounts = accounts_create(CurrentMemoryContext, 16, NULL);
	return posting;
}

/* Of several versions the oldest counts: it is the one that may be outdated. */
static RatedAccount *
add_account(Posting *posting, int64 account_id, int64 version)
{
	bool		found;
	RatedAccount *account = accounts_insert(posting->accounts, account_id, &found);

	account->version = found ? Min(account->version, version) : version;
	account->post = found && account->post;
	return account;
}

/*
 * Takes one rated side of a call, or one that is gone. Of one on a suspended
 * number only the account counts: whether the number is suspended.
 */
void
posting_add(void *argument, const RatedCall *call)
{
	Posting    *posting = argument;
	RatedAccount *account = add_account(posting, call->account_id, call->version);

	if (call->suspended)
		return;
	call_sort_add(posting->sort, call);
	account->post = posting->any = true;
}

/* Takes no more of a call than its account, to be locked with the others. */
void
posting_concern(void *posting, const RatedCall *call)
{
	(void) add_account(posting, call->account_id, ANY_VERSION);
}

/* The accounts of exceptions as well. */
void
posting_concern_exceptions(Posting *posting, const OpenExceptions *exceptions)
{
	for (int i = 0; i < exceptions->naccounts; i++)
		add_account(posting, exceptions->accounts[i], ANY_VERSION);
}

/* And those of what could not be rated, which will be exceptions. */
void
posting_concern_faults(Posting *posting)
{
	for (int i = 0; i < posting->faults->n; i++)
		if (posting->faults->items[i].has_account)
			add_account(posting, posting->faults->items[i].account_id, ANY_VERSION);
}

static bool
rated_by(Posting *posting, const LockedAccount *locked)
{
	RatedAccount *account = accounts_lookup(posting->accounts, locked->account_id);

	return !locked->known || account->version == ANY_VERSION || account->version == locked->version;
}

/* False when the numbers or the rules of one have changed since its calls were rated. */
static bool
lock_accounts(Posting *posting)
{
	accounts_iterator scan;
	RatedAccount *account;
	int			nlocked = 0;

	if (posting->accounts->members == 0)
		return true;
	posting->locked = palloc_extended(posting->accounts->members * sizeof(LockedAccount),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	accounts_start_iterate(posting->accounts, &scan);
	while ((account = accounts_iterate(posting->accounts, &scan)) != NULL)
	{
		posting->locked[nlocked].account_id = account->account_id;
		posting->locked[nlocked++].post = account->post;
	}
	ledger_lock_accounts(posting->locked, nlocked);
	for (int i = 0; i < nlocked; i++)
		if (!rated_by(posting, &posting->locked[i]))
		{
			catalogue_forget();
			known_services_forget();
			return false;
		}
	return true;
}

/*
 * Locks every account of the posting and of the exceptions that it may
 * resolve, ascending, and then those exceptions. False when what was rated,
 * or found, is outdated by now: then both are to be done again.
 */
bool
posting_lock(Posting *posting, OpenExceptions *exceptions)
{
	posting_concern_exceptions(posting, exceptions);
	return lock_accounts(posting) && open_exceptions_lock(exceptions);
}

/* Ends a posting, whether anything was posted or not. */
void
posting_drop(Posting *posting)
{
	call_sort_end(posting->sort);
	accounts_destroy(posting->accounts);
	if (posting->locked != NULL)
		pfree(posting->locked);
}

/* The calls of one account, or as many of them as there is room for. */
static bool
post_calls(CallSort *sort, AccountCalls *calls, const LockedAccount *account)
{
	RatedCall  *call;
	bool		more;
	bool		same;

	do
	{
		call = account_calls_room(calls);
		call_sort_read(sort, call);
		more = call_sort_next(sort);
		same = more && call_sort_account(sort) == account->account_id;
	} while (same && !(account_calls_full(calls) && !call_sort_has_id(sort, call->call_id)));
	account_calls_post(calls, account, same);
	return more;
}

/*
 * Posts everything that was added; runs as the ledger's owner. Tells the
 * removals, if there are any, what was known of them. Ends the posting.
 */
void
posting_post(Posting *posting, RowExceptions *unbilled, Removals *removals)
{
	const LockedAccount *account = posting->locked;
	bool		more;

	if (posting->any)
	{
		AccountCalls *calls = account_calls_begin(posting->faults, unbilled, removals);

		call_sort_perform(posting->sort);
		for (more = call_sort_next(posting->sort); more;)
		{
			while (account->account_id != call_sort_account(posting->sort))
				account++;
			more = post_calls(posting->sort, calls, account);
		}
		account_calls_end(calls);
	}
	posting_drop(posting);
}
