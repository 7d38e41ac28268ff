/*
 * row_checks.h
 *		The constraints of the extension's own tables, and what runs with them.
 */
#ifndef CCC_ROW_CHECKS_H
#define CCC_ROW_CHECKS_H

#include "executor/tuptable.h"
#include "utils/relcache.h"

extern void check_row(Relation rel, TupleTableSlot *row);
extern int	pin_for_row(Relation rel);
extern void unpin_for_row(int guc_level);

#endif							/* CCC_ROW_CHECKS_H */
