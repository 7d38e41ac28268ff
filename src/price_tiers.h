/*
 * price_tiers.h
 *		Price tiers: a unit price for each band of quantities.
 *
 * A band goes from its lower bound to just below the next one; the last has
 * no end.  Prices are kept as integers of a millionth of the currency unit.
 */
#ifndef CCC_PRICE_TIERS_H
#define CCC_PRICE_TIERS_H

#include "fmgr.h"

#define TIERS_MAX 1000
#define TIERS_PRICE_DECIMALS 6

/* Longest text of one tier: comma, blank, bound, colon, price, zero byte */
#define TIER_MAX_TEXT 48

typedef struct PriceTier
{
	int64		lower_bound;
	int64		unit_price;		/* in 10^-6, >= 0 */
} PriceTier;

typedef struct PriceTiers
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	int32		count;
	PriceTier	tier[FLEXIBLE_ARRAY_MEMBER];
} PriceTiers;

#define PRICE_TIERS_SIZE(n) \
	(offsetof(PriceTiers, tier) + (n) * sizeof(PriceTier))
#define DatumGetPriceTiers(x) ((PriceTiers *) PG_DETOAST_DATUM(x))
#define PG_GETARG_PRICE_TIERS(n) DatumGetPriceTiers(PG_GETARG_DATUM(n))

/* What may be wrong with price tiers. */
typedef enum TiersError
{
	TIERS_OK,
	TIERS_EMPTY,
	TIERS_SYNTAX,
	TIERS_DECIMALS,
	TIERS_RANGE,
	TIERS_SIGN,
	TIERS_GAP,
	TIERS_OVERLAP,
	TIERS_ORDER,
	TIERS_TOO_MANY
} TiersError;

/*
 * Reads a text form into tiers[], which has room for TIERS_MAX.  On failure
 * *count is the number, from 1, of the tier that is wrong.
 */
extern TiersError tiers_parse(const char *s, PriceTier *tiers, int *count);

/* Checks tiers[0..count-1]; on failure *where is the one that is wrong. */
extern TiersError tiers_check(const PriceTier *tiers, int count, int *where);

/* A sentence that says what an error means. */
extern const char *tiers_error_text(TiersError error);

/* Writes the canonical text of a price; returns its length. */
extern int	tiers_format_price(int64 price, char *buf);

/* The tier whose band holds a quantity, which must not be negative. */
extern const PriceTier *tiers_find(const PriceTiers *tiers, int64 quantity);

#endif							/* CCC_PRICE_TIERS_H */
