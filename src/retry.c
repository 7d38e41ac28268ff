/*
 * retry.c
 *		What could not be rated is rated again: ccc.retry_exceptions(), and
 *		ccc.retry_suspended() for a renewal.
 *
 * From what the exceptions keep of the records, so that no code of a call
 * table's runs: mappings are not evaluated here.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"

#include "compat.h"
#include "exceptions.h"
#include "open_exceptions.h"
#include "posting.h"
#include "rights.h"
#include "trap.h"

#define ATTEMPTS 5				/* that let go what they locked */

/* Rates the records of one source; returns how many there were. */
static int
rate_source(const Retry *retries, int n, Numbers *numbers, Faults *faults, Posting *posting)
{
	CallRecord *records = palloc_extended(n * sizeof(CallRecord), MCXT_ALLOC_HUGE);
	Source		source;
	int			count = 0;

	while (count < n && retries[count].source == retries[0].source)
	{
		records[count] = retries[count].record;
		count++;
	}
	source_limits(retries[0].source, &source);
	rate_records(records, count, &source, false, numbers, faults, posting_add, posting);
	return count;
}

/*
 * Resolves what has no fault any more; gives how many that are. One that knew
 * of no side may have faults on both.
 */
static int64
resolve(const Retry *retries, int n, Faults *faults)
{
	pg_uuid_t  *billed = palloc_extended(n * sizeof(pg_uuid_t), MCXT_ALLOC_HUGE);
	int			nbilled = 0;
	int			next = 0;

	faults_sort(faults);
	for (int i = 0; i < n; i++)
	{
		const pg_uuid_t *id = &retries[i].exception_id;
		int			first = next;

		CHECK_FOR_INTERRUPTS();
		for (; next < faults->n && faults->items[next].row_no == i; next++)
			if (next == first)
				exceptions_still_open(id, &faults->items[next]);
			else
				exceptions_other_side(id, &faults->items[next]);
		if (next == first)
			billed[nbilled++] = *id;
	}
	exceptions_resolve(billed, nbilled, RESOLVED_BILLED);
	return nbilled;
}

/* NULL when that, or what they come to, is outdated by now. */
static Posting *
rate_these(const Retry *retries, int n, Faults *faults)
{
	Numbers    *numbers = numbers_begin(false);
	Posting    *posting = posting_begin(faults);
	OpenExceptions open;

	open_exceptions_init(&open);
	for (int i = 0; i < n; i++)
		open_exceptions_add(&open, &retries[i].exception_id,
							retries[i].has_account ? &retries[i].account_id : NULL);
	faults_init(faults);
	for (int i = 0; i < n;)
		i += rate_source(&retries[i], n - i, numbers, faults, posting);
	if (posting_lock(posting, &open))
		return posting;
	posting_drop(posting);
	return NULL;
}

typedef struct RetryJob
{
	const int64 *account_id;	/* of one account's suspended numbers, or NULL: all */
	int64		resolved;
} RetryJob;

/* False when what was found is outdated by now. */
static bool
retry_open(void *argument)
{
	RetryJob   *job = argument;
	Retry	   *retries;
	int			n;
	Faults		faults;
	Posting    *posting;
	RowExceptions none = {0};

	retries = job->account_id ? exceptions_suspended(*job->account_id, &n) : exceptions_to_retry(&n);
	if (n == 0)
		return true;
	posting = rate_these(retries, n, &faults);
	if (posting == NULL)
		return false;
	posting_post(posting, &none, NULL);
	job->resolved = resolve(retries, n, &faults);
	return true;
}

/*
 * As the ledger's owner. What was locked in vain is let go, for it may come
 * after what the next attempt locks first; but not for ever, lest others always
 * be faster.
 */
static int64
retry(const int64 *account_id)
{
	Rights		rights;
	RetryJob	job = {.account_id = account_id};
	bool		done = false;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	rights_begin(&rights);
	rights_as_owner(&rights);
	for (int i = 0; i < ATTEMPTS && !done; i++)
		done = attempt(retry_open, &job);
	while (!done)
		done = retry_open(&job);
	rights_as_writer(&rights);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	return job.resolved;
}

PG_FUNCTION_INFO_V1(retry_exceptions);
Datum
retry_exceptions(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(retry(NULL));
}

PG_FUNCTION_INFO_V1(retry_suspended);
Datum
retry_suspended(PG_FUNCTION_ARGS)
{
	int64		account_id = PG_GETARG_INT64(0);

	PG_RETURN_INT64(retry(&account_id));
}
