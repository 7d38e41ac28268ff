/*
 * intake.c
 *		The rows that a statement stored, as call records.
 *
 * Runs as the writer, for mappings and the types of a call table may run
 * anybody's code. An expression that raises for one row is that row's problem.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "intake.h"
#include "json_size.h"
#include "trap.h"

#define MAX_JSON_TEXT ((int64) MaxAllocSize - 1024)	/* bytes; longer ones cannot be made */

struct Intake
{
	const Source *source;
	Relation	cdr;
	Tuplestorestate *rows;
	TupleTableSlot *slot;
	MemoryContext context;		/* of the intake and the row in its slot */
	int64		row_no;			/* of the next row */

	/* one run of rows, in a subtransaction */
	EState	   *estate;
	MemoryContext run_context;	/* of the records */
	CallRecord *records;
	int			nrecords;
	int			ntaken;			/* of them, by the caller */
	int			max;
	Size		max_allocated;	/* in the records' memory */
	bool		prepared;		/* the expressions could be prepared */
};

/* Reads from the first row, by a read pointer of our own. */
Intake *
intake_begin(const Source *source, Relation cdr, Tuplestorestate *rows)
{
	Intake	   *intake = palloc0_object(Intake);

	intake->source = source;
	intake->cdr = cdr;
	intake->rows = rows;
	intake->context = CurrentMemoryContext;
	intake->run_context = AllocSetContextCreate(CurrentMemoryContext, "ccc run of records",
												ALLOCSET_DEFAULT_SIZES);
	intake->slot = MakeSingleTupleTableSlot(RelationGetDescr(cdr),
											&TTSOpsMinimalTuple);
	tuplestore_select_read_pointer(rows,
								   tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND));
	intake_rewind(intake);
	return intake;
}

/* No records are at hand. */
static void
forget_run(Intake *intake)
{
	MemoryContextReset(intake->run_context);
	intake->nrecords = intake->ntaken = 0;
}

void
intake_rewind(Intake *intake)
{
	forget_run(intake);
	tuplestore_rescan(intake->rows);
	intake->row_no = 0;
}

void
intake_end(Intake *intake)
{
	MemoryContextDelete(intake->run_context);
	ExecDropSingleTupleTableSlot(intake->slot);
	pfree(intake);
}

/* Seconds since 1970 as an instant, exact to the microsecond. */
static TimestampTz
unix_time(Numeric seconds)
{
	const int64 epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC;
	Datum		micros = DirectFunctionCall2(numeric_mul, NumericGetDatum(seconds),
											 NumericGetDatum(int64_to_numeric(USECS_PER_SEC)));
	int64		since_1970 = DatumGetInt64(DirectFunctionCall1(numeric_int8, micros));
	TimestampTz result;

	if (pg_sub_s64_overflow(since_1970, epoch, &result) ||
		!IS_VALID_TIMESTAMP(result))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("start out of range")));
	return result;
}

static void
map_field(CallRecord *record, Field field, Oid type, Datum value)
{
	switch (field)
	{
		case FIELD_CALL_ID:
			record->call_id = TextDatumGetCString(value);
			break;
		case FIELD_STARTED_AT:
			record->has_start = true;
			record->started_at = type == NUMERICOID ?
				unix_time(DatumGetNumeric(value)) : DatumGetTimestampTz(value);
			break;
		case FIELD_SECONDS:
			if (type == INT8OID)
				record_lasts_whole(record, DatumGetInt64(value));
			else
				record_lasts(record, DatumGetNumericCopy(value));
			break;
		case FIELD_CALLER:
			record->caller = party_of(TextDatumGetCString(value));
			break;
		case FIELD_CALLEE:
			record->callee = party_of(TextDatumGetCString(value));
			break;
		case FIELD_FINISHED:
			record->finished = DatumGetBool(value);
			break;
		case FIELD_DIRECTION:
			record->direction = TextDatumGetCString(value);
			break;
	}
}

/* Values are computed in per-tuple memory and kept in the caller's. */
static void
map_row(Intake *intake, ExprState **states, CallRecord *record)
{
	ExprContext *econtext = GetPerTupleExprContext(intake->estate);

	ResetExprContext(econtext);
	econtext->ecxt_scantuple = intake->slot;
	for (int i = 0; i < NFIELDS; i++)
	{
		Datum		value;
		bool		isnull;

		if (states[i] == NULL)
			continue;
		value = ExecEvalExprSwitchContext(states[i], econtext, &isnull);
		if (!isnull)
			map_field(record, i, exprType(intake->source->fields[i]), value);
	}
}

static void
prepare_fields(Intake *intake, ExprState **states)
{
	for (int i = 0; i < NFIELDS; i++)
		states[i] = intake->source->fields[i] == NULL ? NULL :
			ExecPrepareExpr((Expr *) intake->source->fields[i], intake->estate);
}

static CallRecord *
next_record(Intake *intake)
{
	CallRecord *record = &intake->records[intake->nrecords];

	memset(record, 0, sizeof(*record));
	record->row_no = intake->row_no;
	return record;
}

/* Whether one more row is to be read: there is room for one at least. */
static bool
has_room(const Intake *intake)
{
	return intake->nrecords < intake->max &&
		(intake->nrecords == 0 ||
		 MemoryContextMemAllocated(CurrentMemoryContext, false) <= intake->max_allocated);
}

/* The next row into the slot, which outlives the memory of a run. */
static bool
take_row(Intake *intake)
{
	MemoryContext old = MemoryContextSwitchTo(intake->context);
	bool		taken = tuplestore_gettupleslot(intake->rows, true, false,
												intake->slot);

	MemoryContextSwitchTo(old);
	return taken;
}

static void
record_done(Intake *intake)
{
	intake->nrecords++;
	intake->row_no++;
}

/* As many rows as there is room for; raises at the first that fails. */
static void
map_rows(void *argument)
{
	Intake	   *intake = argument;
	ExprState  *states[NFIELDS];

	intake->prepared = false;
	pin_time_zone(intake->source->time_zone);
	prepare_fields(intake, states);
	intake->prepared = true;
	while (has_room(intake) && take_row(intake))
	{
		map_row(intake, states, next_record(intake));
		record_done(intake);
	}
}

static void
map_plain_rows(Intake *intake)
{
	const PlainField *plain = intake->source->plain;
	int			last = last_plain_column(plain);

	while (has_room(intake) && take_row(intake))
	{
		CallRecord *record = next_record(intake);

		slot_getsomeattrs(intake->slot, last);
		for (int i = 0; i < NFIELDS; i++)
		{
			bool		isnull;
			Datum		value = plain_value(&plain[i], intake->slot, &isnull);

			if (!isnull)
				map_field(record, i, plain[i].type, value);
		}
		record_done(intake);
	}
}

/*
 * Runs work on rows in a subtransaction with an executor state of its own.
 * After an error the state is dropped unseen: what its expressions hold went
 * with the subtransaction.
 */
static char *
trap_with_estate(Intake *intake, TrappedWork work, void *argument, bool locale)
{
	char	   *problem;

	intake->estate = CreateExecutorState();
	problem = trap(work, argument, locale);
	if (problem == NULL)
		FreeExecutorState(intake->estate);
	else
		MemoryContextDelete(intake->estate->es_query_cxt);
	intake->estate = NULL;
	return problem;
}

typedef struct JsonJob
{
	Intake	   *intake;
	MemoryContext context;
	bool		as_text;
	bool		as_stored;
	Datum		json;
} JsonJob;

static void
show_row(void *argument)
{
	JsonJob    *job = argument;
	EState	   *estate = job->intake->estate;
	ExprContext *econtext = GetPerTupleExprContext(estate);
	Node	   *row = mapping_whole_row(job->intake->cdr, job->as_text, job->as_stored);
	ExprState  *state = ExecPrepareExpr((Expr *) row, estate);
	Datum		json;
	bool		isnull;
	MemoryContext old;

	econtext->ecxt_scantuple = job->intake->slot;
	json = ExecEvalExprSwitchContext(state, econtext, &isnull);
	old = MemoryContextSwitchTo(job->context);
	job->json = JsonbPGetDatum(DatumGetJsonbPCopy(json));
	MemoryContextSwitchTo(old);
}

/*
 * The row in the slot as jsonb: an object; the string of its text form where
 * its types have no JSON; either of them without virtual generated columns
 * where these raise; 0 and *problem when even that fails.
 */
static Datum
slot_as_json(Intake *intake, char **problem)
{
	JsonJob		job = {.intake = intake,.context = CurrentMemoryContext};

	for (int attempt = 0; attempt < 4; attempt++)
	{
		job.as_text = attempt % 2 == 1;
		job.as_stored = attempt >= 2;
		*problem = trap_with_estate(intake, show_row, &job, true);
		if (*problem == NULL)
			break;
	}
	return job.json;
}

/*
 * The columns that the mapping reads, as pull_varattnos() gives them; NULL
 * where that cannot be told, or is all of them.
 */
static Bitmapset *
columns_read(const Source *source)
{
	Bitmapset  *columns = NULL;

	if (source->fault != NULL)
		return NULL;
	for (int i = 0; i < NFIELDS; i++)
		pull_varattnos(source->fields[i], 1, &columns);
	return bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, columns) ? NULL : columns;
}

static uint64
hash_text(const char *text, uint64 seed)
{
	return hash_bytes_extended((const unsigned char *) text, strlen(text), seed);
}

/* Of the text, where there can be one. */
static uint64
hash_json(Jsonb *json, uint64 seed)
{
	char	   *text;
	uint64		hash;

	if (json_exceeds(json, MAX_JSON_TEXT))
		return hash_bytes_extended((unsigned char *) VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json), seed);
	text = JsonbToCString(NULL, &json->root, VARSIZE_ANY(json));
	hash = hash_text(text, seed);
	pfree(text);
	return hash;
}

/*
 * A hash of the columns that the mapping reads: what the record would say, if
 * it could be told. Nulls do not count, nor does the order of the columns:
 * others that come and go, and partitions, make no difference. Where all of
 * the row counts, a column that comes with a default does.
 */
static int64
row_content(Intake *intake, Jsonb *row)
{
	TupleDesc	desc = RelationGetDescr(intake->cdr);
	Bitmapset  *columns = columns_read(intake->source);
	uint64		content = 0;

	if (!JB_ROOT_IS_OBJECT(row))
		return (int64) hash_json(row, 0);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);
		const char *name = NameStr(column->attname);
		JsonbValue *value = column->attisdropped ? NULL :
			getKeyJsonValueFromContainer(&row->root, name, strlen(name), NULL);

		if (value == NULL || value->type == jbvNull ||
			(columns != NULL &&
			 !bms_is_member(column->attnum - FirstLowInvalidHeapAttributeNumber, columns)))
			continue;
		content += hash_json(JsonbValueToJsonb(value), hash_text(name, 0));
	}
	return (int64) content;
}

/* The row in the slot is a record with a problem, known by its hash. */
static void
give_up_row(Intake *intake, const char *problem)
{
	CallRecord *record = next_record(intake);
	char	   *json_problem;
	Datum		json = slot_as_json(intake, &json_problem);

	if (json_problem == NULL)
		record->content = row_content(intake, DatumGetJsonbP(json));
	record->problem = problem;
	record->hashed = true;
	record_done(intake);
}

/* Rows of a table whose mapping cannot be used at all. */
static void
give_up_rows(Intake *intake, const char *problem)
{
	while (has_room(intake) && take_row(intake))
		give_up_row(intake, problem);
}

/* A record with a problem has its row_no, its content and nothing else. */
static void
read_run(Intake *intake)
{
	if (intake->source->fault != NULL)
	{
		give_up_rows(intake, intake->source->problem);
		return;
	}
	if (intake->source->is_plain)
	{
		map_plain_rows(intake);
		return;
	}
	for (;;)
	{
		char	   *problem = trap_with_estate(intake, map_rows, intake, intake->source->uses_locale);

		if (problem == NULL)
			return;
		if (!intake->prepared)
		{
			give_up_rows(intake, problem);
			return;
		}
		give_up_row(intake, problem);
	}
}

/* Whether rows are read without an executor. */
bool
intake_is_plain(const Intake *intake)
{
	return intake->source->is_plain;
}

/*
 * How many records are at hand. Once all were taken the next ones are read, up
 * to max and, from the second on, only until they have taken so much room; 0 at
 * the end.
 */
int
intake_at_hand(Intake *intake, int max, Size room)
{
	MemoryContext old;
	int64		left;

	if (intake->ntaken < intake->nrecords)
		return intake->nrecords - intake->ntaken;
	forget_run(intake);
	left = tuplestore_tuple_count(intake->rows) - intake->row_no;
	if (left == 0)
		return 0;
	old = MemoryContextSwitchTo(intake->run_context);
	intake->max = Min(max, left);
	intake->records = palloc_array(CallRecord, intake->max);
	intake->max_allocated = MemoryContextMemAllocated(CurrentMemoryContext, false) + room;
	read_run(intake);
	MemoryContextSwitchTo(old);
	return intake->nrecords;
}

/* The next n of the records at hand, which stay until others are read. */
CallRecord *
intake_take(Intake *intake, int n)
{
	CallRecord *records = &intake->records[intake->ntaken];

	intake->ntaken += n;
	return records;
}

/*
 * A row as jsonb; rows must be asked for in ascending order after a rewind.
 * When the row's own types fail to show it, sets *problem and returns 0.
 */
Datum
intake_row_as_json(Intake *intake, int64 row_no, char **problem)
{
	if (TupIsNull(intake->slot) || intake->row_no != row_no + 1)
	{
		tuplestore_skiptuples(intake->rows, row_no - intake->row_no, true);
		if (!take_row(intake))
			elog(ERROR, "row %lld of the statement is gone", (long long) row_no);
		intake->row_no = row_no + 1;
	}
	return slot_as_json(intake, problem);
}
