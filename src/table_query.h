/*
 * table_query.h
 *		SQL that names a call table, and is about that table.
 */
#ifndef CCC_TABLE_QUERY_H
#define CCC_TABLE_QUERY_H

#include "nodes/params.h"
#include "utils/relcache.h"

extern char *table_sql_name(Relation table);
extern ParamListInfo table_query_params(Relation table, int n, const Oid *types, const Datum *values);

#endif							/* CCC_TABLE_QUERY_H */
