/*
 * ledger.c
 *		The ledger of calls.
 *
 * The only file that writes it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "grow.h"
#include "ledger.h"
#include "statement.h"

#define MOVABLE_BATCH 1000		/* calls fetched at a time */

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

/*
 * Entries of what a call said before add up to nothing, and so do those on a
 * pool that it was charged on before.
 */
static Statement select_billed_calls = {
	.query = "SELECT h.call_id, h.direction, h.started_at, h.number, h.seconds, h.content,"
	" sum(h.billed)::bigint, max(h.pool)"
	" FROM (SELECT l.call_id, l.direction, l.started_at, l.number, l.seconds, l.content,"
	"              COALESCE(l.pool, p.pool) AS pool, sum(l.billed) AS billed"
	"       FROM ccc.ledger AS l"
	"       LEFT JOIN ccc.packages AS p ON p.account_id = l.account_id AND p.package_no = l.package_no"
	"       WHERE l.account_id = $1 AND l.started_at >= $2"
	"       GROUP BY l.call_id, l.direction, l.started_at, l.number, l.seconds, l.content, COALESCE(l.pool, p.pool)"
	"       HAVING sum(l.billed) > 0) AS h"
	" GROUP BY h.call_id, h.direction, h.started_at, h.number, h.seconds, h.content"
	" ORDER BY h.call_id, h.direction",
	.types = {"bigint", "timestamptz"},
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

static Statement recharge = {
	.query = "SELECT ccc.recharge($1, $2, '-infinity')",
	.types = {"bigint", "text"},
	.expected = SPI_OK_SELECT
};

/* What postings read is what stands now: their accounts are locked. */
Ledger *
ledger_begin(void)
{
	Ledger	   *ledger = palloc_object(Ledger);

	own_snapshot_push();
	ledger->packages = own_table_open(OWN_PACKAGES);
	ledger->other_usage = NULL;
	ledger->known = own_table_open(OWN_LEDGER);
	ledger->entries = append_begin(ledger->known->rel);
	return ledger;
}

/* Writes what is not yet written. */
void
ledger_end(Ledger *ledger)
{
	append_end(ledger->entries);
	own_table_close(ledger->known);
	if (ledger->other_usage != NULL)
		own_table_close(ledger->other_usage);
	own_table_close(ledger->packages);
	PopActiveSnapshot();
	CommandCounterIncrement();
	pfree(ledger);
}

/* What was appended is visible to the next statement. */
void
ledger_sync(const LedgerAccount *account)
{
	append_sync(account->ledger->entries);
}

/* Makes the usage of a pool anew from what the ledger holds by now. */
void
ledger_recharge(const LedgerAccount *account, const char *pool)
{
	Datum		values[] = {Int64GetDatum(account->account_id), CStringGetTextDatum(pool)};

	ereport(LOG_SERVER_ONLY,
			(errmsg("usage of account " INT64_FORMAT " in pool \"%s\" is outdated, and made anew from the ledger",
					account->account_id, pool),
			 errhint("When the rules of time zones have changed, call ccc.replay() for the accounts of which ccc.check_integrity() tells.")));
	ledger_sync(account);
	statement_execute(&recharge, values);
	SPI_freetuptable(SPI_tuptable);
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
read_entry(const TupleTableSlot *row, KnownCall *known)
{
	const Datum *values = row->tts_values;
	EntryKind	kind = DatumGetChar(values[COL_KIND]);

	known->entry_no = DatumGetInt32(values[COL_ENTRY_NO]);
	known->call.content = DatumGetInt64(values[COL_CONTENT]);
	known->call.started_at = DatumGetTimestampTz(values[COL_STARTED_AT]);
	known->call.number = DatumGetInt64(values[COL_NUMBER]);
	known->call.seconds = DatumGetNumericCopy(values[COL_SECONDS]);
	if (kind == ENTRY_REPEAT)
		known->copies++;
	else if (kind == ENTRY_REPEAT_GONE)
		known->copies--;
	else
		add_holding(known, kind,
					row->tts_isnull[COL_PACKAGE_NO] ? NO_PACKAGE : DatumGetInt32(values[COL_PACKAGE_NO]),
					row->tts_isnull[COL_POOL] ? NULL : TextDatumGetCString(values[COL_POOL]),
					DatumGetInt64(values[COL_BILLED]));
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

/* One more call of the ledger; its entries are to be read. */
static KnownCall *
add_known(KnownCalls *known, const LedgerAccount *account, char *call_id, Direction direction)
{
	KnownCall  *call;

	known->calls = grow(CurrentMemoryContext, known->calls, known->n, &known->room, sizeof(KnownCall));
	call = memset(&known->calls[known->n++], 0, sizeof(KnownCall));
	call->call.account_id = account->account_id;
	call->call.call_id = call_id;
	call->call.direction = direction;
	return call;
}

/* Whether the ledger holds a call with an id from first to last. */
bool
ledger_knows_between(const LedgerAccount *account, const char *first, const char *last)
{
	OwnTable   *entries = account->ledger->known;
	Datum		key[] = {
		Int64GetDatum(account->account_id),
		CStringGetTextDatum(first)
	};

	own_table_find(entries, KEY_LAST_SINCE, lengthof(key), key);
	return own_table_next(entries) &&
		strcmp(TextDatumGetCString(entries->row->tts_values[COL_CALL_ID]), last) <= 0;
}

/* The calls of an id that the ledger holds, by direction. */
void
ledger_known_calls(const LedgerAccount *account, char *call_id, KnownCalls *known)
{
	OwnTable   *entries = account->ledger->known;
	Datum		key[] = {
		Int64GetDatum(account->account_id),
		CStringGetTextDatum(call_id)
	};
	int			first = known->n;
	KnownCall  *call = NULL;

	own_table_find(entries, KEY_EQUAL, lengthof(key), key);
	while (own_table_next(entries))
	{
		Direction	direction = DatumGetChar(entries->row->tts_values[COL_DIRECTION]);

		if (call == NULL || call->call.direction != direction)
			call = add_known(known, account, call_id, direction);
		read_entry(entries->row, call);
	}
	for (int i = first; i < known->n; i++)
		drop_empty_holdings(&known->calls[i]);
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

/*
 * What calls that start in [from, until) hold on some packages (NO_PACKAGE
 * among them: shortfalls of the pool), latest start first.
 */
MovableScan *
ledger_movable_begin(int64 account_id, const char *pool, TimestampTz from,
					 TimestampTz until, const int64 *packages, int npackages)
{
	Datum		values[] = {
		Int64GetDatum(account_id),
		CStringGetTextDatum(pool),
		TimestampTzGetDatum(from),
		TimestampTzGetDatum(until),
		bigint_array(packages, npackages)
	};
	MovableScan *scan = palloc0_object(MovableScan);

	scan->account_id = account_id;
	scan->context = AllocSetContextCreate(CurrentMemoryContext, "ccc movable calls",
										  ALLOCSET_DEFAULT_SIZES);
	scan->old_context = AllocSetContextCreate(CurrentMemoryContext, "ccc movable calls before",
											  ALLOCSET_DEFAULT_SIZES);
	scan->portal = statement_open(&select_movable, values);
	return scan;
}

static void
read_movable(int64 account_id, uint64 row, Movable *movable)
{
	RatedCall  *call = &movable->call;

	memset(movable, 0, sizeof(Movable));
	call->account_id = account_id;
	call->call_id = TextDatumGetCString(spi_value(row, 1));
	call->direction = DatumGetChar(spi_value(row, 2));
	movable->package_no = DatumGetInt32(spi_value(row, 3));
	movable->billed = DatumGetInt64(spi_value(row, 4));
	movable->entry_no = DatumGetInt32(spi_value(row, 5));
	call->content = DatumGetInt64(spi_value(row, 6));
	call->started_at = DatumGetTimestampTz(spi_value(row, 7));
	call->number = DatumGetInt64(spi_value(row, 8));
	call->seconds = DatumGetNumericCopy(spi_value(row, 9));
}

/* More rows, in place of those before the last ones. */
static void
fetch_movable(MovableScan *scan)
{
	MemoryContext context = scan->old_context;
	MemoryContext old;

	scan->old_context = scan->context;
	scan->context = context;
	MemoryContextReset(context);
	old = MemoryContextSwitchTo(context);
	statement_fetch(scan->portal, MOVABLE_BATCH);
	MemoryContextSwitchTo(context);
	scan->n = SPI_processed;
	scan->next = 0;
	scan->rows = palloc_array(Movable, Max(1, scan->n));
	for (int i = 0; i < scan->n; i++)
		read_movable(scan->account_id, i, &scan->rows[i]);
	SPI_freetuptable(SPI_tuptable);
	MemoryContextSwitchTo(old);
}

/* The next one, or NULL; it stays at least until the next but one is asked for. */
Movable *
ledger_movable_next(MovableScan *scan)
{
	if (scan->next == scan->n)
		fetch_movable(scan);
	return scan->n == 0 ? NULL : &scan->rows[scan->next++];
}

void
ledger_movable_end(MovableScan *scan)
{
	SPI_cursor_close(scan->portal);
	MemoryContextDelete(scan->context);
	MemoryContextDelete(scan->old_context);
	pfree(scan);
}

/* One entry of a call. A charge names its package, a shortfall its pool. */
void
ledger_append(const LedgerAccount *account, const RatedCall *call,
			  int32 entry_no, EntryKind kind, int32 package_no,
			  const char *pool, int64 billed)
{
	Appender   *entries = account->ledger->entries;
	TupleTableSlot *slot = append_slot(entries);
	Datum	   *values = slot->tts_values;
	bool	   *nulls = slot->tts_isnull;
	MemoryContext old = MemoryContextSwitchTo(append_memory(entries));

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
	values[COL_SECONDS] = NumericGetDatum(DatumGetNumericCopy(NumericGetDatum(call->seconds)));
	append_store(entries);
	MemoryContextSwitchTo(old);
}
