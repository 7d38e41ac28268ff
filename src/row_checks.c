/*
 * row_checks.c
 *		The constraints of the extension's own tables, prepared once a session.
 *
 * Core reads a table's CHECK constraints from their text at every statement
 * that writes it; for one call that is dearer than writing the row.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "lib/ilist.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "relation_news.h"
#include "row_checks.h"

typedef struct RowChecks
{
	slist_node	node;
	Oid			relid;
	bool		valid;
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
keep(Oid relid, EState *estate, ResultRelInfo *target)
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
	static bool listening = false;
	EState	   *estate = CreateExecutorState();
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *target = makeNode(ResultRelInfo);
	uint64		before = changes;

	MemoryContextSwitchTo(old);
	if (!listening)
	{
		relation_news_to(invalidate);
		listening = true;
	}
	target->ri_RelationDesc = rel;
	ExecConstraints(target, row, estate);
	ResetPerTupleExprContext(estate);
	if (changes == before)
		keep(RelationGetRelid(rel), estate, target);
	else
		FreeExecutorState(estate);
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

	if (rel->rd_att->constr == NULL)
		return;
	checks = find_checks(RelationGetRelid(rel));
	if (checks == NULL || !checks->valid)
	{
		check_first_row(rel, row);
		return;
	}
	checks->target->ri_RelationDesc = rel;
	ExecConstraints(checks->target, row, checks->estate);
	ResetPerTupleExprContext(checks->estate);
}
