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

/* The one of a number's services that covers an instant, or NULL. */
static inline const Service *
service_at(const Service *services, TimestampTz at)
{
	for (const Service *service = services; service != NULL; service = service->next)
		if (service->since <= at && at < service->released_at)
			return service;
	return NULL;
}

/* A number, and when its service is asked for. */
typedef struct NumberAt
{
	int64		number;
	TimestampTz at;
} NumberAt;

typedef struct Numbers Numbers;

extern Numbers *numbers_begin(bool may_recall);
extern void numbers_forget(Numbers *numbers);
extern void numbers_load(Numbers *numbers, const int64 *wanted, int n);
extern void numbers_load_at(Numbers *numbers, const NumberAt *wanted, int n);
extern const Service *numbers_first(Numbers *numbers, int64 number);
extern const Service *numbers_find(Numbers *numbers, int64 number,
								   TimestampTz at);

#endif							/* CCC_NUMBERS_H */
