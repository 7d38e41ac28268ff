/*
 * exceptions.h
 *		Exceptions whose records are rated again, or billed in another's place.
 *
 * Everything here runs as the ledger's owner.
 */
#ifndef CCC_EXCEPTIONS_H
#define CCC_EXCEPTIONS_H

#include "utils/uuid.h"

#include "faults.h"
#include "rated_call.h"

/* open, said so that no plan reads all that are: there is an index of these */
#define IS_OPEN(alias) "COALESCE(" alias ".resolved_at, '-infinity') = '-infinity'"

/* how an exception ends */
#define RESOLVED_BILLED "billed"
#define RESOLVED_GONE "gone"

/* A record that contradicts the billed one, waiting to take its place. */
typedef struct Contender
{
	RatedCall	call;
	pg_uuid_t	exception_id;
} Contender;

/* An open exception whose record may be rated again. */
typedef struct Retry
{
	CallRecord	record;
	pg_uuid_t	exception_id;
	Oid			source;
	bool		has_account;
	int64		account_id;
} Retry;

extern void exceptions_drop_billed(Faults *faults);
extern Contender *exceptions_contenders(int64 account_id, Datum *call_ids,
										int n, int *ncontenders);
extern void exceptions_resolve(const pg_uuid_t *exception_ids, int n,
							   const char *resolution);
extern Retry *exceptions_to_retry(int *n);
extern Retry *exceptions_suspended(int64 account_id, int *n);
extern void exceptions_still_open(const pg_uuid_t *exception_id,
								  const Fault *fault);
extern void exceptions_other_side(const pg_uuid_t *exception_id,
								  const Fault *fault);

#endif							/* CCC_EXCEPTIONS_H */
