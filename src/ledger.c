/*
 * ledger.c
 *		The ledger and the counters beside it.
 *
 * The only file that changes them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "ledger.h"
#include "statement.h"

/* columns of ccc.ledger, in order */
enum
{
	COL_ACCOUNT_ID,
	COL_POSTING_NO,
	COL_POSTED_AT,
	COL_STARTED_AT,
	COL_BILLED,
	COL_CONTENT,
	COL_NUMBER,
	COL_PACKAGE_NO,
	COL_ENTRY_NO,
	COL_DIRECTION,
	COL_KIND,
	COL_CALL_ID,
	COL_POOL,
	COL_SECONDS,
	NCOLUMNS
};

static Statement lock_accounts = {
	.query = "SELECT a.account_id, a.last_number_no FROM ccc.accounts AS a WHERE a.account_id = ANY ($1)"
	" ORDER BY a.account_id FOR NO KEY UPDATE",
	.types = {"bigint[]"},
	.expected = SPI_OK_SELECT
};

static Statement update_account = {
	.query = "UPDATE ccc.accounts AS a SET last_posting_no = a.last_posting_no + 1"
	" WHERE a.account_id = $1 RETURNING a.last_posting_no, a.time_zone",
	.types = {"bigint"},
	.expected = SPI_OK_UPDATE_RETURNING
};

/* call by call, or a plan made over an empty ledger would read the account */
static Statement select_entries = {
	.query = "SELECT l.call_id, l.direction, l.entry_no, l.kind, l.package_no, l.pool, l.billed,"
	" l.content, l.started_at, l.number, l.seconds"
	" FROM unnest($2) AS k (call_id),"
	" LATERAL (SELECT e.* FROM ccc.ledger AS e"
	"          WHERE e.account_id = $1 AND e.call_id = k.call_id OFFSET 0) AS l"
	" ORDER BY l.call_id, l.direction, l.entry_no",
	.types = {"bigint", "text[]"},
	.expected = SPI_OK_SELECT
};

/* entries of what a call said before add up to nothing */
static Statement select_billed_calls = {
	.query = "SELECT l.call_id, l.direction, l.started_at, l.number, l.seconds, l.content,"
	" sum(l.billed)::bigint, max(COALESCE(l.pool, p.pool))"
	" FROM ccc.ledger AS l"
	" LEFT JOIN ccc.packages AS p ON p.account_id = l.account_id AND p.package_no = l.package_no"
	" WHERE l.account_id = $1 AND l.started_at >= $2"
	" GROUP BY l.call_id, l.direction, l.started_at, l.number, l.seconds, l.content"
	" HAVING sum(l.billed) > 0 ORDER BY l.call_id, l.direction",
	.types = {"bigint", "timestamptz"},
	.expected = SPI_OK_SELECT
};

static Statement select_packages = {
	.query = "SELECT p.pool, p.package_no, p.valid_from, p.valid_until,"
	" LEAST(p.valid_until, p.refunded_at), p.granted - p.refunded - p.used"
	" FROM ccc.packages AS p WHERE p.account_id = $1 AND p.valid_until > $2",
	.types = {"bigint", "timestamptz"},
	.expected = SPI_OK_SELECT
};

static Statement select_usage = {
	.query = "SELECT u.stretch, u.last_start, u.package_no, u.billed"
	" FROM ccc.usage AS u WHERE u.account_id = $1 AND u.pool = $2 AND u.stretch >= $3"
	" ORDER BY u.stretch",
	.types = {"bigint", "text", "timestamptz"},
	.expected = SPI_OK_SELECT
};

static Statement select_movable = {
	.query = "SELECT h.call_id, h.direction, h.package_no, h.billed,"
	" e.entry_no, e.content, h.started_at, e.number, e.seconds"
	" FROM (SELECT l.call_id, l.direction, l.started_at, COALESCE(l.package_no, 0) AS package_no,"
	"              sum(l.billed)::bigint AS billed"
	"       FROM ccc.ledger AS l"
	"       WHERE l.account_id = $1 AND l.started_at >= $3 AND l.started_at < $4"
	"         AND (l.kind = 'c' AND l.package_no = ANY ($5)"
	"              OR l.kind = 's' AND l.pool = $2 AND 0 = ANY ($5))"
	"       GROUP BY 1, 2, 3, 4 HAVING sum(l.billed) > 0) AS h,"
	" LATERAL (SELECT l.entry_no, l.content, l.number, l.seconds FROM ccc.ledger AS l"
	"          WHERE l.account_id = $1 AND l.call_id = h.call_id AND l.direction = h.direction"
	"          ORDER BY l.entry_no DESC LIMIT 1) AS e"
	" ORDER BY h.started_at DESC, h.call_id DESC, h.direction, h.package_no",
	.types = {"bigint", "text", "timestamptz", "timestamptz", "bigint[]"},
	.expected = SPI_OK_SELECT
};

static Statement put_usage = {
	.query = "INSERT INTO ccc.usage (account_id, pool, stretch, package_no, billed, last_start)"
	" VALUES ($1, $2, $3, $4, $5, $6)"
	" ON CONFLICT (account_id, pool, stretch, package_no) DO UPDATE"
	" SET billed = excluded.billed, last_start = excluded.last_start",
	.types = {"bigint", "text", "timestamptz", "integer", "bigint", "timestamptz"},
	.expected = SPI_OK_INSERT
};

static Statement update_package = {
	.query = "UPDATE ccc.packages AS p SET used = p.used + $3"
	" WHERE p.account_id = $1 AND p.package_no = $2",
	.types = {"bigint", "integer", "bigint"},
	.expected = SPI_OK_UPDATE
};

/*
 * Locks accounts in ascending order, without posting to them; gives how many
 * of them there are, and, if asked for, which, with the version of their
 * numbers.
 */
uint64
ledger_lock_accounts(const int64 *accounts, int n, AccountVersion **locked)
{
	Datum		value = bigint_array(accounts, n);

	statement_execute(&lock_accounts, &value);
	if (locked != NULL)
	{
		*locked = palloc_array(AccountVersion, Max(1, SPI_processed));
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			(*locked)[i].account_id = DatumGetInt64(spi_value(i, 1));
			(*locked)[i].version = DatumGetInt64(spi_value(i, 2));
		}
	}
	SPI_freetuptable(SPI_tuptable);
	return SPI_processed;
}

/*
 * Locks an account for a new posting; false when there is no such account.
 * The lock is an update: who holds an older snapshot of the account's history
 * gets a serialization failure here.
 */
bool
ledger_begin_posting(LedgerAccount *account, int64 account_id, Appender *ledger)
{
	Datum		value = Int64GetDatum(account_id);
	bool		found;

	statement_execute(&update_account, &value);
	found = SPI_processed > 0;
	if (found)
	{
		account->account_id = account_id;
		account->posting_no = DatumGetInt64(spi_value(0, 1));
		account->zone = stretch_zone(spi_text(0, 2));
		account->ledger = ledger;
	}
	SPI_freetuptable(SPI_tuptable);
	return found;
}

/* Adds an entry of the result to what the call holds. */
static void
add_holding(KnownCall *known, EntryKind kind, int32 package_no,
			const char *pool, int64 billed)
{
	Holding    *holding = NULL;

	for (int i = 0; i < known->nholdings && holding == NULL; i++)
		if (known->holdings[i].kind == kind &&
			known->holdings[i].package_no == package_no)
			holding = &known->holdings[i];
	if (holding == NULL)
	{
		known->holdings = known->nholdings == 0 ? palloc_object(Holding) :
			repalloc(known->holdings, (known->nholdings + 1) * sizeof(Holding));
		holding = &known->holdings[known->nholdings++];
		holding->kind = kind;
		holding->package_no = package_no;
		holding->billed = 0;
	}
	holding->pool = pool;
	holding->billed += billed;
}

static void
read_entry(uint64 row, KnownCall *known)
{
	EntryKind	kind = DatumGetChar(spi_value(row, 4));
	char	   *package_no = spi_text(row, 5);

	known->entry_no = DatumGetInt32(spi_value(row, 3));
	known->call.content = DatumGetInt64(spi_value(row, 8));
	known->call.started_at = DatumGetTimestampTz(spi_value(row, 9));
	known->call.number = DatumGetInt64(spi_value(row, 10));
	known->call.seconds = DatumGetNumericCopy(spi_value(row, 11));
	if (kind == ENTRY_REPEAT)
		known->copies++;
	else if (kind == ENTRY_REPEAT_GONE)
		known->copies--;
	else
		add_holding(known, kind, package_no ? pg_strtoint32(package_no) : NO_PACKAGE,
					spi_text(row, 6), DatumGetInt64(spi_value(row, 7)));
}

/* Holdings that add up to nothing are none. */
static void
drop_empty_holdings(KnownCall *known)
{
	int			n = 0;

	for (int i = 0; i < known->nholdings; i++)
		if (known->holdings[i].billed != 0)
			known->holdings[n++] = known->holdings[i];
	known->nholdings = n;
}

/* Calls of these ids that the ledger holds, by call_id and direction. */
KnownCall *
ledger_known_calls(int64 account_id, Datum *call_ids, int n, int *nknown)
{
	Datum		values[] = {Int64GetDatum(account_id), text_array(call_ids, n)};
	KnownCall  *calls;
	KnownCall  *known = NULL;

	statement_execute(&select_entries, values);
	calls = palloc_extended(Max(1, SPI_processed) * sizeof(KnownCall),
							MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*nknown = 0;
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *call_id = TextDatumGetCString(spi_value(i, 1));
		Direction	direction = DatumGetChar(spi_value(i, 2));

		if (known == NULL || known->call.direction != direction ||
			strcmp(known->call.call_id, call_id) != 0)
		{
			known = &calls[(*nknown)++];
			known->call.account_id = account_id;
			known->call.call_id = call_id;
			known->call.direction = direction;
		}
		read_entry(i, known);
	}
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < *nknown; i++)
		drop_empty_holdings(&calls[i]);
	return calls;
}

/* Calls that start at an instant or later, as they are billed, by key. */
RatedCall *
ledger_billed_calls(int64 account_id, TimestampTz since, int *n)
{
	Datum		values[] = {Int64GetDatum(account_id), TimestampTzGetDatum(since)};
	RatedCall  *calls;

	statement_execute(&select_billed_calls, values);
	*n = SPI_processed;
	calls = palloc_extended(Max(1, SPI_processed) * sizeof(RatedCall),
							MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		calls[i].account_id = account_id;
		calls[i].call_id = TextDatumGetCString(spi_value(i, 1));
		calls[i].direction = DatumGetChar(spi_value(i, 2));
		calls[i].started_at = DatumGetTimestampTz(spi_value(i, 3));
		calls[i].number = DatumGetInt64(spi_value(i, 4));
		calls[i].seconds = DatumGetNumericCopy(spi_value(i, 5));
		calls[i].content = DatumGetInt64(spi_value(i, 6));
		calls[i].billed = DatumGetInt64(spi_value(i, 7));
		calls[i].pool = spi_text(i, 8);
	}
	SPI_freetuptable(SPI_tuptable);
	return calls;
}

static int
compare_packages(const void *a, const void *b)
{
	return package_order(&((const PoolPackage *) a)->package,
						 &((const PoolPackage *) b)->package);
}

/* The account's packages that end after an instant, in order. */
PoolPackage *
ledger_packages(int64 account_id, TimestampTz since, int *npackages)
{
	Datum		values[] = {Int64GetDatum(account_id), TimestampTzGetDatum(since)};
	PoolPackage *packages;

	statement_execute(&select_packages, values);
	*npackages = SPI_processed;
	packages = palloc0_array(PoolPackage, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Package    *package = &packages[i].package;

		packages[i].pool = spi_text(i, 1);
		package->package_no = DatumGetInt32(spi_value(i, 2));
		package->valid_from = DatumGetTimestampTz(spi_value(i, 3));
		package->valid_until = DatumGetTimestampTz(spi_value(i, 4));
		package->covers_until = DatumGetTimestampTz(spi_value(i, 5));
		package->remaining = DatumGetInt64(spi_value(i, 6));
	}
	SPI_freetuptable(SPI_tuptable);
	qsort(packages, *npackages, sizeof(PoolPackage), compare_packages);
	return packages;
}

/* What the calls of a stretch and later ones drew, by stretch. */
UsageRow *
ledger_usage(int64 account_id, const char *pool, TimestampTz since, int *nrows)
{
	Datum		values[] = {
		Int64GetDatum(account_id),
		CStringGetTextDatum(pool),
		TimestampTzGetDatum(since)
	};
	UsageRow   *rows;

	statement_execute(&select_usage, values);
	*nrows = SPI_processed;
	rows = palloc_array(UsageRow, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		rows[i].stretch = DatumGetTimestampTz(spi_value(i, 1));
		rows[i].last_start = DatumGetTimestampTz(spi_value(i, 2));
		rows[i].package_no = DatumGetInt32(spi_value(i, 3));
		rows[i].billed = DatumGetInt64(spi_value(i, 4));
	}
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

/*
 * What calls that start in [from, until) hold on some packages (NO_PACKAGE
 * among them: shortfalls of the pool), latest start first.
 */
Movable *
ledger_movable(int64 account_id, const char *pool, TimestampTz from,
			   TimestampTz until, const int64 *packages, int npackages, int *n)
{
	Datum		values[] = {
		Int64GetDatum(account_id),
		CStringGetTextDatum(pool),
		TimestampTzGetDatum(from),
		TimestampTzGetDatum(until),
		bigint_array(packages, npackages)
	};
	Movable    *movable;

	statement_execute(&select_movable, values);
	*n = SPI_processed;
	movable = palloc_extended(Max(1, SPI_processed) * sizeof(Movable),
							  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		RatedCall  *call = &movable[i].call;

		call->account_id = account_id;
		call->call_id = TextDatumGetCString(spi_value(i, 1));
		call->direction = DatumGetChar(spi_value(i, 2));
		movable[i].package_no = DatumGetInt32(spi_value(i, 3));
		movable[i].billed = DatumGetInt64(spi_value(i, 4));
		movable[i].entry_no = DatumGetInt32(spi_value(i, 5));
		call->content = DatumGetInt64(spi_value(i, 6));
		call->started_at = DatumGetTimestampTz(spi_value(i, 7));
		call->number = DatumGetInt64(spi_value(i, 8));
		call->seconds = DatumGetNumericCopy(spi_value(i, 9));
	}
	SPI_freetuptable(SPI_tuptable);
	return movable;
}

/* One entry of a call. A charge names its package, a shortfall its pool. */
void
ledger_append(const LedgerAccount *account, const RatedCall *call,
			  int32 entry_no, EntryKind kind, int32 package_no,
			  const char *pool, int64 billed)
{
	TupleTableSlot *slot = append_slot(account->ledger);
	Datum	   *values = slot->tts_values;
	bool	   *nulls = slot->tts_isnull;

	memset(nulls, false, NCOLUMNS * sizeof(bool));
	values[COL_ACCOUNT_ID] = Int64GetDatum(account->account_id);
	values[COL_POSTING_NO] = Int64GetDatum(account->posting_no);
	values[COL_POSTED_AT] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[COL_STARTED_AT] = TimestampTzGetDatum(call->started_at);
	values[COL_BILLED] = Int64GetDatum(billed);
	values[COL_CONTENT] = Int64GetDatum(call->content);
	values[COL_NUMBER] = Int64GetDatum(call->number);
	values[COL_PACKAGE_NO] = Int32GetDatum(package_no);
	nulls[COL_PACKAGE_NO] = kind != ENTRY_CHARGE;
	values[COL_ENTRY_NO] = Int32GetDatum(entry_no);
	values[COL_DIRECTION] = CharGetDatum(call->direction);
	values[COL_KIND] = CharGetDatum(kind);
	values[COL_CALL_ID] = CStringGetTextDatum(call->call_id);
	nulls[COL_POOL] = kind != ENTRY_SHORTFALL;
	if (kind == ENTRY_SHORTFALL)
		values[COL_POOL] = CStringGetTextDatum(pool);
	values[COL_SECONDS] = NumericGetDatum(call->seconds);
	append_store(account->ledger);
}

void
ledger_put_usage(int64 account_id, const char *pool, const UsageRow *row)
{
	Datum		values[] = {
		Int64GetDatum(account_id),
		CStringGetTextDatum(pool),
		TimestampTzGetDatum(row->stretch),
		Int32GetDatum(row->package_no),
		Int64GetDatum(row->billed),
		TimestampTzGetDatum(row->last_start)
	};

	statement_execute(&put_usage, values);
}

/* Adds what a package's calls drew (or gave back) to its counter. */
void
ledger_count_draws(int64 account_id, const Package *package)
{
	Datum		values[] = {
		Int64GetDatum(account_id),
		Int32GetDatum(package->package_no),
		Int64GetDatum(package->drawn)
	};

	statement_execute(&update_package, values);
	if (SPI_processed != 1)
		elog(ERROR, "package %d of account " INT64_FORMAT " is gone",
			 package->package_no, account_id);
}
