/*
 * rating.h
 *		Rating: what each record is, whose, and how many seconds it bills.
 */
#ifndef CCC_RATING_H
#define CCC_RATING_H

#include "faults.h"
#include "intake.h"

/* One side of a call, rated: what the ledger needs to know. */
typedef struct RatedCall
{
	int64		account_id;
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

typedef void (*RatedCallSink) (void *argument, const RatedCall *call);

extern void rate_records(const CallRecord *records, int n, const Source *source,
						 Faults *faults, RatedCallSink sink, void *argument);

#endif							/* CCC_RATING_H */
