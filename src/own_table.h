/*
 * own_table.h
 *		Rows of the extension's own tables, found and written.
 */
#ifndef CCC_OWN_TABLE_H
#define CCC_OWN_TABLE_H

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "known_places.h"

#define OWN_MAX_KEYS 4

typedef enum OwnTableName
{
	OWN_ACCOUNTS,
	OWN_LEDGER,
	OWN_NUMBERS,
	OWN_PACKAGES,
	OWN_OTHER_USAGE
} OwnTableName;

/* values of a key that rows have, or, the last one, that they start from */
typedef enum KeyMatch
{
	KEY_EQUAL,
	KEY_LAST_SINCE
} KeyMatch;

typedef struct OwnTable
{
	OwnTableName name;
	Relation	rel;
	Relation	index;			/* that rows are found by; NULL: none was looked for */
	Snapshot	snapshot;
	IndexScanDesc scan;			/* NULL: no rows are being read */
	ItemPointerData place;		/* of the row found, as the index has it */
	IndexFetchTableData *fetch; /* of rows found again, or NULL */
	bool		searched;		/* a key was looked for, */
	Datum		first;			/* beginning with this, the last time, */
	bool		many;			/* and another before it */
	ScanKeyData keys[OWN_MAX_KEYS];
	int			nkeys;
	KeyMatch	match;
	TupleTableSlot *row;		/* the row found, its values at hand */
	TupleTableSlot *written;	/* the row to write */
	MemoryContext context;
} OwnTable;

extern void own_snapshot_push(void);
extern void own_snapshot_push_latest(void);

extern OwnTable *own_table_open(OwnTableName name);
extern void own_table_close(OwnTable *table);

extern void own_table_find(OwnTable *table, KeyMatch match, int nkeys,
						   const Datum *key);
extern bool own_table_next(OwnTable *table);
extern bool own_table_get(OwnTable *table, int64 account_id);
extern bool own_table_find_again(OwnTable *table, PlaceKey key);
extern void own_table_keep_place(const OwnTable *table, PlaceKey key);
extern void own_table_fetch(OwnTable *table, ItemPointer place);

extern void check_not_outdated(void);
extern bool own_table_lock(OwnTable *table);
extern Datum *own_table_change(OwnTable *table);
extern bool own_table_try_update(OwnTable *table);
extern void own_table_update(OwnTable *table);
extern Datum *own_table_new(OwnTable *table, int ncolumns);
extern void own_table_insert(OwnTable *table);

#endif							/* CCC_OWN_TABLE_H */
