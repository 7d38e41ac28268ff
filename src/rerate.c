/*
 * rerate.c
 *		ccc.rerate(): billed calls rated again by the catalogue as it is now.
 */
#include "postgres.h"

#include "executor/spi.h"

#include "account_calls.h"
#include "catalogue.h"
#include "compat.h"
#include "ledger.h"
#include "numbers.h"
#include "rating.h"
#include "rights.h"
#include "statement.h"

/* for those who have rated calls of the account, and wait for it */
static Statement tell_raters = {
	.query = "SELECT ccc.rating_changed($1)",
	.types = {"bigint"},
	.expected = SPI_OK_SELECT
};

static Numbers *
numbers_of(const RatedCall *calls, int n)
{
	Numbers    *numbers = numbers_begin(false);
	int64	   *wanted = palloc_extended(Max(1, n) * sizeof(int64), MCXT_ALLOC_HUGE);

	for (int i = 0; i < n; i++)
		wanted[i] = calls[i].number;
	numbers_load(numbers, wanted, n);
	return numbers;
}

static bool
same_charge(const RatedCall *a, const RatedCall *b)
{
	if (a->billed != b->billed || a->pool == NULL || b->pool == NULL)
		return a->billed == b->billed && a->pool == b->pool;
	return strcmp(a->pool, b->pool) == 0;
}

/* Gives how many calls are charged otherwise than before. */
static int64
rerate_account(int64 account_id, TimestampTz since)
{
	LockedAccount account = {.account_id = account_id};
	Datum		value = Int64GetDatum(account_id);
	Faults		faults;
	RowExceptions none = {0};
	AccountCalls *changed;
	RatedCall  *calls;
	Numbers    *numbers;
	int			n;
	int64		count = 0;

	ledger_lock_accounts(&account, 1);
	if (!account.known)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("account " INT64_FORMAT " does not exist", account_id),
				 errhint("Open it with ccc.open_account().")));
	statement_execute(&tell_raters, &value);
	SPI_freetuptable(SPI_tuptable);
	calls = ledger_billed_calls(account_id, since, &n);
	numbers = numbers_of(calls, n);
	catalogue_load();
	faults_init(&faults);
	changed = account_calls_begin(&faults, &none, NULL);
	for (int i = 0; i < n; i++)
	{
		RatedCall	rated = calls[i];

		if (rate_again(&rated, numbers) != NULL || same_charge(&rated, &calls[i]))
			continue;
		rated.rerated = true;
		*account_calls_room(changed) = rated;
		count++;
	}
	if (count > 0)
	{
		account.post = true;
		ledger_lock_accounts(&account, 1);
		account_calls_post(changed, &account, false);
	}
	account_calls_end(changed);
	return count;
}

PG_FUNCTION_INFO_V1(rerate);
Datum
rerate(PG_FUNCTION_ARGS)
{
	Rights		rights;
	int64		count;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	rights_begin(&rights);
	rights_as_owner(&rights);
	count = rerate_account(PG_GETARG_INT64(0), PG_GETARG_TIMESTAMPTZ(1));
	rights_as_writer(&rights);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	PG_RETURN_INT64(count);
}
