/*
 * row_checks.c
 *		The constraints of the extension's own tables, prepared once a session.
 *
 * Core reads a table's CHECK constraints from their text at every statement
 * that writes it; for one call that is dearer than writing the row.
 *
 * Constraints and indexes that somebody gave such a table may call functions
 * whose meaning depends on search_path. A writer's path is not to lead what runs
 * as the ledger's owner: so it is pinned while they run. That too would be dear
 * for one call, and is left out where all that runs is known to be core's.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "relation_news.h"
#include "rights.h"
#include "row_calls.h"
#include "row_checks.h"

typedef struct RowChecks
{
	slist_node	node;
	Oid			relid;
	bool		valid;
	bool		calls_others;	/* a row runs what the path may matter to */
	EState	   *estate;
	ResultRelInfo *target;		/* holds the constraints, in the estate's memory */
} RowChecks;

static slist_head all_checks = SLIST_STATIC_INIT(all_checks);
static uint64 changes = 0;		/* invalidations seen */

/* There are as many as the extension has tables that it writes: a few. */
static RowChecks *
find_checks(Oid relid)
{
	slist_iter	at;

	slist_foreach(at, &all_checks)
	{
		RowChecks  *checks = slist_container(RowChecks, node, at.cur);

		if (checks->relid == relid)
			return checks;
	}
	return NULL;
}

/* Something of a table has changed, or (InvalidOid) of any. */
static void
invalidate(Oid relid)
{
	slist_iter	at;

	changes++;
	slist_foreach(at, &all_checks)
	{
		RowChecks  *checks = slist_container(RowChecks, node, at.cur);

		if (relid == InvalidOid || relid == checks->relid)
			checks->valid = false;
	}
}

/* Frees what is outdated, of tables that are gone too. */
static void
forget_invalid(void)
{
	slist_mutable_iter at;

	slist_foreach_modify(at, &all_checks)
	{
		RowChecks  *checks = slist_container(RowChecks, node, at.cur);

		if (checks->valid)
			continue;
		slist_delete_current(&at);
		FreeExecutorState(checks->estate);
		pfree(checks);
	}
}

static void
keep(Oid relid, bool others, EState *estate, ResultRelInfo *target)
{
	RowChecks  *checks;

	forget_invalid();
	checks = find_checks(relid);
	if (checks == NULL)
	{
		checks = MemoryContextAlloc(CacheMemoryContext, sizeof(RowChecks));
		checks->relid = relid;
		slist_push_head(&all_checks, &checks->node);
	}
	else
		FreeExecutorState(checks->estate);
	checks->valid = true;
	checks->calls_others = others;
	checks->estate = estate;
	checks->target = target;
	MemoryContextSetParent(estate->es_query_cxt, CacheMemoryContext);
}

/*
 * Core prepares the constraints with the first row. They are kept when it has
 * come to an end, for after an error some may not be prepared; until then they
 * are in memory that an abort frees.
 */
static void
check_first_row(Relation rel, TupleTableSlot *row)
{
	EState	   *estate = CreateExecutorState();
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *target = makeNode(ResultRelInfo);
	uint64		before = changes;
	bool		others;

	MemoryContextSwitchTo(old);
	relation_news_to(invalidate);
	target->ri_RelationDesc = rel;
	ExecConstraints(target, row, estate);
	ResetPerTupleExprContext(estate);
	others = row_calls_others(rel);
	if (changes == before)
		keep(RelationGetRelid(rel), others, estate, target);
	else
		FreeExecutorState(estate);
}

static int
pin_for(const RowChecks *checks)
{
	return checks != NULL && checks->valid && !checks->calls_others ? 0 : pin_path();
}

/*
 * Pins the path for what a row of a table may run, where it may matter. To be
 * undone by unpin_for_row(), with what this gives.
 */
int
pin_for_row(Relation rel)
{
	return pin_for(find_checks(RelationGetRelid(rel)));
}

void
unpin_for_row(int guc_level)
{
	if (guc_level != 0)
		unpin_settings(guc_level);
}

static void
check_again(RowChecks *checks, Relation rel, TupleTableSlot *row)
{
	checks->target->ri_RelationDesc = rel;
	ExecConstraints(checks->target, row, checks->estate);
	ResetPerTupleExprContext(checks->estate);
}

/*
 * Raises, as an INSERT or UPDATE would, when a row breaks a constraint. A
 * virtual row is checked sooner than one that has to be taken apart. The
 * checks are looked up each time: a row's own types may run code that
 * outdates them.
 */
void
check_row(Relation rel, TupleTableSlot *row)
{
	RowChecks  *checks;
	int			guc_level;

	if (rel->rd_att->constr == NULL)
		return;
	checks = find_checks(RelationGetRelid(rel));
	guc_level = pin_for(checks);
	if (checks != NULL && checks->valid)
		check_again(checks, rel, row);
	else
		check_first_row(rel, row);
	unpin_for_row(guc_level);
}
