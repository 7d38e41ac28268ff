/*
 * faults.c
 *		Records that could not be rated, collected and kept as exceptions.
 */
#include "postgres.h"

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

/* columns of ccc.exception_log, in order */
enum
{
	LOG_EXCEPTION_ID,
	LOG_SEEN_AT,
	LOG_RESOLVED_AT,
	LOG_ACCOUNT_ID,
	LOG_SOURCE,
	LOG_CALL_ID,
	LOG_DIRECTION,
	LOG_REASON,
	LOG_DETAIL,
	LOG_RECORD
};

/* Faults live in the memory context that is current now. */
void
faults_init(Faults *faults)
{
	memset(faults, 0, sizeof(*faults));
	faults->context = CurrentMemoryContext;
}

static const char *
keep_text(const char *text)
{
	return text == NULL ? NULL : pstrdup(text);
}

void
faults_add(Faults *faults, const Fault *fault)
{
	MemoryContext old = MemoryContextSwitchTo(faults->context);
	Fault	   *kept;

	if (faults->n == faults->room)
	{
		faults->room = faults->room == 0 ? 16 : faults->room * 2;
		faults->items = faults->items == NULL ?
			MemoryContextAllocHuge(faults->context, faults->room * sizeof(Fault)) :
			repalloc_huge(faults->items, faults->room * sizeof(Fault));
	}
	kept = &faults->items[faults->n++];
	*kept = *fault;
	kept->detail = keep_text(fault->detail);
	kept->call_id = keep_text(fault->call_id);
	MemoryContextSwitchTo(old);
}

static int
compare_faults(const void *a, const void *b)
{
	int64		x = ((const Fault *) a)->row_no;
	int64		y = ((const Fault *) b)->row_no;

	return (x > y) - (x < y);
}

/* A text that may be missing, cut where it is longer than an id may be. */
static Datum
optional_text(const char *text, int max_bytes, bool *isnull)
{
	*isnull = text == NULL;
	if (text == NULL)
		return (Datum) 0;
	return PointerGetDatum(cstring_to_text_with_len(text, pg_mbcliplen(text, strlen(text), max_bytes)));
}

static void
store_fault(Appender *log, const Fault *fault, Oid cdr, Datum record,
			const char *record_problem)
{
	TupleTableSlot *slot = append_slot(log);
	Datum	   *values = slot->tts_values;
	bool	   *nulls = slot->tts_isnull;
	const char *detail = fault->detail != NULL ? fault->detail : record_problem;

	memset(nulls, false, (LOG_RECORD + 1) * sizeof(bool));
	values[LOG_EXCEPTION_ID] = DirectFunctionCall1(gen_random_uuid, (Datum) 0);
	values[LOG_SEEN_AT] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[LOG_RESOLVED_AT] = true;
	nulls[LOG_ACCOUNT_ID] = !fault->has_account;
	values[LOG_ACCOUNT_ID] = Int64GetDatum(fault->account_id);
	values[LOG_SOURCE] = ObjectIdGetDatum(cdr);
	values[LOG_CALL_ID] = optional_text(fault->call_id, MAX_CALL_ID, &nulls[LOG_CALL_ID]);
	nulls[LOG_DIRECTION] = fault->direction == ANY_DIRECTION;
	values[LOG_DIRECTION] = CharGetDatum(fault->direction);
	values[LOG_REASON] = CStringGetTextDatum(fault->reason);
	values[LOG_DETAIL] = optional_text(detail, 8192, &nulls[LOG_DETAIL]);
	nulls[LOG_RECORD] = record_problem != NULL;
	values[LOG_RECORD] = record;
	append_store(log);
}

/*
 * Writes the exceptions, each with its row, which a second pass over the
 * statement's rows brings. Called and left as the writer of the records: the
 * rows are shown with no more rights than that.
 */
void
faults_store(Faults *faults, Oid cdr, Intake *intake, const Rights *rights)
{
	Appender   *log;
	MemoryContext row_context;
	MemoryContext old;

	if (faults->n == 0)
		return;
	qsort(faults->items, faults->n, sizeof(Fault), compare_faults);
	row_context = AllocSetContextCreate(CurrentMemoryContext, "ccc fault",
										ALLOCSET_DEFAULT_SIZES);
	log = append_begin(ccc_relation("exception_log"));
	intake_rewind(intake);
	old = MemoryContextSwitchTo(row_context);
	for (int i = 0; i < faults->n; i++)
	{
		char	   *problem;
		Datum		record;

		CHECK_FOR_INTERRUPTS();
		record = intake_row_as_json(intake, faults->items[i].row_no, &problem);
		store_fault(log, &faults->items[i], cdr, record, problem);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(old);
	append_end(log);
	MemoryContextDelete(row_context);
}
