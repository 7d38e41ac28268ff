/*
 * rated_call.h
 *		One side of a call, rated.
 */
#ifndef CCC_RATED_CALL_H
#define CCC_RATED_CALL_H

#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "words.h"

/*
 * One side of a call, rated: what the ledger needs to know. Of a removal only
 * the key and the content count.
 */
typedef struct RatedCall
{
	bool		removal;		/* the record is gone */
	bool		backfilled;		/* no repeat where it is billed already */
	bool		rerated;		/* in place of what is billed */
	bool		suspended;		/* not to be billed, as the account's numbers are */
	int64		account_id;
	int64		version;		/* of what its account's calls are rated by, then */
	char	   *call_id;
	Direction	direction;
	int64		row_no;
	TimestampTz started_at;
	int64		billed;			/* seconds, rounded */
	int64		number;			/* ours */
	int64		content;		/* hash of what the record said */
	const char *pool;			/* NULL: free */
	Numeric		seconds;
} RatedCall;

#endif							/* CCC_RATED_CALL_H */
