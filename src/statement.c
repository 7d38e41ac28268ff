/*
 * statement.c
 *		SQL statements of the extension, planned once a session.
 *
 * Planned and run under the pinned settings of rights.h, so that an operator
 * is core's. Results are in SPI_processed and SPI_tuptable, as after SPI's calls.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "own_table.h"
#include "rights.h"
#include "statement.h"

static int
statement_types(const Statement *statement, Oid *types)
{
	int			n = 0;

	while (n < STATEMENT_MAX_PARAMS && statement->types[n] != NULL)
	{
		types[n] = DatumGetObjectId(DirectFunctionCall1(regtypein,
														CStringGetDatum(statement->types[n])));
		n++;
	}
	return n;
}

/*
 * Plans are kept for the session, and anew after a new CREATE EXTENSION. None
 * gains by being planned for its values: see pin_settings().
 */
static void
statement_prepare(Statement *statement)
{
	Oid			ledger = ccc_relation("ledger");
	Oid			types[STATEMENT_MAX_PARAMS];
	int			n;

	if (statement->plan != NULL && statement->ledger == ledger)
		return;
	if (statement->plan != NULL)
	{
		SPI_freeplan(statement->plan);
		statement->plan = NULL;
	}
	n = statement_types(statement, types);
	statement->plan = SPI_prepare_cursor(statement->query, n, types, CURSOR_OPT_GENERIC_PLAN);
	if (statement->plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(statement->plan);
	statement->ledger = ledger;
}

/* Unlike SPI's own calls it leaves the current memory context as it was. */
static void
execute(Statement *statement, Datum *values, const char *nulls, bool in_active_snapshot)
{
	MemoryContext context = CurrentMemoryContext;
	int			guc_level = pin_settings();
	int			result;

	statement_prepare(statement);
	result = SPI_execute_plan(statement->plan, values, nulls, in_active_snapshot, 0);
	unpin_settings(guc_level);
	MemoryContextSwitchTo(context);
	if (result != statement->expected)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
}

/* Runs a statement with a fresh snapshot where the isolation level has one. */
void
statement_execute(Statement *statement, Datum *values)
{
	execute(statement, values, NULL, false);
}

/* The same with nulls among the values, marked as SPI does. */
void
statement_execute_nulls(Statement *statement, Datum *values, const char *nulls)
{
	execute(statement, values, nulls, false);
}

/* Runs a query that sees all that is committed, whatever the isolation level. */
void
statement_look(Statement *statement, Datum *values)
{
	own_snapshot_push_latest();
	execute(statement, values, NULL, true);
	PopActiveSnapshot();
}

/* As statement_execute(), its rows to be fetched by statement_fetch(). */
Portal
statement_open(Statement *statement, Datum *values)
{
	MemoryContext context = CurrentMemoryContext;
	int			guc_level = pin_settings();
	Portal		portal;

	statement_prepare(statement);
	portal = SPI_cursor_open(NULL, statement->plan, values, NULL, false);
	unpin_settings(guc_level);
	MemoryContextSwitchTo(context);
	return portal;
}

/* The next rows, so many at most, as SPI_cursor_fetch() leaves them. */
void
statement_fetch(Portal portal, long max)
{
	int			guc_level = pin_path();

	SPI_cursor_fetch(portal, true, max);
	unpin_settings(guc_level);
}

/* A value of the result that cannot be null. */
Datum
spi_value(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of an own query", column);
	return value;
}

/* Text of a value of the result, NULL for null. */
char *
spi_text(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

/* The value of an array parameter. */
Datum
array_of(Datum *values, int n, Oid type)
{
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(values, n, type, length, by_value, align));
}

Datum
bigint_array(const int64 *values, int n)
{
	Datum	   *datums = palloc_array(Datum, n);

	for (int i = 0; i < n; i++)
		datums[i] = Int64GetDatum(values[i]);
	return array_of(datums, n, INT8OID);
}

Datum
uuid_array(const pg_uuid_t *values, int n)
{
	Datum	   *datums = palloc_array(Datum, n);

	for (int i = 0; i < n; i++)
		datums[i] = UUIDPGetDatum(&values[i]);
	return array_of(datums, n, UUIDOID);
}
