/*
 * ledger.c
 *		The ledger and the counters beside it.
 *
 * The only file that changes them. Statements are qualified throughout, so
 * that no search_path can put another operator in their place.
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

static Statement update_account = {
	.query = "UPDATE ccc.accounts AS a SET last_posting_no = a.last_posting_no OPERATOR(pg_catalog.+) 1"
	" WHERE a.account_id OPERATOR(pg_catalog.=) $1 RETURNING a.last_posting_no",
	.types = {"bigint"},
	.expected = SPI_OK_UPDATE_RETURNING
};

static Statement select_known_calls = {
	.query = "SELECT DISTINCT ON (l.call_id, l.direction) l.call_id, l.direction, l.entry_no, l.content"
	" FROM ccc.ledger AS l"
	" WHERE l.account_id OPERATOR(pg_catalog.=) $1 AND l.call_id OPERATOR(pg_catalog.=) ANY ($2)"
	" ORDER BY l.call_id, l.direction, l.entry_no DESC",
	.types = {"bigint", "text[]"},
	.expected = SPI_OK_SELECT
};

static Statement select_packages = {
	.query = "SELECT p.pool, p.package_no, p.valid_from, p.valid_until,"
	" LEAST(p.valid_until, p.refunded_at),"
	" p.granted OPERATOR(pg_catalog.-) p.refunded OPERATOR(pg_catalog.-) p.used"
	" FROM ccc.packages AS p"
	" WHERE p.account_id OPERATOR(pg_catalog.=) $1"
	" AND p.valid_until OPERATOR(pg_catalog.>) $2 AND p.valid_from OPERATOR(pg_catalog.<=) $3"
	" ORDER BY p.pool COLLATE \"C\", p.valid_until, p.valid_from, p.package_no",
	.types = {"bigint", "timestamptz", "timestamptz"},
	.expected = SPI_OK_SELECT
};

static Statement update_package = {
	.query = "UPDATE ccc.packages AS p SET used = p.used OPERATOR(pg_catalog.+) $3"
	" WHERE p.account_id OPERATOR(pg_catalog.=) $1 AND p.package_no OPERATOR(pg_catalog.=) $2",
	.types = {"bigint", "integer", "bigint"},
	.expected = SPI_OK_UPDATE
};

static Statement add_shortfall = {
	.query = "INSERT INTO ccc.shortfalls AS s (account_id, pool, billed) VALUES ($1, $2, $3)"
	" ON CONFLICT (account_id, pool) DO UPDATE"
	" SET billed = s.billed OPERATOR(pg_catalog.+) excluded.billed",
	.types = {"bigint", "text", "bigint"},
	.expected = SPI_OK_INSERT
};

/*
 * Locks an account and gives the number of a new posting to it; 0 when there
 * is no such account. The lock is an update: who holds an older snapshot of
 * the account's history gets a serialization failure here.
 */
int64
ledger_begin_posting(int64 account_id)
{
	Datum		value = Int64GetDatum(account_id);
	int64		posting_no = 0;

	statement_execute(&update_account, &value);
	if (SPI_processed > 0)
		posting_no = DatumGetInt64(spi_value(0, 1));
	SPI_freetuptable(SPI_tuptable);
	return posting_no;
}

/* Calls of these ids that the ledger holds, by call_id and direction. */
KnownCall *
ledger_known_calls(int64 account_id, Datum *call_ids, int n, int *nknown)
{
	Datum		values[] = {Int64GetDatum(account_id), text_array(call_ids, n)};
	KnownCall  *known;

	statement_execute(&select_known_calls, values);
	*nknown = SPI_processed;
	known = palloc_array(KnownCall, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		known[i].call_id = TextDatumGetCString(spi_value(i, 1));
		known[i].direction = DatumGetChar(spi_value(i, 2));
		known[i].entry_no = DatumGetInt32(spi_value(i, 3));
		known[i].content = DatumGetInt64(spi_value(i, 4));
	}
	SPI_freetuptable(SPI_tuptable);
	return known;
}

static void
read_package(uint64 row, Package *package)
{
	package->package_no = DatumGetInt32(spi_value(row, 2));
	package->valid_from = DatumGetTimestampTz(spi_value(row, 3));
	package->valid_until = DatumGetTimestampTz(spi_value(row, 4));
	package->covers_until = DatumGetTimestampTz(spi_value(row, 5));
	package->remaining = DatumGetInt64(spi_value(row, 6));
	package->drawn = 0;
}

/* The account's packages that may cover calls between two starts, by pool. */
PoolPackages *
ledger_packages(int64 account_id, TimestampTz first_start,
				TimestampTz last_start, int *npools)
{
	Datum		values[] = {
		Int64GetDatum(account_id),
		TimestampTzGetDatum(first_start),
		TimestampTzGetDatum(last_start)
	};
	PoolPackages *pools;
	Package    *packages;

	statement_execute(&select_packages, values);
	pools = palloc0_array(PoolPackages, SPI_processed);
	packages = palloc_array(Package, SPI_processed);
	*npools = 0;
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *pool = spi_text(i, 1);

		if (*npools == 0 || strcmp(pools[*npools - 1].pool, pool) != 0)
		{
			pools[*npools].pool = pstrdup(pool);
			pools[(*npools)++].packages = &packages[i];
		}
		read_package(i, &packages[i]);
		pools[*npools - 1].npackages++;
	}
	SPI_freetuptable(SPI_tuptable);
	return pools;
}

/* One entry of a call; package_no is that of a charge, else ignored. */
void
ledger_append(Appender *ledger, const RatedCall *call, int64 posting_no,
			  int32 entry_no, EntryKind kind, int32 package_no, int64 billed)
{
	TupleTableSlot *slot = append_slot(ledger);
	Datum	   *values = slot->tts_values;
	bool	   *nulls = slot->tts_isnull;

	memset(nulls, false, NCOLUMNS * sizeof(bool));
	values[COL_ACCOUNT_ID] = Int64GetDatum(call->account_id);
	values[COL_POSTING_NO] = Int64GetDatum(posting_no);
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
		values[COL_POOL] = CStringGetTextDatum(call->pool);
	values[COL_SECONDS] = NumericGetDatum(call->seconds);
	append_store(ledger);
}

static void
count_shortfall(int64 account_id, const PoolPackages *pool)
{
	Datum		values[] = {
		Int64GetDatum(account_id),
		CStringGetTextDatum(pool->pool),
		Int64GetDatum(pool->shortfall)
	};

	statement_execute(&add_shortfall, values);
}

static void
count_draws(int64 account_id, const Package *package)
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

/* Brings the counters up to what a posting drew and could not draw. */
void
ledger_count(int64 account_id, const PoolPackages *pools, int npools)
{
	for (int i = 0; i < npools; i++)
	{
		for (int j = 0; j < pools[i].npackages; j++)
			if (pools[i].packages[j].drawn != 0)
				count_draws(account_id, &pools[i].packages[j]);
		if (pools[i].shortfall != 0)
			count_shortfall(account_id, &pools[i]);
	}
}
