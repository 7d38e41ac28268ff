/*
 * exceptions.h
 *		Exceptions that are still open, found and resolved.
 *
 * Everything here runs as the ledger's owner.
 */
#ifndef CCC_EXCEPTIONS_H
#define CCC_EXCEPTIONS_H

#include "faults.h"
#include "rated_call.h"

/* A record that contradicts the billed one, waiting to take its place. */
typedef struct Contender
{
	RatedCall	call;
	Datum		exception_id;	/* uuid */
} Contender;

/* An open exception whose record may be rated again. */
typedef struct Retry
{
	CallRecord	record;
	Datum		exception_id;	/* uuid */
	Oid			source;
} Retry;

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

extern bool exceptions_open(Oid cdr);
extern void exceptions_drop_known(Oid cdr, Faults *faults);
extern int64 *exceptions_accounts(Oid cdr, const int64 *contents, int n,
								  int *naccounts);
extern void exceptions_gone(Oid cdr, int64 *contents, int n,
							GoneExceptions *gone);
extern void gone_exceptions_begin(GoneExceptions *gone);
extern bool gone_exceptions_take(GoneExceptions *gone, int64 content,
								 Direction direction);
extern Contender *exceptions_contenders(int64 account_id, Datum *call_ids,
										int n, int *ncontenders);
extern void exceptions_backfilled(Oid cdr, const int64 *contents, int n,
								  const Faults *faults);
extern void exceptions_billed(Datum exception_id);
extern Retry *exceptions_to_retry(int *n);
extern Retry *exceptions_suspended(int64 account_id, int *n);
extern void exceptions_still_open(Datum exception_id, const Fault *fault);

#endif							/* CCC_EXCEPTIONS_H */
