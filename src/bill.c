/*
 * bill.c
 *		The trigger that bills the call records a statement stored.
 *
 * Rows become records, records become rated calls, rated calls are posted;
 * what cannot be is an exception. The trigger is the invoker's: only rating
 * and posting run as the ledger's owner.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "posting.h"
#include "rights.h"

#define RUN 1000				/* records mapped and rated at a time */

/* Checks the trigger protocol, with core's own words. */
static TriggerData *
check_protocol(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager", "bill")));
	if (!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired AFTER STATEMENT", "bill")));
	if (!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be fired for INSERT", "bill")));
	if (trigger->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" needs a NEW transition table", "bill"),
				 errhint("Attach the table with ccc.attach().")));
	return trigger;
}

/* Maps as the writer and rates as the owner, run by run. */
static void
rate_rows(Intake *intake, const Source *source, Faults *faults,
		  Posting *posting, const Rights *rights)
{
	MemoryContext run_context = AllocSetContextCreate(CurrentMemoryContext,
													  "ccc run of records",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(run_context);
	CallRecord *records;
	int			n;

	do
	{
		CHECK_FOR_INTERRUPTS();
		records = palloc_array(CallRecord, RUN);
		n = intake_next(intake, records, RUN);
		rights_as_owner(rights);
		rate_records(records, n, source, faults, posting_add, posting);
		rights_as_writer(rights);
		MemoryContextReset(run_context);
	} while (n == RUN);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(run_context);
}

static void
bill_rows(Relation cdr, Tuplestorestate *rows)
{
	Rights		rights;
	Source	   *source;
	Intake	   *intake;
	Faults		faults;
	Posting    *posting;

	rights_begin(&rights);
	source = source_get(cdr, &rights);
	intake = intake_begin(source, cdr, rows);
	faults_init(&faults);
	posting = posting_begin(&faults);
	rate_rows(intake, source, &faults, posting, &rights);

	rights_as_owner(&rights);
	posting_post(posting);
	rights_as_writer(&rights);
	faults_store(&faults, RelationGetRelid(cdr), intake, &rights);
	intake_end(intake);
	rights_end(&rights);
}

PG_FUNCTION_INFO_V1(bill);
Datum
bill(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_protocol(fcinfo);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	bill_rows(trigger->tg_relation, trigger->tg_newtable);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return PointerGetDatum(NULL);
}
