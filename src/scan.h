/*
 * scan.h
 *		The pieces from which the text forms of types are read.
 *
 * Pure: no palloc, no ereport, no locale.
 */
#ifndef CCC_SCAN_H
#define CCC_SCAN_H

#include "common/int.h"

typedef enum ScanResult
{
	SCAN_OK,
	SCAN_SYNTAX,
	SCAN_RANGE
} ScanResult;

static inline bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline void
scan_blanks(const char **s)
{
	while (is_blank(**s))
		(*s)++;
}

/* One or more digits, no sign; moves past all of them even when too large. */
static inline ScanResult
scan_digits(const char **s, int64 *value)
{
	bool		overflow = false;

	if (!is_digit(**s))
		return SCAN_SYNTAX;
	for (*value = 0; is_digit(**s); (*s)++)
	{
		overflow |= pg_mul_s64_overflow(*value, 10, value);
		overflow |= pg_add_s64_overflow(*value, **s - '0', value);
	}
	return overflow ? SCAN_RANGE : SCAN_OK;
}

#endif							/* CCC_SCAN_H */
