/*
 * account_calls.h
 *		The calls of one account in one statement: charged, or not.
 */
#ifndef CCC_ACCOUNT_CALLS_H
#define CCC_ACCOUNT_CALLS_H

#include "faults.h"
#include "ledger.h"
#include "rating.h"
#include "row_exceptions.h"
#include "superseded.h"

typedef struct AccountCalls AccountCalls;

extern AccountCalls *account_calls_begin(Faults *faults,
										  RowExceptions *unbilled,
										  Removals *removals);
extern RatedCall *account_calls_room(AccountCalls *calls);
extern bool account_calls_full(const AccountCalls *calls);
extern void account_calls_post(AccountCalls *calls,
							   const LockedAccount *account, bool more);
extern void account_calls_end(AccountCalls *calls);

#endif							/* CCC_ACCOUNT_CALLS_H */
