/*
 * bands.h
 *		A band of quantities sold at one unit price, divided into offers.
 */
#ifndef CCC_BANDS_H
#define CCC_BANDS_H

#include "cover.h"

typedef struct Offers
{
	Offer	   *items;
	int			n;
	int			room;
} Offers;

/* False when a need of so many minutes costs more than can be counted. */
extern bool add_band(Offers *offers, const Offer *band, int64 need);

#endif							/* CCC_BANDS_H */
