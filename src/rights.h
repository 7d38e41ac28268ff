/*
 * rights.h
 *		As whom, and under which settings, the code runs.
 *
 * Mapping expressions and the reading of records run as the writer of the
 * records; only the extension's own SQL runs as the ledger's owner.
 */
#ifndef CCC_RIGHTS_H
#define CCC_RIGHTS_H

#include "utils/relcache.h"

typedef struct Rights
{
	Oid			writer;
	int			writer_context;
	Oid			owner;
	int			guc_level;
} Rights;

extern int	pin_settings(void);
extern void pin_values(void);
extern void pin_time_zone(const char *time_zone);
extern void pin_locale(void);
extern void unpin_settings(int guc_level);

extern void rights_begin(Rights *rights);
extern void rights_as_owner(const Rights *rights);
extern void rights_as_writer(const Rights *rights);
extern void rights_end(const Rights *rights);

extern Oid	ccc_relation(const char *name);
extern char *relation_sql_name(Relation relation);

#endif							/* CCC_RIGHTS_H */
