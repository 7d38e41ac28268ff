/*
 * faults.c
 *		Records that could not be rated, collected and kept as exceptions.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "append.h"
#include "compat.h"
#include "faults.h"
#include "grow.h"
#include "json_size.h"

#define MAX_NUMBER_TEXT 300		/* bytes; longer texts are no numbers */
#define MAX_DETAIL 8192			/* bytes */
#define MAX_RECORD 1048576		/* bytes of JSON; longer ones could not be dumped, at worst */

/* columns of ccc.exception_log, in order */
enum
{
	LOG_EXCEPTION_ID,
	LOG_SEEN_AT,
	LOG_RESOLVED_AT,
	LOG_ACCOUNT_ID,
	LOG_STARTED_AT,
	LOG_CONTENT,
	LOG_BILLED,
	LOG_NUMBER,
	LOG_SOURCE,
	LOG_DIRECTION,
	LOG_REASON,
	LOG_DETAIL,
	LOG_RESOLUTION,
	LOG_CALL_ID,
	LOG_POOL,
	LOG_SECONDS,
	LOG_CALLER,
	LOG_CALLEE,
	LOG_SAID_DIRECTION,
	LOG_RECORD,
	NCOLUMNS
};

/* Faults live in the memory context that is current now. */
void
faults_init(Faults *faults)
{
	memset(faults, 0, sizeof(*faults));
	faults->context = CurrentMemoryContext;
}

static char *
keep_text(const char *text, int max_bytes)
{
	return text == NULL ? NULL :
		pnstrdup(text, pg_mbcliplen(text, strlen(text), max_bytes));
}

static Numeric
keep_numeric(Numeric value)
{
	return value == NULL ? NULL : DatumGetNumericCopy(NumericGetDatum(value));
}

static CallRecord *
keep_record(const CallRecord *record)
{
	CallRecord *kept = palloc_object(CallRecord);

	*kept = *record;
	kept->problem = kept->call_id = NULL;
	kept->caller.text = keep_text(record->caller.text, MAX_NUMBER_TEXT);
	kept->callee.text = keep_text(record->callee.text, MAX_NUMBER_TEXT);
	kept->direction = keep_text(record->direction, MAX_NUMBER_TEXT);
	kept->seconds = keep_numeric(record->seconds);
	return kept;
}

static RatedCall *
keep_rated(const RatedCall *rated)
{
	RatedCall  *kept = palloc_object(RatedCall);

	*kept = *rated;
	kept->call_id = NULL;
	kept->pool = rated->pool == NULL ? NULL : pstrdup(rated->pool);
	kept->seconds = keep_numeric(rated->seconds);
	return kept;
}

/* Takes a copy. */
void
faults_add(Faults *faults, const Fault *fault)
{
	MemoryContext old = MemoryContextSwitchTo(faults->context);
	Fault	   *kept;

	faults->items = grow(faults->context, faults->items, faults->n, &faults->room, sizeof(Fault));
	kept = &faults->items[faults->n++];
	*kept = *fault;
	kept->detail = keep_text(fault->detail, MAX_DETAIL);
	kept->call_id = keep_text(fault->call_id, MAX_CALL_ID);
	kept->record = fault->record == NULL ? NULL : keep_record(fault->record);
	kept->rated = fault->rated == NULL ? NULL : keep_rated(fault->rated);
	MemoryContextSwitchTo(old);
}

static int
compare_faults(const void *a, const void *b)
{
	int64		x = ((const Fault *) a)->row_no;
	int64		y = ((const Fault *) b)->row_no;

	return (x > y) - (x < y);
}

/* In the order of the rows. */
void
faults_sort(Faults *faults)
{
	if (faults->n > 1)
		qsort(faults->items, faults->n, sizeof(Fault), compare_faults);
}

static void
put(TupleTableSlot *slot, int column, Datum value)
{
	slot->tts_values[column] = value;
	slot->tts_isnull[column] = false;
}

static void
put_text(TupleTableSlot *slot, int column, const char *text)
{
	if (text != NULL)
		put(slot, column, CStringGetTextDatum(text));
}

/* What was said, for rating it again. */
static void
put_record(TupleTableSlot *slot, const CallRecord *record)
{
	if (record->has_start)
		put(slot, LOG_STARTED_AT, TimestampTzGetDatum(record->started_at));
	if (record->seconds != NULL)
		put(slot, LOG_SECONDS, NumericGetDatum(record->seconds));
	put_text(slot, LOG_CALLER, record->caller.text);
	put_text(slot, LOG_CALLEE, record->callee.text);
	put_text(slot, LOG_SAID_DIRECTION, record->direction);
}

/* What would be charged, if the billed record went. */
static void
put_rated(TupleTableSlot *slot, const RatedCall *rated)
{
	put(slot, LOG_STARTED_AT, TimestampTzGetDatum(rated->started_at));
	put(slot, LOG_SECONDS, NumericGetDatum(rated->seconds));
	put(slot, LOG_BILLED, Int64GetDatum(rated->billed));
	put_text(slot, LOG_POOL, rated->pool);
}

/* Why the record is an exception, and why its row is not kept. */
static void
put_detail(TupleTableSlot *slot, const char *detail, const char *row_problem)
{
	if (detail != NULL && row_problem != NULL)
		put_text(slot, LOG_DETAIL, psprintf("%s; %s", detail, row_problem));
	else
		put_text(slot, LOG_DETAIL, detail ? detail : row_problem);
}

static void
store_fault(Appender *log, const Fault *fault, Oid cdr, Datum row,
			const char *row_problem)
{
	TupleTableSlot *slot = append_slot(log);

	put(slot, LOG_EXCEPTION_ID, DirectFunctionCall1(gen_random_uuid, (Datum) 0));
	put(slot, LOG_SEEN_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	if (fault->has_account)
		put(slot, LOG_ACCOUNT_ID, Int64GetDatum(fault->account_id));
	put(slot, LOG_CONTENT, Int64GetDatum(fault->content));
	put(slot, LOG_SOURCE, ObjectIdGetDatum(cdr));
	if (fault->direction != ANY_DIRECTION)
	{
		put(slot, LOG_DIRECTION, CharGetDatum(fault->direction));
		put(slot, LOG_NUMBER, Int64GetDatum(fault->number));
	}
	put_text(slot, LOG_REASON, fault->reason);
	put_detail(slot, fault->detail, row_problem);
	put_text(slot, LOG_CALL_ID, fault->call_id);
	if (fault->record != NULL)
		put_record(slot, fault->record);
	if (fault->rated != NULL)
		put_rated(slot, fault->rated);
	if (row_problem == NULL)
		put(slot, LOG_RECORD, row);
	append_store(log);
}

/* The row that a fault is of; or, in *problem, why it is not kept. */
static Datum
row_to_keep(Intake *intake, int64 row_no, char **problem)
{
	Datum		row = intake_row_as_json(intake, row_no, problem);

	if (*problem != NULL)
		*problem = keep_text(*problem, MAX_DETAIL);
	else if (json_exceeds(DatumGetJsonbP(row), MAX_RECORD))
		*problem = psprintf("the record is not kept: as JSON it takes more than %d bytes", MAX_RECORD);
	return row;
}

/*
 * Writes the exceptions, each with its row, which a second pass over the
 * statement's rows brings. Called and left as the writer of the records: the
 * rows are shown with no more rights than that.
 */
void
faults_store(Faults *faults, Oid cdr, Intake *intake)
{
	Relation	rel;
	Appender   *log;
	MemoryContext old;

	if (faults->n == 0)
		return;
	faults_sort(faults);
	rel = table_open(ccc_relation("exception_log"), RowExclusiveLock);
	log = append_begin(rel);
	intake_rewind(intake);
	old = MemoryContextSwitchTo(append_memory(log));
	for (int i = 0; i < faults->n; i++)
	{
		char	   *problem;
		Datum		record;

		CHECK_FOR_INTERRUPTS();
		record = row_to_keep(intake, faults->items[i].row_no, &problem);
		store_fault(log, &faults->items[i], cdr, record, problem);
	}
	MemoryContextSwitchTo(old);
	append_end(log);
	table_close(rel, NoLock);
}
