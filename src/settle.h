/*
 * settle.h
 *		Charges moved to where charging in call order would put them.
 */
#ifndef CCC_SETTLE_H
#define CCC_SETTLE_H

#include "pool_state.h"

extern void report_disagreement(const LedgerAccount *account);
extern int64 settle(LedgerAccount *account, PoolState *state);

#endif							/* CCC_SETTLE_H */
