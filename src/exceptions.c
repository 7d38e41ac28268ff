/*
 * exceptions.c
 *		Exceptions that are still open, found and resolved.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/uuid.h"

#include "compat.h"
#include "exceptions.h"
#include "statement.h"

static Statement select_any = {
	.query = "SELECT FROM ccc.exception_log AS e WHERE e.source = $1 AND e.resolved_at IS NULL LIMIT 1",
	.types = {"regclass"},
	.expected = SPI_OK_SELECT
};

/* as many exceptions of a content and side as rows of that content are gone */
static Statement update_gone = {
	.query = "WITH gone AS (SELECT g.content, count(*) AS n FROM unnest($2) AS g (content) GROUP BY g.content),"
	" open AS (SELECT e.exception_id, e.content,"
	"                 row_number() OVER (PARTITION BY e.content, e.direction ORDER BY e.seen_at, e.exception_id) AS i"
	"          FROM ccc.exception_log AS e"
	"          WHERE e.source = $1 AND e.resolved_at IS NULL AND e.content = ANY ($2))"
	" UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = 'gone'"
	" FROM open AS o JOIN gone AS g ON g.content = o.content AND o.i <= g.n"
	" WHERE e.exception_id = o.exception_id",
	.types = {"regclass", "bigint[]"},
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

static Statement update_billed = {
	.query = "UPDATE ccc.exception_log AS e SET resolved_at = now(), resolution = 'billed'"
	" WHERE e.exception_id = $1",
	.types = {"uuid"},
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

/* Resolves the exceptions of records that are gone. */
void
exceptions_gone(Oid cdr, const int64 *contents, int n)
{
	Datum		values[] = {ObjectIdGetDatum(cdr), bigint_array(contents, n)};

	statement_execute(&update_gone, values);
}

static void
read_contender(uint64 row, int64 account_id, Contender *contender)
{
	RatedCall  *call = &contender->call;
	pg_uuid_t  *id = palloc_object(pg_uuid_t);

	*id = *DatumGetUUIDP(spi_value(row, 1));
	contender->exception_id = UUIDPGetDatum(id);
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
