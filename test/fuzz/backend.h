/*
 * backend.h
 *		As much of a server as the types need, for fuzzing without one.
 *
 * Memory is malloc's, so that a sanitizer watches each allocation, and is freed
 * after each input. An error ends the function that raised it.
 */
#ifndef FUZZ_BACKEND_H
#define FUZZ_BACKEND_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

/*
 * A function's result, or false when it raised an error: one that says that
 * the input is wrong, for any other ends the program.
 */
extern bool call(PGFunction function, Datum argument, Datum *result);

extern void free_all(void);

/* Ends the program when what must be is not. */
extern void must(bool holds, const char *what);

#endif							/* FUZZ_BACKEND_H */
