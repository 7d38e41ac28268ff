/*
 * own_table_write.c
 *		Rows of the extension's own tables, locked and written.
 *
 * What a foreign key's action or logical replication does: constraints and indexes
 * are kept, and nothing is planned. Rights are not checked, and triggers that
 * somebody gives these tables are not fired.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "compat.h"
#include "own_table.h"
#include "row_checks.h"

/* What an older snapshot does not show, or shows as it was, cannot be changed. */
void
check_not_outdated(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errhint("Run the transaction again.")));
}

/* A row that could not be had was changed or deleted, and may be had anew. */
static void
check_changed_by_others(OwnTable *table, TM_Result result)
{
	if (result != TM_Updated && result != TM_Deleted)
		elog(ERROR, "unexpected result of locking a row of table \"%s\": %d",
			 RelationGetRelationName(table->rel), result);
	check_not_outdated();
}

/*
 * Locks the row found against other writers, as FOR NO KEY UPDATE does. What
 * others had changed meanwhile is in table->row then; false when the row was
 * deleted. Under an older snapshot a change by others is an error (40001), and
 * so is a transaction that only reads, as every one of a standby (25006).
 */
bool
own_table_lock(OwnTable *table)
{
	uint8		flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
	ItemPointerData tid = table->row->tts_tid;
	TM_FailureData failure;
	TM_Result	result;

	PreventCommandIfReadOnly("SELECT FOR NO KEY UPDATE");
	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	result = table_tuple_lock(table->rel, &tid, table->snapshot, table->row,
							  GetCurrentCommandId(true), LockTupleNoKeyExclusive,
							  LockWaitBlock, flags, &failure);
	if (result == TM_Ok)
	{
		slot_getallattrs(table->row);
		return true;
	}
	check_changed_by_others(table, result);
	return false;
}

static TupleTableSlot *
cleared_for_writing(OwnTable *table)
{
	if (table->written == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(table->context);

		table->written = table_slot_create(table->rel, NULL);
		MemoryContextSwitchTo(old);
	}
	return ExecClearTuple(table->written);
}

/* The values of the row found, to be changed and given to own_table_update(). */
Datum *
own_table_change(OwnTable *table)
{
	TupleTableSlot *slot = cleared_for_writing(table);
	int			natts = RelationGetNumberOfAttributes(table->rel);

	memcpy(slot->tts_values, table->row->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, table->row->tts_isnull, natts * sizeof(bool));
	return slot->tts_values;
}

/*
 * The values of a row to be given to own_table_insert(): so many, none of them
 * null. What the table has beyond them is.
 */
Datum *
own_table_new(OwnTable *table, int ncolumns)
{
	TupleTableSlot *slot = cleared_for_writing(table);

	memset(slot->tts_isnull, true, RelationGetNumberOfAttributes(table->rel) * sizeof(bool));
	memset(slot->tts_isnull, false, ncolumns * sizeof(bool));
	return slot->tts_values;
}

static void
complete(OwnTable *table)
{
	PreventCommandIfReadOnly("UPDATE");
	ExecStoreVirtualTuple(table->written);
	check_row(table->rel, table->written);
	ExecMaterializeSlot(table->written);
}

static void
insert_index_entries(OwnTable *table, bool update, bool only_summarizing)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);
	int			guc_level = pin_for_row(table->rel);

	InitResultRelInfo(target, table->rel, 0, NULL, 0);
	ExecOpenIndices(target, false);
	list_free(exec_insert_index_tuples(target, table->written, estate, update,
									   only_summarizing));
	ExecCloseIndices(target);
	unpin_for_row(guc_level);
	FreeExecutorState(estate);
	pfree(target);
}

/*
 * Writes what own_table_change() gave, in place of the row found, and so locks
 * it. False when others have changed or deleted it since it was read; under an
 * older snapshot that is an error (40001).
 */
bool
own_table_try_update(OwnTable *table)
{
	TM_FailureData failure;
	LockTupleMode lock_mode;
	UpdateIndexes indexes;
	TM_Result	result;

	complete(table);
	result = table_tuple_update(table->rel, &table->row->tts_tid, table->written,
								GetCurrentCommandId(true), table->snapshot, InvalidSnapshot,
								true, &failure, &lock_mode, &indexes);
	if (result == TM_Ok)
	{
		if (needs_index_entries(indexes))
			insert_index_entries(table, true, only_summarizing_indexes(indexes));
		return true;
	}
	check_changed_by_others(table, result);
	return false;
}

/* The same with a row that is locked. */
void
own_table_update(OwnTable *table)
{
	if (!own_table_try_update(table))
		elog(ERROR, "a row of table \"%s\" was changed though it was locked",
			 RelationGetRelationName(table->rel));
}

/* Writes what own_table_new() gave. */
void
own_table_insert(OwnTable *table)
{
	complete(table);
	table_tuple_insert(table->rel, table->written, GetCurrentCommandId(true), 0, NULL);
	insert_index_entries(table, false, false);
}
