/*
 * statement.h
 *		SQL statements of the extension, planned once a session.
 */
#ifndef CCC_STATEMENT_H
#define CCC_STATEMENT_H

#include "executor/spi.h"
#include "utils/uuid.h"

#define STATEMENT_MAX_PARAMS 8

typedef struct Statement
{
	const char *query;			/* tables qualified, operators core's: see rights.h */
	const char *types[STATEMENT_MAX_PARAMS];	/* of $1, $2, …; NULL ends */
	int			expected;		/* what SPI_execute_plan returns */
	SPIPlanPtr	plan;
	Oid			ledger;			/* of the installation that it was planned for */
} Statement;

extern void statement_execute(Statement *statement, Datum *values);
extern void statement_execute_nulls(Statement *statement, Datum *values,
									const char *nulls);
extern void statement_look(Statement *statement, Datum *values);
extern Portal statement_open(Statement *statement, Datum *values);
extern void statement_fetch(Portal portal, long max);
extern Datum spi_value(uint64 row, int column);
extern char *spi_text(uint64 row, int column);
extern Datum bigint_array(const int64 *values, int n);
extern Datum uuid_array(const pg_uuid_t *values, int n);
extern Datum array_of(Datum *values, int n, Oid type);

#endif							/* CCC_STATEMENT_H */
