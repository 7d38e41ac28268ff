/*
 * plain_mapping.c
 *		Mappings that only name columns, read without an executor.
 *
 * Most do. Nothing that a row contains can make the reading of a column raise,
 * and no setting changes what it says: so it needs no subtransaction, and no
 * settings pinned. A mapping that does anything else is left to the executor.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"

#include "plain_mapping.h"

/* Types whose values are those of others by the same bytes are relabelled. */
static Node *
without_labels(Node *expr)
{
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return expr;
}

/*
 * The whole number that a cast of core's to numeric takes, and its type; a
 * column of another type by the same bytes is one as well. Else NULL.
 */
static Node *
widened_number(Node *expr, Oid *type)
{
	if (!IsA(expr, FuncExpr))
		return NULL;
	switch (((FuncExpr *) expr)->funcid)
	{
		case F_NUMERIC_INT2:
			*type = INT2OID;
			break;
		case F_NUMERIC_INT4:
			*type = INT4OID;
			break;
		case F_NUMERIC_INT8:
			*type = INT8OID;
			break;
		default:
			return NULL;
	}
	return without_labels(linitial(((FuncExpr *) expr)->args));
}

static bool
plain_field(Node *expr, Field field, PlainField *plain)
{
	Node	   *bare = without_labels(expr);
	Node	   *number = widened_number(bare, &plain->widened);

	plain->type = number != NULL ? INT8OID : exprType(expr);
	/* Unix time is computed, and may be out of range */
	if (field == FIELD_STARTED_AT && exprType(expr) != TIMESTAMPTZOID)
		return false;
	if (IsA(bare, Const))
	{
		plain->isnull = ((Const *) bare)->constisnull;
		plain->value = ((Const *) bare)->constvalue;
		return true;
	}
	if (number != NULL)
		bare = number;
	if (!IsA(bare, Var))
		return false;
	plain->column = ((Var *) bare)->varattno;
	return plain->column > 0;
}

/*
 * Whether all fields of a mapping are plain; what they are then. Constants stay
 * where they are, in the fields.
 */
bool
plain_mapping(Node *const *fields, PlainField *plain)
{
	for (int i = 0; i < NFIELDS; i++)
	{
		plain[i] = (PlainField) {.isnull = true};
		if (fields[i] != NULL && !plain_field(fields[i], i, &plain[i]))
			return false;
	}
	return true;
}

/* A row is taken apart up to here at once, rather than field by field. */
int
last_plain_column(const PlainField *plain)
{
	int			last = 0;

	for (int i = 0; i < NFIELDS; i++)
		last = Max(last, plain[i].column);
	return last;
}

/* What a row says of a field. */
Datum
plain_value(const PlainField *field, TupleTableSlot *row, bool *isnull)
{
	Datum		value;

	if (field->column == 0)
	{
		*isnull = field->isnull;
		return field->value;
	}
	value = slot_getattr(row, field->column, isnull);
	if (*isnull)
		return value;
	switch (field->widened)
	{
		case INT2OID:
			return Int64GetDatum(DatumGetInt16(value));
		case INT4OID:
			return Int64GetDatum(DatumGetInt32(value));
		default:
			return value;
	}
}
