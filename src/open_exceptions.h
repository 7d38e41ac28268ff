/*
 * open_exceptions.h
 *		Open exceptions of rows that a statement took away or a backfill found:
 *		found before anything is rated, locked after their accounts, resolved.
 *
 * Everything here runs as the ledger's owner.
 */
#ifndef CCC_OPEN_EXCEPTIONS_H
#define CCC_OPEN_EXCEPTIONS_H

#include "utils/uuid.h"

#include "faults.h"

typedef struct FoundException
{
	pg_uuid_t	id;
	bool		of_nobody;		/* no account could be told from the record */
} FoundException;

typedef struct OpenExceptions
{
	MemoryContext context;
	Oid			cdr;			/* what was attached, if they are of rows */
	FoundException *found;
	int			n;
	int			room;
	int64	   *accounts;		/* of those that are known to be somebody's */
	int			naccounts;
	int			accounts_room;
	int64	   *contents;		/* of the rows that have some, row by row */
	int			ncontents;
	int			contents_room;
} OpenExceptions;

/*
 * Rows that are gone and were exceptions: so many of a content and side are
 * not the billed record, though they may say the same.
 */
typedef struct GoneException
{
	int64		content;
	Direction	direction;		/* ANY_DIRECTION: of neither side */
	int			n;
	int			left_outbound;	/* for the account at hand */
	int			left_inbound;
} GoneException;

typedef struct GoneExceptions
{
	GoneException *items;		/* by content */
	int			n;
} GoneExceptions;

extern bool open_exceptions_any(Oid cdr);
extern void open_exceptions_init(OpenExceptions *open);
extern void open_exceptions_add(OpenExceptions *open, const pg_uuid_t *id,
								const int64 *account_id);
extern void open_exceptions_find(OpenExceptions *open, Oid cdr,
								 const CallRecord *records, int n);
extern bool open_exceptions_lock(OpenExceptions *open);
extern void open_exceptions_gone(OpenExceptions *open, GoneExceptions *gone);
extern void open_exceptions_backfilled(const OpenExceptions *open,
									   Faults *faults);

extern void gone_exceptions_begin(GoneExceptions *gone);
extern bool gone_exceptions_take(GoneExceptions *gone, int64 content,
								 Direction direction);

#endif							/* CCC_OPEN_EXCEPTIONS_H */
