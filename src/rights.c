/*
 * rights.c
 *		As whom, and under which settings, the code runs.
 *
 * After an error the (sub)transaction's abort restores both, as it does for
 * core's referential integrity triggers.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "relation_news.h"
#include "rights.h"

#define PINNED_PATH "pg_catalog, pg_temp"

typedef struct Setting
{
	const char *name;
	const char *value;
} Setting;

/* What lets a plan made over an empty table be a scan of it all, or of a part. */
static const Setting planning[] = {
	{"enable_seqscan", "off"},	/* plans are kept while the ledger grows */
	{"enable_bitmapscan", "off"},
	{"jit", "off"},				/* scans that are off look dear enough for it */
};

/* What the name, the literal or the text form of a value depends on. */
static const Setting values[] = {
	{"search_path", PINNED_PATH},
	{"TimeZone", "UTC"},
	{"timezone_abbreviations", "Default"},
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"xmlbinary", "base64"},
	{"xmloption", "content"},
	{"array_nulls", "on"},
	{"quote_all_identifiers", "off"},
	{"standard_conforming_strings", "on"},
	{"backslash_quote", "safe_encoding"},
	{"transform_null_equals", "off"},
};

/* what else an expression may depend on, dear to set */
static const Setting locale[] = {
	{"lc_monetary", "C"},
	{"lc_numeric", "C"},
	{"lc_time", "C"},
	{"default_text_search_config", "pg_catalog.simple"},
};

/* what a session knows of the ledger's owner, until something of it changes */
static bool owner_known = false;
static Oid	ledger = InvalidOid;
static Oid	owner = InvalidOid;
static uint64 changes = 0;		/* invalidations seen */

static void
pin(const char *name, const char *value)
{
	if (strcmp(GetConfigOption(name, false, false), value) != 0)
		(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

static void
pin_all(const Setting *settings, int n)
{
	for (int i = 0; i < n; i++)
		pin(settings[i].name, settings[i].value);
}

/*
 * Pins what the extension's own SQL depends on. Returns the level to give to
 * unpin_settings().
 */
int
pin_settings(void)
{
	int			guc_level = NewGUCNestLevel();

	pin_all(planning, lengthof(planning));
	pin_row_security();
	pin_values();
	return guc_level;
}

/* Pins what the reading of values depends on, until the level ends that is open. */
void
pin_values(void)
{
	pin_all(values, lengthof(values));
}

/* The zone of times without one, for a table that has such; NULL: it has none. */
void
pin_time_zone(const char *time_zone)
{
	if (time_zone != NULL)
		pin("TimeZone", time_zone);
}

void
pin_locale(void)
{
	pin_all(locale, lengthof(locale));
}

/* An error rather than rows that are not seen. */
void
pin_row_security(void)
{
	pin("row_security", "off");
}

/* Whatever ran under the pinned settings, the session's are as before. */
void
unpin_settings(int guc_level)
{
	AtEOXact_GUC(false, guc_level);
}

/* Pins the path alone. Returns the level to give to unpin_settings(). */
int
pin_path(void)
{
	int			guc_level = NewGUCNestLevel();

	pin("search_path", PINNED_PATH);
	return guc_level;
}

/* OID of one of the extension's own tables or indexes. */
Oid
ccc_relation(const char *name)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid("ccc", false));

	if (!OidIsValid(relid))
		elog(ERROR, "relation \"ccc.%s\" does not exist", name);
	return relid;
}

static Oid
relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* Something of a table has changed, or (InvalidOid) of any. */
static void
forget_owner(Oid relid)
{
	changes++;
	if (!OidIsValid(relid) || relid == ledger)
		owner_known = false;
}

/* Of the ledger: as whom all is done that the writer may not. */
static Oid
ledger_owner(void)
{
	uint64		before = changes;

	if (owner_known)
		return owner;
	relation_news_to(forget_owner);
	ledger = ccc_relation("ledger");
	owner = relation_owner(ledger);
	owner_known = changes == before;
	return owner;
}

/*
 * Stays the writer. No setting is pinned: each own statement pins what it
 * depends on, and so do the evaluation of a mapping and what rows of own tables
 * run.
 */
void
rights_begin(Rights *rights)
{
	GetUserIdAndSecContext(&rights->writer, &rights->writer_context);
	rights->asked_context = rights->writer_context;
	rights->owner = ledger_owner();
}

/*
 * Where the writer's part is done as the table's owner; the ledger's is not
 * restricted by that.
 */
void
rights_begin_for(Rights *rights, const Caller *caller)
{
	rights_begin(rights);
	rights->asked_context = caller->context;
}

void
rights_as_owner(const Rights *rights)
{
	SetUserIdAndSecContext(rights->owner,
						   rights->asked_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
}

void
rights_as_writer(const Rights *rights)
{
	SetUserIdAndSecContext(rights->writer, rights->writer_context);
}

static void
refuse_owner(Oid relid)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("table \"%s\" belongs to another than what it is a partition of, or has as one",
					get_rel_name(relid)),
			 errdetail("Code of the one would run with the rights of the other."),
			 errhint("Give them one owner with ALTER TABLE ... OWNER TO.")));
}

/* A table with its partitions, which are locked; not what merely inherits from it. */
List *
with_partitions(Relation table, LOCKMODE lockmode)
{
	Oid			relid = RelationGetRelid(table);

	return table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ?
		find_all_inheritors(relid, lockmode, NULL) : list_make1_oid(relid);
}

/* What a table shares a mapping with: above it, and, to be locked, below it. */
static List *
relatives(Relation table, LOCKMODE lockmode)
{
	List	   *relids = with_partitions(table, lockmode);

	return table->rd_rel->relispartition ?
		list_concat(relids, get_partition_ancestors(RelationGetRelid(table))) : relids;
}

static void
refuse_missing_table(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("call table does not exist")));
}

/* A relation that a caller named by its oid, which may be anything. */
Relation
open_call_table(Oid relid, LOCKMODE lockmode)
{
	Relation	table = try_relation_open(relid, lockmode);

	if (table == NULL)
		refuse_missing_table();
	return table;
}

static void
check_acts_as_owner(Oid relid)
{
	if (!has_privs_of_role(GetUserId(), relation_owner(relid)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"%s\"", get_rel_name(relid)),
				 errhint("Do it as the table's owner, or as a member of the owning role.")));
}

/*
 * Raises unless the caller can act as a table's owner, as must who attaches it,
 * or it would lend out the owner's rights; and so must partitions and what they
 * are of, by having one owner. They are locked as the table is, for what
 * follows would else wait for a stronger lock than it has.
 */
void
check_table_owner(Relation table, LOCKMODE lockmode)
{
	Oid			owner = table->rd_rel->relowner;
	ListCell   *cell;

	check_acts_as_owner(RelationGetRelid(table));
	foreach(cell, relatives(table, lockmode))
		if (relation_owner(lfirst_oid(cell)) != owner)
			refuse_owner(lfirst_oid(cell));
}

/*
 * Runs what a table's owner may have written, its mapping, index expressions
 * and the casts and functions of its types, as that owner: it cannot get at the
 * caller's rights, nor leave a setting behind.
 */
Caller
become_table_owner(Relation table, LOCKMODE lockmode)
{
	Caller		caller;

	check_table_owner(table, lockmode);
	GetUserIdAndSecContext(&caller.role, &caller.context);
	SetUserIdAndSecContext(table->rd_rel->relowner, caller.context | SECURITY_RESTRICTED_OPERATION);
	caller.guc_level = NewGUCNestLevel();
	return caller;
}

void
become_caller(const Caller *caller)
{
	unpin_settings(caller->guc_level);
	SetUserIdAndSecContext(caller->role, caller->context);
}

/*
 * Locks a table of the caller's, with its partitions, as who makes its triggers
 * does, or who drops them. To be called before anything of the partitions is
 * read, which would lock them weakly, and keep others from locking them first.
 * Whoever attaches or detaches waits for others who do, by ccc.sources, before
 * keeping anybody from a table.
 */
PG_FUNCTION_INFO_V1(lock_call_table);
Datum
lock_call_table(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	LOCKMODE	lockmode = PG_GETARG_BOOL(1) ? AccessExclusiveLock : ShareRowExclusiveLock;
	Relation	table;

	PreventCommandIfReadOnly("LOCK TABLE");
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		refuse_missing_table();
	check_acts_as_owner(relid);
	LockRelationOid(ccc_relation("sources"), ShareRowExclusiveLock);
	table = open_call_table(relid, lockmode);
	(void) with_partitions(table, lockmode);
	relation_close(table, NoLock);
	PG_RETURN_VOID();
}
