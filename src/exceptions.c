/*
 * exceptions.c
 *		Exceptions that are still open, found and resolved.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "compat.h"
#include "exceptions.h"
#include "int64s.h"
#include "statement.h"

static Statement select_any = {
	.query = "SELECT FROM ccc.exception_log AS e WHERE e.source = $1 AND e.resolved_at IS NULL LIMIT 1",
	.types = {"regclass"},
	.expected = SPI_OK_SELECT
};

static Statement select_known = {
	.query = "SELECT DISTINCT e.content FROM ccc.exception_log AS e"
	" WHERE e.source = $1 AND e.content = ANY ($2) AND e.resolution IS DISTINCT FROM 'gone'"
	" ORDER BY e.content",
	.types = {"regclass", "bigint[]"},
	.expected = SPI_OK_SELECT
};

static Statement select_accounts = {
	.query = "SELECT DISTINCT e.account_id FROM ccc.exception_log AS e"
	" WHERE e.source = $1 AND e.content = ANY ($2) AND e.resolved_at IS NULL AND e.account_id IS NOT NULL",
	.types = {"regclass", "bigint[]"},
	.expected = SPI_OK_SELECT
};

/* what another session resolved meanwhile falls out when the lock is had */
static Statement select_gone = {
	.query = "SELECT e.exception_id, e.content, COALESCE(e.direction, '') FROM ccc.exception_log AS e"
	" WHERE e.source = $1 AND e.content = ANY ($2) AND e.resolved_at IS NULL"
	" ORDER BY e.content, e.direction, e.seen_at, e.exception_id FOR UPDATE",
	.types = {"regclass", "bigint[]"},
	.expected = SPI_OK_SELECT
};

static Statement update_gone = {
	.query = "UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = 'gone'"
	" WHERE e.exception_id = ANY ($1)",
	.types = {"uuid[]"},
	.expected = SPI_OK_UPDATE
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

static Statement update_backfilled = {
	.query = "UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = 'billed'"
	" WHERE e.source = $1 AND e.content = ANY ($2) AND e.resolved_at IS NULL"
	" AND NOT e.content = ANY ($3)",
	.types = {"regclass", "bigint[]", "bigint[]"},
	.expected = SPI_OK_UPDATE
};

static Statement update_billed = {
	.query = "UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = 'billed'"
	" WHERE e.exception_id = $1",
	.types = {"uuid"},
	.expected = SPI_OK_UPDATE
};

#define RETRY_COLUMNS \
	"SELECT e.exception_id, e.source, e.call_id, e.started_at, e.seconds, e.caller, e.callee," \
	" CASE e.direction WHEN 'o' THEN 'outbound' WHEN 'i' THEN 'inbound' ELSE e.said_direction END, e.content" \
	" FROM ccc.exception_log AS e" \
	" WHERE e.resolved_at IS NULL AND e.started_at IS NOT NULL AND e.call_id IS NOT NULL"
#define RETRY_ORDER " ORDER BY e.source, e.seen_at, e.exception_id FOR UPDATE"

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
	RETRY_ORDER,
	.types = {"bigint"},
	.expected = SPI_OK_SELECT
};

static Statement lock_retried_accounts = {
	.query = "SELECT FROM ccc.accounts AS a"
	" WHERE a.account_id IN (SELECT e.account_id FROM ccc.exception_log AS e WHERE e.resolved_at IS NULL)"
	" ORDER BY a.account_id FOR NO KEY UPDATE",
	.expected = SPI_OK_SELECT
};

static Statement update_still_open = {
	.query = "UPDATE ccc.exception_log AS e SET reason = $2, account_id = $3, direction = $4,"
	" billed = $5, number = $6, pool = $7 WHERE e.exception_id = $1",
	.types = {"uuid", "text", "bigint", "\"char\"", "bigint", "ccc.phone_number", "text"},
	.expected = SPI_OK_UPDATE
};

/* Whether a call table has any. */
bool
exceptions_open(Oid cdr)
{
	Datum		value = ObjectIdGetDatum(cdr);

	statement_execute(&select_any, &value);
	SPI_freetuptable(SPI_tuptable);
	return SPI_processed > 0;
}

static int64 *
fault_contents(const Faults *faults)
{
	int64	   *contents = palloc_extended(Max(1, faults->n) * sizeof(int64), MCXT_ALLOC_HUGE);

	for (int i = 0; i < faults->n; i++)
		contents[i] = faults->items[i].content;
	return contents;
}

/* Resolves the exceptions of records that a backfill billed: without a fault. */
void
exceptions_backfilled(Oid cdr, const int64 *contents, int n, const Faults *faults)
{
	Datum		values[] = {
		ObjectIdGetDatum(cdr),
		bigint_array(contents, n),
		bigint_array(fault_contents(faults), faults->n)
	};

	statement_execute(&update_backfilled, values);
}

/* Leaves out the faults of records that have their exceptions already. */
void
exceptions_drop_known(Oid cdr, Faults *faults)
{
	int64	   *contents = fault_contents(faults);
	Datum		values[] = {ObjectIdGetDatum(cdr), bigint_array(contents, faults->n)};
	int			kept = 0;
	int			nknown;

	statement_execute(&select_known, values);
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

/* A copy of the exception's id, the first column. */
static Datum
read_id(uint64 row)
{
	pg_uuid_t  *id = palloc_object(pg_uuid_t);

	*id = *DatumGetUUIDP(spi_value(row, 1));
	return UUIDPGetDatum(id);
}

/* The accounts of open exceptions of some contents. */
int64 *
exceptions_accounts(Oid cdr, const int64 *contents, int n, int *naccounts)
{
	Datum		values[] = {ObjectIdGetDatum(cdr), bigint_array(contents, n)};
	int64	   *accounts;

	statement_execute(&select_accounts, values);
	*naccounts = SPI_processed;
	accounts = palloc_array(int64, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
		accounts[i] = DatumGetInt64(spi_value(i, 1));
	SPI_freetuptable(SPI_tuptable);
	return accounts;
}

/* How many of the sorted contents are this one, which is among them. */
static int
count_content(const int64 *contents, int n, int64 content)
{
	const int64 *found = bsearch(&content, contents, n, sizeof(int64), compare_int64);
	const int64 *first = found;
	const int64 *last = found;

	while (first > contents && first[-1] == content)
		first--;
	while (last < contents + n - 1 && last[1] == content)
		last++;
	return last - first + 1;
}

/* One more gone exception; false when as many rows of its kind are not gone. */
static bool
add_gone(GoneExceptions *gone, int64 content, Direction direction, int rows)
{
	GoneException *last = gone->n > 0 ? &gone->items[gone->n - 1] : NULL;

	if (last == NULL || last->content != content || last->direction != direction)
	{
		last = &gone->items[gone->n++];
		last->content = content;
		last->direction = direction;
		last->n = 0;
	}
	if (last->n == rows)
		return false;
	last->n++;
	return true;
}

/*
 * Resolves the exceptions of rows that are gone, as many of each content and
 * side as there are such rows. Sorts the contents. The accounts concerned
 * must be locked.
 */
void
exceptions_gone(Oid cdr, int64 *contents, int n, GoneExceptions *gone)
{
	Datum		values[] = {ObjectIdGetDatum(cdr), bigint_array(contents, n)};
	Datum	   *ids;
	int			nids = 0;

	qsort(contents, n, sizeof(int64), compare_int64);
	statement_execute(&select_gone, values);
	gone->n = 0;
	gone->items = palloc_array(GoneException, SPI_processed);
	ids = palloc_array(Datum, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		content = DatumGetInt64(spi_value(i, 2));

		if (add_gone(gone, content, DatumGetChar(spi_value(i, 3)),
					 count_content(contents, n, content)))
			ids[nids++] = read_id(i);
	}
	SPI_freetuptable(SPI_tuptable);
	values[0] = PointerGetDatum(construct_array(ids, nids, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
	if (nids > 0)
		statement_execute(&update_gone, values);
}

/* Each account may have been traced for each row: it counts anew. */
void
gone_exceptions_begin(GoneExceptions *gone)
{
	for (int i = 0; i < gone->n; i++)
		gone->items[i].left_outbound = gone->items[i].left_inbound = gone->items[i].n;
}

static int
compare_gone(const void *a, const void *b)
{
	return compare_int64(&((const GoneException *) a)->content,
							&((const GoneException *) b)->content);
}

/* Whether a row that is gone was an exception on this side, and not billed. */
bool
gone_exceptions_take(GoneExceptions *gone, int64 content, Direction direction)
{
	GoneException wanted = {.content = content};
	GoneException *item;

	if (gone->n == 0)
		return false;
	item = bsearch(&wanted, gone->items, gone->n, sizeof(GoneException), compare_gone);
	if (item == NULL)
		return false;
	while (item > gone->items && item[-1].content == content)
		item--;
	for (; item < gone->items + gone->n && item->content == content; item++)
	{
		int		   *left = direction == OUTBOUND ? &item->left_outbound : &item->left_inbound;

		if (*left > 0 && (item->direction == direction || item->direction == ANY_DIRECTION))
		{
			(*left)--;
			return true;
		}
	}
	return false;
}

static void
read_contender(uint64 row, int64 account_id, Contender *contender)
{
	RatedCall  *call = &contender->call;

	contender->exception_id = read_id(row);
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
exceptions_billed(Datum exception_id)
{
	statement_execute(&update_billed, &exception_id);
}

static void
read_retry(uint64 row, Retry *retry)
{
	CallRecord *record = &retry->record;
	bool		isnull;
	Datum		seconds = SPI_getbinval(SPI_tuptable->vals[row],
										SPI_tuptable->tupdesc, 5, &isnull);

	retry->exception_id = read_id(row);
	retry->source = DatumGetObjectId(spi_value(row, 2));
	record->row_no = row;
	record->finished = record->has_start = record->hashed = true;
	record->call_id = TextDatumGetCString(spi_value(row, 3));
	record->started_at = DatumGetTimestampTz(spi_value(row, 4));
	record->seconds = isnull ? NULL : DatumGetNumericCopy(seconds);
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

/*
 * Open exceptions that may rate now, by source and oldest first, locked after
 * the accounts that they are known to be of.
 */
Retry *
exceptions_to_retry(int *n)
{
	statement_execute(&lock_retried_accounts, NULL);
	SPI_freetuptable(SPI_tuptable);
	return select_to_retry(&select_retries, NULL, n);
}

/* The same of a locked account's suspended numbers alone. */
Retry *
exceptions_suspended(int64 account_id, int *n)
{
	Datum		value = Int64GetDatum(account_id);

	return select_to_retry(&select_suspended, &value, n);
}

/* Says why a record cannot be rated still, or what it contradicts now. */
void
exceptions_still_open(Datum exception_id, const Fault *fault)
{
	const RatedCall *rated = fault->rated;
	Datum		values[] = {
		exception_id,
		CStringGetTextDatum(fault->reason),
		Int64GetDatum(fault->account_id),
		CharGetDatum(fault->direction),
		rated ? Int64GetDatum(rated->billed) : (Datum) 0,
		rated ? Int64GetDatum(rated->number) : (Datum) 0,
		rated && rated->pool ? CStringGetTextDatum(rated->pool) : (Datum) 0
	};
	char		nulls[] = {
		' ',
		' ',
		fault->has_account ? ' ' : 'n',
		fault->direction != ANY_DIRECTION ? ' ' : 'n',
		rated ? ' ' : 'n',
		rated ? ' ' : 'n',
		rated && rated->pool ? ' ' : 'n'
	};

	statement_execute_nulls(&update_still_open, values, nulls);
}
