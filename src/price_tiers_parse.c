/*
 * price_tiers_parse.c
 *		The text form of price tiers, and the rules that any tiers obey.
 *
 * Pure: no palloc, no ereport, no locale.  Errors are codes, with the number
 * of the tier that is wrong.
 */
#include "postgres.h"

#include "price_tiers.h"
#include "scan.h"

static TiersError
tiers_error(ScanResult result)
{
	switch (result)
	{
		case SCAN_OK:
			return TIERS_OK;
		case SCAN_RANGE:
			return TIERS_RANGE;
		case SCAN_SYNTAX:
			break;
	}
	return TIERS_SYNTAX;
}

/* The digits after the point, as an integer of a millionth. */
static TiersError
scan_decimals(const char **s, int64 *micros)
{
	int			decimals = 0;

	if (!is_digit(**s))
		return TIERS_SYNTAX;
	for (*micros = 0; is_digit(**s); (*s)++)
	{
		if (++decimals > TIERS_PRICE_DECIMALS)
			return TIERS_DECIMALS;
		*micros = *micros * 10 + (**s - '0');
	}
	for (; decimals < TIERS_PRICE_DECIMALS; decimals++)
		*micros *= 10;
	return TIERS_OK;
}

static TiersError
scan_price(const char **s, int64 *price)
{
	TiersError	error;
	int64		micros = 0;

	error = tiers_error(scan_digits(s, price));
	if (error == TIERS_OK && **s == '.')
	{
		(*s)++;
		error = scan_decimals(s, &micros);
	}
	if (error != TIERS_OK)
		return error;
	if (pg_mul_s64_overflow(*price, INT64CONST(1000000), price) ||
		pg_add_s64_overflow(*price, micros, price))
		return TIERS_RANGE;
	return TIERS_OK;
}

/* One tier, 'lower bound : unit price', with blanks around its parts. */
static TiersError
scan_tier(const char **s, PriceTier *tier)
{
	TiersError	error;

	scan_blanks(s);
	error = tiers_error(scan_digits(s, &tier->lower_bound));
	if (error != TIERS_OK)
		return error;
	scan_blanks(s);
	if (**s != ':')
		return TIERS_SYNTAX;
	(*s)++;
	scan_blanks(s);
	error = scan_price(s, &tier->unit_price);
	scan_blanks(s);
	return error;
}

TiersError
tiers_parse(const char *s, PriceTier *tiers, int *count)
{
	TiersError	error;
	int			n = 0;

	*count = 1;
	scan_blanks(&s);
	if (*s == '\0')
		return TIERS_EMPTY;
	for (;;)
	{
		*count = n + 1;
		if (n == TIERS_MAX)
			return TIERS_TOO_MANY;
		error = scan_tier(&s, &tiers[n++]);
		if (error != TIERS_OK)
			return error;
		if (*s == '\0')
			break;
		if (*s++ != ',')
			return TIERS_SYNTAX;
	}
	return tiers_check(tiers, n, count);
}

TiersError
tiers_check(const PriceTier *tiers, int count, int *where)
{
	*where = 1;
	if (count < 1)
		return TIERS_EMPTY;
	if (tiers[0].lower_bound != 0)
		return TIERS_GAP;
	for (int i = 0; i < count; i++)
	{
		*where = i + 1;
		if (tiers[i].unit_price < 0)
			return TIERS_SIGN;
		if (i == 0)
			continue;
		if (tiers[i].lower_bound == tiers[i - 1].lower_bound)
			return TIERS_OVERLAP;
		if (tiers[i].lower_bound < tiers[i - 1].lower_bound)
			return TIERS_ORDER;
	}
	return TIERS_OK;
}

const char *
tiers_error_text(TiersError error)
{
	switch (error)
	{
		case TIERS_EMPTY:
			return "There must be at least one tier.";
		case TIERS_SYNTAX:
			return "It must read \"lower bound:unit price\", without sign or exponent, with a comma before the next.";
		case TIERS_DECIMALS:
			return "A unit price has at most " CppAsString2(TIERS_PRICE_DECIMALS) " decimals.";
		case TIERS_RANGE:
			return "The lower bound or the unit price is too large.";
		case TIERS_SIGN:
			return "A unit price must not be negative.";
		case TIERS_GAP:
			return "The first lower bound must be 0, or the quantities below it would have no price.";
		case TIERS_OVERLAP:
			return "The lower bound equals the one before, so that the bands overlap.";
		case TIERS_ORDER:
			return "The lower bound is less than the one before.";
		case TIERS_TOO_MANY:
			return "There may be at most " CppAsString2(TIERS_MAX) " tiers.";
		case TIERS_OK:
			break;
	}
	return "";
}

int
tiers_format_price(int64 price, char *buf)
{
	int64		scale = INT64CONST(1000000);
	int			length;

	length = sprintf(buf, INT64_FORMAT, price / scale);
	if (price % scale == 0)
		return length;
	length += sprintf(buf + length, ".%06d", (int) (price % scale));
	while (buf[length - 1] == '0')
		buf[--length] = '\0';
	return length;
}

const PriceTier *
tiers_find(const PriceTiers *tiers, int64 quantity)
{
	int			i = tiers->count - 1;

	while (i > 0 && tiers->tier[i].lower_bound > quantity)
		i--;
	return &tiers->tier[i];
}
