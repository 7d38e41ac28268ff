/*
 * catalogue.h
 *		Call rules and pools as rating needs them, kept for the session.
 */
#ifndef CCC_CATALOGUE_H
#define CCC_CATALOGUE_H

#include "utils/timestamp.h"

#include "increment.h"
#include "words.h"

typedef enum Treatment
{
	TREAT_CHARGE,
	TREAT_FREE,
	TREAT_REFUSE
} Treatment;

typedef struct CallRule
{
	Line		line;
	Owner		owner;
	Direction	direction;
	TimestampTz valid_from;
	Treatment	treatment;
	char	   *pool;			/* of TREAT_CHARGE */
} CallRule;

typedef struct Pool
{
	char	   *code;
	TimestampTz valid_from;
	BillingIncrement increment;
} Pool;

extern void catalogue_load(void);
extern void catalogue_forget(void);
extern const CallRule *catalogue_rule(Line line, Owner owner,
									  Direction direction, TimestampTz at);
extern const Pool *catalogue_pool(const char *code, TimestampTz at);

#endif							/* CCC_CATALOGUE_H */
