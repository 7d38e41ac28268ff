/*
 * rating.h
 *		Rating: what each record is, whose, and how many seconds it bills.
 */
#ifndef CCC_RATING_H
#define CCC_RATING_H

#include "faults.h"
#include "intake.h"
#include "numbers.h"
#include "rated_call.h"

typedef void (*RatedCallSink) (void *argument, const RatedCall *call);

extern void rate_records(const CallRecord *records, int n, const Source *source,
						 bool backfilled, Numbers *numbers, Faults *faults,
						 RatedCallSink sink, void *argument);
extern const char *rate_again(RatedCall *call, Numbers *numbers);
extern void trace_records(const CallRecord *records, int n, const Source *source,
						  Numbers *numbers, Faults *faults,
						  RatedCallSink sink, void *argument);

#endif							/* CCC_RATING_H */
