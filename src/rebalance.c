/*
 * rebalance.c
 *		ccc.rebalance(): a pool of an account settled on request.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"

#include "compat.h"
#include "rights.h"
#include "settle.h"

PG_FUNCTION_INFO_V1(rebalance);
Datum
rebalance(PG_FUNCTION_ARGS)
{
	LockedAccount locked = {.account_id = PG_GETARG_INT64(0),.post = true};
	char	   *pool = text_to_cstring(PG_GETARG_TEXT_PP(1));
	TimestampTz since = PG_GETARG_TIMESTAMPTZ(2);
	int			guc_level = pin_settings();
	LedgerAccount account;
	PoolStates	states;
	PoolState  *state;
	Ledger	   *ledger;
	int64		moved = 0;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	ledger_lock_accounts(&locked, 1);
	ledger = ledger_begin();
	if (locked.known)
	{
		ledger_begin_posting(ledger, &locked, &account);
		pool_states_load(&states, &account, since);
		state = pool_state_named(&states, pool);
		state->unsettled = true;
		state->unsettled_since = state->since;
		moved = settle(&account, state);
		pool_states_store(&states);
		if (state->outdated)
			report_disagreement(&account);
	}
	ledger_end(ledger);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	unpin_settings(guc_level);
	PG_RETURN_INT64(moved);
}
