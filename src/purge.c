/*
 * purge.c
 *		ccc.purge(): records deleted without taking their charges back.
 *
 * An ordinary DELETE of the caller's, of the rows that the mapping's own
 * expression of a call's start tells, evaluated as the table's owner; while it
 * runs the delete trigger stands aside.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "purge.h"
#include "source.h"
#include "table_query.h"
#include "trigger_depth.h"

#define BATCH 1000				/* rows fetched at a time */

static Oid	purged_relid = InvalidOid;
static int	purged_depth;		/* of the purge in triggers */

/* Row triggers are those of the partitions. */
static bool
is_purged(Oid relid)
{
	return relid == purged_relid ||
		(get_rel_relispartition(relid) &&
		 list_member_oid(get_partition_ancestors(relid), purged_relid));
}

/*
 * Whether the statement that fires the table's trigger is the deletion of a
 * purge, which leaves charges as they are. What a trigger of the user's
 * deletes meanwhile is not purged.
 */
bool
purging(Oid relid)
{
	return OidIsValid(purged_relid) && trigger_depth() == purged_depth + 1 && is_purged(relid);
}

/* A table with its partitions, but for what inherits from it, which is not billed. */
static char *
rows_of(Relation cdr)
{
	const char *only = cdr->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ";

	return psprintf("%s%s", only, table_sql_name(cdr));
}

/* Whose calls started before $1, by the mapping's expression over the table's columns. */
static char *
started_before(Relation cdr, const Source *source)
{
	Node	   *start = source->fields[FIELD_STARTED_AT];
	List	   *context = deparse_context_for(RelationGetRelationName(cdr),
											  RelationGetRelid(cdr));
	char	   *text = deparse_expression(start, context, false, false);

	return exprType(start) == NUMERICOID ?
		psprintf("extract(epoch FROM $1) > (%s)", text) : psprintf("$1 > (%s)", text);
}

/* The rows of a batch that a cursor brought: relation and place of each. */
static void
put_rows(ReturnSetInfo *result)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[2];
		bool		nulls[2];

		for (int j = 0; j < lengthof(values); j++)
			values[j] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, j + 1, &nulls[j]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static void
tell_of_start(void *cdr)
{
	errcontext("start of a record of table \"%s\"", RelationGetRelationName((Relation) cdr));
}

/* In the snapshot of the statement that asks. */
static void
find_before(Relation cdr, const Source *source, TimestampTz before, ReturnSetInfo *result)
{
	char	   *query = psprintf("SELECT tableoid, ctid FROM %s WHERE %s",
								 rows_of(cdr), started_before(cdr, source));
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(before)};
	SPIParseOpenOptions options = {
		.params = table_query_params(cdr, lengthof(values), types, values),
		.read_only = true
	};
	Portal		cursor = SPI_cursor_parse_open(NULL, query, &options);
	ErrorContextCallback callback = {
		.previous = error_context_stack,.callback = tell_of_start,.arg = cdr
	};

	error_context_stack = &callback;
	do
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(cursor, true, BATCH);
		put_rows(result);
		SPI_freetuptable(SPI_tuptable);
	} while (SPI_processed > 0);
	error_context_stack = callback.previous;
	SPI_cursor_close(cursor);
}

PG_FUNCTION_INFO_V1(records_before);
Datum
records_before(PG_FUNCTION_ARGS)
{
	Relation	cdr = open_call_table(PG_GETARG_OID(0), AccessShareLock);
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(1);
	Rights		rights;
	const Source *source;
	Caller		caller;

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	caller = become_table_owner(cdr, AccessShareLock);
	rights_begin(&rights);
	source = source_usable(cdr, &rights);
	source_pin(source);
	pin_row_security();
	find_before(cdr, source, before, (ReturnSetInfo *) fcinfo->resultinfo);
	become_caller(&caller);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	table_close(cdr, NoLock);
	return (Datum) 0;
}

/* Under the caller's settings, for the sake of the table's own triggers. */
static uint64
delete_before(Relation cdr, TimestampTz before)
{
	char	   *query = psprintf("DELETE FROM %s AS c USING ccc.records_before($1, $2) AS r"
								 " WHERE c.tableoid OPERATOR(pg_catalog.=) r.relation"
								 " AND c.ctid OPERATOR(pg_catalog.=) r.place",
								 rows_of(cdr));
	Oid			types[] = {REGCLASSOID, TIMESTAMPTZOID};
	Datum		values[] = {ObjectIdGetDatum(RelationGetRelid(cdr)), TimestampTzGetDatum(before)};
	SPIExecuteOptions options = {.params = table_query_params(cdr, lengthof(values), types, values)};
	Oid			outer = purged_relid;
	int			outer_depth = purged_depth;
	int			result;

	purged_relid = RelationGetRelid(cdr);
	purged_depth = trigger_depth();
	PG_TRY();
	{
		result = SPI_execute_extended(query, &options);
	}
	PG_FINALLY();
	{
		purged_relid = outer;
		purged_depth = outer_depth;
	}
	PG_END_TRY();
	if (result == SPI_OK_REWRITTEN)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" cannot be purged: a rule does something else when rows are deleted",
						RelationGetRelationName(cdr)),
				 errhint("Drop the rule, or disable it while the table is purged.")));
	if (result != SPI_OK_DELETE)
		elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

PG_FUNCTION_INFO_V1(purge);
Datum
purge(PG_FUNCTION_ARGS)
{
	Relation	cdr = open_call_table(PG_GETARG_OID(0), RowExclusiveLock);
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(1);
	uint64		deleted;

	check_table_owner(cdr, RowExclusiveLock);	/* before code of another's can run, in planning */
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	deleted = delete_before(cdr, before);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	table_close(cdr, NoLock);
	PG_RETURN_INT64(deleted);
}
