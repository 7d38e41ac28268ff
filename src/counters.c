/*
 * counters.c
 *		Accounts, packages and usage: what guards and sums up the ledger.
 *
 * The only file that changes them, but for what is bought. Runs as the
 * ledger's owner, without SQL: see own_table.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "grow.h"
#include "int64s.h"
#include "ledger.h"

/* columns of ccc.accounts, packages and usage, in order */
enum
{
	ACCOUNT_ID,
	ACCOUNT_OPENED_AT,
	ACCOUNT_LAST_POSTING_NO,
	ACCOUNT_LAST_ENTRY_NO,
	ACCOUNT_LAST_PURCHASE_NO,
	ACCOUNT_LAST_PACKAGE_NO,
	ACCOUNT_LAST_SESSION_NO,
	ACCOUNT_LAST_NUMBER_NO,
	ACCOUNT_BALANCE,
	ACCOUNT_NAME,
	ACCOUNT_TIME_ZONE
};

enum
{
	PACKAGE_ACCOUNT_ID,
	PACKAGE_NO,
	PACKAGE_PURCHASE_NO,
	PACKAGE_PRODUCT,
	PACKAGE_POOL,
	PACKAGE_PRICE,
	PACKAGE_GRANTED,
	PACKAGE_USED,
	PACKAGE_REFUNDED,
	PACKAGE_VALID_FROM,
	PACKAGE_VALID_UNTIL,
	PACKAGE_REFUNDED_AT
};

enum
{
	USAGE_ACCOUNT_ID,
	USAGE_POOL,
	USAGE_STRETCH,
	USAGE_PACKAGE_NO,
	USAGE_BILLED,
	USAGE_LAST_START
};

/*
 * Locks accounts in ascending order, without posting to them; gives how many
 * of them there are, and, where there is room, which, with the version of
 * their numbers. Who holds an older snapshot of an account's history gets a
 * serialization failure here.
 */
int
ledger_lock_accounts(int64 *accounts, int n, AccountVersion *locked)
{
	OwnTable   *table;
	int			nlocked = 0;

	own_snapshot_push();
	table = own_table_open("accounts");
	qsort(accounts, n, sizeof(int64), compare_int64);
	for (int i = 0; i < n; i++)
	{
		Datum		key = Int64GetDatum(accounts[i]);

		CHECK_FOR_INTERRUPTS();
		if (!own_table_get(table, 1, &key) || !own_table_lock(table))
			continue;
		if (locked != NULL)
		{
			locked[nlocked].account_id = accounts[i];
			locked[nlocked].version = account_version(table);
		}
		nlocked++;
	}
	own_table_close(table);
	PopActiveSnapshot();
	return nlocked;
}

/* The version of the numbers of the account found. */
int64
account_version(const OwnTable *accounts)
{
	return DatumGetInt64(accounts->row->tts_values[ACCOUNT_LAST_NUMBER_NO]);
}

/* A new posting to an account, which is locked; false: there is none such. */
bool
ledger_begin_posting(Ledger *ledger, int64 account_id, LedgerAccount *account)
{
	Datum		key = Int64GetDatum(account_id);
	Datum	   *values;

	if (!own_table_get(ledger->accounts, 1, &key))
		return false;
	values = own_table_change(ledger->accounts);
	account->ledger = ledger;
	account->account_id = account_id;
	account->posting_no = DatumGetInt64(values[ACCOUNT_LAST_POSTING_NO]) + 1;
	account->zone = stretch_zone(TextDatumGetCString(values[ACCOUNT_TIME_ZONE]));
	values[ACCOUNT_LAST_POSTING_NO] = Int64GetDatum(account->posting_no);
	own_table_update(ledger->accounts);
	return true;
}

static void
read_package(const Datum *values, PoolPackage *found)
{
	Package    *package = &found->package;

	found->pool = TextDatumGetCString(values[PACKAGE_POOL]);
	package->package_no = DatumGetInt32(values[PACKAGE_NO]);
	package->valid_from = DatumGetTimestampTz(values[PACKAGE_VALID_FROM]);
	package->valid_until = DatumGetTimestampTz(values[PACKAGE_VALID_UNTIL]);
	package->covers_until = Min(package->valid_until,
								DatumGetTimestampTz(values[PACKAGE_REFUNDED_AT]));
	package->remaining = DatumGetInt64(values[PACKAGE_GRANTED]) -
		DatumGetInt64(values[PACKAGE_REFUNDED]) - DatumGetInt64(values[PACKAGE_USED]);
	package->drawn = 0;
}

static int
compare_packages(const void *a, const void *b)
{
	return package_order(&((const PoolPackage *) a)->package,
						 &((const PoolPackage *) b)->package);
}

/* The account's packages that end after an instant, in order. */
PoolPackage *
ledger_packages(const LedgerAccount *account, TimestampTz since, int *npackages)
{
	OwnTable   *table = account->ledger->packages;
	Datum		key = Int64GetDatum(account->account_id);
	PoolPackage *packages = NULL;
	int			room = 0;

	*npackages = 0;
	own_table_find(table, KEY_EQUAL, 1, &key);
	while (own_table_next(table))
	{
		const Datum *values = table->row->tts_values;

		if (DatumGetTimestampTz(values[PACKAGE_VALID_UNTIL]) <= since)
			continue;
		packages = grow(CurrentMemoryContext, packages, *npackages, &room, sizeof(PoolPackage));
		read_package(values, &packages[(*npackages)++]);
	}
	if (*npackages > 1)
		qsort(packages, *npackages, sizeof(PoolPackage), compare_packages);
	return packages;
}

/* What the calls of a stretch and later ones drew, by stretch. */
UsageRow *
ledger_usage(const LedgerAccount *account, const char *pool, TimestampTz since, int *nrows)
{
	OwnTable   *table = account->ledger->usage;
	Datum		key[] = {
		Int64GetDatum(account->account_id),
		CStringGetTextDatum(pool),
		TimestampTzGetDatum(since)
	};
	UsageRow   *rows = NULL;
	int			room = 0;

	*nrows = 0;
	own_table_find(table, KEY_LAST_SINCE, lengthof(key), key);
	while (own_table_next(table))
	{
		const Datum *values = table->row->tts_values;
		UsageRow   *row;

		rows = grow(CurrentMemoryContext, rows, *nrows, &room, sizeof(UsageRow));
		row = &rows[(*nrows)++];
		row->stretch = DatumGetTimestampTz(values[USAGE_STRETCH]);
		row->package_no = DatumGetInt32(values[USAGE_PACKAGE_NO]);
		row->billed = DatumGetInt64(values[USAGE_BILLED]);
		row->last_start = DatumGetTimestampTz(values[USAGE_LAST_START]);
	}
	return rows;
}

void
ledger_put_usage(const LedgerAccount *account, const char *pool, const UsageRow *row)
{
	OwnTable   *table = account->ledger->usage;
	Datum		key[] = {
		Int64GetDatum(account->account_id),
		CStringGetTextDatum(pool),
		TimestampTzGetDatum(row->stretch),
		Int32GetDatum(row->package_no)
	};
	bool		found = own_table_get(table, lengthof(key), key);
	Datum	   *values = found ? own_table_change(table) : own_table_new(table);

	memcpy(values, key, sizeof(key));
	values[USAGE_BILLED] = Int64GetDatum(row->billed);
	values[USAGE_LAST_START] = TimestampTzGetDatum(row->last_start);
	if (found)
		own_table_update(table);
	else
		own_table_insert(table);
}

/* Adds what a package's calls drew (or gave back) to its counter. */
void
ledger_count_draws(const LedgerAccount *account, const Package *package)
{
	OwnTable   *table = account->ledger->packages;
	Datum		key[] = {
		Int64GetDatum(account->account_id),
		Int32GetDatum(package->package_no)
	};
	Datum	   *values;

	if (!own_table_get(table, lengthof(key), key))
		elog(ERROR, "package %d of account " INT64_FORMAT " is gone",
			 package->package_no, account->account_id);
	values = own_table_change(table);
	values[PACKAGE_USED] = Int64GetDatum(DatumGetInt64(values[PACKAGE_USED]) + package->drawn);
	own_table_update(table);
}
