/*
 * posting.h
 *		Rated calls posted to the ledger, account by account.
 */
#ifndef CCC_POSTING_H
#define CCC_POSTING_H

#include "faults.h"
#include "rating.h"

typedef struct Posting Posting;

extern Posting *posting_begin(Faults *faults);
extern void posting_add(void *posting, const RatedCall *call);
extern void posting_post(Posting *posting);

#endif							/* CCC_POSTING_H */
