/*
 * posting.h
 *		Rated calls posted to the ledger, account by account.
 */
#ifndef CCC_POSTING_H
#define CCC_POSTING_H

#include "faults.h"
#include "rating.h"
#include "row_exceptions.h"
#include "superseded.h"

typedef struct Posting Posting;

extern Posting *posting_begin(Faults *faults);
extern void posting_add(void *posting, const RatedCall *call);
extern void posting_concern(void *posting, const RatedCall *call);
extern void posting_concern_exceptions(Posting *posting, const OpenExceptions *exceptions);
extern void posting_concern_faults(Posting *posting);
extern bool posting_lock(Posting *posting, OpenExceptions *exceptions);
extern void posting_drop(Posting *posting);
extern void posting_post(Posting *posting, RowExceptions *unbilled,
						 Removals *removals);

#endif							/* CCC_POSTING_H */
