/*
 * backfill.c
 *		The steps of ccc.backfill(): rows that are there already, billed.
 *
 * Runs as the table's owner, for even the planning of a query may run code of
 * the table's. Rows are locked against changes and other backfills until the
 * transaction ends: none is billed that is being corrected, and none is found
 * twice.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "billing.h"
#include "compat.h"
#include "rights.h"
#include "source.h"
#include "statement.h"
#include "table_query.h"

static Statement update_marked = {
	.query = "UPDATE ccc.sources AS s SET backfill_since = LEAST(s.backfill_since, $2)"
	" WHERE s.cdr = $1 AND s.detached_at IS NULL",
	.types = {"regclass", "timestamptz"},
	.expected = SPI_OK_UPDATE
};

static Statement update_ended = {
	.query = "UPDATE ccc.sources AS s SET backfill_since = NULL, backfilled_at = $2 WHERE s.cdr = $1",
	.types = {"regclass", "timestamptz"},
	.expected = SPI_OK_UPDATE
};

/* what the session has claimed over commits, unless an error released it */
static Oid	claimed_source = InvalidOid;

static ItemPointer
first_of_block(int64 block)
{
	ItemPointer tid = palloc_object(ItemPointerData);

	ItemPointerSet(tid, (BlockNumber) Min(block, MaxBlockNumber), 0);
	return tid;
}

/* What rows store, column by column; null for those without a stored value. */
static char *
stored_columns(Relation cdr)
{
	TupleDesc	columns = RelationGetDescr(cdr);
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (column->attisdropped || column->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
			appendStringInfo(&list, "%sNULL", i > 0 ? ", " : "");
		else
			appendStringInfo(&list, "%sr.%s", i > 0 ? ", " : "",
							 quote_identifier(NameStr(column->attname)));
	}
	return list.data;
}

/* Reads rows as a transition table has them, dropped columns and all. */
static Tuplestorestate *
read_blocks(Relation cdr, int64 first, int64 end)
{
	char	   *query = psprintf("SELECT %s FROM ONLY %s AS r WHERE r.ctid >= $1 AND r.ctid < $2 FOR NO KEY UPDATE",
								 stored_columns(cdr), table_sql_name(cdr));
	Oid			types[] = {TIDOID, TIDOID};
	Datum		values[] = {PointerGetDatum(first_of_block(first)), PointerGetDatum(first_of_block(end))};
	SPIExecuteOptions options = {.params = table_query_params(cdr, lengthof(values), types, values)};
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	int			guc_level = pin_settings();
	int			result = SPI_execute_extended(query, &options);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_extended failed: %s", SPI_result_code_string(result));
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rows, SPI_tuptable->vals[i]);
	SPI_freetuptable(SPI_tuptable);
	unpin_settings(guc_level);
	return rows;
}

/* Raises where the rows cannot be read and locked, before anybody is told of a backfill. */
static void
try_to_read(Relation cdr)
{
	ListCell   *cell;

	foreach(cell, with_partitions(cdr, RowShareLock))
	{
		Relation	part = table_open(lfirst_oid(cell), NoLock);

		if (RELKIND_HAS_TABLE_AM(part->rd_rel->relkind))
			tuplestore_end(read_blocks(part, 0, 0));
		table_close(part, NoLock);
	}
}

/* What a session holds on an attached table that it backfills. */
static LOCKTAG
claim_of(Oid source)
{
	LOCKTAG		claim;

	SET_LOCKTAG_OBJECT(claim, MyDatabaseId, ccc_relation("sources"), source, 0);
	return claim;
}

/*
 * Keeps other backfills from what was attached, over commits, as VACUUM keeps
 * its lock: an abort of the transaction releases it. One of a subtransaction
 * does not, but there the procedure cannot commit, and the lock needs not.
 */
static void
claim_source(Oid source)
{
	LOCKTAG		claim = claim_of(source);
	bool		over_commits = !IsSubTransaction();
	LockAcquireResult result = LockAcquire(&claim, ExclusiveLock, over_commits, true);

	if (result == LOCKACQUIRE_ALREADY_HELD && over_commits)
		LockRelease(&claim, ExclusiveLock, true);
	if (result == LOCKACQUIRE_OK && claimed_source == source)
		claimed_source = InvalidOid;	/* of a backfill that an error ended */
	if (result != LOCKACQUIRE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("table \"%s\" is being backfilled already", get_rel_name(source)),
				 errhint("Wait for the end of that backfill, or cancel it: a table and its partitions have one at a time.")));
	if (over_commits)
		claimed_source = source;
}

static void
release_source(Oid source)
{
	LOCKTAG		claim = claim_of(source);

	if (source != claimed_source)
		return;
	if (lock_held_by_me(&claim, ExclusiveLock))
		LockRelease(&claim, ExclusiveLock, true);
	claimed_source = InvalidOid;
}

/* Begins a backfill of what was attached, which it gives. */
PG_FUNCTION_INFO_V1(mark_backfill);
Datum
mark_backfill(PG_FUNCTION_ARGS)
{
	Relation	cdr;
	Oid			source;
	Datum		values[2];
	Caller		caller;

	PreventCommandDuringRecovery("ccc.backfill()");
	LockRelationOid(ccc_relation("sources"), RowExclusiveLock);
	cdr = open_call_table(PG_GETARG_OID(0), RowShareLock);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	caller = become_table_owner(cdr, RowShareLock);
	source = source_try(cdr);
	try_to_read(cdr);
	become_caller(&caller);
	claim_source(source);
	values[0] = ObjectIdGetDatum(source);
	values[1] = PG_GETARG_DATUM(1);
	statement_execute(&update_marked, values);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	table_close(cdr, NoLock);
	PG_RETURN_OID(source);
}

PG_FUNCTION_INFO_V1(end_backfill);
Datum
end_backfill(PG_FUNCTION_ARGS)
{
	Oid			source = PG_GETARG_OID(0);
	Datum		values[] = {ObjectIdGetDatum(source), TimestampTzGetDatum(GetCurrentTimestamp())};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	statement_execute(&update_ended, values);
	release_source(source);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	PG_RETURN_VOID();
}

/* Waits for those who write to a table, as CREATE INDEX CONCURRENTLY does. */
PG_FUNCTION_INFO_V1(await_writers);
Datum
await_writers(PG_FUNCTION_ARGS)
{
	LOCKTAG		table;

	SET_LOCKTAG_RELATION(table, MyDatabaseId, PG_GETARG_OID(0));
	WaitForLockers(table, ShareLock, false);
	PG_RETURN_VOID();
}

/*
 * Bills the rows of some blocks; gives the block to go on from, or null when
 * the table ends before it.
 */
PG_FUNCTION_INFO_V1(backfill_blocks);
Datum
backfill_blocks(PG_FUNCTION_ARGS)
{
	Relation	cdr = open_call_table(PG_GETARG_OID(0), RowShareLock);
	int64		first = PG_GETARG_INT64(1);
	int			blocks = PG_GETARG_INT32(2);
	Backfill	backfill = {.since = PG_GETARG_TIMESTAMPTZ(3)};
	int64		end;
	bool		at_end;
	Tuplestorestate *rows;

	if (first < 0 || first > MaxBlockNumber || blocks <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("blocks of a backfill are out of range"),
				 errhint("The first must be from 0 to %u, their number positive.", MaxBlockNumber)));
	if (!RELKIND_HAS_TABLE_AM(cdr->rd_rel->relkind))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" has no rows of its own", RelationGetRelationName(cdr)),
				 errhint("Use ccc.backfill(), which goes through the partitions.")));
	end = Min(first + blocks, MaxBlockNumber);
	at_end = end >= RelationGetNumberOfBlocks(cdr);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	backfill.caller = become_table_owner(cdr, RowShareLock);
	rows = read_blocks(cdr, first, end);
	bill_rows(cdr, NULL, rows, &backfill);
	tuplestore_end(rows);
	become_caller(&backfill.caller);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	table_close(cdr, NoLock);
	if (at_end)
		PG_RETURN_NULL();
	PG_RETURN_INT64(end);
}
