/*
 * compat.h
 *		Differences between PostgreSQL versions, as shims of the newest API.
 *
 * Everything that depends on PG_VERSION_NUM sits here, never in a .c file.
 */
#ifndef CCC_COMPAT_H
#define CCC_COMPAT_H

#include "catalog/pg_attribute.h"
#include "executor/executor.h"

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

/* index entries of a new row, as ExecInsertIndexTuples */
static inline List *
exec_insert_index_tuples(ResultRelInfo *target, TupleTableSlot *slot,
						 EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL,
								 false);
#else
	return ExecInsertIndexTuples(target, slot, estate, false, false, NULL, NIL);
#endif
}

#endif							/* CCC_COMPAT_H */
