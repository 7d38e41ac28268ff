/*
 * ledger.h
 *		The ledger and the counters beside it.
 *
 * Everything here runs as the ledger's owner. ledger_begin_posting() locks
 * the account; what it guards is read after that.
 */
#ifndef CCC_LEDGER_H
#define CCC_LEDGER_H

#include "append.h"
#include "deduct.h"
#include "rating.h"

/* What the ledger holds of a call: its latest entry. */
typedef struct KnownCall
{
	char	   *call_id;
	Direction	direction;
	int32		entry_no;
	int64		content;
} KnownCall;

/* The packages of one pool that may cover a span of starts, in order. */
typedef struct PoolPackages
{
	char	   *pool;
	Package    *packages;
	int			npackages;
	int64		shortfall;		/* seconds added by the posting */
} PoolPackages;

extern int64 ledger_begin_posting(int64 account_id);
extern KnownCall *ledger_known_calls(int64 account_id, Datum *call_ids,
									 int n, int *nknown);
extern PoolPackages *ledger_packages(int64 account_id, TimestampTz first_start,
									 TimestampTz last_start, int *npools);
extern void ledger_append(Appender *ledger, const RatedCall *call,
						  int64 posting_no, int32 entry_no, EntryKind kind,
						  int32 package_no, int64 billed);
extern void ledger_count(int64 account_id, const PoolPackages *pools,
						 int npools);

#endif							/* CCC_LEDGER_H */
