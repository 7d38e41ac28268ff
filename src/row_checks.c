/*
 * row_checks.c
 *		The constraints of the extension's own tables, prepared once a session.
 *
 * Core reads a table's CHECK constraints from their text at every statement
 * that writes it; for one call that is dearer than writing the row.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "relation_news.h"
#include "row_checks.h"

typedef struct RowChecks
{
	Oid			relid;			/* hash key */
	bool		valid;
	EState	   *estate;
	ResultRelInfo *target;		/* holds the constraints, in the estate's memory */
} RowChecks;

static HTAB *all_checks = NULL;
static uint64 changes = 0;		/* invalidations seen */

/* Something of a table has changed, or (InvalidOid) of any. */
static void
invalidate(Oid relid)
{
	HASH_SEQ_STATUS scan;
	RowChecks  *checks;

	changes++;
	hash_seq_init(&scan, all_checks);
	while ((checks = hash_seq_search(&scan)) != NULL)
		if (relid == InvalidOid || relid == checks->relid)
			checks->valid = false;
}

static void
begin_session(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(RowChecks)};

	all_checks = hash_create("ccc checks of rows", 8, &control, HASH_ELEM | HASH_BLOBS);
	relation_news_to(invalidate);
}

/* Frees what is outdated, of tables that are gone too. */
static void
forget_invalid(void)
{
	HASH_SEQ_STATUS scan;
	RowChecks  *checks;

	hash_seq_init(&scan, all_checks);
	while ((checks = hash_seq_search(&scan)) != NULL)
		if (!checks->valid)
		{
			FreeExecutorState(checks->estate);
			hash_search(all_checks, &checks->relid, HASH_REMOVE, NULL);
		}
}

static void
keep(Oid relid, EState *estate, ResultRelInfo *target)
{
	RowChecks  *checks;
	bool		found;

	forget_invalid();
	checks = hash_search(all_checks, &relid, HASH_ENTER, &found);
	if (found)
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
	EState	   *estate = CreateExecutorState();
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	ResultRelInfo *target = makeNode(ResultRelInfo);
	uint64		before = changes;

	MemoryContextSwitchTo(old);
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
	Oid			relid = RelationGetRelid(rel);
	RowChecks  *checks;

	if (rel->rd_att->constr == NULL)
		return;
	if (all_checks == NULL)
		begin_session();
	checks = hash_search(all_checks, &relid, HASH_FIND, NULL);
	if (checks == NULL || !checks->valid)
	{
		check_first_row(rel, row);
		return;
	}
	checks->target->ri_RelationDesc = rel;
	ExecConstraints(checks->target, row, checks->estate);
	ResetPerTupleExprContext(checks->estate);
}
