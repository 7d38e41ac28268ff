/*
 * pool_state.h
 *		One pool of a locked account while a posting is made: what its packages
 *		have left, and what the calls of each stretch drew.
 */
#ifndef CCC_POOL_STATE_H
#define CCC_POOL_STATE_H

#include "ledger.h"

/* What the calls of one stretch drew from each package, the shortfall last. */
typedef struct StretchUsage
{
	TimestampTz start;
	TimestampTz last_start;
	int64	   *billed;
	bool	   *changed;
	ItemPointerData *places;	/* of rows of other usage; invalid: a package's, or new */
} StretchUsage;

typedef struct PoolState
{
	char	   *pool;
	Package    *packages;		/* in order */
	HeldUsage  *held;			/* by their rows */
	ItemPointerData *places;	/* of their rows */
	int			npackages;
	StretchBounds bounds;
	TimestampTz since;			/* stretches from here on are at hand */
	StretchUsage *stretches;	/* by start */
	int			nstretches;
	Draw	   *draws;			/* room for every package */
	MemoryContext context;		/* of the state, and all that it holds */
	bool		unsettled;		/* charges may lie where call order would not put them */
	TimestampTz unsettled_since;	/* start of a stretch */
	bool		outdated;		/* the usage that is stored is not the ledger's */
} PoolState;

typedef struct PoolStates
{
	LedgerAccount *account;
	MemoryContext context;		/* of the states */
	PoolPackage *packages;
	int			npackages;
	TimestampTz since;
	PoolState **pools;
	int			npools;
} PoolStates;

extern void pool_states_load(PoolStates *states, LedgerAccount *account,
							 TimestampTz since);
extern PoolState *pool_state_named(PoolStates *states, const char *pool);
extern PoolState *pool_state_holding(PoolStates *states, int32 package_no);
extern void pool_states_store(PoolStates *states);
extern void pool_state_check(PoolState *state);

extern int	pool_state_package(const PoolState *state, int32 package_no);
extern int64 pool_state_draw(PoolState *state, TimestampTz started_at,
							 int64 billed, int *ndraws);
extern void pool_state_move(PoolState *state, TimestampTz started_at,
							int package, int64 billed);
extern void pool_state_release(PoolState *state, TimestampTz started_at,
							   int32 package_no, int64 billed);

#endif							/* CCC_POOL_STATE_H */
