/*
 * own_table.c
 *		Rows of the extension's own tables, found by an index, or where they were.
 *
 * What a foreign key's check or logical replication does: an index is read, and
 * nothing is planned or executed. Rights are not checked.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "storage/bufmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "own_table.h"
#include "relation_news.h"
#include "rights.h"

/* What a session knows of a table, until something of it changes. */
typedef struct Shape
{
	const char *name;
	const char *index_name;		/* NULL: the primary key's */
	bool		valid;
	Oid			relid;
	Oid			index;
	ScanKeyData equal[OWN_MAX_KEYS];	/* of its columns */
	ScanKeyData since[OWN_MAX_KEYS];
} Shape;

static Shape shapes[] = {
	[OWN_ACCOUNTS] = {.name = "accounts"},
	[OWN_LEDGER] = {.name = "ledger"},
	[OWN_NUMBERS] = {.name = "numbers"},
	[OWN_PACKAGES] = {.name = "packages",.index_name = "packages_by_end"},
	[OWN_OTHER_USAGE] = {.name = "other_usage"},
};

static uint64 changes = 0;		/* invalidations seen */

/*
 * What follows sees all that is committed by now, or by the transaction's
 * start where the isolation level has it so, and what was written before.
 */
void
own_snapshot_push(void)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
}

/* What follows sees all that is committed by now, whatever the isolation level. */
void
own_snapshot_push_latest(void)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
}

/* Something of a table has changed, or (InvalidOid) of any. */
static void
forget_shapes(Oid relid)
{
	changes++;
	for (int i = 0; i < lengthof(shapes); i++)
		if (!OidIsValid(relid) || relid == shapes[i].relid)
			shapes[i].valid = false;
}

static void
make_key(Relation index, int column, StrategyNumber strategy, ScanKey key)
{
	Oid			type = index->rd_opcintype[column];
	Oid			operator = get_opfamily_member(index->rd_opfamily[column], type, type, strategy);

	ScanKeyEntryInitialize(key, 0, column + 1, strategy, type,
						   index->rd_indcollation[column], get_opcode(operator), (Datum) 0);
}

/* It is of use once, at least: the table is locked. */
static void
learn_shape(Shape *shape, Relation rel)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	uint64		before = changes;
	Relation	index;

	list_free(RelationGetIndexList(rel));
	shape->index = shape->index_name == NULL ? rel->rd_pkindex : ccc_relation(shape->index_name);
	index = index_open(shape->index, RowExclusiveLock);
	for (int i = 0; i < Min(IndexRelationGetNumberOfKeyAttributes(index), OWN_MAX_KEYS); i++)
	{
		make_key(index, i, BTEqualStrategyNumber, &shape->equal[i]);
		make_key(index, i, BTGreaterEqualStrategyNumber, &shape->since[i]);
	}
	index_close(index, NoLock);
	MemoryContextSwitchTo(old);
	shape->valid = changes == before;
}

static Relation
open_by_name(OwnTableName name)
{
	Shape	   *shape = &shapes[name];
	Relation	rel;

	if (!shape->valid)
	{
		relation_news_to(forget_shapes);
		shape->relid = ccc_relation(shape->name);
	}
	rel = table_open(shape->relid, RowExclusiveLock);
	if (!shape->valid)
		learn_shape(shape, rel);
	return rel;
}

/* Opened, and closed, under one active snapshot: what it sees is read. */
OwnTable *
own_table_open(OwnTableName name)
{
	OwnTable   *table = palloc0_object(OwnTable);

	table->name = name;
	table->rel = open_by_name(name);
	table->snapshot = GetActiveSnapshot();
	table->row = table_slot_create(table->rel, NULL);
	table->context = CurrentMemoryContext;
	return table;
}

static void
end_scan(OwnTable *table)
{
	if (table->scan != NULL)
		index_endscan(table->scan);
	table->scan = NULL;
}

/* Its locks are the transaction's. */
void
own_table_close(OwnTable *table)
{
	end_scan(table);
	if (table->fetch != NULL)
		table_index_fetch_end(table->fetch);
	ExecDropSingleTupleTableSlot(table->row);
	if (table->written != NULL)
		ExecDropSingleTupleTableSlot(table->written);
	if (table->index != NULL)
		index_close(table->index, NoLock);
	table_close(table->rel, NoLock);
	pfree(table);
}

static void
begin_scan(OwnTable *table, KeyMatch match, int nkeys)
{
	const Shape *shape = &shapes[table->name];
	MemoryContext old = MemoryContextSwitchTo(table->context);

	end_scan(table);
	if (table->index == NULL)
		table->index = index_open(shape->index, RowExclusiveLock);
	memcpy(table->keys, shape->equal, nkeys * sizeof(ScanKeyData));
	if (match == KEY_LAST_SINCE)
		table->keys[nkeys - 1] = shape->since[nkeys - 1];
	table->nkeys = nkeys;
	table->match = match;
	table->scan = begin_index_scan(table->rel, table->index, table->snapshot, nkeys);
	MemoryContextSwitchTo(old);
}

/* Takes note of the first column of a key that is looked for. */
static void
note_key(OwnTable *table, Datum first)
{
	table->many |= table->searched && table->first != first;
	table->searched = true;
	table->first = first;
}

/*
 * Finds the rows whose key begins with some values, in the order of the key.
 * The same kind of search again is cheaper.
 */
void
own_table_find(OwnTable *table, KeyMatch match, int nkeys, const Datum *key)
{
	if (nkeys > 0)
		note_key(table, key[0]);
	else
		table->many = true;
	if (table->scan == NULL || table->match != match || table->nkeys != nkeys)
		begin_scan(table, match, nkeys);
	for (int i = 0; i < nkeys; i++)
		table->keys[i].sk_argument = key[i];
	index_rescan(table->scan, table->keys, nkeys, NULL, 0);
}

/* Whether the next version or two of a row may find no room in its page. */
static bool
is_nearly_full(OwnTable *table, Page page)
{
	Size		room = RelationGetTargetPageFreeSpace(table->rel, HEAP_DEFAULT_FILLFACTOR);

	return PageIsFull(page) || PageGetHeapFreeSpace(page) < Max(room, BLCKSZ / 10) / 2;
}

/*
 * Core removes dead versions from a page when it turns to it and less is free
 * than the fillfactor leaves: for a row of counters, each time. Here it finds
 * the page at hand, and removes them when half of that room is used up. Who looks
 * for many may write many of a page, and has them removed as core does.
 */
static void
prune(OwnTable *table, Buffer buffer)
{
	if (table->many || is_nearly_full(table, BufferGetPage(buffer)))
		heap_page_prune_opt(table->rel, buffer);
}

static void
turn_to_page(OwnTable *table, ItemPointer tid)
{
	IndexFetchHeapData *heap = (IndexFetchHeapData *) table->scan->xs_heapfetch;
	Buffer		before = heap->xs_cbuf;

	heap->xs_cbuf = ReleaseAndReadBuffer(before, table->rel, ItemPointerGetBlockNumber(tid));
	if (heap->xs_cbuf != before)
		prune(table, heap->xs_cbuf);
}

static bool
is_heap(const OwnTable *table)
{
	return table->rel->rd_tableam == GetHeapamTableAmRoutine();
}

static bool
find_next(OwnTable *table)
{
	bool		heap = is_heap(table);
	ItemPointer tid;

	while ((tid = index_getnext_tid(table->scan, ForwardScanDirection)) != NULL)
	{
		table->place = *tid;
		if (heap)
			turn_to_page(table, tid);
		if (index_fetch_heap(table->scan, table->row))
			return true;
	}
	return false;
}

/* The next row found, in table->row; false at the end. */
bool
own_table_next(OwnTable *table)
{
	/* what a scan allocates on its way lives as long as the scan */
	MemoryContext old = MemoryContextSwitchTo(table->context);
	bool		found = find_next(table);

	MemoryContextSwitchTo(old);
	if (found)
		slot_getallattrs(table->row);
	return found;
}

static bool
has_key(const TupleTableSlot *row, PlaceKey key)
{
	return DatumGetInt64(row->tts_values[0]) == key.account_id &&
		(key.number == 0 || DatumGetInt32(row->tts_values[1]) == key.number);
}

/* Puts a page at hand, which is pinned for that. */
static void
take_page(OwnTable *table, Buffer buffer)
{
	IndexFetchHeapData *heap;
	Buffer		before;

	if (table->fetch == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(table->context);

		table->fetch = table_index_fetch_begin(table->rel);
		MemoryContextSwitchTo(old);
	}
	heap = (IndexFetchHeapData *) table->fetch;
	before = heap->xs_cbuf;
	table_index_fetch_reset(table->fetch);
	heap->xs_cbuf = buffer;
	if (buffer != before)
		prune(table, buffer);
}

/*
 * Whether the row of a key is in table->row, for it is where one was found before.
 * The key's columns are the first of the table, and its primary key.
 */
bool
own_table_find_again(OwnTable *table, PlaceKey key)
{
	ItemPointerData place;
	Buffer		buffer;
	bool		more = false;

	note_key(table, Int64GetDatum(key.account_id));
	if (!is_heap(table) || !known_place_pin(table->rel, key, &place, &buffer))
		return false;
	take_page(table, buffer);
	if (!table_index_fetch_tuple(table->fetch, &place, table->snapshot, table->row, &more, NULL))
		return false;
	slot_getallattrs(table->row);
	return has_key(table->row, key);
}

/* The row found by an index has a key, by which it may be found again. */
void
own_table_keep_place(const OwnTable *table, PlaceKey key)
{
	if (is_heap(table))
		known_place_keep(key, &table->place, ((IndexFetchHeapData *) table->scan->xs_heapfetch)->xs_cbuf);
}

/*
 * The row of an account in a table with one for each, in table->row; false when
 * there is none.
 */
bool
own_table_get(OwnTable *table, int64 account_id)
{
	PlaceKey	key = {.account_id = account_id};
	Datum		value = Int64GetDatum(account_id);
	bool		found;

	if (own_table_find_again(table, key))
		return true;
	own_table_find(table, KEY_EQUAL, 1, &value);
	found = own_table_next(table);
	if (found)
		own_table_keep_place(table, key);
	return found;
}

/* A row that was found before, and that nobody has changed since, in table->row. */
void
own_table_fetch(OwnTable *table, ItemPointer place)
{
	if (!TTS_EMPTY(table->row) && ItemPointerEquals(&table->row->tts_tid, place))
		return;
	if (!table_tuple_fetch_row_version(table->rel, place, table->snapshot, table->row))
		elog(ERROR, "a row of table \"%s\" is gone", RelationGetRelationName(table->rel));
	slot_getallattrs(table->row);
}
