/*
 * known_places.h
 *		Where a session found rows of accounts and packages last.
 */
#ifndef CCC_KNOWN_PLACES_H
#define CCC_KNOWN_PLACES_H

#include "storage/buf.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

/* an account, and the number of one of its packages, or 0: of itself */
typedef struct PlaceKey
{
	int64		account_id;
	int32		number;
} PlaceKey;

#define PLACES_OF_ACCOUNT 8		/* numbers from here on are not kept */

extern bool known_place_pin(Relation rel, PlaceKey key, ItemPointer tid, Buffer *buffer);
extern void known_place_keep(PlaceKey key, const ItemPointerData *tid, Buffer buffer);

#endif							/* CCC_KNOWN_PLACES_H */
