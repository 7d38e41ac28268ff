/*
 * mapping.h
 *		The mapping of a call table: SQL expressions that make a row a call.
 */
#ifndef CCC_MAPPING_H
#define CCC_MAPPING_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

typedef enum Field
{
	FIELD_CALL_ID,
	FIELD_STARTED_AT,
	FIELD_SECONDS,
	FIELD_CALLER,
	FIELD_CALLEE,
	FIELD_FINISHED,
	FIELD_DIRECTION
} Field;

#define NFIELDS (FIELD_DIRECTION + 1)

extern Node *mapping_parse(Relation cdr, Field field, const char *expression,
						   bool has_zone);
extern void mapping_prepare(Node *expr, Field field);
extern bool mapping_uses_locale(Node *expr);
extern List *mapping_relations(Node *expr);
extern Node *mapping_whole_row(Relation cdr, bool as_text, bool as_stored);

#endif							/* CCC_MAPPING_H */
