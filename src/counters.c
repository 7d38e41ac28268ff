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
#include "ledger.h"

/* columns of ccc.accounts, packages and other_usage, in order */
enum
{
	ACCOUNT_ID,
	ACCOUNT_OPENED_AT,
	ACCOUNT_LAST_POSTING_NO,
	ACCOUNT_LAST_ENTRY_NO,
	ACCOUNT_LAST_PURCHASE_NO,
	ACCOUNT_LAST_PACKAGE_NO,
	ACCOUNT_LAST_SESSION_NO,
	ACCOUNT_LAST_RATING_NO,
	ACCOUNT_LAST_OTHER_STRETCH,
	ACCOUNT_BALANCE,
	ACCOUNT_NAME,
	ACCOUNT_TIME_ZONE
};

enum
{
	PACKAGE_ACCOUNT_ID,
	PACKAGE_NO,
	PACKAGE_PURCHASE_NO,
	PACKAGE_GRANTED,
	PACKAGE_REFUNDED,
	PACKAGE_VALID_FROM,
	PACKAGE_VALID_UNTIL,
	PACKAGE_REFUNDED_AT,
	PACKAGE_STRETCH,
	PACKAGE_USED,
	PACKAGE_STRETCH_USED,
	PACKAGE_LAST_START,
	PACKAGE_PRICE,
	PACKAGE_PRODUCT,
	PACKAGE_POOL
};

enum
{
	USAGE_ACCOUNT_ID,
	USAGE_POOL,
	USAGE_STRETCH,
	USAGE_PACKAGE_NO,
	USAGE_BILLED,
	USAGE_LAST_START,
	USAGE_NCOLUMNS
};

static int
compare_accounts(const void *a, const void *b)
{
	int64		x = ((const LockedAccount *) a)->account_id;
	int64		y = ((const LockedAccount *) b)->account_id;

	return x < y ? -1 : x > y;
}

/* Gives out the number of a posting, which locks the account as well. */
static bool
number_posting(OwnTable *table)
{
	Datum	   *values;

	do
	{
		values = own_table_change(table);
		values[ACCOUNT_LAST_POSTING_NO] = Int64GetDatum(DatumGetInt64(values[ACCOUNT_LAST_POSTING_NO]) + 1);
		if (own_table_try_update(table))
			return true;
	} while (own_table_lock(table));
	return false;
}

/* An account that is not found may be too new for the snapshot. */
static void
check_not_newer(int64 account_id)
{
	OwnTable   *table;

	own_snapshot_push_latest();
	table = own_table_open(OWN_ACCOUNTS);
	if (own_table_get(table, account_id))
		check_not_outdated();
	own_table_close(table);
	PopActiveSnapshot();
}

static void
lock_account(OwnTable *table, LockedAccount *account)
{
	const Datum *values = table->row->tts_values;

	account->known = own_table_get(table, account->account_id) &&
		(account->post ? number_posting(table) : own_table_lock(table));
	if (!account->known)
	{
		check_not_newer(account->account_id);
		return;
	}
	account->version = account_version(table);
	account->posting_no = DatumGetInt64(values[ACCOUNT_LAST_POSTING_NO]) + 1;
	account->last_package_no = DatumGetInt32(values[ACCOUNT_LAST_PACKAGE_NO]);
	account->last_other_stretch = DatumGetTimestampTz(values[ACCOUNT_LAST_OTHER_STRETCH]);
	account->zone = named_zone(TextDatumGetCString(values[ACCOUNT_TIME_ZONE]));
}

/*
 * Locks accounts in ascending order, which they are in afterwards, and gives
 * out the numbers of their postings. Who holds an older snapshot of an
 * account's history gets a serialization failure here.
 */
void
ledger_lock_accounts(LockedAccount *accounts, int n)
{
	OwnTable   *table;

	own_snapshot_push();
	table = own_table_open(OWN_ACCOUNTS);
	qsort(accounts, n, sizeof(LockedAccount), compare_accounts);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		lock_account(table, &accounts[i]);
	}
	own_table_close(table);
	PopActiveSnapshot();
}

/* The version of what calls of the account found are rated by. */
int64
account_version(const OwnTable *accounts)
{
	return DatumGetInt64(accounts->row->tts_values[ACCOUNT_LAST_RATING_NO]);
}

/* A posting to an account that was locked for one. */
void
ledger_begin_posting(Ledger *ledger, const LockedAccount *locked, LedgerAccount *account)
{
	account->ledger = ledger;
	account->account_id = locked->account_id;
	account->posting_no = locked->posting_no;
	account->last_package_no = locked->last_package_no;
	account->last_other_stretch = locked->last_other_stretch;
	account->zone = locked->zone;
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
	found->held.changed = false;
	found->held.start = DatumGetTimestampTz(values[PACKAGE_STRETCH]);
	found->held.billed = DatumGetInt64(values[PACKAGE_STRETCH_USED]);
	found->held.last_start = DatumGetTimestampTz(values[PACKAGE_LAST_START]);
}

typedef struct PackageList
{
	PoolPackage *packages;
	int			n;
	int			room;
	TimestampTz since;			/* those that end after this */
} PackageList;

/* The row found, if it is one of the list: as a rule the last by now, or the first. */
static void
take_package(PackageList *list, const OwnTable *table)
{
	const Datum *values = table->row->tts_values;
	PoolPackage found;
	int			i;

	if (DatumGetTimestampTz(values[PACKAGE_VALID_UNTIL]) <= list->since)
		return;
	found.place = table->row->tts_tid;
	read_package(values, &found);
	list->packages = grow(CurrentMemoryContext, list->packages, list->n, &list->room, sizeof(PoolPackage));
	for (i = list->n++; i > 0 && package_order(&found.package, &list->packages[i - 1].package) < 0; i--)
		list->packages[i] = list->packages[i - 1];
	list->packages[i] = found;
}

/*
 * All that the account has, where they were before; false when one is not. The
 * last one that is read is at hand when it is written: let it be the oldest.
 */
static bool
find_packages_again(const LedgerAccount *account, PackageList *list)
{
	OwnTable   *table = account->ledger->packages;

	for (int number = account->last_package_no; number > 0; number--)
	{
		PlaceKey	place = {.account_id = account->account_id,.number = number};

		if (!own_table_find_again(table, place))
			return false;
		take_package(list, table);
	}
	return true;
}

/* Those of the list, or all, which are then to be found again. */
static void
find_packages(const LedgerAccount *account, PackageList *list, bool all)
{
	OwnTable   *table = account->ledger->packages;
	Datum		key[] = {
		Int64GetDatum(account->account_id),
		TimestampTzGetDatum(all ? DT_NOBEGIN : list->since)
	};

	own_table_find(table, KEY_LAST_SINCE, lengthof(key), key);
	while (own_table_next(table))
	{
		PlaceKey	place = {
			.account_id = account->account_id,
			.number = DatumGetInt32(table->row->tts_values[PACKAGE_NO])
		};

		take_package(list, table);
		if (all)
			own_table_keep_place(table, place);
	}
}

/*
 * The account's packages that end after an instant, in order. A few are found
 * again one by one; of many those that ended are not read at all.
 */
PoolPackage *
ledger_packages(const LedgerAccount *account, TimestampTz since, int *npackages)
{
	bool		few = account->last_package_no < PLACES_OF_ACCOUNT;
	PackageList list = {.since = since};

	if (!few || !find_packages_again(account, &list))
	{
		list.n = 0;
		find_packages(account, &list, few);
	}
	*npackages = list.n;
	return list.packages;
}

/* Most statements need none of it; for those that do it is open to their end. */
static OwnTable *
other_usage_of(Ledger *ledger)
{
	MemoryContext old;

	if (ledger->other_usage == NULL)
	{
		old = MemoryContextSwitchTo(GetMemoryChunkContext(ledger));
		ledger->other_usage = own_table_open(OWN_OTHER_USAGE);
		MemoryContextSwitchTo(old);
	}
	return ledger->other_usage;
}

/* What the calls of a stretch and later ones drew, by stretch, but for what packages hold. */
UsageRow *
ledger_other_usage(const LedgerAccount *account, const char *pool, TimestampTz since, int *nrows)
{
	OwnTable   *table;
	Datum		key[] = {
		Int64GetDatum(account->account_id),
		CStringGetTextDatum(pool),
		TimestampTzGetDatum(since)
	};
	UsageRow   *rows = NULL;
	int			room = 0;

	*nrows = 0;
	if (account->last_other_stretch < since)
		return NULL;
	table = other_usage_of(account->ledger);
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
		row->place = table->row->tts_tid;
	}
	return rows;
}

/* A row of other usage, new or in place of the one that was read. */
void
ledger_put_other_usage(LedgerAccount *account, const char *pool, UsageRow *row)
{
	OwnTable   *table = other_usage_of(account->ledger);
	bool		found = ItemPointerIsValid(&row->place);
	Datum	   *values;

	if (found)
		own_table_fetch(table, &row->place);
	values = found ? own_table_change(table) : own_table_new(table, USAGE_NCOLUMNS);
	values[USAGE_ACCOUNT_ID] = Int64GetDatum(account->account_id);
	values[USAGE_POOL] = CStringGetTextDatum(pool);
	values[USAGE_STRETCH] = TimestampTzGetDatum(row->stretch);
	values[USAGE_PACKAGE_NO] = Int32GetDatum(row->package_no);
	values[USAGE_BILLED] = Int64GetDatum(row->billed);
	values[USAGE_LAST_START] = TimestampTzGetDatum(row->last_start);
	if (found)
		own_table_update(table);
	else
		own_table_insert(table);
	account->last_other_stretch = Max(account->last_other_stretch, row->stretch);
}

/* Tells the account how late its other usage is. */
void
ledger_count_other_usage(const LedgerAccount *account)
{
	OwnTable   *table;
	Datum	   *values;

	own_snapshot_push();
	table = own_table_open(OWN_ACCOUNTS);
	if (!own_table_get(table, account->account_id))
		elog(ERROR, "account " INT64_FORMAT " is gone though it was locked", account->account_id);
	values = own_table_change(table);
	values[ACCOUNT_LAST_OTHER_STRETCH] = TimestampTzGetDatum(account->last_other_stretch);
	own_table_update(table);
	own_table_close(table);
	PopActiveSnapshot();
}

/* Adds what a package's calls drew (or gave back) to its counter, and puts down what the latest drew. */
void
ledger_put_package(const LedgerAccount *account, const Package *package,
				   const HeldUsage *held, ItemPointer place)
{
	OwnTable   *table = account->ledger->packages;
	Datum	   *values;

	own_table_fetch(table, place);
	values = own_table_change(table);
	values[PACKAGE_USED] = Int64GetDatum(DatumGetInt64(values[PACKAGE_USED]) + package->drawn);
	values[PACKAGE_STRETCH] = TimestampTzGetDatum(held->start);
	values[PACKAGE_STRETCH_USED] = Int64GetDatum(held->billed);
	values[PACKAGE_LAST_START] = TimestampTzGetDatum(held->last_start);
	own_table_update(table);
}
