/*
 * rating.c
 *		Rating: what each record is, whose, and how many seconds it bills.
 *
 * Reads numbers and catalogue as the ledger's owner, writes nothing. Each
 * side of a call whose number is ours is judged by itself.
 */
#include "postgres.h"

#include "access/xact.h"

#include "catalogue.h"
#include "compat.h"
#include "numbers.h"
#include "rating.h"

/* "none" in many a call table, and before any telephone bill: 1970-01-01 */
#define EARLIEST_START \
	((int64) (UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC)

/* free calls are shown in started minutes */
static const BillingIncrement free_increment = {60, 60};

typedef struct Rater
{
	const Source *source;
	bool		backfilled;
	Faults	   *faults;
	RatedCallSink sink;
	void	   *argument;
	Numbers    *numbers;
	TimestampTz latest_start;	/* what starts after this is absurd */
} Rater;

/* A side of a record: one of our numbers, and what it did. */
typedef struct Side
{
	Direction	direction;
	int64		number;
	const Service *service;
} Side;

static void
report(Rater *rater, const CallRecord *record, const Side *side,
	   const char *reason, const char *detail)
{
	Fault		fault = {
		.row_no = record->row_no,
		.reason = reason,
		.detail = detail,
		.call_id = record->call_id,
		.record = record,
		.content = record_content(record)
	};

	if (side != NULL)
	{
		fault.direction = side->direction;
		fault.has_account = true;
		fault.account_id = side->service->account_id;
		fault.number = side->number;
	}
	faults_add(rater->faults, &fault);
}

/* A backfilled record may have an exception from before it was ignored. */
static void
report_ignored(Rater *rater, const CallRecord *record)
{
	Fault		fault = {
		.row_no = record->row_no,
		.reason = FAULT_UNKNOWN_NUMBER,
		.ignored = true
	};

	if (!rater->backfilled)
		return;
	fault.content = record_content(record);
	faults_add(rater->faults, &fault);
}

/* What keeps a record from being a call, whoever's it is; NULL: nothing. */
static const char *
record_fault(const Rater *rater, const CallRecord *record)
{
	if (record->call_id == NULL || record->call_id[0] == '\0')
		return FAULT_NO_CALL_ID;
	if (strlen(record->call_id) > MAX_CALL_ID)
		return FAULT_CALL_ID_TOO_LONG;
	if (!record->has_start)
		return FAULT_NO_START;
	if (TIMESTAMP_NOT_FINITE(record->started_at) ||
		record->started_at < EARLIEST_START ||
		record->started_at > rater->latest_start)
		return FAULT_BAD_START;
	if (record->whole_seconds < 0 || record->whole_seconds > rater->source->max_seconds)
		return FAULT_BAD_LENGTH;
	return NULL;
}

/* False when the text names no direction. */
static bool
read_direction(const char *text, Direction *direction)
{
	*direction = ANY_DIRECTION;
	if (text == NULL)
		return true;
	if (pg_strcasecmp(text, "outbound") == 0)
		*direction = OUTBOUND;
	else if (pg_strcasecmp(text, "inbound") == 0)
		*direction = INBOUND;
	return *direction != ANY_DIRECTION;
}

/* Adds the side to the list when its number is one of ours at the start. */
static int
find_side(Rater *rater, const CallRecord *record, Direction direction,
		  const Party *party, Side *side)
{
	if (party->number == 0 || !record->has_start)
		return 0;
	side->direction = direction;
	side->number = party->number;
	side->service = numbers_find(rater->numbers, side->number, record->started_at);
	return side->service != NULL;
}

static int
find_sides(Rater *rater, const CallRecord *record, Direction direction, Side *sides)
{
	int			n = 0;

	if (direction != INBOUND)
		n += find_side(rater, record, OUTBOUND, &record->caller, &sides[n]);
	if (direction != OUTBOUND)
		n += find_side(rater, record, INBOUND, &record->callee, &sides[n]);
	return n;
}

/*
 * Sets the seconds billed of a call, and their pool, or NULL where it is free.
 * What keeps it from being billed, or NULL.
 */
static const char *
rate_call(RatedCall *call, const Service *service, int64 whole_seconds)
{
	BillingIncrement increment = free_increment;
	const CallRule *rule;

	call->pool = NULL;
	if (call->started_at >= service->paid_until)
		return FAULT_NUMBER_SUSPENDED;
	rule = catalogue_rule(service->line, service->owner, call->direction, call->started_at);
	if (rule == NULL)
		return FAULT_NO_RULE;
	if (rule->treatment == TREAT_REFUSE)
		return FAULT_CALL_REFUSED;
	if (rule->treatment == TREAT_CHARGE)
	{
		const Pool *pool = catalogue_pool(rule->pool, call->started_at);

		if (pool == NULL)
			return FAULT_NO_RULE;
		call->pool = pool->code;
		increment = pool->increment;
	}
	return increment_billed(increment, whole_seconds, &call->billed) ? NULL : FAULT_BAD_LENGTH;
}

static void
rate_side(Rater *rater, const CallRecord *record, const Side *side)
{
	RatedCall	call = {
		.backfilled = rater->backfilled,
		.account_id = side->service->account_id,
		.version = side->service->version,
		.call_id = record->call_id,
		.direction = side->direction,
		.row_no = record->row_no,
		.started_at = record->started_at,
		.number = side->number,
		.content = record_content(record),
		.seconds = record->seconds
	};
	const char *fault = rate_call(&call, side->service, record->whole_seconds);

	if (fault != NULL)
		report(rater, record, side, fault, NULL);
	call.suspended = fault != NULL && strcmp(fault, FAULT_NUMBER_SUSPENDED) == 0;
	if (fault == NULL || call.suspended)
		rater->sink(rater->argument, &call);
}

static void
rate_record(Rater *rater, const CallRecord *record)
{
	Direction	direction;
	Side		sides[2];
	int			nsides;
	const char *fault;

	if (record->problem != NULL)
	{
		report(rater, record, NULL,
			   rater->source->fault ? rater->source->fault : FAULT_MAPPING_FAILED,
			   record->problem);
		return;
	}
	if (!record_is_a_call(record))
		return;

	fault = record_fault(rater, record);
	if (!read_direction(record->direction, &direction) && fault == NULL)
		fault = FAULT_BAD_DIRECTION;
	nsides = find_sides(rater, record, direction, sides);
	if (nsides == 0 && record->has_start && rater->source->ignore_unknown)
	{
		report_ignored(rater, record);
		return;
	}
	if (nsides == 0 && fault == NULL)
		fault = FAULT_UNKNOWN_NUMBER;
	if (nsides == 0)
		report(rater, record, NULL, fault, NULL);
	for (int i = 0; i < nsides; i++)
	{
		if (fault != NULL)
			report(rater, record, &sides[i], fault, NULL);
		else
			rate_side(rater, record, &sides[i]);
	}
}

/* Every number that records mention which are gone. */
static void
load_numbers(Numbers *numbers, const CallRecord *records, int n)
{
	int64	   *wanted = palloc_array(int64, 2 * n);
	int			nwanted = 0;

	for (int i = 0; i < n; i++)
	{
		if (records[i].caller.number != 0)
			wanted[nwanted++] = records[i].caller.number;
		if (records[i].callee.number != 0)
			wanted[nwanted++] = records[i].callee.number;
	}
	numbers_load(numbers, wanted, nwanted);
	pfree(wanted);
}

/* Every number that records mention, at their starts. */
static void
load_numbers_at(Numbers *numbers, const CallRecord *records, int n)
{
	NumberAt   *wanted = palloc_array(NumberAt, 2 * n);
	int			nwanted = 0;

	for (int i = 0; i < n; i++)
	{
		if (records[i].caller.number != 0 && records[i].has_start)
			wanted[nwanted++] = (NumberAt) {records[i].caller.number, records[i].started_at};
		if (records[i].callee.number != 0 && records[i].has_start)
			wanted[nwanted++] = (NumberAt) {records[i].callee.number, records[i].started_at};
	}
	numbers_load_at(numbers, wanted, nwanted);
	pfree(wanted);
}

/*
 * The sides under which a record that is gone may have been billed: accounts
 * that ever had one of its numbers. The ledger knows which.
 */
static void
trace_record(Rater *rater, const CallRecord *record)
{
	const int64 numbers[] = {record->caller.number, record->callee.number};
	const Direction directions[] = {OUTBOUND, INBOUND};
	RatedCall	call = {
		.removal = true,
		.call_id = record->call_id,
		.row_no = record->row_no,
		.started_at = record->started_at,
		.seconds = record->seconds
	};

	if (record->problem != NULL)
		report(rater, record, NULL, FAULT_GONE_UNSEEN, record->problem);
	if (record->problem != NULL || record->call_id == NULL || !record->has_start ||
		!record_is_a_call(record))
		return;
	call.content = record_content(record);
	for (int i = 0; i < lengthof(numbers); i++)
	{
		if (numbers[i] == 0)
			continue;
		call.number = numbers[i];
		call.direction = directions[i];
		for (const Service *service = numbers_first(rater->numbers, call.number);
			 service != NULL; service = service->next)
		{
			call.account_id = service->account_id;
			call.version = service->version;
			rater->sink(rater->argument, &call);
		}
	}
}

/*
 * Rates a side of a call, once rated, by the numbers and the catalogue that are
 * at hand; its pool is in the current memory context, for the catalogue may be
 * read anew before the call is posted. What keeps it from being billed to its
 * account by now, or NULL.
 */
const char *
rate_again(RatedCall *call, Numbers *numbers)
{
	const Service *service = numbers_find(numbers, call->number, call->started_at);
	int64		whole_seconds;
	const char *fault;

	if (service == NULL || service->account_id != call->account_id)
		return FAULT_UNKNOWN_NUMBER;
	if (!seconds_round_up(call->seconds, &whole_seconds))
		return FAULT_BAD_LENGTH;
	fault = rate_call(call, service, whole_seconds);
	if (call->pool != NULL)
		call->pool = pstrdup(call->pool);
	return fault;
}

static Rater
make_rater(const Source *source, Numbers *numbers, Faults *faults,
		   RatedCallSink sink, void *argument)
{
	Rater		rater = {
		.source = source,
		.faults = faults,
		.sink = sink,
		.argument = argument,
		.numbers = numbers,
		.latest_start = GetCurrentTransactionStartTimestamp() +
		source->max_ahead * USECS_PER_SEC
	};

	return rater;
}

/* Gives the sink every side under which records that are gone may be billed. */
void
trace_records(const CallRecord *records, int n, const Source *source,
			  Numbers *numbers, Faults *faults, RatedCallSink sink, void *argument)
{
	Rater		rater = make_rater(source, numbers, faults, sink, argument);

	load_numbers(numbers, records, n);
	catalogue_load();
	for (int i = 0; i < n; i++)
		trace_record(&rater, &records[i]);
}

/*
 * Gives each rated side to the sink, and every other record to the faults;
 * one on a suspended number to both.
 */
void
rate_records(const CallRecord *records, int n, const Source *source,
			 bool backfilled, Numbers *numbers, Faults *faults,
			 RatedCallSink sink, void *argument)
{
	Rater		rater = make_rater(source, numbers, faults, sink, argument);

	rater.backfilled = backfilled;
	load_numbers_at(numbers, records, n);
	catalogue_load();			/* later than the versions that tell of a change */
	for (int i = 0; i < n; i++)
		rate_record(&rater, &records[i]);
}
