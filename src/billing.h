/*
 * billing.h
 *		What came to a call table and what went, billed.
 */
#ifndef CCC_BILLING_H
#define CCC_BILLING_H

#include "utils/relcache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "rights.h"

/* What a backfill bills, which runs as the table's owner. */
typedef struct Backfill
{
	TimestampTz since;			/* calls that start from here on */
	Caller		caller;			/* who asked for it */
} Backfill;

extern void bill_rows(Relation cdr, Tuplestorestate *gone,
					  Tuplestorestate *stored, const Backfill *backfill);

#endif							/* CCC_BILLING_H */
