/*
 * bill.c
 *		The trigger that bills what a statement did to a call table.
 *
 * Rows become records, records become rated calls, rated calls are posted;
 * what cannot be is an exception. An update is its old rows gone and its new
 * ones stored. The trigger is the invoker's: only rating and posting run as
 * the ledger's owner.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "exceptions.h"
#include "posting.h"
#include "rights.h"

#define RUN 1000				/* records mapped and rated at a time */

/* A statement's records, billed. */
typedef struct Billing
{
	Relation	cdr;
	Rights		rights;
	Source	   *source;
	Intake	   *gone;			/* NULL: no rows were updated or deleted */
	Intake	   *stored;			/* NULL: no rows were inserted or updated */
	Faults		faults;
	Posting    *posting;
	bool		has_exceptions;	/* some may be of rows that are gone */
	MemoryContext context;
	int64	   *gone_contents;
	int			ngone;
	int			gone_room;
} Billing;

static void
protocol_violated(const char *must)
{
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"%s\" must be fired %s", "bill", must),
			 errhint("Attach the table with ccc.attach().")));
}

/* Checks the trigger protocol, with core's own words. */
static TriggerData *
check_protocol(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TriggerEvent event;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager", "bill")));
	event = trigger->tg_event;
	if (!TRIGGER_FIRED_FOR_STATEMENT(event))
		protocol_violated("for each STATEMENT");
	if (TRIGGER_FIRED_BY_TRUNCATE(event))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot truncate table \"%s\": its records are billed",
						RelationGetRelationName(trigger->tg_relation)),
				 errhint("Delete the records to take their charges back, or detach the table first.")));
	if (!TRIGGER_FIRED_AFTER(event))
		protocol_violated("AFTER");
	if (!TRIGGER_FIRED_BY_DELETE(event) && trigger->tg_newtable == NULL)
		protocol_violated("with a NEW transition table");
	if (!TRIGGER_FIRED_BY_INSERT(event) && trigger->tg_oldtable == NULL)
		protocol_violated("with an OLD transition table");
	return trigger;
}

static bool
same_record(const CallRecord *a, const CallRecord *b)
{
	return a->finished == b->finished && (a->problem == NULL) == (b->problem == NULL) &&
		record_content(a) == record_content(b);
}

/* Leaves out what an update did not change for us. Rows come in pairs. */
static int
drop_unchanged(CallRecord *gone, CallRecord *stored, int n)
{
	int			kept = 0;

	for (int i = 0; i < n; i++)
	{
		if (same_record(&gone[i], &stored[i]))
			continue;
		gone[kept] = gone[i];
		stored[kept++] = stored[i];
	}
	return kept;
}

/* Remembers whose exceptions, if there are any, no longer stand. */
static void
remember_gone(Billing *billing, const CallRecord *records, int n)
{
	if (!billing->has_exceptions)
		return;
	for (int i = 0; i < n; i++)
	{
		if (billing->ngone == billing->gone_room)
		{
			billing->gone_room = billing->gone_room == 0 ? RUN : billing->gone_room * 2;
			billing->gone_contents = billing->gone_contents == NULL ?
				MemoryContextAllocHuge(billing->context, billing->gone_room * sizeof(int64)) :
				repalloc_huge(billing->gone_contents, billing->gone_room * sizeof(int64));
		}
		billing->gone_contents[billing->ngone++] = record_content(&records[i]);
	}
}

/* One run of records: mapped as the writer, rated as the owner. */
static int
bill_run(Billing *billing)
{
	CallRecord *gone = palloc_array(CallRecord, RUN);
	CallRecord *stored = palloc_array(CallRecord, RUN);
	int			ngone = billing->gone ? intake_next(billing->gone, gone, RUN) : 0;
	int			nstored = billing->stored ? intake_next(billing->stored, stored, RUN) : 0;
	int			taken = Max(ngone, nstored);

	if (billing->gone && billing->stored)
	{
		if (ngone != nstored)
			elog(ERROR, "an update has %d old rows and %d new ones", ngone, nstored);
		ngone = nstored = drop_unchanged(gone, stored, taken);
	}
	rights_as_owner(&billing->rights);
	remember_gone(billing, gone, ngone);
	if (ngone > 0)
		trace_records(gone, ngone, billing->source, posting_add, billing->posting);
	if (nstored > 0)
		rate_records(stored, nstored, billing->source, &billing->faults,
					 posting_add, billing->posting);
	rights_as_writer(&billing->rights);
	return taken;
}

static void
bill_runs(Billing *billing)
{
	MemoryContext run_context = AllocSetContextCreate(CurrentMemoryContext,
													  "ccc run of records",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(run_context);
	int			taken;

	do
	{
		CHECK_FOR_INTERRUPTS();
		taken = bill_run(billing);
		MemoryContextReset(run_context);
	} while (taken == RUN);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(run_context);
}

/* As the ledger's owner: what no longer stands first, then the charges. */
static void
post_all(Billing *billing)
{
	rights_as_owner(&billing->rights);
	if (billing->ngone > 0)
		exceptions_gone(RelationGetRelid(billing->cdr), billing->gone_contents,
						billing->ngone);
	posting_post(billing->posting);
	rights_as_writer(&billing->rights);
}

static void
bill_statement(Relation cdr, Tuplestorestate *gone, Tuplestorestate *stored)
{
	Billing		billing = {.cdr = cdr,.context = CurrentMemoryContext};

	rights_begin(&billing.rights);
	billing.source = source_get(cdr, &billing.rights);
	if (stored != NULL || !billing.source->keep_deleted)
	{
		billing.gone = gone ? intake_begin(billing.source, cdr, gone) : NULL;
		billing.stored = stored ? intake_begin(billing.source, cdr, stored) : NULL;
		faults_init(&billing.faults);
		billing.posting = posting_begin(&billing.faults);
		if (gone != NULL)
		{
			rights_as_owner(&billing.rights);
			billing.has_exceptions = exceptions_open(RelationGetRelid(cdr));
			rights_as_writer(&billing.rights);
		}
		bill_runs(&billing);
		post_all(&billing);
		if (stored != NULL)
			faults_store(&billing.faults, RelationGetRelid(cdr), billing.stored);
		if (gone != NULL)
			intake_end(billing.gone);
		if (stored != NULL)
			intake_end(billing.stored);
	}
	rights_end(&billing.rights);
}

PG_FUNCTION_INFO_V1(bill);
Datum
bill(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_protocol(fcinfo);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	bill_statement(trigger->tg_relation, trigger->tg_oldtable, trigger->tg_newtable);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return PointerGetDatum(NULL);
}
