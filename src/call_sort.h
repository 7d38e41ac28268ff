/*
 * call_sort.h
 *		Rated calls in the order of their accounts and keys.
 */
#ifndef CCC_CALL_SORT_H
#define CCC_CALL_SORT_H

#include "rated_call.h"

typedef struct CallSort CallSort;

extern CallSort *call_sort_begin(void);
extern void call_sort_add(CallSort *sort, const RatedCall *call);
extern void call_sort_perform(CallSort *sort);

/* Moves to the next call, first to the first; false at the end. */
extern bool call_sort_next(CallSort *sort);

/* Of the call that it stands at. */
extern int64 call_sort_account(const CallSort *sort);
extern bool call_sort_has_id(const CallSort *sort, const char *call_id);
extern void call_sort_read(const CallSort *sort, RatedCall *call);

extern void call_sort_end(CallSort *sort);

#endif							/* CCC_CALL_SORT_H */
