/*
 * source.h
 *		Attached call tables: their mappings, parsed, kept for the session.
 */
#ifndef CCC_SOURCE_H
#define CCC_SOURCE_H

#include "plain_mapping.h"
#include "rights.h"

typedef struct Source
{
	MemoryContext context;		/* of it, and of all that it points to */
	int			users;			/* statements that read rows by it */
	bool		kept;			/* for the next ones */
	bool		valid;
	Oid			relid;			/* the table, or a partition */
	Oid			cdr;			/* what was attached */
	bool		attached;		/* it, or what it is a partition of */
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
	bool		is_plain;		/* all are as in: */
	PlainField	plain[NFIELDS];
	bool		uses_locale;	/* some do */
	List	   *relids;			/* of relations that they name, beside the table */
} Source;

extern void source_limits(Oid cdr, Source *source);
extern const Source *source_get(Relation cdr, const Rights *rights);
extern const Source *source_usable(Relation cdr, const Rights *rights);
extern bool source_attached(Relation cdr);
extern Oid	source_try(Relation cdr);
extern void source_pin(const Source *source);

#endif							/* CCC_SOURCE_H */
