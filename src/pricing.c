/*
 * pricing.c
 *		What a quantity costs under price tiers, exactly.
 *
 * Prices and quantities are int64, their products numeric: nothing here can
 * overflow or round.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/tuplestore.h"

#include "price_tiers.h"

PG_FUNCTION_INFO_V1(price_tiers_unit_price);
PG_FUNCTION_INFO_V1(price_tiers_volume_price);
PG_FUNCTION_INFO_V1(price_tiers_graduated_price);
PG_FUNCTION_INFO_V1(price_tiers_list);

static Datum
price_numeric(int64 price)
{
	return NumericGetDatum(int64_div_fast_to_numeric(price,
													 TIERS_PRICE_DECIMALS));
}

static Datum
price_of_units(int64 units, int64 price)
{
	return DirectFunctionCall2(numeric_mul,
							   NumericGetDatum(int64_to_numeric(units)),
							   price_numeric(price));
}

static Datum
trim_scale(Datum amount)
{
	return DirectFunctionCall1(numeric_trim_scale, amount);
}

static int64
get_quantity(FunctionCallInfo fcinfo)
{
	int64		quantity = PG_GETARG_INT64(1);

	if (quantity < 0)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("quantity must not be negative")));
	return quantity;
}

Datum
price_tiers_unit_price(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	int64		quantity = get_quantity(fcinfo);

	return trim_scale(price_numeric(tiers_find(tiers, quantity)->unit_price));
}

/* The whole quantity at the price of the band that holds it. */
Datum
price_tiers_volume_price(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	int64		quantity = get_quantity(fcinfo);

	return trim_scale(price_of_units(quantity,
									 tiers_find(tiers, quantity)->unit_price));
}

/* Each part of the quantity at the price of its own band. */
Datum
price_tiers_graduated_price(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	int64		quantity = get_quantity(fcinfo);
	Datum		total = NumericGetDatum(int64_to_numeric(0));

	for (int i = 0; i < tiers->count; i++)
	{
		const PriceTier *tier = &tiers->tier[i];
		int64		end = quantity;

		if (tier->lower_bound >= quantity)
			break;
		if (i + 1 < tiers->count)
			end = Min(end, tier[1].lower_bound);
		total = DirectFunctionCall2(numeric_add, total,
									price_of_units(end - tier->lower_bound,
												   tier->unit_price));
	}
	return trim_scale(total);
}

/* The tiers as rows. */
Datum
price_tiers_list(PG_FUNCTION_ARGS)
{
	PriceTiers *tiers = PG_GETARG_PRICE_TIERS(0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < tiers->count; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		values[0] = Int64GetDatum(tiers->tier[i].lower_bound);
		values[1] = trim_scale(price_numeric(tiers->tier[i].unit_price));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc,
							 values, nulls);
	}
	return (Datum) 0;
}
