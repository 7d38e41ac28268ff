/*
 * row_checks.h
 *		The constraints of the extension's own tables.
 */
#ifndef CCC_ROW_CHECKS_H
#define CCC_ROW_CHECKS_H

#include "executor/tuptable.h"
#include "utils/relcache.h"

extern void check_row(Relation rel, TupleTableSlot *row);

#endif							/* CCC_ROW_CHECKS_H */
