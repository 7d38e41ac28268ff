/*
 * catalogue.c
 *		Call rules and pools as rating needs them, kept for the session.
 *
 * A trigger on both tables sends the news of a change as an invalidation of
 * the table, which reaches every session before its next statement.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalogue.h"
#include "compat.h"
#include "relation_news.h"
#include "rights.h"
#include "statement.h"

static struct
{
	bool		registered;
	bool		valid;
	uint64		changes;		/* invalidations seen */
	Oid			rules_relid;
	Oid			pools_relid;
	MemoryContext context;
	CallRule   *rules;			/* latest valid_from first */
	int			nrules;
	Pool	   *pools;			/* latest valid_from first */
	int			npools;
} catalogue;

static Statement select_rules = {
	.query = "SELECT r.line = '400', r.owner = 'customer',"
	" r.direction = 'outbound', r.valid_from, r.treatment, r.pool"
	" FROM ccc.call_rules AS r ORDER BY r.valid_from DESC",
	.expected = SPI_OK_SELECT
};

static Statement select_pools = {
	.query = "SELECT p.code, p.valid_from, p.increment FROM ccc.pools AS p ORDER BY p.valid_from DESC",
	.expected = SPI_OK_SELECT
};

static void
catalogue_invalidate(Oid relid)
{
	if (!OidIsValid(relid) || relid == catalogue.rules_relid ||
		relid == catalogue.pools_relid)
	{
		catalogue.valid = false;
		catalogue.changes++;
	}
}

static Treatment
treatment_of(const char *word)
{
	if (strcmp(word, "charge") == 0)
		return TREAT_CHARGE;
	return strcmp(word, "free") == 0 ? TREAT_FREE : TREAT_REFUSE;
}

static void
load_rules(void)
{
	statement_look(&select_rules, NULL);
	catalogue.nrules = SPI_processed;
	catalogue.rules = MemoryContextAllocZero(catalogue.context,
											 Max(1, SPI_processed) * sizeof(CallRule));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		CallRule   *rule = &catalogue.rules[i];
		char	   *pool = spi_text(i, 6);

		rule->line = DatumGetBool(spi_value(i, 1)) ? LINE_400 : LINE_LANDLINE;
		rule->owner = DatumGetBool(spi_value(i, 2)) ? OWNER_CUSTOMER : OWNER_PLATFORM;
		rule->direction = DatumGetBool(spi_value(i, 3)) ? OUTBOUND : INBOUND;
		rule->valid_from = DatumGetTimestampTz(spi_value(i, 4));
		rule->treatment = treatment_of(spi_text(i, 5));
		if (pool != NULL)
			rule->pool = MemoryContextStrdup(catalogue.context, pool);
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
load_pools(void)
{
	statement_look(&select_pools, NULL);
	catalogue.npools = SPI_processed;
	catalogue.pools = MemoryContextAllocZero(catalogue.context,
											 Max(1, SPI_processed) * sizeof(Pool));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Pool	   *pool = &catalogue.pools[i];

		pool->code = MemoryContextStrdup(catalogue.context, spi_text(i, 1));
		pool->valid_from = DatumGetTimestampTz(spi_value(i, 2));
		pool->increment = increment_unpack(DatumGetInt64(spi_value(i, 3)));
	}
	SPI_freetuptable(SPI_tuptable);
}

/* Makes sure that the catalogue is at hand; runs as the ledger's owner. */
void
catalogue_load(void)
{
	uint64		changes;

	if (!catalogue.registered)
	{
		relation_news_to(catalogue_invalidate);
		catalogue.context = AllocSetContextCreate(TopMemoryContext,
												  "ccc catalogue",
												  ALLOCSET_SMALL_SIZES);
		catalogue.registered = true;
	}
	AcceptInvalidationMessages();
	if (catalogue.valid)
		return;

	changes = catalogue.changes;
	MemoryContextReset(catalogue.context);
	catalogue.nrules = catalogue.npools = 0;
	catalogue.rules_relid = ccc_relation("call_rules");
	catalogue.pools_relid = ccc_relation("pools");
	load_rules();
	load_pools();
	catalogue.valid = changes == catalogue.changes;
}

/*
 * The next load reads it anew. The news of a change may come a little later
 * than the locks of who made it show that it is there.
 */
void
catalogue_forget(void)
{
	catalogue.valid = false;
}

/* The rule in force at an instant, or NULL. */
const CallRule *
catalogue_rule(Line line, Owner owner, Direction direction, TimestampTz at)
{
	for (int i = 0; i < catalogue.nrules; i++)
	{
		const CallRule *rule = &catalogue.rules[i];

		if (rule->line == line && rule->owner == owner &&
			rule->direction == direction && rule->valid_from <= at)
			return rule;
	}
	return NULL;
}

/* The version of a pool in force at an instant, or NULL. */
const Pool *
catalogue_pool(const char *code, TimestampTz at)
{
	for (int i = 0; i < catalogue.npools; i++)
	{
		const Pool *pool = &catalogue.pools[i];

		if (strcmp(pool->code, code) == 0 && pool->valid_from <= at)
			return pool;
	}
	return NULL;
}

PG_FUNCTION_INFO_V1(catalogue_changed);
Datum
catalogue_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" was not called by trigger manager",
						"catalogue_changed")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	return PointerGetDatum(NULL);
}
