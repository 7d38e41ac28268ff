/*
 * rights.c
 *		As whom, and under which settings, the code runs.
 *
 * After an error the (sub)transaction's abort restores both, as it does for
 * core's referential integrity triggers.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "rights.h"

#define PINNED_PATH "pg_catalog, pg_temp"

static void
pin(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Pins every setting that the text form or the name of a value depends on,
 * and those that let a plan made over an empty table be a scan of it all.
 * Returns the level to give to unpin_settings().
 */
int
pin_settings(void)
{
	int			guc_level = NewGUCNestLevel();

	pin("search_path", PINNED_PATH);
	pin("enable_seqscan", "off");	/* plans are kept while the ledger grows */
	pin("enable_bitmapscan", "off");
	pin("jit", "off");			/* scans that are off look dear enough for it */
	pin("TimeZone", "UTC");
	pin("DateStyle", "ISO, YMD");
	pin("IntervalStyle", "postgres");
	pin("extra_float_digits", "1");
	return guc_level;
}

/* The zone of times without one, for a table that has such. */
void
pin_time_zone(const char *time_zone)
{
	pin("TimeZone", time_zone);
}

void
unpin_settings(int guc_level)
{
	AtEOXact_GUC(true, guc_level);
}

/* OID of one of the extension's own tables. */
Oid
ccc_relation(const char *name)
{
	Oid			relid = get_relname_relid(name, get_namespace_oid("ccc", false));

	if (!OidIsValid(relid))
		elog(ERROR, "table \"ccc.%s\" does not exist", name);
	return relid;
}

/* A relation's name as SQL under the pinned search_path has to write it. */
char *
relation_sql_name(Relation relation)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
									  RelationGetRelationName(relation));
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

/* Pins the settings and stays the writer. */
void
rights_begin(Rights *rights)
{
	GetUserIdAndSecContext(&rights->writer, &rights->writer_context);
	rights->owner = relation_owner(ccc_relation("ledger"));
	rights->guc_level = pin_settings();
}

void
rights_as_owner(const Rights *rights)
{
	if (strcmp(namespace_search_path, PINNED_PATH) != 0)
		elog(ERROR, "search_path is not the pinned one");
	SetUserIdAndSecContext(rights->owner,
						   rights->writer_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
}

void
rights_as_writer(const Rights *rights)
{
	SetUserIdAndSecContext(rights->writer, rights->writer_context);
}

void
rights_end(const Rights *rights)
{
	rights_as_writer(rights);
	unpin_settings(rights->guc_level);
}
