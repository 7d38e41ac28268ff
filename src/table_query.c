/*
 * table_query.c
 *		SQL that names a call table, and is about that table.
 *
 * A name may come to mean another table at any moment, even while the table is
 * locked: who owns the schema can rename it. That other table would be read by
 * the columns of this one, and its owner's code would run with rights that were
 * checked for this one. So whatever the parser asks first about a query's
 * columns and parameters finds out which table the parser has found.
 */
#include "postgres.h"

#include "nodes/parsenodes.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "table_query.h"

/* What the parser is told beside the types of parameters. */
typedef struct TableMeant
{
	Oid			relid;
	ParamListInfo params;
	ParserSetupHook setup;		/* core's, and what that gives */
	ParseParamRefHook param_of;
} TableMeant;

/* The table's name as SQL under the pinned search_path has to write it. */
char *
table_sql_name(Relation table)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
									  RelationGetRelationName(table));
}

static const TableMeant *
check_tables(ParseState *pstate)
{
	const TableMeant *meant = ((ParamListInfo) pstate->p_ref_hook_state)->parserSetupArg;
	ListCell   *cell;

	foreach(cell, pstate->p_rtable)
	{
		const RangeTblEntry *found = lfirst_node(RangeTblEntry, cell);

		if (found->rtekind == RTE_RELATION && found->relid != meant->relid)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("the name of table \"%s\" has come to mean another", get_rel_name(meant->relid)),
					 errhint("Run it again when nobody renames the table or its schema.")));
	}
	return meant;
}

static Node *
checked_param_of(ParseState *pstate, ParamRef *ref)
{
	return check_tables(pstate)->param_of(pstate, ref);
}

/* The columns are the parser's to find. */
static Node *
check_before_column(ParseState *pstate, ColumnRef *ref)
{
	(void) check_tables(pstate);
	return NULL;
}

static void
set_up_parser(ParseState *pstate, void *arg)
{
	TableMeant *meant = arg;

	meant->setup(pstate, meant->params);
	meant->param_of = pstate->p_paramref_hook;
	pstate->p_paramref_hook = checked_param_of;
	pstate->p_pre_columnref_hook = check_before_column;
}

/*
 * Parameters of a query over a table, none of them null. It raises (40001) when
 * the table's name means another by then.
 */
ParamListInfo
table_query_params(Relation table, int n, const Oid *types, const Datum *values)
{
	TableMeant *meant = palloc0_object(TableMeant);
	ParamListInfo params = makeParamList(n);

	for (int i = 0; i < n; i++)
	{
		params->params[i] = (ParamExternData) {
			.value = values[i],.ptype = types[i],.pflags = PARAM_FLAG_CONST
		};
	}
	meant->relid = RelationGetRelid(table);
	meant->params = params;
	meant->setup = params->parserSetup;
	params->parserSetup = set_up_parser;
	params->parserSetupArg = meant;
	return params;
}
