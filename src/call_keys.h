/*
 * call_keys.h
 *		What a statement does to each key of an account's calls.
 */
#ifndef CCC_CALL_KEYS_H
#define CCC_CALL_KEYS_H

#include "faults.h"
#include "ledger.h"
#include "rating.h"
#include "row_exceptions.h"
#include "superseded.h"

/* A call_id and a direction: what is billed under it, and its entries so far. */
typedef struct CallKey
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
} CallKey;

/* The keys of some calls of an account, and whom to tell. */
typedef struct CallKeys
{
	const LedgerAccount *account;
	Faults	   *faults;
	RowExceptions *unbilled;	/* rows gone, or backfilled, that were exceptions */
	Removals   *removals;		/* told what is known of rows gone, or NULL */
	CallKey    *items;
	int			n;
} CallKeys;

extern void call_keys_decide(CallKeys *keys, RatedCall *calls, int n);
extern bool call_key_is_charged(const CallKey *key);
extern void report_call(Faults *faults, const RatedCall *call, const char *reason);

#endif							/* CCC_CALL_KEYS_H */
