/*
 * exceptions.c
 *		Exceptions whose records are rated again, or billed in another's place.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "compat.h"
#include "exceptions.h"
#include "int64s.h"
#include "statement.h"

static Statement select_known = {
	.query = "SELECT DISTINCT e.content FROM ccc.exception_log AS e"
	" WHERE e.source = $1 AND e.content = ANY ($2) AND e.resolution IS DISTINCT FROM 'gone'"
	" ORDER BY e.content",
	.types = {"regclass", "bigint[]"},
	.expected = SPI_OK_SELECT
};

static Statement select_contenders = {
	.query = "SELECT e.exception_id, e.call_id, e.direction, e.started_at, e.billed, e.number,"
	" e.content, e.pool, e.seconds"
	" FROM ccc.exception_log AS e"
	" WHERE e.account_id = $1 AND e.call_id = ANY ($2) AND e.resolved_at IS NULL"
	" AND e.reason = 'conflicting_repeat'"
	" ORDER BY e.call_id, e.direction, e.seen_at, e.exception_id FOR UPDATE",
	.types = {"bigint", "text[]"},
	.expected = SPI_OK_SELECT
};

static Statement update_billed = {
	.query = "UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = 'billed'"
	" WHERE e.exception_id = $1",
	.types = {"uuid"},
	.expected = SPI_OK_UPDATE
};

#define RETRY_COLUMNS \
	"SELECT e.exception_id, e.source, e.call_id, e.started_at, e.seconds, e.caller, e.callee," \
	" CASE e.direction WHEN 'o' THEN 'outbound' WHEN 'i' THEN 'inbound' ELSE e.said_direction END, e.content," \
	" e.account_id" \
	" FROM ccc.exception_log AS e" \
	" WHERE e.resolved_at IS NULL AND e.started_at IS NOT NULL AND e.call_id IS NOT NULL"
#define RETRY_ORDER " ORDER BY e.source, e.seen_at, e.exception_id"

/* what only a change of the record could mend is left alone */
static Statement select_retries = {
	.query = RETRY_COLUMNS
	" AND e.reason IN ('unknown_number', 'number_suspended', 'call_refused', 'no_rule', 'unknown_account',"
	"                  'bad_start', 'bad_length')"
	RETRY_ORDER,
	.expected = SPI_OK_SELECT
};

static Statement select_suspended = {
	.query = RETRY_COLUMNS
	" AND e.account_id = $1 AND e.reason = 'number_suspended'"
	" AND NOT EXISTS (SELECT FROM ccc.numbers AS n"
	"                 WHERE n.number OPERATOR(ccc.=) e.number AND n.account_id <> $1"
	"                   AND n.since <= e.started_at AND e.started_at < n.released_at)"
	RETRY_ORDER,
	.types = {"bigint"},
	.expected = SPI_OK_SELECT
};

static Statement update_still_open = {
	.query = "UPDATE ccc.exception_log AS e SET reason = $2, account_id = $3, direction = $4,"
	" billed = $5, number = $6, pool = $7 WHERE e.exception_id = $1"
	" AND (e.reason, e.account_id, e.direction, e.billed, e.pool) IS DISTINCT FROM ($2, $3, $4, $5, $7)",
	.types = {"uuid", "text", "bigint", "\"char\"", "bigint", "ccc.phone_number", "text"},
	.expected = SPI_OK_UPDATE
};

/* Leaves out the faults of records that have their exceptions already. */
void
exceptions_drop_known(Oid cdr, Faults *faults)
{
	int64	   *contents = faults_contents(faults);
	Datum		values[] = {ObjectIdGetDatum(cdr), bigint_array(contents, faults->n)};
	int			kept = 0;
	int			nknown;

	statement_look(&select_known, values);
	nknown = SPI_processed;
	for (int i = 0; i < nknown; i++)
		contents[i] = DatumGetInt64(spi_value(i, 1));
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < faults->n; i++)
		if (bsearch(&faults->items[i].content, contents, nknown, sizeof(int64),
					compare_int64) == NULL)
			faults->items[kept++] = faults->items[i];
	faults->n = kept;
}

static void
read_contender(uint64 row, int64 account_id, Contender *contender)
{
	RatedCall  *call = &contender->call;

	contender->exception_id = *DatumGetUUIDP(spi_value(row, 1));
	call->account_id = account_id;
	call->call_id = TextDatumGetCString(spi_value(row, 2));
	call->direction = DatumGetChar(spi_value(row, 3));
	call->started_at = DatumGetTimestampTz(spi_value(row, 4));
	call->billed = DatumGetInt64(spi_value(row, 5));
	call->number = DatumGetInt64(spi_value(row, 6));
	call->content = DatumGetInt64(spi_value(row, 7));
	call->pool = spi_text(row, 8);
	call->seconds = DatumGetNumericCopy(spi_value(row, 9));
}

/* Records that contradict billed ones of these ids, by key, oldest first. */
Contender *
exceptions_contenders(int64 account_id, Datum *call_ids, int n, int *ncontenders)
{
	Datum		values[] = {Int64GetDatum(account_id), text_array(call_ids, n)};
	Contender  *contenders;

	statement_execute(&select_contenders, values);
	*ncontenders = SPI_processed;
	contenders = palloc0_array(Contender, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
		read_contender(i, account_id, &contenders[i]);
	SPI_freetuptable(SPI_tuptable);
	return contenders;
}

/* Resolves an exception whose record is billed after all. */
void
exceptions_billed(const pg_uuid_t *exception_id)
{
	Datum		value = UUIDPGetDatum(exception_id);

	statement_execute(&update_billed, &value);
}

static void
read_retry(uint64 row, Retry *retry)
{
	CallRecord *record = &retry->record;
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	columns = SPI_tuptable->tupdesc;
	bool		no_seconds;
	bool		of_nobody;
	Datum		seconds = SPI_getbinval(tuple, columns, 5, &no_seconds);

	retry->exception_id = *DatumGetUUIDP(spi_value(row, 1));
	retry->account_id = DatumGetInt64(SPI_getbinval(tuple, columns, 10, &of_nobody));
	retry->has_account = !of_nobody;
	retry->source = DatumGetObjectId(spi_value(row, 2));
	record->row_no = row;
	record->finished = record->has_start = record->hashed = true;
	record->call_id = TextDatumGetCString(spi_value(row, 3));
	record->started_at = DatumGetTimestampTz(spi_value(row, 4));
	record->seconds = no_seconds ? NULL : DatumGetNumericCopy(seconds);
	record->caller = party_of(spi_text(row, 6));
	record->callee = party_of(spi_text(row, 7));
	record->direction = spi_text(row, 8);
	record->content = DatumGetInt64(spi_value(row, 9));
}

static Retry *
select_to_retry(Statement *statement, Datum *values, int *n)
{
	Retry	   *retries;

	statement_execute(statement, values);
	*n = SPI_processed;
	retries = palloc_extended(Max(1, SPI_processed) * sizeof(Retry),
							  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < SPI_processed; i++)
		read_retry(i, &retries[i]);
	SPI_freetuptable(SPI_tuptable);
	return retries;
}

/* Open exceptions that may rate now, by source and oldest first; none is locked. */
Retry *
exceptions_to_retry(int *n)
{
	return select_to_retry(&select_retries, NULL, n);
}

/* The same of a locked account's suspended numbers alone, unless they are another's by now. */
Retry *
exceptions_suspended(int64 account_id, int *n)
{
	Datum		value = Int64GetDatum(account_id);

	return select_to_retry(&select_suspended, &value, n);
}

/* Says why a record cannot be rated still, or what it contradicts now. */
void
exceptions_still_open(const pg_uuid_t *exception_id, const Fault *fault)
{
	const RatedCall *rated = fault->rated;
	Datum		values[] = {
		UUIDPGetDatum(exception_id),
		CStringGetTextDatum(fault->reason),
		Int64GetDatum(fault->account_id),
		CharGetDatum(fault->direction),
		rated ? Int64GetDatum(rated->billed) : (Datum) 0,
		Int64GetDatum(fault->number),
		rated && rated->pool ? CStringGetTextDatum(rated->pool) : (Datum) 0
	};
	char		nulls[] = {
		' ',
		' ',
		fault->has_account ? ' ' : 'n',
		fault->direction != ANY_DIRECTION ? ' ' : 'n',
		rated ? ' ' : 'n',
		fault->direction != ANY_DIRECTION ? ' ' : 'n',
		rated && rated->pool ? ' ' : 'n'
	};

	statement_execute_nulls(&update_still_open, values, nulls);
}
