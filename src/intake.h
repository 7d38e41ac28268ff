/*
 * intake.h
 *		The rows that a statement stored, as call records.
 */
#ifndef CCC_INTAKE_H
#define CCC_INTAKE_H

#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "source.h"
#include "words.h"

typedef struct CallRecord
{
	int64		row_no;			/* within the statement, from 0 */
	const char *problem;		/* why the row could not be mapped, or NULL */
	char	   *call_id;		/* NULL: none */
	char	   *caller;
	char	   *callee;
	char	   *direction;
	Numeric		seconds;		/* NULL: not known yet */
	TimestampTz started_at;
	bool		has_start;
	bool		finished;
} CallRecord;

typedef struct Intake Intake;

extern Intake *intake_begin(Source *source, Relation cdr,
							Tuplestorestate *rows);
extern int	intake_next(Intake *intake, CallRecord *records, int max);
extern void intake_rewind(Intake *intake);
extern Datum intake_row_as_json(Intake *intake, int64 row_no, char **problem);
extern void intake_end(Intake *intake);

#endif							/* CCC_INTAKE_H */
