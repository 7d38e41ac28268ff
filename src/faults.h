/*
 * faults.h
 *		Records that could not be rated, collected and kept as exceptions.
 */
#ifndef CCC_FAULTS_H
#define CCC_FAULTS_H

#include "intake.h"
#include "rated_call.h"

typedef struct Fault
{
	int64		row_no;
	const char *reason;			/* one of words.h */
	const char *detail;			/* or NULL */
	const char *call_id;		/* or NULL */
	int64		content;
	Direction	direction;
	bool		ignored;		/* no new exception */
	bool		has_account;
	int64		account_id;
	int64		number;			/* ours, if a side is told */
	const CallRecord *record;	/* what it says, or NULL */
	const RatedCall *rated;		/* of a conflicting repeat, or NULL */
} Fault;

typedef struct Faults
{
	MemoryContext context;
	Fault	   *items;
	int			n;
	int			room;
} Faults;

extern void faults_init(Faults *faults);
extern void faults_add(Faults *faults, const Fault *fault);
extern void faults_sort(Faults *faults);
extern void faults_store(Faults *faults, Oid cdr, Intake *intake);

#endif							/* CCC_FAULTS_H */
