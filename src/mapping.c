/*
 * mapping.c
 *		The mapping of a call table: SQL expressions that make a row a call.
 *
 * A mapping is one expression over the columns of the table's row, without
 * subqueries and volatile functions. Parsed under the pinned settings of
 * rights.h, and with no more rights than the caller's own. Virtual generated
 * columns, which no row holds, are replaced by what they are generated from.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "mapping.h"
#include "rights.h"
#include "source.h"

static const struct
{
	const char *name;
	Oid			type;
}			fields[NFIELDS] = {
	[FIELD_CALL_ID] = {"call_id", TEXTOID},
	[FIELD_STARTED_AT] = {"started_at", TIMESTAMPTZOID},
	[FIELD_SECONDS] = {"seconds", NUMERICOID},
	[FIELD_CALLER] = {"caller", TEXTOID},
	[FIELD_CALLEE] = {"callee", TEXTOID},
	[FIELD_FINISHED] = {"finished", BOOLOID},
	[FIELD_DIRECTION] = {"direction", TEXTOID},
};

/* The one expression of a text; anything around it is refused. */
static Node *
single_expression(const char *expression)
{
	List	   *statements = raw_parser(expression, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *select = (SelectStmt *) linitial_node(RawStmt, statements)->stmt;
	SelectStmt *bare = makeNode(SelectStmt);
	ResTarget  *target;

	bare->targetList = select->targetList;
	if (!equal(select, bare) || list_length(select->targetList) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("not a single expression")));
	target = linitial_node(ResTarget, select->targetList);
	if (target->name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("an expression takes no alias")));
	return target->val;
}

static bool
uses_system_column(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varattno < 0;
	return expression_tree_walker(node, uses_system_column, context);
}

/*
 * Of core's stable functions those without arguments tell of the session, the
 * server or the day, as do some more by their names.
 */
static bool
function_uses_session(Oid function, void *context)
{
	static const char *const prefixes[] = {"current_", "has_", "pg_", "row_security_", "txid_"};
	HeapTuple	tuple;
	Form_pg_proc proc;
	bool		uses;

	if (function == F_AGE_TIMESTAMPTZ || function == F_AGE_TIMESTAMP)
		return true;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	uses = proc->pronargs == 0;
	for (int i = 0; i < lengthof(prefixes) && !uses; i++)
		uses = strncmp(NameStr(proc->proname), prefixes[i], strlen(prefixes[i])) == 0;
	uses &= proc->pronamespace == PG_CATALOG_NAMESPACE && proc->provolatile == PROVOLATILE_STABLE;
	ReleaseSysCache(tuple);
	return uses;
}

static bool
uses_session(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction) ||
		check_functions_in_node(node, function_uses_session, context))
		return true;
	return expression_tree_walker(node, uses_session, context);
}

/* With the defaults of arguments that are not given, as planning adds them. */
static Node *
with_defaults(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *call = copyObject((FuncExpr *) node);
		HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for function %u", call->funcid);
		call->args = expand_function_arguments(call->args, false, call->funcresulttype, tuple);
		ReleaseSysCache(tuple);
		node = (Node *) call;
	}
	return expression_tree_mutator(node, with_defaults, context);
}

/* A record must say the same when it is deleted as when it was stored. */
static void
check_expression(ParseState *pstate, Node *expr)
{
	Node	   *complete = with_defaults(expr, NULL);
	const char *wrong = NULL;

	if (pstate->p_hasSubLinks)
		wrong = "a subquery";
	else if (pstate->p_hasAggs)
		wrong = "an aggregate";
	else if (pstate->p_hasWindowFuncs)
		wrong = "a window function";
	else if (expression_returns_set(expr))
		wrong = "a set-returning function";
	else if (uses_system_column(expr, NULL))
		wrong = "a system column";
	else if (uses_session(complete, NULL))
		wrong = "the current time, user or session";
	else if (contain_volatile_functions(complete))
		wrong = "a volatile function";
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("it uses %s", wrong)));
}

static Node *
coerce(ParseState *pstate, Node *expr, Oid type)
{
	Oid			from = exprType(expr);
	Node	   *result = coerce_to_target_type(pstate, expr, from, type, -1,
											   COERCION_EXPLICIT,
											   COERCE_EXPLICIT_CAST, -1);

	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type %s does not convert to %s",
						format_type_be(from), format_type_be(type))));
	return result;
}

/* Binary fractions go through their shortest text, which is what was meant. */
static Node *
coerce_number(ParseState *pstate, Node *expr, Oid from)
{
	if (from == FLOAT4OID || from == FLOAT8OID)
		expr = coerce(pstate, expr, TEXTOID);
	return coerce(pstate, expr, NUMERICOID);
}

/* A length: a number of seconds, or an interval. */
static Node *
coerce_length(ParseState *pstate, Node *expr, Oid from)
{
	if (from == INTERVALOID)
		return (Node *) makeFuncExpr(F_EXTRACT_TEXT_INTERVAL, NUMERICOID,
									 list_make2(makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
														  CStringGetTextDatum("epoch"), false, false),
												expr),
									 InvalidOid, DEFAULT_COLLATION_OID,
									 COERCE_EXPLICIT_CALL);
	return coerce_number(pstate, expr, from);
}

/* A start: an instant, or a number of seconds since 1970 (left a numeric). */
static Node *
coerce_start(ParseState *pstate, Node *expr, Oid from, bool has_zone)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(from, &category, &preferred);
	if (category == TYPCATEGORY_NUMERIC)
		return coerce_number(pstate, expr, from);
	if (from != TIMESTAMPTZOID && !has_zone)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type %s has no time zone, and the argument \"time_zone\" is not given",
						format_type_be(from))));
	return coerce(pstate, expr, TIMESTAMPTZOID);
}

static Node *
coerce_field(ParseState *pstate, Node *expr, Field field, bool has_zone)
{
	Oid			from = getBaseType(exprType(expr));

	switch (field)
	{
		case FIELD_STARTED_AT:
			return coerce_start(pstate, expr, from, has_zone);
		case FIELD_SECONDS:
			return coerce_length(pstate, expr, from);
		default:
			return coerce(pstate, expr, fields[field].type);
	}
}

static Node *
parse_field(Relation cdr, Field field, const char *expression, bool has_zone)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *item;
	Node	   *expr;

	pstate->p_sourcetext = expression;
	item = addRangeTableEntryForRelation(pstate, cdr, AccessShareLock,
										 makeAlias("cdr", NIL), false, false);
	addNSItemToQuery(pstate, item, false, true, true);
	expr = transformExpr(pstate, single_expression(expression), EXPR_KIND_OTHER);
	expr = coerce_field(pstate, expr, field, has_zone);
	assign_expr_collations(pstate, expr);
	expr = expand_generated_columns_in_expr(expr, cdr, 1);
	check_expression(pstate, expr);
	free_parsestate(pstate);
	return expr;
}

/*
 * The expression of one field, ready for ExecPrepareExpr(): text, boolean,
 * numeric for seconds, timestamptz or numeric (Unix seconds) for started_at.
 * An error says which field is wrong, under the SQLSTATE of what is.
 */
Node *
mapping_parse(Relation cdr, Field field, const char *expression, bool has_zone)
{
	MemoryContext context = CurrentMemoryContext;
	Node	   *expr = NULL;

	PG_TRY();
	{
		expr = parse_field(cdr, field, expression, has_zone);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(ERROR,
				(errcode(error->sqlerrcode),
				 errmsg("expression for \"%s\" is not valid: %s",
						fields[field].name, error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0,
				 errhint("A mapping is one expression over the columns of table \"%s\": %s.",
						 RelationGetRelationName(cdr), expression)));
	}
	PG_END_TRY();
	return expr;
}

typedef struct FieldOfRole
{
	Field		field;
	const char *role;
} FieldOfRole;

/* May be called while a subtransaction of the expression's is aborted: it looks nothing up. */
static void
name_field(void *argument)
{
	const FieldOfRole *of = argument;

	errcontext("expression for \"%s\", as \"%s\"", fields[of->field].name, of->role);
}

/*
 * Raises what an expression would raise for every row; the error's context
 * says which field's it is, and for whom.
 */
void
mapping_prepare(Node *expr, Field field)
{
	EState	   *estate = CreateExecutorState();
	FieldOfRole of = {field, GetUserNameFromId(GetUserId(), true)};
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = name_field,
		.arg = &of
	};

	error_context_stack = &callback;
	(void) ExecPrepareExpr((Expr *) expr, estate);
	error_context_stack = callback.previous;
	FreeExecutorState(estate);
}

/* Functions that depend on the session, but for times in text and without a zone. */
static bool
function_uses_locale(Oid function, void *context)
{
	switch (function)
	{
		case F_TIMESTAMPTZ_TIMESTAMP:
		case F_TIMESTAMPTZ_DATE:
		case F_TIMESTAMPTZ_IN:
		case F_TIMESTAMPTZ_OUT:
		case F_TIMESTAMP_IN:
		case F_TIMESTAMP_OUT:
			return false;
		default:
			return func_volatile(function) != PROVOLATILE_IMMUTABLE;
	}
}

static bool
uses_locale(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_uses_locale, context))
		return true;
	return expression_tree_walker(node, uses_locale, context);
}

/* Whether an expression may come out otherwise without pin_locale(). */
bool
mapping_uses_locale(Node *expr)
{
	return uses_locale(expr, NULL);
}

static bool
names_relation(Node *node, void *context)
{
	List	  **relids = context;

	if (node == NULL)
		return false;
	if (IsA(node, FieldSelect))
		*relids = lappend_oid(*relids, typeOrDomainTypeRelid(exprType((Node *) castNode(FieldSelect, node)->arg)));
	else if (IsA(node, Const) && castNode(Const, node)->consttype == REGCLASSOID &&
			 !castNode(Const, node)->constisnull)
		*relids = lappend_oid(*relids, DatumGetObjectId(castNode(Const, node)->constvalue));
	return expression_tree_walker(node, names_relation, context);
}

/*
 * Composite types whose attributes an expression names, and tables that it
 * names, beside its own.
 */
List *
mapping_relations(Node *expr)
{
	List	   *relids = NIL;

	(void) names_relation(expr, &relids);
	return relids;
}

/*
 * The whole row as jsonb, what an exception keeps of a record: an object, or
 * the string of the row's text form. As it is stored, its virtual generated
 * columns are null.
 */
Node *
mapping_whole_row(Relation cdr, bool as_text, bool as_stored)
{
	Node	   *row = (Node *) makeVar(1, 0, RelationGetForm(cdr)->reltype, -1, InvalidOid, 0);

	if (!as_stored)
		row = expand_generated_columns_in_expr(row, cdr, 1);
	if (as_text)
		row = coerce(make_parsestate(NULL), row, TEXTOID);
	return (Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(row),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Field
field_by_name(const char *name)
{
	for (int i = 0; i < NFIELDS; i++)
		if (strcmp(fields[i].name, name) == 0)
			return (Field) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a mapping has no field \"%s\"", name)));
}

PG_FUNCTION_INFO_V1(check_mapping);
Datum
check_mapping(PG_FUNCTION_ARGS)
{
	Field		field;
	Relation	cdr;
	Caller		caller;

	for (int i = 0; i < 2; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("table and field must not be null")));
	field = field_by_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("expression for \"%s\" must not be null", fields[field].name)));

	cdr = open_call_table(PG_GETARG_OID(0), AccessShareLock);
	caller = become_table_owner(cdr, AccessShareLock);
	pin_values();
	pin_locale();
	if (!PG_ARGISNULL(3))
		pin_time_zone(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	(void) mapping_parse(cdr, field, text_to_cstring(PG_GETARG_TEXT_PP(2)),
						 !PG_ARGISNULL(3));
	become_caller(&caller);
	relation_close(cdr, AccessShareLock);
	PG_RETURN_VOID();
}
