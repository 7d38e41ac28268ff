/*
 * ledger.h
 *		The ledger and the counters beside it.
 *
 * Everything here runs as the ledger's owner. An account is locked first;
 * what the lock guards is read after that.
 */
#ifndef CCC_LEDGER_H
#define CCC_LEDGER_H

#include "lib/stringinfo.h"
#include "utils/portal.h"

#include "append.h"
#include "deduct.h"
#include "own_table.h"
#include "rated_call.h"
#include "stretch.h"

#define NO_PACKAGE 0			/* where a package's number stands: the shortfall */

/* An account to be locked: what is wanted, then what it is. */
typedef struct LockedAccount
{
	int64		account_id;
	bool		post;			/* there will be a posting */

	bool		known;			/* there is such an account */
	int64		version;		/* of what its calls are rated by */
	int64		posting_no;
	int32		last_package_no;	/* there are this many */
	TimestampTz last_other_stretch; /* no other usage is later */
	pg_tz	   *zone;			/* NULL: the server does not know it (any more) */
} LockedAccount;

/* What postings to locked accounts read and write, by one snapshot. */
typedef struct Ledger
{
	OwnTable   *packages;
	OwnTable   *other_usage;	/* NULL: not asked for yet */
	OwnTable   *known;			/* the ledger, to look calls up */
	Appender   *entries;		/* the ledger, to append to */
} Ledger;

/* An account, locked, and the posting that is made to it. */
typedef struct LedgerAccount
{
	Ledger	   *ledger;
	int64		account_id;
	int64		posting_no;
	int32		last_package_no;
	TimestampTz last_other_stretch;
	pg_tz	   *zone;			/* or NULL */
} LedgerAccount;

/* What a call holds: the sum of its entries on one package, or on none. */
typedef struct Holding
{
	EntryKind	kind;			/* charge, shortfall or free */
	int32		package_no;		/* NO_PACKAGE: shortfall or free */
	const char *pool;			/* of a shortfall */
	int64		billed;
} Holding;

/* A call in the ledger: what its latest entry says, and what it holds. */
typedef struct KnownCall
{
	RatedCall	call;			/* billed and pool are not set */
	int32		entry_no;		/* of the latest entry */
	int64		copies;			/* repeats of the record that are stored */
	Holding    *holdings;
	int			nholdings;		/* 0: nothing is billed (any more) */
} KnownCall;

typedef struct KnownCalls
{
	KnownCall  *calls;
	int			n;
	int			room;
} KnownCalls;

/* Seconds of one call on one package that may be moved to another. */
typedef struct Movable
{
	RatedCall	call;
	int32		entry_no;
	int32		package_no;
	int64		billed;
} Movable;

/* What may be moved, read as it is needed. */
typedef struct MovableScan
{
	int64		account_id;
	Portal		portal;
	Movable    *rows;			/* fetched */
	int			n;
	int			next;
	MemoryContext context;		/* of the rows */
	MemoryContext old_context;	/* of those before, for the last is asked for still */
} MovableScan;

/* A row of ccc.other_usage. */
typedef struct UsageRow
{
	TimestampTz stretch;
	TimestampTz last_start;
	int32		package_no;
	int64		billed;
	ItemPointerData place;		/* invalid: there is no such row yet */
} UsageRow;

/* What a package's row holds of its usage: that of one stretch, the latest. */
typedef struct HeldUsage
{
	TimestampTz start;			/* DT_NOBEGIN: none */
	TimestampTz last_start;
	int64		billed;
	bool		changed;		/* to be written */
} HeldUsage;

/* A package, its pool and what its row holds of its usage. */
typedef struct PoolPackage
{
	char	   *pool;
	Package		package;
	HeldUsage	held;
	ItemPointerData place;		/* of its row */
} PoolPackage;

extern void ledger_lock_accounts(LockedAccount *accounts, int n);
extern int64 account_version(const OwnTable *accounts);

extern Ledger *ledger_begin(void);
extern void ledger_end(Ledger *ledger);

extern void ledger_begin_posting(Ledger *ledger, const LockedAccount *locked,
								 LedgerAccount *account);
extern bool ledger_knows_between(const LedgerAccount *account,
								 const char *first, const char *last);
extern void ledger_known_calls(const LedgerAccount *account, char *call_id,
							   KnownCalls *known);
extern PoolPackage *ledger_packages(const LedgerAccount *account,
									TimestampTz since, int *npackages);
extern UsageRow *ledger_other_usage(const LedgerAccount *account,
									const char *pool, TimestampTz since,
									int *nrows);
extern void ledger_append(const LedgerAccount *account, const RatedCall *call,
						  int32 entry_no, EntryKind kind, int32 package_no,
						  const char *pool, int64 billed);
extern void ledger_sync(const LedgerAccount *account);
extern void ledger_recharge(const LedgerAccount *account, const char *pool);
extern void ledger_put_other_usage(LedgerAccount *account, const char *pool,
								   UsageRow *row);
extern void ledger_count_other_usage(const LedgerAccount *account);
extern void ledger_put_package(const LedgerAccount *account,
							   const Package *package, const HeldUsage *held,
							   ItemPointer place);

extern RatedCall *ledger_billed_calls(int64 account_id, TimestampTz since,
									  int *n);
extern MovableScan *ledger_movable_begin(int64 account_id, const char *pool,
										 TimestampTz from, TimestampTz until,
										 const int64 *packages, int npackages);
extern Movable *ledger_movable_next(MovableScan *scan);
extern void ledger_movable_end(MovableScan *scan);

#endif							/* CCC_LEDGER_H */
