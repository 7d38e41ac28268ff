/*
 * intake.h
 *		The rows that a statement stored, as call records.
 */
#ifndef CCC_INTAKE_H
#define CCC_INTAKE_H

#include "utils/tuplestore.h"

#include "call_record.h"
#include "source.h"
#include "words.h"

typedef struct Intake Intake;

extern Intake *intake_begin(const Source *source, Relation cdr,
							Tuplestorestate *rows);
extern bool intake_is_plain(const Intake *intake);
extern int	intake_at_hand(Intake *intake, int max, Size room);
extern CallRecord *intake_take(Intake *intake, int n);
extern void intake_rewind(Intake *intake);
extern Datum intake_row_as_json(Intake *intake, int64 row_no, char **problem);
extern void intake_end(Intake *intake);

#endif							/* CCC_INTAKE_H */
