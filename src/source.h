/*
 * source.h
 *		Attached call tables: their mappings, parsed, kept for the session.
 */
#ifndef CCC_SOURCE_H
#define CCC_SOURCE_H

#include "mapping.h"
#include "rights.h"

typedef struct Source
{
	Oid			relid;			/* hash key: the table, or a partition, */
	Oid			role;			/* and who writes to it */
	Oid			cdr;			/* what was attached */
	bool		valid;
	bool		attached;		/* it, or what it is a partition of */
	MemoryContext context;		/* of all that follows */
	const char *fault;			/* why the mapping cannot be used, or NULL */
	const char *problem;		/* the fault in detail */
	char	   *time_zone;		/* of times without one, or NULL */
	bool		ignore_unknown;
	bool		keep_deleted;	/* deleting a record leaves its charge */
	int64		max_seconds;
	int64		max_ahead;
	bool		backfilling;	/* rows are backfilled that start from here on: */
	TimestampTz backfill_since;
	TimestampTz backfilled_at;	/* end of the latest backfill, if none is at work */
	Node	   *fields[NFIELDS];	/* NULL: not mapped */
	bool		uses_locale;	/* some do */
	List	   *relids;			/* of relations that they name, beside the table */
} Source;

extern void source_limits(Oid cdr, Source *source);
extern Source *source_get(Relation cdr, const Rights *rights);
extern Source *source_usable(Relation cdr, const Rights *rights);
extern bool source_attached(Relation cdr);
extern Oid	source_try(Relation cdr);
extern void source_pin(const Source *source);

#endif							/* CCC_SOURCE_H */
