/*
 * trap.h
 *		Work that may fail for one record without failing the statement.
 */
#ifndef CCC_TRAP_H
#define CCC_TRAP_H

typedef void (*TrappedWork) (void *argument);

typedef bool (*AttemptedWork) (void *argument);

extern char *trap(TrappedWork work, void *argument, bool locale);
extern bool attempt(AttemptedWork work, void *argument);

#endif							/* CCC_TRAP_H */
