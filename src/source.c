/*
 * source.c
 *		Attached call tables: their mappings, parsed, kept for the session.
 *
 * A mapping is parsed again when its table or ccc.sources changes, or another
 * relation that it names, and when any function, operator, type, label of an
 * enum, cast or schema does, for it may use them. One that cannot be parsed is
 * tried again at each statement: its rows are exceptions until then.
 *
 * What is kept may be outdated while a statement reads rows by it, however they
 * nest: then it is kept no more, and the last who uses it frees it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "relation_news.h"
#include "source.h"
#include "statement.h"
#include "trap.h"
#include "words.h"

#define MAX_KEPT 512			/* mappings */
#define MAX_LIMIT 1000000000	/* seconds; as ccc.sources has it */

/* what its names mean may depend on who asks */
typedef struct SourceKey
{
	Oid			relid;
	Oid			role;
} SourceKey;

typedef struct KeptSource
{
	SourceKey	key;			/* hash key */
	Source	   *source;
} KeptSource;

static HTAB *sources = NULL;
static uint64 changes = 0;		/* invalidations seen */
static Oid	sources_relid = InvalidOid;

/* the expressions first, in the order of Field */
static Statement select_source = {
	.query = "SELECT s.call_id, s.started_at, s.seconds, s.caller, s.callee, s.finished, s.direction,"
	" s.time_zone, s.unknown = 'ignore', s.max_seconds, s.max_ahead, s.on_delete = 'keep', s.cdr,"
	" s.backfill_since IS NOT NULL, COALESCE(s.backfill_since, '-infinity'),"
	" CASE WHEN s.backfill_since IS NULL THEN COALESCE(s.backfilled_at, '-infinity') ELSE 'infinity' END"
	" FROM ccc.sources AS s"
	" WHERE s.cdr = ANY (ARRAY(SELECT a.relid FROM pg_partition_ancestors($1) AS a) || $1)"
	" AND s.detached_at IS NULL ORDER BY s.cdr = $1, s.source_no LIMIT 1",
	.types = {"regclass"},
	.expected = SPI_OK_SELECT
};

static Statement select_limits = {
	.query = "SELECT s.max_seconds, s.max_ahead FROM ccc.sources AS s WHERE s.cdr = $1",
	.types = {"regclass"},
	.expected = SPI_OK_SELECT
};

static void
forget_source(Oid relid)
{
	HASH_SEQ_STATUS scan;
	KeptSource *kept;

	changes++;
	hash_seq_init(&scan, sources);
	while ((kept = hash_seq_search(&scan)) != NULL)
		if (!OidIsValid(relid) || relid == sources_relid || kept->key.relid == relid ||
			list_member_oid(kept->source->relids, relid))
			kept->source->valid = false;
}

static void
forget_all_sources(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_source(InvalidOid);
}

static void
sources_init(void)
{
	HASHCTL		control = {.keysize = sizeof(SourceKey), .entrysize = sizeof(KeptSource)};

	sources = hash_create("ccc sources", 16, &control, HASH_ELEM | HASH_BLOBS);
	relation_news_to(forget_source);
	CacheRegisterSyscacheCallback(PROCOID, forget_all_sources, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, forget_all_sources, (Datum) 0);
	CacheRegisterSyscacheCallback(TYPEOID, forget_all_sources, (Datum) 0);
	CacheRegisterSyscacheCallback(ENUMOID, forget_all_sources, (Datum) 0);
	CacheRegisterSyscacheCallback(CASTSOURCETARGET, forget_all_sources, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_all_sources, (Datum) 0);
}

static void
free_unused(Source *source)
{
	if (!source->kept && source->users == 0)
		MemoryContextDelete(source->context);
}

static void
keep_no_more(Source *source)
{
	source->kept = false;
	free_unused(source);
}

static void
end_use(void *argument)
{
	Source	   *source = argument;

	source->users--;
	free_unused(source);
}

/* It stays as it is until the current memory context ends. */
static const Source *
use(Source *source)
{
	MemoryContextCallback *callback = palloc_object(MemoryContextCallback);

	callback->func = end_use;
	callback->arg = source;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	source->users++;
	return source;
}

/* Drops what is outdated, of tables that are gone too, or all that is kept. */
static void
drop_sources(bool all)
{
	HASH_SEQ_STATUS scan;
	KeptSource *kept;

	hash_seq_init(&scan, sources);
	while ((kept = hash_seq_search(&scan)) != NULL)
	{
		Source	   *source = kept->source;

		if (!all && source->valid)
			continue;
		hash_search(sources, &kept->key, HASH_REMOVE, NULL);
		keep_no_more(source);
	}
}

typedef struct ParseJob
{
	Relation	cdr;
	Source	   *source;
	char	   *expressions[NFIELDS];
} ParseJob;

static void
parse_mapping(void *argument)
{
	ParseJob   *job = argument;
	Source	   *source = job->source;

	pin_time_zone(source->time_zone);
	for (int i = 0; i < NFIELDS; i++)
	{
		Node	   *expr;
		MemoryContext old;

		if (job->expressions[i] == NULL)
			continue;
		expr = mapping_parse(job->cdr, i, job->expressions[i],
							 source->time_zone != NULL);
		old = MemoryContextSwitchTo(source->context);
		source->fields[i] = copyObject(expr);
		source->uses_locale |= mapping_uses_locale(expr);
		source->relids = list_concat(source->relids, mapping_relations(expr));
		MemoryContextSwitchTo(old);
	}
}

/* What the table of sources says; false when the table is not attached. */
static bool
read_source(ParseJob *job)
{
	Source	   *source = job->source;
	Datum		relid = ObjectIdGetDatum(source->relid);
	char	   *time_zone;

	statement_look(&select_source, &relid);
	if (SPI_processed == 0)
		return false;
	for (int i = 0; i < NFIELDS; i++)
		job->expressions[i] = spi_text(0, i + 1);
	time_zone = spi_text(0, NFIELDS + 1);
	source->time_zone = time_zone == NULL ? NULL :
		MemoryContextStrdup(source->context, time_zone);
	source->ignore_unknown = DatumGetBool(spi_value(0, NFIELDS + 2));
	source->max_seconds = DatumGetInt64(spi_value(0, NFIELDS + 3));
	source->max_ahead = DatumGetInt64(spi_value(0, NFIELDS + 4));
	source->keep_deleted = DatumGetBool(spi_value(0, NFIELDS + 5));
	source->cdr = DatumGetObjectId(spi_value(0, NFIELDS + 6));
	source->backfilling = DatumGetBool(spi_value(0, NFIELDS + 7));
	source->backfill_since = DatumGetTimestampTz(spi_value(0, NFIELDS + 8));
	source->backfilled_at = DatumGetTimestampTz(spi_value(0, NFIELDS + 9));
	return true;
}

/* In a context under the current one, so that nothing stays after an error. */
static Source *
load_source(Relation cdr, const Rights *rights)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "ccc source",
												  ALLOCSET_SMALL_SIZES);
	Source	   *source = MemoryContextAllocZero(context, sizeof(Source));
	ParseJob	job = {.cdr = cdr, .source = source};
	uint64		before = changes;
	bool		attached;
	char	   *problem;

	source->context = context;
	source->relid = source->cdr = RelationGetRelid(cdr);
	source->fault = FAULT_NOT_ATTACHED;
	source->problem = "the table has the trigger, but no row in ccc.sources";

	sources_relid = ccc_relation("sources");
	rights_as_owner(rights);
	attached = read_source(&job);
	rights_as_writer(rights);
	if (!attached)
		return source;
	source->attached = true;

	problem = trap(parse_mapping, &job, true);
	source->fault = problem == NULL ? NULL : FAULT_MAPPING_FAILED;
	source->problem = problem == NULL ? NULL : MemoryContextStrdup(context, problem);
	source->is_plain = problem == NULL && plain_mapping(source->fields, source->plain);
	source->valid = problem == NULL && changes == before;
	return source;
}

/* In place of what is outdated, or of all when there is too much. */
static void
keep_source(const SourceKey *key, Source *source)
{
	KeptSource *kept;
	bool		found;

	drop_sources(false);
	if (hash_get_num_entries(sources) >= MAX_KEPT)
		drop_sources(true);
	kept = hash_search(sources, key, HASH_ENTER, &found);
	if (found)
		keep_no_more(kept->source);
	kept->source = source;
	source->kept = true;
	MemoryContextSetParent(source->context, CacheMemoryContext);
}

/* The source of a table, until the current memory context ends; SPI must be connected. */
const Source *
source_get(Relation cdr, const Rights *rights)
{
	SourceKey	key = {.relid = RelationGetRelid(cdr), .role = rights->writer};
	const KeptSource *kept;
	Source	   *source;

	if (sources == NULL)
		sources_init();
	kept = hash_search(sources, &key, HASH_FIND, NULL);
	if (kept != NULL && kept->source->valid)
		return use(kept->source);
	source = load_source(cdr, rights);
	keep_source(&key, source);
	return use(source);
}

/* Pins what the mapping's value depends on. */
void
source_pin(const Source *source)
{
	pin_values();
	if (source->uses_locale)
		pin_locale();
	pin_time_zone(source->time_zone);
}

/*
 * The source of a table whose rows are to be understood, all of them: raises
 * unless it is attached and its mapping can be used.
 */
const Source *
source_usable(Relation cdr, const Rights *rights)
{
	const Source *source = source_get(cdr, rights);

	if (source->fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 source->attached ?
				 errmsg("mapping of table \"%s\" cannot be used", RelationGetRelationName(cdr)) :
				 errmsg("table \"%s\" is not attached", RelationGetRelationName(cdr)),
				 errdetail_internal("%s.", source->problem),
				 errhint("Attach it with ccc.attach().")));
	return source;
}

/* Whether a table is attached, or a partition of one that is. */
bool
source_attached(Relation cdr)
{
	Rights		rights;

	AcceptInvalidationMessages();
	rights_begin(&rights);
	return source_get(cdr, &rights)->attached;
}

/*
 * What was attached, a table itself or what it is a partition of; raises where
 * no row of it can be understood by the current user: the mapping cannot be
 * used, its functions are not the user's to call, or what is constant in it
 * fails. That is no fault of the rows. What it pins stays so until the level ends
 * that is open.
 */
Oid
source_try(Relation cdr)
{
	Rights		rights;
	const Source *source;

	AcceptInvalidationMessages();
	rights_begin(&rights);
	source = source_usable(cdr, &rights);
	source_pin(source);
	for (int i = 0; i < NFIELDS; i++)
		if (source->fields[i] != NULL)
			mapping_prepare(source->fields[i], (Field) i);
	return source->cdr;
}

/*
 * What a record of a table may say, for rating it without its mapping; runs
 * as the ledger's owner. Where that is known no more, it allows all: its records
 * have been judged when they were stored.
 */
void
source_limits(Oid cdr, Source *source)
{
	Datum		value = ObjectIdGetDatum(cdr);

	memset(source, 0, sizeof(Source));
	source->max_seconds = source->max_ahead = MAX_LIMIT;
	statement_look(&select_limits, &value);
	if (SPI_processed > 0)
	{
		source->max_seconds = DatumGetInt64(spi_value(0, 1));
		source->max_ahead = DatumGetInt64(spi_value(0, 2));
	}
	SPI_freetuptable(SPI_tuptable);
}
