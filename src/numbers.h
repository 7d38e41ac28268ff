/*
 * numbers.h
 *		Numbers in service: whose a number was at an instant.
 */
#ifndef CCC_NUMBERS_H
#define CCC_NUMBERS_H

#include "utils/timestamp.h"

#include "words.h"

typedef struct Service
{
	struct Service *next;		/* of the same number */
	TimestampTz since;
	TimestampTz paid_until;
	TimestampTz released_at;
	int64		account_id;
	Line		line;
	Owner		owner;
	int64		version;		/* of what the account's calls are rated by */
} Service;

typedef struct Numbers Numbers;

extern Numbers *numbers_begin(void);
extern void numbers_forget(Numbers *numbers);
extern void numbers_load(Numbers *numbers, const int64 *wanted, int n);
extern const Service *numbers_first(Numbers *numbers, int64 number);
extern const Service *numbers_find(Numbers *numbers, int64 number,
								   TimestampTz at);

#endif							/* CCC_NUMBERS_H */
