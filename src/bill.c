/*
 * bill.c
 *		The trigger that bills what a statement did to a call table.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "billing.h"
#include "compat.h"
#include "purge.h"
#include "source.h"

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
	if (TRIGGER_FIRED_BY_TRUNCATE(event))
		return trigger;
	if (!TRIGGER_FIRED_AFTER(event))
		protocol_violated("AFTER");
	if (TRIGGER_FIRED_FOR_ROW(event))
		return trigger;
	if (!TRIGGER_FIRED_BY_DELETE(event) && trigger->tg_newtable == NULL)
		protocol_violated("with a NEW transition table");
	if (!TRIGGER_FIRED_BY_INSERT(event) && trigger->tg_oldtable == NULL)
		protocol_violated("with an OLD transition table");
	return trigger;
}

static void
refuse_truncate(Relation cdr)
{
	if (source_attached(cdr))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot truncate table \"%s\": its records are billed",
						RelationGetRelationName(cdr)),
				 errhint("Delete the records to take their charges back, or detach the table first.")));
}

/* One row as a transition table would hold it. */
static Tuplestorestate *
single_row(HeapTuple tuple)
{
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);

	tuplestore_puttuple(rows, tuple);
	return rows;
}

/*
 * A row trigger serves tables that are written by logical replication, whose
 * apply worker fires no statement triggers.
 */
static void
bill_row(const TriggerData *trigger)
{
	Tuplestorestate *gone = NULL;
	Tuplestorestate *stored = NULL;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		stored = single_row(trigger->tg_trigtuple);
	else
		gone = single_row(trigger->tg_trigtuple);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		stored = single_row(trigger->tg_newtuple);
	bill_rows(trigger->tg_relation, gone, stored, NULL);
	if (gone != NULL)
		tuplestore_end(gone);
	if (stored != NULL)
		tuplestore_end(stored);
}

PG_FUNCTION_INFO_V1(bill);
Datum
bill(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = check_protocol(fcinfo);

	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event) &&
		purging(RelationGetRelid(trigger->tg_relation)))
		return PointerGetDatum(NULL);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		refuse_truncate(trigger->tg_relation);
	else if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		bill_row(trigger);
	else
		bill_rows(trigger->tg_relation, trigger->tg_oldtable,
				  trigger->tg_newtable, NULL);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return PointerGetDatum(NULL);
}
