/*
 * row_calls.h
 *		What the constraints and indexes of a table call when a row is written.
 */
#ifndef CCC_ROW_CALLS_H
#define CCC_ROW_CALLS_H

#include "utils/relcache.h"

extern bool row_calls_others(Relation rel);

#endif							/* CCC_ROW_CALLS_H */
