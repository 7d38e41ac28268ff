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

/* Something of a table has changed, or (InvalidOid) of any. */
static void
invalidate(Oid relid)
{
	HASH_SEQ_STATUS scan;
	RowChecks  *checks;

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
			if (checks->estate != NULL)
				FreeExecutorState(checks->estate);
			hash_search(all_checks, &checks->relid, HASH_REMOVE, NULL);
		}
}

static RowChecks *
begin_checks(Oid relid)
{
	RowChecks  *checks;
	MemoryContext old;

	forget_invalid();
	checks = hash_search(all_checks, &relid, HASH_ENTER, NULL);
	checks->valid = false;
	checks->estate = NULL;
	old = MemoryContextSwitchTo(CacheMemoryContext);
	checks->estate = CreateExecutorState();
	MemoryContextSwitchTo(checks->estate->es_query_cxt);
	checks->target = makeNode(ResultRelInfo);
	checks->valid = true;
	MemoryContextSwitchTo(old);
	return checks;
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
		checks = begin_checks(relid);
	checks->target->ri_RelationDesc = rel;
	ExecConstraints(checks->target, row, checks->estate);
	ResetPerTupleExprContext(checks->estate);
}
