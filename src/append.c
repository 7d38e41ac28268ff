/*
 * append.c
 *		Rows appended to one of the extension's own tables, in bulk.
 *
 * What COPY does, for tables without row triggers, foreign keys, generated
 * columns and partitions: constraints are checked, indexes kept, and no plan
 * is made. An append checks no rights: callers decide who may.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "append.h"
#include "compat.h"
#include "grow.h"
#include "row_checks.h"

/* of memory, for rows and what making them takes: what stays in a processor's cache */
#define BATCH_BYTES (128 * 1024)

struct Appender
{
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *target;
	BulkInsertState bulk;		/* from the second batch on */
	MemoryContext context;		/* of the appender and its slots */
	MemoryContext batch_context;	/* of rows, and of what their values point to */
	TupleTableSlot **slots;
	int			room;
	int			nslots;			/* filled */
	int			nmade;			/* ever made, to be dropped at the end */
};

/* To a table that is open for writing, and stays so until the end. */
Appender *
append_begin(Relation rel)
{
	Appender   *appender = palloc0_object(Appender);
	int			guc_level = pin_for_row(rel);

	appender->rel = rel;
	appender->estate = CreateExecutorState();
	appender->target = makeNode(ResultRelInfo);
	InitResultRelInfo(appender->target, appender->rel, 0, NULL, 0);
	ExecOpenIndices(appender->target, false);
	unpin_for_row(guc_level);
	appender->context = CurrentMemoryContext;
	appender->batch_context = AllocSetContextCreate(CurrentMemoryContext,
													"ccc append batch",
													ALLOCSET_DEFAULT_SIZES);
	return appender;
}

/*
 * Where what a row's values point to may be, until it is written, and all that
 * making them leaves behind: the more there is, the fewer rows are a batch.
 */
MemoryContext
append_memory(const Appender *appender)
{
	return appender->batch_context;
}

/*
 * The slot of the next row: fill tts_values and tts_isnull of each column. All
 * are null, as are those that this library does not know of. What values
 * point to stays until the row is written.
 */
TupleTableSlot *
append_slot(Appender *appender)
{
	int			i = appender->nslots;
	TupleTableSlot *slot;

	if (i == appender->nmade)
	{
		MemoryContext old = MemoryContextSwitchTo(appender->context);

		appender->slots = grow(appender->context, appender->slots, i, &appender->room,
							   sizeof(TupleTableSlot *));
		appender->slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(appender->rel),
													  &TTSOpsHeapTuple);
		appender->nmade++;
		MemoryContextSwitchTo(old);
	}
	slot = ExecClearTuple(appender->slots[i]);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	return slot;
}

static void
append_indexes(Appender *appender, TupleTableSlot *slot)
{
	EState	   *estate = appender->estate;

	if (appender->target->ri_NumIndices > 0)
		list_free(exec_insert_index_tuples(appender->target, slot, estate, false, false));
	ResetPerTupleExprContext(estate);
}

static void
append_flush(Appender *appender)
{
	MemoryContext old = MemoryContextSwitchTo(appender->batch_context);
	CommandId	cid = GetCurrentCommandId(true);
	int			guc_level = pin_for_row(appender->rel);

	if (appender->nslots == 1)
		table_tuple_insert(appender->rel, appender->slots[0], cid, 0, NULL);
	else
		table_multi_insert(appender->rel, appender->slots, appender->nslots,
						   cid, 0, appender->bulk);
	for (int i = 0; i < appender->nslots; i++)
	{
		append_indexes(appender, appender->slots[i]);
		ExecClearTuple(appender->slots[i]);
	}
	unpin_for_row(guc_level);
	appender->nslots = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(appender->batch_context);
}

static BulkInsertState
bulk_state(Appender *appender)
{
	MemoryContext old = MemoryContextSwitchTo(appender->context);
	BulkInsertState bulk = GetBulkInsertState();

	MemoryContextSwitchTo(old);
	return bulk;
}

/* The slot's row beside its values, which the indexes need again. */
static void
form_row(Appender *appender, TupleTableSlot *slot)
{
	MemoryContext old = MemoryContextSwitchTo(appender->batch_context);
	TupleDesc	columns = slot->tts_tupleDescriptor;
	HeapTuple	row = heap_form_tuple(columns, slot->tts_values, slot->tts_isnull);

	MemoryContextSwitchTo(old);
	ExecStoreHeapTuple(row, slot, true);
	slot->tts_nvalid = columns->natts;
}

/* Takes the row that append_slot() gave room for. */
void
append_store(Appender *appender)
{
	TupleTableSlot *slot = appender->slots[appender->nslots];

	ExecStoreVirtualTuple(slot);
	check_row(appender->rel, slot);
	form_row(appender, slot);
	appender->nslots++;
	if (MemoryContextMemAllocated(appender->batch_context, false) < BATCH_BYTES)
		return;
	if (appender->bulk == NULL)
		appender->bulk = bulk_state(appender);
	append_flush(appender);
}

/* Writes what is left; the rows are visible to the next statement. */
void
append_sync(Appender *appender)
{
	if (appender->nslots > 0)
		append_flush(appender);
	CommandCounterIncrement();
}

void
append_end(Appender *appender)
{
	append_sync(appender);
	for (int i = 0; i < appender->nmade; i++)
		ExecDropSingleTupleTableSlot(appender->slots[i]);
	if (appender->bulk != NULL)
	{
		FreeBulkInsertState(appender->bulk);
		table_finish_bulk_insert(appender->rel, 0);
	}
	ExecCloseIndices(appender->target);
	FreeExecutorState(appender->estate);
	MemoryContextDelete(appender->batch_context);
	if (appender->slots != NULL)
		pfree(appender->slots);
	pfree(appender);
}
