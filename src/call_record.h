/*
 * call_record.h
 *		A row of a call table, mapped: what the record says.
 */
#ifndef CCC_CALL_RECORD_H
#define CCC_CALL_RECORD_H

#include "utils/numeric.h"
#include "utils/timestamp.h"

/* Who calls, or is called. */
typedef struct Party
{
	char	   *text;			/* NULL: nothing is said */
	int64		number;			/* canonical; 0: the text is no number */
} Party;

typedef struct CallRecord
{
	int64		row_no;			/* within the statement, from 0 */
	const char *problem;		/* why the row could not be mapped, or NULL */
	bool		hashed;			/* content is known already */
	int64		content;
	char	   *call_id;		/* NULL: none */
	Party		caller;
	Party		callee;
	char	   *direction;
	Numeric		seconds;		/* NULL: not known yet */
	int64		whole_seconds;	/* the same, rounded up; -1: that cannot be */
	TimestampTz started_at;
	bool		is_whole;		/* the length is known to be whole_seconds, to the digit */
	bool		has_start;
	bool		finished;
} CallRecord;

extern Party party_of(char *text);
extern void record_lasts(CallRecord *record, Numeric seconds);
extern void record_lasts_whole(CallRecord *record, int64 seconds);
extern int64 record_content(const CallRecord *record);
extern bool record_matters(const CallRecord *record);
extern bool record_is_a_call(const CallRecord *record);

#endif							/* CCC_CALL_RECORD_H */
