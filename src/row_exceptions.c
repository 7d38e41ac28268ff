/*
 * row_exceptions.c
 *		The locked exceptions of rows that are gone, or that a backfill found.
 *
 * Of one record there is an exception of neither side, or one of a side, or
 * one of each. So each of neither side is another row's, and those of the two
 * sides may be the same row's.
 */
#include "postgres.h"

#include "compat.h"
#include "exceptions.h"
#include "int64s.h"
#include "row_exceptions.h"
#include "statement.h"

static Statement select_sides = {
	.query = "SELECT e.exception_id, e.content, COALESCE(e.direction, ''), e.seen_at > $2 FROM ccc.exception_log AS e"
	" WHERE e.exception_id = ANY ($1)"
	" ORDER BY e.content, e.direction NULLS LAST, e.seen_at DESC, e.exception_id DESC",
	.types = {"uuid[]", "timestamptz"},
	.expected = SPI_OK_SELECT
};

/* The ids, and how many there are of each content and side. */
static void
count_sides(RowExceptions *exceptions)
{
	int			n = SPI_processed;
	RowException *item = NULL;

	exceptions->nids = n;
	exceptions->ids = palloc_extended(n * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
	exceptions->items = palloc_extended(n * sizeof(RowException), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < n; i++)
	{
		int64		content = DatumGetInt64(spi_value(i, 2));
		Direction	direction = DatumGetChar(spi_value(i, 3));

		exceptions->ids[i] = *DatumGetUUIDP(spi_value(i, 1));
		if (item == NULL || item->content != content || item->direction != direction)
		{
			item = &exceptions->items[exceptions->n++];
			item->content = content;
			item->direction = direction;
			item->first = i;
			item->unbilled = true;
		}
		item->unbilled &= DatumGetBool(spi_value(i, 4));
		item->n++;
	}
}

/* Leaves no more than there are rows. */
static void
leave_of_rows(RowExceptions *exceptions, const OpenExceptions *open)
{
	int			rows = 0;
	int			with_sides = 0;

	for (int i = 0; i < exceptions->n; i++)
	{
		RowException *item = &exceptions->items[i];

		if (i == 0 || item->content != item[-1].content)
		{
			rows = open_exceptions_rows(open, item->content);
			with_sides = 0;
		}
		if (item->direction == ANY_DIRECTION)
			item->n = Min(item->n, rows - with_sides);
		else
			item->n = Min(item->n, rows);
		with_sides = Max(with_sides, item->n);
	}
}

/* Reads what is locked, the latest first: of alike ones the first stored keeps its place. */
void
row_exceptions_read(const OpenExceptions *open, const Source *source, RowExceptions *exceptions)
{
	Datum		values[2];

	memset(exceptions, 0, sizeof(RowExceptions));
	if (open->n == 0)
		return;
	values[0] = open_exceptions_ids(open);
	values[1] = TimestampTzGetDatum(source->backfilled_at);
	statement_execute(&select_sides, values);
	count_sides(exceptions);
	SPI_freetuptable(SPI_tuptable);
	leave_of_rows(exceptions, open);
}

/* Resolves those that are not kept. */
static void
resolve(const RowExceptions *exceptions, const char *resolution)
{
	pg_uuid_t  *ids = palloc_extended(exceptions->nids * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
	int			nids = 0;

	for (int i = 0; i < exceptions->n; i++)
	{
		const RowException *item = &exceptions->items[i];

		for (int j = item->nkept; j < item->n; j++)
			ids[nids++] = exceptions->ids[item->first + j];
	}
	exceptions_resolve(ids, nids, resolution);
}

/* Resolves those of rows that are gone. */
void
row_exceptions_gone(const RowExceptions *gone)
{
	resolve(gone, RESOLVED_GONE);
}

/* Each account may have been traced for each row: it counts anew. */
void
row_exceptions_begin(RowExceptions *unbilled)
{
	for (int i = 0; i < unbilled->n; i++)
		unbilled->items[i].left_outbound = unbilled->items[i].left_inbound = unbilled->items[i].n;
}

/* The first item of a content; after the last one if there is none. */
static RowException *
first_of(const RowExceptions *exceptions, int64 content)
{
	return exceptions->items + first_not_less(exceptions->items, exceptions->n, sizeof(RowException), content);
}

/* Whether a row was an exception on this side, and not billed: so many are. */
bool
row_exceptions_take(RowExceptions *unbilled, int64 content, Direction direction)
{
	const RowException *end = unbilled->items + unbilled->n;

	for (RowException *item = first_of(unbilled, content); item < end && item->content == content; item++)
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

/*
 * Whether a row that could not be read was an exception since it was stored,
 * so that it has no charge: so many were. What a backfill told, or may have
 * billed, had one perhaps.
 */
bool
row_exceptions_take_unread(RowExceptions *gone, int64 content)
{
	const RowException *item = first_of(gone, content);

	return item < gone->items + gone->n && item->content == content && item->unbilled &&
		row_exceptions_take(gone, content, ANY_DIRECTION);
}

/* Keeps one more of a content and side; gives its id, or NULL if there is none. */
static const pg_uuid_t *
keep(const RowExceptions *exceptions, int64 content, Direction direction)
{
	const RowException *end = exceptions->items + exceptions->n;

	for (RowException *item = first_of(exceptions, content); item < end && item->content == content; item++)
		if (item->direction == direction && item->nkept < item->n)
			return &exceptions->ids[item->first + item->nkept++];
	return NULL;
}

/* The exception of a fault stays open, and says it; false if there is none. */
static bool
keep_as(const RowExceptions *exceptions, const Fault *fault, Direction direction)
{
	const pg_uuid_t *id = keep(exceptions, fault->content, direction);

	if (id != NULL && !fault->ignored)
		exceptions_still_open(id, fault);
	return id != NULL;
}

/*
 * Whether a fault is that of an exception of the record, which stays open. One
 * of a side is that of the side, or of one that knew of none; one of no side
 * is the record's, or that of each of its sides.
 */
static bool
keep_fault(const RowExceptions *exceptions, const Fault *fault)
{
	bool		outbound;
	bool		inbound;

	if (fault->direction != ANY_DIRECTION)
		return keep_as(exceptions, fault, fault->direction) || keep_as(exceptions, fault, ANY_DIRECTION);
	if (keep_as(exceptions, fault, ANY_DIRECTION))
		return true;
	outbound = keep_as(exceptions, fault, OUTBOUND);
	inbound = keep_as(exceptions, fault, INBOUND);
	return outbound || inbound;
}

/*
 * What a backfill found of rows: the exceptions that they have stay open where
 * it found faults, which are left out then, and are billed otherwise. What is
 * ignored by now is no new exception.
 */
void
row_exceptions_backfilled(const RowExceptions *exceptions, Faults *faults)
{
	int			kept = 0;

	for (int i = 0; i < faults->n; i++)
		if (!keep_fault(exceptions, &faults->items[i]) && !faults->items[i].ignored)
			faults->items[kept++] = faults->items[i];
	faults->n = kept;
	resolve(exceptions, RESOLVED_BILLED);
}
