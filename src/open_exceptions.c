/*
 * open_exceptions.c
 *		Open exceptions of rows that a statement took away or a backfill found:
 *		found before anything is rated, locked after their accounts, resolved.
 *
 * What another session resolves in between is missing when they are locked,
 * and may have been billed to an account that nobody knew of when the rows
 * were rated: then everything is found and rated again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "lib/qunique.h"

#include "compat.h"
#include "exceptions.h"
#include "grow.h"
#include "int64s.h"
#include "open_exceptions.h"
#include "own_table.h"
#include "statement.h"

static Statement select_any = {
	.query = "SELECT FROM ccc.exception_log AS e WHERE e.source = $1 AND e.resolved_at IS NULL LIMIT 1",
	.types = {"regclass"},
	.expected = SPI_OK_SELECT
};

/*
 * One look for each content or id. A plan for = ANY, if it was made while there
 * were few exceptions, would read all that are open each time.
 */
#define FOUND \
	" FROM unnest($2) AS f (content)," \
	" LATERAL (SELECT x.exception_id, x.content, x.account_id FROM ccc.exception_log AS x" \
	"          WHERE x.source = $1 AND x.content = f.content AND x.resolved_at IS NULL OFFSET 0) AS e"

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

static Statement select_sides = {
	.query = "SELECT e.exception_id, e.content, COALESCE(e.direction, '') FROM ccc.exception_log AS e"
	" WHERE e.exception_id = ANY ($1)"
	" ORDER BY e.content, e.direction, e.seen_at, e.exception_id",
	.types = {"uuid[]"},
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

/* Adds what a query found, and its contents to the n that were found before. */
static int64 *
add_found(OpenExceptions *open, int64 *contents, int *n)
{
	int64	   *all = palloc_extended((*n + SPI_processed) * sizeof(int64), MCXT_ALLOC_HUGE);

	memcpy(all, contents, *n * sizeof(int64));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		of_nobody;
		int64		account_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
															 SPI_tuptable->tupdesc, 3, &of_nobody));

		open_exceptions_add(open, DatumGetUUIDP(spi_value(i, 1)), of_nobody ? NULL : &account_id);
		all[(*n)++] = DatumGetInt64(spi_value(i, 2));
	}
	SPI_freetuptable(SPI_tuptable);
	return all;
}

/* The contents of rows, of those alone that are among some sorted ones. */
static void
add_contents(OpenExceptions *open, const CallRecord *records, int n,
			 const int64 *found, int nfound)
{
	for (int i = 0; i < n; i++)
	{
		int64		content = record_content(&records[i]);

		if (bsearch(&content, found, nfound, sizeof(int64), compare_int64) == NULL)
			continue;
		open->contents = grow(open->context, open->contents, open->ncontents,
							  &open->contents_room, sizeof(int64));
		open->contents[open->ncontents++] = content;
	}
}

/* Adds those of some rows. */
void
open_exceptions_find(OpenExceptions *open, Oid cdr, const CallRecord *records, int n)
{
	int64	   *contents = palloc_array(int64, n);
	int			nfound = 0;
	Datum		values[2];

	for (int i = 0; i < n; i++)
		contents[i] = record_content(&records[i]);
	open->cdr = cdr;
	values[0] = ObjectIdGetDatum(cdr);
	values[1] = bigint_array(contents, n);
	for (int nth = 0; query_open(&select_found, values, nth); nth++)
		contents = add_found(open, contents, &nfound);
	qsort(contents, nfound, sizeof(int64), compare_int64);
	add_contents(open, records, n, contents, nfound);
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

static Datum
ids_of(const OpenExceptions *open)
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

/* Whether they are all that the rows have: a retry may have told a side of its own. */
static bool
are_all(const OpenExceptions *open)
{
	Datum		values[] = {ObjectIdGetDatum(open->cdr), bigint_array(open->contents, open->ncontents)};
	int64		n;

	if (open->ncontents == 0)
		return true;
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
	values[0] = ids_of(open);
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

/* A locked exception, to be resolved unless it stays open. */
typedef struct Side
{
	int64		content;
	Direction	direction;		/* ANY_DIRECTION: of neither side */
	bool		stays;
	pg_uuid_t	id;
} Side;

/* Those that are locked, by content and side, oldest first. */
static Side *
read_sides(const OpenExceptions *open)
{
	Side	   *sides = palloc_array(Side, open->n);
	Datum		value = ids_of(open);

	statement_execute(&select_sides, &value);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		sides[i].id = *DatumGetUUIDP(spi_value(i, 1));
		sides[i].content = DatumGetInt64(spi_value(i, 2));
		sides[i].direction = DatumGetChar(spi_value(i, 3));
		sides[i].stays = false;
	}
	SPI_freetuptable(SPI_tuptable);
	return sides;
}

static void
resolve_sides(const Side *sides, int n, const char *resolution)
{
	pg_uuid_t  *ids = palloc_array(pg_uuid_t, n);
	int			nids = 0;

	for (int i = 0; i < n; i++)
		if (!sides[i].stays)
			ids[nids++] = sides[i].id;
	exceptions_resolve(ids, nids, resolution);
}

/* How many of the rows' contents, sorted, are this one. */
static int
count_rows(const OpenExceptions *open, int64 content)
{
	int			first = first_not_less(open->contents, open->ncontents, sizeof(int64), content);
	int			end = first;

	while (end < open->ncontents && open->contents[end] == content)
		end++;
	return end - first;
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
 * Resolves the locked exceptions of rows that are gone, as many of each
 * content and side as there are such rows.
 */
void
open_exceptions_gone(OpenExceptions *open, GoneExceptions *gone)
{
	Side	   *sides;
	int			rows = 0;

	gone->n = 0;
	if (open->n == 0)
		return;
	qsort(open->contents, open->ncontents, sizeof(int64), compare_int64);
	sides = read_sides(open);
	gone->items = palloc_array(GoneException, open->n);
	for (int i = 0; i < open->n; i++)
	{
		if (i == 0 || sides[i].content != sides[i - 1].content)
			rows = count_rows(open, sides[i].content);
		sides[i].stays = !add_gone(gone, sides[i].content, sides[i].direction, rows);
	}
	resolve_sides(sides, open->n, RESOLVED_GONE);
}

/* The first one of a record and a side that nothing has been found for yet. */
static Side *
find_side(Side *first, const Side *end, int64 content, Direction direction)
{
	for (; first < end && first->content == content; first++)
		if (!first->stays && first->direction == direction)
			return first;
	return NULL;
}

/*
 * Whether a fault is that of an exception of the record, which stays open. One
 * of a side is that of the side, or of one that knew of none; one of no side
 * leaves all of the record's as they are.
 */
static bool
take_fault(Side *sides, int n, const Fault *fault)
{
	Side	   *first = sides + first_not_less(sides, n, sizeof(Side), fault->content);
	const Side *end = sides + n;
	Side	   *side;

	if (fault->direction == ANY_DIRECTION)
	{
		for (side = first; side < end && side->content == fault->content; side++)
			side->stays = true;
		return side > first;
	}
	side = find_side(first, end, fault->content, fault->direction);
	if (side == NULL)
		side = find_side(first, end, fault->content, ANY_DIRECTION);
	if (side == NULL)
		return false;
	side->stays = true;
	exceptions_still_open(&side->id, fault);
	return true;
}

/*
 * What a backfill found of records that had exceptions: these stay open where
 * it found faults, which are left out then, and are billed otherwise.
 */
void
open_exceptions_backfilled(const OpenExceptions *open, Faults *faults)
{
	Side	   *sides = read_sides(open);
	int			kept = 0;

	for (int i = 0; i < faults->n; i++)
		if (!take_fault(sides, open->n, &faults->items[i]))
			faults->items[kept++] = faults->items[i];
	faults->n = kept;
	resolve_sides(sides, open->n, RESOLVED_BILLED);
}

/* Each account may have been traced for each row: it counts anew. */
void
gone_exceptions_begin(GoneExceptions *gone)
{
	for (int i = 0; i < gone->n; i++)
		gone->items[i].left_outbound = gone->items[i].left_inbound = gone->items[i].n;
}

/* Whether a row that is gone was an exception on this side, and not billed. */
bool
gone_exceptions_take(GoneExceptions *gone, int64 content, Direction direction)
{
	for (int i = first_not_less(gone->items, gone->n, sizeof(GoneException), content);
		 i < gone->n && gone->items[i].content == content; i++)
	{
		GoneException *item = &gone->items[i];
		int		   *left = direction == OUTBOUND ? &item->left_outbound : &item->left_inbound;

		if (*left > 0 && (item->direction == direction || item->direction == ANY_DIRECTION))
		{
			(*left)--;
			return true;
		}
	}
	return false;
}
