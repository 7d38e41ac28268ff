/*
 * row_calls.c
 *		What the constraints and indexes of a table call when a row is written.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "row_calls.h"

/*
 * Immutable functions of core's know no path; but those of any type may call what
 * somebody wrote for one.
 */
static bool
is_not_cores(Oid function, void *context)
{
	Oid		   *types;
	int			ntypes;

	if (function >= FirstUnpinnedObjectId || func_volatile(function) != PROVOLATILE_IMMUTABLE)
		return true;
	(void) get_func_signature(function, &types, &ntypes);
	for (int i = 0; i < ntypes; i++)
		if (types[i] == RECORDOID || IsPolymorphicType(types[i]))
			return true;
	return false;
}

/* Whether an expression may call anything else: what is not known here may. */
static bool
calls_others(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_List:
		case T_Var:
		case T_Const:
		case T_RelabelType:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_CoalesceExpr:
		case T_ArrayExpr:
			break;
		case T_OpExpr:
		case T_FuncExpr:
		case T_ScalarArrayOpExpr:
			if (check_functions_in_node(node, is_not_cores, NULL))
				return true;
			break;
		default:
			return true;
	}
	return expression_tree_walker(node, calls_others, NULL);
}

/* Whether an index has more than columns, or orders them by what is not core's. */
static bool
index_calls_others(Oid index)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		isnull;
	oidvector  *classes;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", index);
	result = !heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
	classes = (oidvector *) DatumGetPointer(SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indclass, &isnull));
	for (int i = 0; i < classes->dim1; i++)
		result |= classes->values[i] >= FirstUnpinnedObjectId;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Whether a row that is written runs anything but functions of core's that know
 * no path. The table has a constraint, if only that a column is not null.
 */
bool
row_calls_others(Relation rel)
{
	TupleDesc	columns = RelationGetDescr(rel);
	bool		result = false;
	ListCell   *cell;

	for (int i = 0; i < columns->natts; i++)
		result |= TupleDescAttr(columns, i)->attgenerated != '\0';
	for (int i = 0; i < columns->constr->num_check; i++)
		result |= calls_others(stringToNode(columns->constr->check[i].ccbin), NULL);
	foreach(cell, RelationGetIndexList(rel))
		result |= index_calls_others(lfirst_oid(cell));
	return result;
}
