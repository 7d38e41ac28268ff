/*
 * rights.h
 *		As whom, and under which settings, the code runs.
 *
 * Mapping expressions and the reading of records run as the writer of the
 * records; only the extension's own SQL runs as the ledger's owner. Who looks
 * at records that others wrote lends the table's code no rights: that runs as
 * the table's owner.
 */
#ifndef CCC_RIGHTS_H
#define CCC_RIGHTS_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

typedef struct Rights
{
	Oid			writer;
	int			writer_context;
	Oid			owner;
	int			asked_context;	/* of the writer, or of who asked for a backfill */
} Rights;

/* Who asked for something that is done as a table's owner. */
typedef struct Caller
{
	Oid			role;
	int			context;
	int			guc_level;
} Caller;

extern int	pin_settings(void);
extern int	pin_path(void);
extern void pin_values(void);
extern void pin_time_zone(const char *time_zone);
extern void pin_locale(void);
extern void pin_row_security(void);
extern void unpin_settings(int guc_level);

extern void rights_begin(Rights *rights);
extern void rights_begin_for(Rights *rights, const Caller *caller);
extern void rights_as_owner(const Rights *rights);
extern void rights_as_writer(const Rights *rights);

extern Relation open_call_table(Oid relid, LOCKMODE lockmode);
extern List *with_partitions(Relation table, LOCKMODE lockmode);
extern void check_table_owner(Relation table, LOCKMODE lockmode);
extern Caller become_table_owner(Relation table, LOCKMODE lockmode);
extern void become_caller(const Caller *caller);

extern Oid	ccc_relation(const char *name);

#endif							/* CCC_RIGHTS_H */
