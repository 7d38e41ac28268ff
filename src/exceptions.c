/*
 * exceptions.c
 *		Exceptions whose records are rated again, or billed in another's place.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "compat.h"
#include "exceptions.h"
#include "statement.h"

/* HAVING without GROUP BY: one row, or none */
static Statement select_billed = {
	.query = "SELECT f.n FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS f(account_id, call_id, direction, content, n),"
	" LATERAL (SELECT FROM ccc.ledger AS l"
	"          WHERE l.account_id = f.account_id AND l.call_id = f.call_id AND l.direction = f.direction"
	"            AND l.content = f.content"
	"          HAVING sum(l.billed) > 0) AS b"
	" ORDER BY f.n",
	.types = {"bigint[]", "text[]", "\"char\"[]", "bigint[]"},
	.expected = SPI_OK_SELECT
};

static Statement select_contenders = {
	.query = "SELECT e.exception_id, e.call_id, e.direction, e.started_at, e.billed, e.number,"
	" e.content, e.pool, e.seconds"
	" FROM unnest($2) AS f (call_id),"
	" LATERAL (SELECT * FROM ccc.exception_log AS x"
	"          WHERE x.account_id = $1 AND x.call_id = f.call_id COLLATE \"C\" AND " IS_OPEN("x")
	"            AND x.reason = 'conflicting_repeat' OFFSET 0 FOR UPDATE) AS e"
	" ORDER BY e.call_id, e.direction, e.seen_at, e.exception_id",
	.types = {"bigint", "text[]"},
	.expected = SPI_OK_SELECT
};

static Statement update_resolved = {
	.query = "UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = $2"
	" WHERE e.exception_id = ANY ($1)",
	.types = {"uuid[]", "text"},
	.expected = SPI_OK_UPDATE
};

#define RETRY_COLUMNS \
	"SELECT e.exception_id, e.source, e.call_id, e.started_at, e.seconds," \
	" COALESCE(e.caller, CASE e.direction WHEN 'o' THEN e.number::text END)," \
	" COALESCE(e.callee, CASE e.direction WHEN 'i' THEN e.number::text END)," \
	" CASE e.direction WHEN 'o' THEN 'outbound' WHEN 'i' THEN 'inbound' ELSE e.said_direction END, e.content," \
	" e.account_id" \
	" FROM ccc.exception_log AS e" \
	" WHERE e.resolved_at IS NULL AND e.started_at IS NOT NULL AND e.call_id IS NOT NULL"
#define RETRY_ORDER " ORDER BY e.source, e.seen_at, e.exception_id"

/*
 * What only a change of the record could mend is left alone, and so is what
 * contradicts a billed one, unless its number is not the account's by now, and
 * what exceeded limits that are known no more.
 */
static Statement select_retries = {
	.query = RETRY_COLUMNS
	" AND (e.reason IN ('unknown_number', 'number_suspended', 'call_refused', 'no_rule', 'unknown_account',"
	"                   'bad_account_zone')"
	"      OR e.reason IN ('bad_start', 'bad_length')"
	"         AND EXISTS (SELECT FROM ccc.sources AS s WHERE s.cdr = e.source)"
	"      OR e.reason = 'conflicting_repeat'"
	"         AND NOT EXISTS (SELECT FROM ccc.numbers AS n"
	"                         WHERE n.number OPERATOR(ccc.=) e.number AND n.account_id = e.account_id"
	"                           AND n.since <= e.started_at AND e.started_at < n.released_at))"
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

/* one that was of a side stays so: the other may be billed */
static Statement update_still_open = {
	.query = "UPDATE ccc.exception_log AS e SET reason = $2, account_id = $3, direction = COALESCE($4, e.direction),"
	" billed = $5, number = COALESCE($6, e.number), pool = $7 WHERE e.exception_id = $1"
	" AND (e.reason, e.account_id, e.direction, e.billed, e.pool)"
	"     IS DISTINCT FROM ($2, $3, COALESCE($4, e.direction), $5, $7)",
	.types = {"uuid", "text", "bigint", "\"char\"", "bigint", "ccc.phone_number", "text"},
	.expected = SPI_OK_UPDATE
};

static Statement insert_other_side = {
	.query = "INSERT INTO ccc.exception_log (exception_id, seen_at, account_id, started_at, content, billed, number,"
	" source, direction, reason, detail, call_id, pool, seconds, caller, callee, said_direction, record)"
	" SELECT gen_random_uuid(), e.seen_at, $3, e.started_at, e.content, $5, $6,"
	" e.source, $4, $2, e.detail, e.call_id, $7, e.seconds, e.caller, e.callee, e.said_direction, e.record"
	" FROM ccc.exception_log AS e WHERE e.exception_id = $1",
	.types = {"uuid", "text", "bigint", "\"char\"", "bigint", "ccc.phone_number", "text"},
	.expected = SPI_OK_INSERT
};

/* Whether a fault is of a side that can be billed. */
static bool
of_a_side(const Fault *fault)
{
	return fault->has_account && fault->call_id != NULL;
}

/* Leaves out the faults of sides that are billed, as they say it: by rules before. */
void
exceptions_drop_billed(Faults *faults)
{
	int			n = faults->n;
	Datum	   *accounts = palloc_array(Datum, n);
	Datum	   *call_ids = palloc_array(Datum, n);
	Datum	   *directions = palloc_array(Datum, n);
	Datum	   *contents = palloc_array(Datum, n);
	bool	   *billed = palloc0_array(bool, n);
	int		   *places = palloc_array(int, n);
	int			nsides = 0;
	int			kept = 0;
	Datum		values[4];

	for (int i = 0; i < n; i++)
	{
		const Fault *fault = &faults->items[i];

		if (!of_a_side(fault))
			continue;
		places[nsides] = i;
		accounts[nsides] = Int64GetDatum(fault->account_id);
		call_ids[nsides] = CStringGetTextDatum(fault->call_id);
		directions[nsides] = CharGetDatum(fault->direction);
		contents[nsides++] = Int64GetDatum(fault->content);
	}
	values[0] = array_of(accounts, nsides, INT8OID);
	values[1] = array_of(call_ids, nsides, TEXTOID);
	values[2] = array_of(directions, nsides, CHAROID);
	values[3] = array_of(contents, nsides, INT8OID);
	statement_look(&select_billed, values);
	for (uint64 i = 0; i < SPI_processed; i++)
		billed[places[DatumGetInt64(spi_value(i, 1)) - 1]] = true;
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < n; i++)
		if (!billed[i])
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
	Datum		values[] = {Int64GetDatum(account_id), array_of(call_ids, n, TEXTOID)};
	Contender  *contenders;

	statement_execute(&select_contenders, values);
	*ncontenders = SPI_processed;
	contenders = palloc0_array(Contender, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
		read_contender(i, account_id, &contenders[i]);
	SPI_freetuptable(SPI_tuptable);
	return contenders;
}

/* Resolves exceptions whose records are billed after all, or gone. */
void
exceptions_resolve(const pg_uuid_t *exception_ids, int n, const char *resolution)
{
	Datum		values[] = {uuid_array(exception_ids, n), CStringGetTextDatum(resolution)};

	if (n > 0)
		statement_execute(&update_resolved, values);
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
	if (!no_seconds)
		record_lasts(record, DatumGetNumericCopy(seconds));
	record->caller = party_of(spi_text(row, 6));
	record->callee = party_of(spi_text(row, 7));
	record->direction = spi_text(row, 8);
	record->content = DatumGetInt64(spi_value(row, 9));
}

static Retry *
read_retries(int *n)
{
	Retry	   *retries;

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
	statement_execute(&select_retries, NULL);
	return read_retries(n);
}

/*
 * The same of a locked account's suspended numbers alone, unless they are
 * another's by now. All that are open by now, for what was paid mends them:
 * those that an older snapshot does not show cannot be locked (40001).
 */
Retry *
exceptions_suspended(int64 account_id, int *n)
{
	Datum		value = Int64GetDatum(account_id);

	statement_look(&select_suspended, &value);
	return read_retries(n);
}

static void
write_fault(Statement *statement, const pg_uuid_t *exception_id, const Fault *fault)
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

	statement_execute_nulls(statement, values, nulls);
}

/* Says why a record cannot be rated still, or what it contradicts now. */
void
exceptions_still_open(const pg_uuid_t *exception_id, const Fault *fault)
{
	write_fault(&update_still_open, exception_id, fault);
}

/* Another exception of the same record: of a call's other side. */
void
exceptions_other_side(const pg_uuid_t *exception_id, const Fault *fault)
{
	write_fault(&insert_other_side, exception_id, fault);
}
