/*
 * purge.c
 *		ccc.purge(): records deleted without taking their charges back.
 *
 * An ordinary DELETE of the caller's, by the mapping's own expression of a
 * call's start; while it runs the delete trigger stands aside.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "purge.h"
#include "source.h"

static Oid	purged_relid = InvalidOid;

/* Whether the deletion under way in a table leaves charges as they are. */
bool
purging(Oid relid)
{
	return relid == purged_relid;
}

/* The mapping's expression of a start, as SQL over the table's columns. */
static char *
start_expression(Relation cdr, const Source *source)
{
	Node	   *start = source->fields[FIELD_STARTED_AT];
	List	   *context = deparse_context_for(RelationGetRelationName(cdr),
											  RelationGetRelid(cdr));
	char	   *text = deparse_expression(start, context, false, false);

	return exprType(start) == NUMERICOID ?
		psprintf("(%s) < extract(epoch FROM $1)", text) : psprintf("(%s) < $1", text);
}

static uint64
delete_before(Relation cdr, const Source *source, TimestampTz before)
{
	const char *name = relation_sql_name(cdr);
	char	   *query = psprintf("DELETE FROM %s WHERE %s", name, start_expression(cdr, source));
	Oid			types[] = {TIMESTAMPTZOID};
	Datum		values[] = {TimestampTzGetDatum(before)};
	Oid			outer = purged_relid;
	int			result;

	if (source->time_zone != NULL)
		pin_time_zone(source->time_zone);
	purged_relid = RelationGetRelid(cdr);
	PG_TRY();
	{
		result = SPI_execute_with_args(query, 1, types, values, NULL, false, 0);
	}
	PG_FINALLY();
	{
		purged_relid = outer;
	}
	PG_END_TRY();
	if (result != SPI_OK_DELETE)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

PG_FUNCTION_INFO_V1(purge);
Datum
purge(PG_FUNCTION_ARGS)
{
	Relation	cdr = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	TimestampTz before = PG_GETARG_TIMESTAMPTZ(1);
	Rights		rights;
	Source	   *source;
	uint64		deleted;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	rights_begin(&rights);
	source = source_get(cdr, &rights);
	if (source->fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not attached", RelationGetRelationName(cdr)),
				 errdetail_internal("%s.", source->problem)));
	deleted = delete_before(cdr, source, before);
	rights_end(&rights);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	table_close(cdr, NoLock);
	PG_RETURN_INT64(deleted);
}
