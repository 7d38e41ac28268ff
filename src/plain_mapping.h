/*
 * plain_mapping.h
 *		Mappings that only name columns, read without an executor.
 */
#ifndef CCC_PLAIN_MAPPING_H
#define CCC_PLAIN_MAPPING_H

#include "executor/tuptable.h"

#include "mapping.h"

/* A field that is a column or a constant. */
typedef struct PlainField
{
	AttrNumber	column;			/* 0: a constant */
	Oid			type;			/* of plain_value(): int8 for a whole number that becomes a numeric */
	Oid			widened;		/* the column's, of such a number, or InvalidOid */
	bool		isnull;			/* of a constant, as is value */
	Datum		value;
} PlainField;

extern bool plain_mapping(Node *const *fields, PlainField *plain);
extern int	last_plain_column(const PlainField *plain);
extern Datum plain_value(const PlainField *field, TupleTableSlot *row, bool *isnull);

#endif							/* CCC_PLAIN_MAPPING_H */
