/*
 * superseded.h
 *		Rows that are gone before the statement that stored them is billed.
 */
#ifndef CCC_SUPERSEDED_H
#define CCC_SUPERSEDED_H

#include "call_record.h"
#include "row_exceptions.h"

/* What statements inside the present one removed: entries from first to end. */
typedef struct Inside
{
	int			first;
	int			end;
	bool		known;			/* some of it had charges or exceptions */
} Inside;

/* What a statement removes, and how much of it is known. */
typedef struct Removals Removals;

extern Inside inside_begin(void);
extern bool inside_any(const Inside *inside);
extern bool inside_take(const Inside *inside, Oid cdr,
						const CallRecord *record, bool known_too);
extern void inside_again(const Inside *inside);
extern int *inside_set_aside(const Inside *inside);
extern void inside_put_back(const Inside *inside, int *taken);
extern void inside_end(const Inside *inside);

extern Removals *removals_begin(const Inside *inside);
extern void removals_add(Removals *removals, const CallRecord *record);
extern void removals_found(Removals *removals, int64 content,
						   int64 account_id, Direction direction);
extern void removals_found_exceptions(Removals *removals,
									  const RowExceptions *gone);
extern void removals_end(Removals *removals, Oid cdr, const Inside *inside);

#endif							/* CCC_SUPERSEDED_H */
