/*
 * settle.c
 *		Charges moved to where charging in call order would put them.
 *
 * Within a stretch the order of calls makes no difference, so the totals of
 * every stretch follow from the seconds demanded in it. They are computed by
 * charging each stretch as if it were one call, in order of time; then only
 * as many calls are touched as move the difference.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "settle.h"

/* Seconds of a stretch to be moved: > 0 from a package, < 0 to it. */
typedef struct Imbalance
{
	TimestampTz start;
	TimestampTz until;			/* no call of the stretch starts then or later */
	int64	   *excess;			/* per package, the shortfall last */
} Imbalance;

/* The packages as they were before the first of the stretches. */
static Package *
packages_before(const PoolState *state, int first)
{
	Package    *packages = palloc_array(Package, state->npackages);

	for (int i = 0; i < state->npackages; i++)
	{
		packages[i] = state->packages[i];
		for (int j = first; j < state->nstretches; j++)
			packages[i].remaining += state->stretches[j].billed[i];
	}
	return packages;
}

/* Charges a stretch; true when that differs from what its calls hold. */
static bool
charge_stretch(const PoolState *state, Package *packages, const StretchUsage *usage,
			   int64 *excess)
{
	int64		demand = 0;
	int64		shortfall;
	int			ndraws;
	bool		differs = false;

	for (int i = 0; i <= state->npackages; i++)
	{
		excess[i] = usage->billed[i];
		demand += usage->billed[i];
	}
	ndraws = deduct(packages, state->npackages, usage->start, demand,
					state->draws, &shortfall);
	for (int i = 0; i < ndraws; i++)
		excess[pool_state_package(state, state->draws[i].package_no)] -= state->draws[i].seconds;
	excess[state->npackages] -= shortfall;
	for (int i = 0; i <= state->npackages; i++)
		differs |= excess[i] != 0;
	return differs;
}

/* Every stretch, from the unsettled one on, whose calls must be touched. */
static Imbalance *
find_imbalances(const PoolState *state, int *n)
{
	Imbalance  *imbalances = palloc_array(Imbalance, state->nstretches);
	Package    *packages;
	int			first = 0;

	while (first < state->nstretches &&
		   state->stretches[first].start < state->unsettled_since)
		first++;
	packages = packages_before(state, first);
	*n = 0;
	for (int i = first; i < state->nstretches; i++)
	{
		Imbalance  *imbalance = &imbalances[*n];

		imbalance->start = state->stretches[i].start;
		imbalance->until = i + 1 < state->nstretches ?
			state->stretches[i + 1].start : DT_NOEND;
		imbalance->excess = palloc_array(int64, state->npackages + 1);
		if (charge_stretch(state, packages, &state->stretches[i], imbalance->excess))
			(*n)++;
	}
	return imbalances;
}

static int32
package_no_at(const PoolState *state, int package)
{
	return package < state->npackages ? state->packages[package].package_no : NO_PACKAGE;
}

static void
append_move(LedgerAccount *account, PoolState *state, Movable *movable,
			int package, int64 billed)
{
	ledger_append(account, &movable->call, ++movable->entry_no,
				  package < state->npackages ? ENTRY_CHARGE : ENTRY_SHORTFALL,
				  package_no_at(state, package), state->pool, billed);
	pool_state_move(state, movable->call.started_at, package, billed);
}

/* Moves what may be moved of one call's seconds on one package. */
static int64
move_call(LedgerAccount *account, PoolState *state, int64 *excess, Movable *movable)
{
	int			from = pool_state_package(state, movable->package_no);
	int64		moved = 0;

	for (int to = 0; to <= state->npackages && excess[from] > 0 && movable->billed > 0; to++)
	{
		int64		seconds = Min(Min(excess[from], -excess[to]), movable->billed);

		if (seconds <= 0)
			continue;
		append_move(account, state, movable, from, -seconds);
		append_move(account, state, movable, to, seconds);
		excess[from] -= seconds;
		excess[to] += seconds;
		movable->billed -= seconds;
		moved += seconds;
	}
	return moved;
}

static MovableScan *
find_movable(LedgerAccount *account, const PoolState *state,
			 const Imbalance *imbalance)
{
	int64	   *packages = palloc_array(int64, state->npackages + 1);
	int			npackages = 0;

	for (int i = 0; i <= state->npackages; i++)
		if (imbalance->excess[i] > 0)
			packages[npackages++] = package_no_at(state, i);
	return ledger_movable_begin(account->account_id, state->pool, imbalance->start,
								imbalance->until, packages, npackages);
}

/* Two rows of one call follow each other and share the count of entries. */
static void
keep_count(Movable *movable, const Movable *previous)
{
	if (strcmp(movable->call.call_id, previous->call.call_id) == 0 &&
		movable->call.direction == previous->call.direction)
		movable->entry_no = previous->entry_no;
}

static bool
balanced(const PoolState *state, const Imbalance *imbalance)
{
	for (int i = 0; i <= state->npackages; i++)
		if (imbalance->excess[i] != 0)
			return false;
	return true;
}

/* The counters are not what the ledger says: neither can be trusted. */
void
report_disagreement(const LedgerAccount *account)
{
	elog(ERROR, "usage of account " INT64_FORMAT " and its ledger disagree",
		 account->account_id);
}

static int64
settle_stretch(LedgerAccount *account, PoolState *state, const Imbalance *imbalance)
{
	MovableScan *scan = find_movable(account, state, imbalance);
	Movable    *movable;
	const Movable *previous = NULL;
	int64		moved = 0;

	while (!balanced(state, imbalance) && (movable = ledger_movable_next(scan)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (stretch_start(&state->bounds, movable->call.started_at) != imbalance->start)
			report_disagreement(account);
		if (previous != NULL)
			keep_count(movable, previous);
		moved += move_call(account, state, imbalance->excess, movable);
		previous = movable;
	}
	ledger_movable_end(scan);
	if (!balanced(state, imbalance))
		report_disagreement(account);
	return moved;
}

/*
 * Makes the totals of every stretch what call order makes them, from the
 * unsettled stretch on. Gives the seconds moved: none where the usage is
 * outdated, for then it has to be made anew first.
 */
int64
settle(LedgerAccount *account, PoolState *state)
{
	int			n;
	Imbalance  *imbalances;
	int64		moved = 0;

	if (!state->unsettled)
		return 0;
	pool_state_check(state);
	if (state->outdated)
		return 0;
	imbalances = find_imbalances(state, &n);
	if (n > 0)
		ledger_sync(account);
	for (int i = 0; i < n; i++)
		moved += settle_stretch(account, state, &imbalances[i]);
	state->unsettled = false;
	return moved;
}
