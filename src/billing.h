/*
 * billing.h
 *		What came to a call table and what went, billed.
 */
#ifndef CCC_BILLING_H
#define CCC_BILLING_H

#include "utils/relcache.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

extern bool is_billed(Relation cdr);
extern Oid	backfilled_source(Relation cdr);
extern void bill_rows(Relation cdr, Tuplestorestate *gone,
					  Tuplestorestate *stored,
					  const TimestampTz *backfill_since);

#endif							/* CCC_BILLING_H */
