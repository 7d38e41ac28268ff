/*
 * open_exceptions.h
 *		Open exceptions, found before anything is rated and locked after their
 *		accounts.
 *
 * Everything here runs as the ledger's owner.
 */
#ifndef CCC_OPEN_EXCEPTIONS_H
#define CCC_OPEN_EXCEPTIONS_H

#include "utils/hsearch.h"
#include "utils/uuid.h"

#include "call_record.h"

typedef struct FoundException
{
	pg_uuid_t	id;
	bool		of_nobody;		/* no account could be told from the record */
} FoundException;

typedef struct OpenExceptions
{
	MemoryContext context;
	FoundException *found;
	int			n;
	int			room;
	int64	   *accounts;		/* of those that are known to be somebody's */
	int			naccounts;
	int			accounts_room;

	/* where they are of rows */
	Oid			cdr;			/* what was attached */
	HTAB	   *rows;			/* RowsOfContent, of rows that have some; or NULL */
} OpenExceptions;

extern bool open_exceptions_any(Oid cdr);
extern void open_exceptions_init(OpenExceptions *open);
extern void open_exceptions_add(OpenExceptions *open, const pg_uuid_t *id,
								const int64 *account_id);
extern void open_exceptions_find(OpenExceptions *open, Oid cdr,
								 const CallRecord *records, int n);
extern bool open_exceptions_lock(OpenExceptions *open);
extern int	open_exceptions_rows(const OpenExceptions *open, int64 content);
extern Datum open_exceptions_ids(const OpenExceptions *open);

#endif							/* CCC_OPEN_EXCEPTIONS_H */
