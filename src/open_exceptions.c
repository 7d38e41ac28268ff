/*
 * open_exceptions.c
 *		Open exceptions, found before anything is rated and locked after their
 *		accounts.
 *
 * What another session resolves in between is missing when they are locked,
 * and may have been billed to an account that nobody knew of when the rows
 * were rated: then everything is found and rated again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/qunique.h"
#include "utils/hsearch.h"

#include "compat.h"
#include "exceptions.h"
#include "grow.h"
#include "int64s.h"
#include "open_exceptions.h"
#include "own_table.h"
#include "statement.h"

/* as the index exception_log_open_by_content has them */
#define OPEN_OF_SOURCE(e) e ".source::oid::bigint # 0 = $1::oid::bigint # 0 AND " e ".resolved_at IS NULL"
#define SAYING(e, content) e ".content # 0 = " content " # 0"

static Statement select_any = {
	.query = "SELECT FROM ccc.exception_log AS e WHERE " OPEN_OF_SOURCE("e") " LIMIT 1",
	.types = {"regclass"},
	.expected = SPI_OK_SELECT
};

/*
 * One look for each content or id. A plan for = ANY, if it was made while there
 * were few exceptions, would read all that are open each time. What is gone
 * unseen is no row's.
 */
#define FOUND \
	" FROM unnest($2) AS f (content)," \
	" LATERAL (SELECT x.exception_id, x.content, x.account_id FROM ccc.exception_log AS x" \
	"          WHERE " OPEN_OF_SOURCE("x") " AND " SAYING("x", "f.content") \
	"            AND x.reason <> 'gone_unseen' OFFSET 0) AS e"

static Statement select_found = {
	.query = "SELECT e.exception_id, e.content, e.account_id" FOUND,
	.types = {"regclass", "bigint[]"},
	.expected = SPI_OK_SELECT
};

static Statement count_found = {
	.query = "SELECT count(DISTINCT e.exception_id)" FOUND,
	.types = {"regclass", "bigint[]"},
	.expected = SPI_OK_SELECT
};

/*
 * In the order of their ids, for all sessions; one whose account was told since
 * is another one, and may be one of two.
 */
static Statement select_locked = {
	.query = "SELECT FROM unnest($1, $2) AS f (exception_id, of_nobody),"
	" LATERAL (SELECT FROM ccc.exception_log AS x"
	"          WHERE x.exception_id = f.exception_id AND " IS_OPEN("x")
	"            AND (x.account_id IS NULL) = f.of_nobody"
	"            AND (f.of_nobody OR ccc.is_among(x.account_id, $3)) OFFSET 0 FOR UPDATE) AS e",
	.types = {"uuid[]", "boolean[]", "bigint[]"},
	.expected = SPI_OK_SELECT
};

/*
 * Runs a query for what is open by now; and then, under an older snapshot, for
 * what that shows: locking it tells that it is outdated. False at the end.
 */
static bool
query_open(Statement *query, Datum *values, int nth)
{
	if (nth == 0)
		statement_look(query, values);
	else if (nth == 1 && IsolationUsesXactSnapshot())
		statement_execute(query, values);
	else
		return false;
	return true;
}

/* Whether a call table has any. */
bool
open_exceptions_any(Oid cdr)
{
	Datum		value = ObjectIdGetDatum(cdr);
	bool		any = false;

	for (int nth = 0; !any && query_open(&select_any, &value, nth); nth++)
	{
		any = SPI_processed > 0;
		SPI_freetuptable(SPI_tuptable);
	}
	return any;
}

/* Rows that say the same and have exceptions. */
typedef struct RowsOfContent
{
	int64		content;		/* hash key */
	int			n;
} RowsOfContent;

static HTAB *
make_rows(MemoryContext context)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(RowsOfContent),.hcxt = context};

	return hash_create("ccc rows with exceptions", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* None yet; they live in the current memory context. */
void
open_exceptions_init(OpenExceptions *open)
{
	memset(open, 0, sizeof(*open));
	open->context = CurrentMemoryContext;
}

/* One more; the account is NULL where none could be told from the record. */
void
open_exceptions_add(OpenExceptions *open, const pg_uuid_t *id, const int64 *account_id)
{
	open->found = grow(open->context, open->found, open->n, &open->room, sizeof(FoundException));
	open->found[open->n].id = *id;
	open->found[open->n++].of_nobody = account_id == NULL;
	if (account_id == NULL)
		return;
	open->accounts = grow(open->context, open->accounts, open->naccounts,
						  &open->accounts_room, sizeof(int64));
	open->accounts[open->naccounts++] = *account_id;
}

/* Adds what a query found; the rows of its contents are counted from now on. */
static void
add_found(OpenExceptions *open)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int64		content = DatumGetInt64(spi_value(i, 2));
		bool		of_nobody;
		int64		account_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
															 SPI_tuptable->tupdesc, 3, &of_nobody));
		bool		known;
		RowsOfContent *rows = hash_search(open->rows, &content, HASH_ENTER, &known);

		if (!known)
			rows->n = 0;
		open_exceptions_add(open, DatumGetUUIDP(spi_value(i, 1)), of_nobody ? NULL : &account_id);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Leaves each content once, and none that was found with rows before. */
static int
leave_new(const OpenExceptions *open, int64 *contents, int n)
{
	int			kept = 0;

	qsort(contents, n, sizeof(int64), compare_int64);
	n = qunique(contents, n, sizeof(int64), compare_int64);
	for (int i = 0; i < n; i++)
		if (hash_search(open->rows, &contents[i], HASH_FIND, NULL) == NULL)
			contents[kept++] = contents[i];
	return kept;
}

/* Adds those of some rows of a call table. */
void
open_exceptions_find(OpenExceptions *open, Oid cdr, const CallRecord *records, int n)
{
	int64	   *contents = palloc_array(int64, n);
	int64	   *wanted = palloc_array(int64, n);
	int			ncontents = 0;
	Datum		values[2];

	for (int i = 0; i < n; i++)
		if (record_matters(&records[i]))
			contents[ncontents++] = record_content(&records[i]);
	memcpy(wanted, contents, ncontents * sizeof(int64));
	open->cdr = cdr;
	if (open->rows == NULL)
		open->rows = make_rows(open->context);
	values[0] = ObjectIdGetDatum(cdr);
	values[1] = bigint_array(wanted, leave_new(open, wanted, ncontents));
	for (int nth = 0; query_open(&select_found, values, nth); nth++)
		add_found(open);
	for (int i = 0; i < ncontents; i++)
	{
		RowsOfContent *rows = hash_search(open->rows, &contents[i], HASH_FIND, NULL);

		if (rows != NULL)
			rows->n++;
	}
}

/* How many rows said this, of those that have exceptions. */
int
open_exceptions_rows(const OpenExceptions *open, int64 content)
{
	const RowsOfContent *rows = hash_search(open->rows, &content, HASH_FIND, NULL);

	return rows->n;
}

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(&((const FoundException *) a)->id, &((const FoundException *) b)->id, sizeof(pg_uuid_t));
}

/*
 * Ascending, each once: rows of one content find the same exceptions, which
 * are of few accounts.
 */
static void
sort_found(OpenExceptions *open)
{
	qsort(open->found, open->n, sizeof(FoundException), compare_ids);
	open->n = qunique(open->found, open->n, sizeof(FoundException), compare_ids);
	qsort(open->accounts, open->naccounts, sizeof(int64), compare_int64);
	open->naccounts = qunique(open->accounts, open->naccounts, sizeof(int64), compare_int64);
}

/* Their ids, for a query. */
Datum
open_exceptions_ids(const OpenExceptions *open)
{
	Datum	   *ids = palloc_array(Datum, open->n);

	for (int i = 0; i < open->n; i++)
		ids[i] = UUIDPGetDatum(&open->found[i].id);
	return array_of(ids, open->n, UUIDOID);
}

static Datum
of_nobody(const OpenExceptions *open)
{
	Datum	   *flags = palloc_array(Datum, open->n);

	for (int i = 0; i < open->n; i++)
		flags[i] = BoolGetDatum(open->found[i].of_nobody);
	return array_of(flags, open->n, BOOLOID);
}

static Datum
contents_of(const OpenExceptions *open)
{
	int64	   *contents = palloc_array(int64, hash_get_num_entries(open->rows));
	int			n = 0;
	HASH_SEQ_STATUS scan;
	RowsOfContent *rows;

	hash_seq_init(&scan, open->rows);
	while ((rows = hash_seq_search(&scan)) != NULL)
		contents[n++] = rows->content;
	return bigint_array(contents, n);
}

/* Whether they are all that the rows have: a retry may have told a side of its own. */
static bool
are_all(const OpenExceptions *open)
{
	Datum		values[2];
	int64		n;

	if (open->rows == NULL)
		return true;
	values[0] = ObjectIdGetDatum(open->cdr);
	values[1] = contents_of(open);
	statement_look(&count_found, values);
	n = DatumGetInt64(spi_value(0, 1));
	SPI_freetuptable(SPI_tuptable);
	return n == open->n;
}

/*
 * Locks them; their accounts are locked. False when they are no longer what
 * was found; an error (40001) where an older snapshot keeps it from being
 * found again.
 */
bool
open_exceptions_lock(OpenExceptions *open)
{
	Datum		values[3];
	bool		all_locked;

	if (open->n == 0)
		return true;
	sort_found(open);
	values[0] = open_exceptions_ids(open);
	values[1] = of_nobody(open);
	values[2] = bigint_array(open->accounts, open->naccounts);
	statement_execute(&select_locked, values);
	all_locked = SPI_processed == open->n;
	SPI_freetuptable(SPI_tuptable);
	if (all_locked && are_all(open))
		return true;
	check_not_outdated();
	return false;
}
