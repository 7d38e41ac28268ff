/*
 * compat.h
 *		Differences between PostgreSQL versions, as shims of the newest API.
 *
 * Everything that depends on PG_VERSION_NUM sits here, never in a .c file.
 */
#ifndef CCC_COMPAT_H
#define CCC_COMPAT_H

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_attribute.h"
#include "executor/executor.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#else
/* before 16 there are no soft errors: an input function always throws */
#define ereturn(context, dummy_value, ...) \
	do \
	{ \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
	} while (0)
#endif

/* before 16 these came with some minor release */
#ifndef palloc_array
#define palloc_object(type) ((type *) palloc(sizeof(type)))
#define palloc0_object(type) ((type *) palloc0(sizeof(type)))
#define palloc_array(type, count) ((type *) palloc(sizeof(type) * (count)))
#define palloc0_array(type, count) ((type *) palloc0(sizeof(type) * (count)))
#endif

/* before 18 a generated column is always stored */
#ifndef ATTRIBUTE_GENERATED_VIRTUAL
#define ATTRIBUTE_GENERATED_VIRTUAL 'v'
#define expand_generated_columns_in_expr(node, rel, rt_index) (node)
#endif

/* what an update leaves to do for the indexes */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes UpdateIndexes;
#define needs_index_entries(indexes) ((indexes) != TU_None)
#define only_summarizing_indexes(indexes) ((indexes) == TU_Summarizing)
#else
typedef bool UpdateIndexes;
#define needs_index_entries(indexes) (indexes)
#define only_summarizing_indexes(indexes) false
#endif

/* index entries of a new row, or of a row's new version */
static inline List *
exec_insert_index_tuples(ResultRelInfo *target, TupleTableSlot *slot,
						 EState *estate, bool update, bool only_summarizing)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(target, slot, estate, update, false, NULL, NIL,
								 only_summarizing);
#else
	(void) only_summarizing;
	return ExecInsertIndexTuples(target, slot, estate, update, false, NULL, NIL);
#endif
}

/* a scan of an index with equalities and ranges only */
static inline IndexScanDesc
begin_index_scan(Relation rel, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(rel, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(rel, index, snapshot, nkeys, 0);
#endif
}

/* pins the page of a relation if it is in a buffer still */
static inline bool
read_recent_buffer(Relation rel, BlockNumber block, Buffer buffer)
{
#if PG_VERSION_NUM >= 160000
	return ReadRecentBuffer(rel->rd_locator, MAIN_FORKNUM, block, buffer);
#else
	return ReadRecentBuffer(rel->rd_node, MAIN_FORKNUM, block, buffer);
#endif
}

/* a lock of just this mode, of the transaction's or the session's */
static inline bool
lock_held_by_me(const LOCKTAG *tag, LOCKMODE lockmode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, lockmode, false);
#else
	return LockHeldByMe(tag, lockmode);
#endif
}

/* the next datum of a sort, a copy */
static inline bool
next_sorted_datum(Tuplesortstate *sort, Datum *value)
{
	bool		isnull;

#if PG_VERSION_NUM >= 160000
	return tuplesort_getdatum(sort, true, true, value, &isnull, NULL);
#else
	return tuplesort_getdatum(sort, true, value, &isnull, NULL);
#endif
}

#endif							/* CCC_COMPAT_H */
