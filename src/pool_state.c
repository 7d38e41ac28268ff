/*
 * pool_state.c
 *		One pool of a locked account while a posting is made.
 */
#include "postgres.h"

#include "compat.h"
#include "pool_state.h"

/*
 * Reads the packages that may cover calls from an instant on, or whose ends
 * may bound a stretch then: a stretch is at most a month long.
 */
void
pool_states_load(PoolStates *states, LedgerAccount *account, TimestampTz since)
{
	memset(states, 0, sizeof(*states));
	states->account = account;
	states->context = CurrentMemoryContext;
	states->since = since;
	states->packages = ledger_packages(account, TIMESTAMP_NOT_FINITE(since) ? since : since - 32 * USECS_PER_DAY,
									   &states->npackages);
}

static void
add_bound(StretchBounds *bounds, TimestampTz at)
{
	if (!TIMESTAMP_NOT_FINITE(at))
		bounds->starts[bounds->n++] = at;
}

/* By its months charges are divided: without it none is made or taken back. */
static pg_tz *
zone_of(const LedgerAccount *account)
{
	if (account->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the time zone of account " INT64_FORMAT " is not recognized",
						account->account_id),
				 errhint("Give the account the name of a zone that the server knows, in ccc.accounts.")));
	return account->zone;
}

/* The pool's own packages, and the bounds they make. */
static void
take_packages(PoolStates *states, PoolState *state)
{
	state->packages = palloc_array(Package, states->npackages);
	state->held = palloc_array(HeldUsage, states->npackages);
	state->places = palloc_array(ItemPointerData, states->npackages);
	stretch_bounds_begin(&state->bounds, zone_of(states->account), 3 * states->npackages);
	for (int i = 0; i < states->npackages; i++)
	{
		const Package *package = &states->packages[i].package;

		if (strcmp(states->packages[i].pool, state->pool) != 0)
			continue;
		state->held[state->npackages] = states->packages[i].held;
		state->places[state->npackages] = states->packages[i].place;
		state->packages[state->npackages++] = *package;
		add_bound(&state->bounds, package->valid_from);
		add_bound(&state->bounds, package->valid_until);
		if (package->covers_until != package->valid_until)
			add_bound(&state->bounds, package->covers_until);
	}
	stretch_sort_bounds(&state->bounds);
}

/* Place of a package in the state's arrays; the shortfall's is the last. */
int
pool_state_package(const PoolState *state, int32 package_no)
{
	if (package_no == NO_PACKAGE)
		return state->npackages;
	for (int i = 0; i < state->npackages; i++)
		if (state->packages[i].package_no == package_no)
			return i;
	elog(ERROR, "package %d is not at hand", package_no);
}

/* The usage of a stretch, made when there is none. */
static StretchUsage *
usage_of(PoolState *state, TimestampTz start)
{
	StretchUsage *usage;
	int			i = state->nstretches;

	while (i > 0 && state->stretches[i - 1].start > start)
		i--;
	if (i > 0 && state->stretches[i - 1].start == start)
		return &state->stretches[i - 1];

	state->stretches = state->nstretches == 0 ?
		MemoryContextAlloc(state->context, sizeof(StretchUsage)) :
		repalloc(state->stretches, (state->nstretches + 1) * sizeof(StretchUsage));
	usage = &state->stretches[i];
	memmove(usage + 1, usage, (state->nstretches - i) * sizeof(StretchUsage));
	state->nstretches++;
	usage->start = usage->last_start = start;
	usage->billed = MemoryContextAllocZero(state->context, (state->npackages + 1) * sizeof(int64));
	usage->changed = MemoryContextAllocZero(state->context, (state->npackages + 1) * sizeof(bool));
	usage->places = MemoryContextAllocZero(state->context, (state->npackages + 1) * sizeof(ItemPointerData));
	return usage;
}

static StretchUsage *
take_usage(PoolState *state, TimestampTz start, TimestampTz last_start, int package, int64 billed)
{
	StretchUsage *usage = usage_of(state, start);

	usage->billed[package] = billed;
	usage->last_start = Max(usage->last_start, last_start);
	return usage;
}

static void
load_usage(PoolStates *states, PoolState *state)
{
	int			nrows;
	UsageRow   *rows;

	state->since = TIMESTAMP_NOT_FINITE(states->since) ? states->since :
		stretch_start(&state->bounds, states->since);
	rows = ledger_other_usage(states->account, state->pool, state->since, &nrows);
	for (int i = 0; i < nrows; i++)
	{
		int			package = pool_state_package(state, rows[i].package_no);

		take_usage(state, rows[i].stretch, rows[i].last_start, package,
				   rows[i].billed)->places[package] = rows[i].place;
	}
	for (int i = 0; i < state->npackages; i++)
	{
		const HeldUsage *held = &state->held[i];

		if (held->start != DT_NOBEGIN && held->start >= state->since)
			take_usage(state, held->start, held->last_start, i, held->billed);
	}
}

static PoolState *
load_pool(PoolStates *states, const char *pool)
{
	PoolState  *state = palloc0_object(PoolState);

	state->context = states->context;
	state->pool = pstrdup(pool);
	take_packages(states, state);
	load_usage(states, state);
	state->draws = palloc_array(Draw, state->npackages);
	states->pools = states->npools == 0 ? palloc_object(PoolState *) :
		repalloc(states->pools, (states->npools + 1) * sizeof(PoolState *));
	return states->pools[states->npools++] = state;
}

/* The state of a pool, read when it is first asked for. */
PoolState *
pool_state_named(PoolStates *states, const char *pool)
{
	MemoryContext old;
	PoolState  *state;

	for (int i = 0; i < states->npools; i++)
		if (strcmp(states->pools[i]->pool, pool) == 0)
			return states->pools[i];
	old = MemoryContextSwitchTo(states->context);
	state = load_pool(states, pool);
	MemoryContextSwitchTo(old);
	return state;
}

/* The state of the pool of a package. */
PoolState *
pool_state_holding(PoolStates *states, int32 package_no)
{
	for (int i = 0; i < states->npackages; i++)
		if (states->packages[i].package.package_no == package_no)
			return pool_state_named(states, states->packages[i].pool);
	elog(ERROR, "package %d of account " INT64_FORMAT " is not at hand",
		 package_no, states->account->account_id);
}

static void
unsettle(PoolState *state, TimestampTz start)
{
	state->unsettled_since = state->unsettled ? Min(state->unsettled_since, start) : start;
	state->unsettled = true;
}

static void
use(PoolState *state, TimestampTz started_at, int package, int64 billed)
{
	StretchUsage *usage = usage_of(state, stretch_start(&state->bounds, started_at));

	usage->billed[package] += billed;
	usage->changed[package] = true;
	usage->last_start = Max(usage->last_start, started_at);
}

/*
 * Draws a call's seconds; the draws are in state->draws, and what is left is
 * the shortfall. Within the latest stretch that has calls that is final.
 */
int64
pool_state_draw(PoolState *state, TimestampTz started_at, int64 billed, int *ndraws)
{
	TimestampTz start = stretch_start(&state->bounds, started_at);
	int64		shortfall;

	if (state->nstretches > 0 &&
		state->stretches[state->nstretches - 1].start > start)
		unsettle(state, start);
	*ndraws = deduct(state->packages, state->npackages, started_at, billed,
					 state->draws, &shortfall);
	for (int i = 0; i < *ndraws; i++)
		use(state, started_at, pool_state_package(state, state->draws[i].package_no),
			state->draws[i].seconds);
	if (shortfall > 0)
		use(state, started_at, state->npackages, shortfall);
	return shortfall;
}

/* Adds seconds of a call to a place of the arrays, or takes them (negative). */
void
pool_state_move(PoolState *state, TimestampTz started_at, int package, int64 billed)
{
	if (package < state->npackages)
	{
		state->packages[package].remaining -= billed;
		state->packages[package].drawn += billed;
	}
	use(state, started_at, package, billed);
}

/* Gives a call's seconds back to where they came from, expired or not. */
void
pool_state_release(PoolState *state, TimestampTz started_at, int32 package_no, int64 billed)
{
	pool_state_move(state, started_at, pool_state_package(state, package_no), -billed);
	unsettle(state, stretch_start(&state->bounds, started_at));
}

static void
put_other_usage(PoolStates *states, PoolState *state, int package,
				const HeldUsage *usage, const ItemPointerData *place)
{
	UsageRow	row = {
		.stretch = usage->start,
		.last_start = usage->last_start,
		.package_no = package < state->npackages ? state->packages[package].package_no : NO_PACKAGE,
		.billed = usage->billed
	};

	if (place != NULL)
		row.place = *place;
	ledger_put_other_usage(states->account, state->pool, &row);
}

/* A package's row holds the latest stretch; what it held makes way. */
static void
hold(PoolStates *states, PoolState *state, int package, const HeldUsage *usage)
{
	HeldUsage  *held = &state->held[package];

	if (held->start != usage->start && held->billed != 0)
		put_other_usage(states, state, package, held, NULL);
	*held = *usage;
	held->changed = true;
}

/* Stretches are stored in ascending order. */
static void
store_stretch(PoolStates *states, PoolState *state, const StretchUsage *usage)
{
	for (int i = 0; i <= state->npackages; i++)
	{
		HeldUsage	drawn = {
			.start = usage->start,
			.last_start = usage->last_start,
			.billed = usage->billed[i]
		};

		if (!usage->changed[i])
			continue;
		if (i < state->npackages && !ItemPointerIsValid(&usage->places[i]) &&
			usage->start >= state->held[i].start)
			hold(states, state, i, &drawn);
		else
			put_other_usage(states, state, i, &drawn, &usage->places[i]);
	}
}

/*
 * Tells whether the usage is outdated: stretches may have other bounds by now,
 * when the rules of a zone change, also for the past. Then what they hold lies in
 * several, or calls that go seem to leave less than nothing.
 */
void
pool_state_check(PoolState *state)
{
	for (int i = 0; i < state->nstretches; i++)
	{
		const StretchUsage *usage = &state->stretches[i];

		state->outdated |= stretch_start(&state->bounds, usage->start) != usage->start ||
			stretch_start(&state->bounds, usage->last_start) != usage->start;
		for (int j = 0; j <= state->npackages; j++)
			state->outdated |= usage->billed[j] < 0;
	}
}

static void
store_pool(PoolStates *states, PoolState *state)
{
	pool_state_check(state);
	for (int i = 0; i < state->nstretches && !state->outdated; i++)
		store_stretch(states, state, &state->stretches[i]);
	for (int i = 0; i < state->npackages; i++)
		if (state->packages[i].drawn != 0 || state->held[i].changed)
			ledger_put_package(states->account, &state->packages[i], &state->held[i],
							   &state->places[i]);
}

/*
 * Writes what changed: packages in deduction order, and usage, unless that is
 * outdated: then it is the caller's to make it anew.
 */
void
pool_states_store(PoolStates *states)
{
	TimestampTz last_other_stretch = states->account->last_other_stretch;

	for (int i = 0; i < states->npools; i++)
		store_pool(states, states->pools[i]);
	if (states->account->last_other_stretch != last_other_stretch)
		ledger_count_other_usage(states->account);
}
