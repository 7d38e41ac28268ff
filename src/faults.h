/*
 * faults.h
 *		Records that could not be rated, collected and kept as exceptions.
 */
#ifndef CCC_FAULTS_H
#define CCC_FAULTS_H

#include "intake.h"

typedef struct Fault
{
	int64		row_no;
	const char *reason;			/* one of words.h */
	const char *detail;			/* or NULL */
	const char *call_id;		/* or NULL */
	Direction	direction;
	bool		has_account;
	int64		account_id;
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
extern void faults_store(Faults *faults, Oid cdr, Intake *intake,
						 const Rights *rights);

#endif							/* CCC_FAULTS_H */
