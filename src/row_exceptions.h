/*
 * row_exceptions.h
 *		The locked exceptions of rows that are gone, or that a backfill found.
 *
 * Everything here runs as the ledger's owner.
 */
#ifndef CCC_ROW_EXCEPTIONS_H
#define CCC_ROW_EXCEPTIONS_H

#include "faults.h"
#include "open_exceptions.h"

/*
 * Exceptions of one content and side. There are no more of them than rows that
 * say this: rows that say the same stand for each other.
 */
typedef struct RowException
{
	int64		content;
	Direction	direction;		/* ANY_DIRECTION: of neither side */
	int			first;			/* of the ids */
	int			n;
	bool		unbilled;		/* they are since the latest backfill */
	int			nkept;			/* of these, from the first on, stay open */

	/* for the account at hand: not taken yet */
	int			left_outbound;
	int			left_inbound;
} RowException;

typedef struct RowExceptions
{
	RowException *items;		/* by content, those of neither side last */
	int			n;
	pg_uuid_t  *ids;
	int			nids;
} RowExceptions;

extern void row_exceptions_read(const OpenExceptions *open,
								const Source *source,
								RowExceptions *exceptions);
extern void row_exceptions_begin(RowExceptions *unbilled);
extern bool row_exceptions_take(RowExceptions *unbilled, int64 content,
								Direction direction);
extern bool row_exceptions_take_unread(RowExceptions *gone, int64 content);
extern void row_exceptions_gone(const RowExceptions *gone);
extern void row_exceptions_backfilled(const RowExceptions *exceptions,
									  Faults *faults);

#endif							/* CCC_ROW_EXCEPTIONS_H */
